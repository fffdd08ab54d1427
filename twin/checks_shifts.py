"""Rules about shifts: what is vetted is published. For twin.checks, where every rule is listed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from twin.checks_graph import publishing
from twin.phrases import Finding, unknown

if TYPE_CHECKING:
    from twin.scenario import Scenario


def _products(s: Scenario) -> Iterator[Finding]:
    """Products that are vetted are published, and named once."""
    if s.shifts is None or s.shifts.of is None:
        return
    sent = publishing(s)
    for k, product in enumerate(s.shifts.of):
        if product not in sent:
            yield ("shifts", "of", k), unknown("product", product, sent)
        elif product in s.shifts.of[:k]:
            yield ("shifts", "of", k), f"'{product}' is listed twice"


RULES = (_products,)
"""Every rule on shifts."""
