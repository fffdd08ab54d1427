"""The words for how long something takes: the same each time, or by a law. Part of twin.schema_stages.

The text under a field is its help in the JSON Schema and in editors. Knows no other section.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, StringConstraints, model_validator
from pydantic_core import CoreSchema, PydanticCustomError

from twin.sections import UNSOURCED, Section, Standing
from twin.units import POSITIVE, Duration

_WAYS = {
    "exponential": (("mean",),),
    "weibull": (("median", "p90"), ("mean", "shape")),
    "lognormal": (("median", "p90"), ("mean", "shape")),
    "gamma": (("mean", "shape"),),
}
"""What each law is given by: one of these sets of numbers."""
_NUMBERS = ("median", "p90", "mean", "shape")


class Time(Section):
    """How long something takes. A bare duration counts as assumed, given without a source."""

    value: Duration | None = None
    """Each time; or leave it out and give a law."""
    law: Literal["exponential", "weibull", "lognormal", "gamma"] | None = None
    """Of a time that varies, cut at its 0.05 % and 99.95 % quantiles."""
    median: Annotated[Duration, POSITIVE] | None = None
    """Half take less. Of lognormal and weibull, with p90."""
    p90: Annotated[Duration, POSITIVE] | None = None
    """Nine of ten take less."""
    mean: Annotated[Duration, POSITIVE] | None = None
    """On average, before the cut. Of every law, with a shape except for exponential."""
    shape: Annotated[float, Field(ge=0.1, le=10)] | None = None
    """Of weibull and gamma their k; of lognormal the sigma of its logarithm."""
    standing: Standing
    """How far it can be trusted: measured, published, scaled from either, or assumed."""
    source: Annotated[str, StringConstraints(min_length=1)]
    """Where it comes from, in words."""
    low: Duration | None = None
    """Where a value can hardly lie below, for studies of sensitivity; null: nobody says."""
    high: Duration | None = None
    """Where it can hardly lie above; given with 'low'."""

    @model_validator(mode="before")
    @classmethod
    def _wrap(cls, given: Any) -> Any:
        if isinstance(given, dict | Time):
            return given
        return {"value": given, "standing": "assumed", "source": UNSOURCED}

    @model_validator(mode="after")
    def _one(self) -> Time:
        given = tuple(name for name in _NUMBERS if getattr(self, name) is not None)
        if self.law is None:
            if self.value is None or given:
                raise PydanticCustomError("time", "needs either 'value', or 'law' and its numbers")
        elif self.value is not None or given not in _WAYS[self.law]:
            ways = " or ".join(" and ".join(way) for way in _WAYS[self.law])
            raise PydanticCustomError("time", "{law} needs just {ways}", {"law": self.law, "ways": ways})
        if self.median is not None and self.p90 is not None and self.p90 <= self.median:
            raise PydanticCustomError("time", "p90 must be more than the median")
        if (self.low is None) != (self.high is None) or (self.low is not None and self.value is None):
            raise PydanticCustomError("time", "'low' and 'high' go together, beside a 'value'")
        if not _between(self.low, self.value, self.high):
            raise PydanticCustomError("time", "the value must lie between 'low' and 'high'")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler(core)
        return {"anyOf": [handler.resolve_ref_schema(whole)["properties"]["value"], whole]}


def _between(low: float | None, value: float | None, high: float | None) -> bool:
    """Whether a value lies in its range, where it has one."""
    if low is None or value is None or high is None:
        return True
    return low <= value <= high and low < high
