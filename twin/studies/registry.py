"""Which kinds of studies there are: a new one is a file and a line here."""

from __future__ import annotations

from twin.studies import compared, influence, resilience, search, sensitivity, sweep
from twin.studies.kinds import Kind

KINDS: dict[str, Kind] = {
    "vary": Kind(
        sweep.Vary, sweep.drive, "a scenario at every value of what is varied, or at a sample", sweep.check
    ),
    "compare": Kind(
        compared.Compare, compared.drive, "cases of a scenario, paired by the same sky", compared.check
    ),
    "search": Kind(
        search.Search, search.drive, "the least that meets the targets, or what aims allow", search.check, False
    ),
    "sensitivity": Kind(
        sensitivity.Sensitivity, sensitivity.drive, "which inputs move the answer, and how far", sensitivity.check
    ),
    "resilience": Kind(
        resilience.Resilience, resilience.drive, "every part taken out for a while, one by one", resilience.check
    ),
    "influence": Kind(
        influence.Influence, influence.drive, "which keys had no influence on the run", influence.check, False
    ),
}
"""By the key of a study's YAML under which the kind is described."""
