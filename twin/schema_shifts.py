"""The words for people on shift who vet candidates after data quality's first pass. Part of twin.schema.

The text under a field is its help in the JSON Schema and in editors. Knows no other section: which products there
are is in twin.checks_shifts.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from twin.sections import Names, Section, SourcedDuration
from twin.units import Fraction

_VETTING = SourcedDuration.model_validate(
    {"value": "20 min", "standing": "assumed", "source": "a placeholder; no figure of a shift's work is published"}
)


class Shifts(Section):
    """People who vet what data quality cannot settle in its first pass over candidates."""

    vetting: SourcedDuration = _VETTING
    """Time that one person takes for one candidate."""
    sure: Annotated[Fraction, Field(gt=0.5, lt=1.0)] = 0.95
    """A candidate that is a signal with at least this probability passes without a person, one that is none with
    at least this probability is rejected without one; all others are vetted."""
    of: Names | None = None
    """Products whose candidates are vetted, each candidate once; null: all products."""
