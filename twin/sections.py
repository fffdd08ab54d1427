"""What every section of a scenario is made of: strictness, names, and numbers with an origin.

For twin.schema and its parts. Knows no particular section.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from twin.units import POSITIVE, Bandwidth, Bytes, Duration, Fraction

_NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Name = Annotated[str, StringConstraints(pattern=_NAME, max_length=64)]
"""Lower-case letters and digits, joined by '-'."""


def _listed(given: Any) -> Any:
    return (given,) if isinstance(given, str) else given


def _short(names: tuple[str, ...]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)


_ONE = {"type": "string", "pattern": _NAME}
Names = Annotated[
    tuple[Name, ...],
    Field(min_length=1),
    BeforeValidator(_listed),
    PlainSerializer(_short, when_used="json"),
    WithJsonSchema({"anyOf": [_ONE, {"type": "array", "items": _ONE, "minItems": 1}]}),
]
"""One name, or a list of them."""

_ANY = {"type": "string"}
Texts = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(_listed),
    PlainSerializer(_short, when_used="json"),
    WithJsonSchema({"anyOf": [_ANY, {"type": "array", "items": _ANY, "minItems": 1}]}),
]
"""One text, or a list of them."""


def or_default(default: Any) -> WrapValidator:
    """null stands for `default`, as where nothing is said."""
    return WrapValidator(lambda given, handler: default if given is None else handler(given))


Standing = Literal["measured", "published", "scaled", "assumed"]
PayloadKind = Literal["segment", "candidate"]

UNSOURCED = "given without a source"

T = TypeVar("T")


class Section(BaseModel):
    """A part of a scenario: strict, without unknown keys, never changed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Sourced(Section, Generic[T]):
    """An input number with its origin. A bare value counts as assumed, given without a source."""

    value: T
    standing: Standing
    """How far it can be trusted: measured, published, scaled from either, or assumed."""
    source: Annotated[str, StringConstraints(min_length=1)]
    """Where it comes from, in words."""
    low: T | None = None
    """Where it can hardly lie below, for studies of sensitivity; null: nobody says."""
    high: T | None = None
    """Where it can hardly lie above; given with 'low'."""

    @model_validator(mode="before")
    @classmethod
    def _wrap(cls, given: Any) -> Any:
        if isinstance(given, dict | Sourced):
            return given
        return {"value": given, "standing": "assumed", "source": UNSOURCED}

    @model_validator(mode="after")
    def _ranged(self) -> Sourced[T]:
        if (self.low is None) != (self.high is None):
            raise PydanticCustomError("range", "needs both 'low' and 'high', or neither")
        low, value, high = (cast(Any, number) for number in (self.low, self.value, self.high))
        if low is not None and not (low <= value <= high and low < high):
            raise PydanticCustomError("range", "the value must lie between 'low' and 'high'")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler(core)
        return {"anyOf": [handler.resolve_ref_schema(whole)["properties"]["value"], whole]}


SourcedDuration = Sourced[Duration]
SourcedBandwidth = Sourced[Annotated[Bandwidth, POSITIVE]]
SourcedBytes = Sourced[Bytes]
SourcedFraction = Sourced[Fraction]
