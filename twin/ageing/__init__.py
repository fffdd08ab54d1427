"""From data that drift and models that were measured on drifted data to what models decide as time goes by.

How fast data drift is the scenario's assumption; what that does to a model is measured (`ettwin measure --drift`).
Runs nothing: twin.controls.ageing carries it out.
"""

from __future__ import annotations
