"""Quantities as planners write them ('12 s', '1e5 /yr', '10 Gbit/s'), read into SI floats and written back.

For the scenario's fields. Knows no scenario: only text, units and numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

YEAR_S = 365.25 * 86400.0
"""A Julian year in seconds."""

_EXACT = Context(prec=40, traps=[])
_LONG_TIMES = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "wk": 604_800, "yr": int(YEAR_S)}
_LONGEST_TEXT = 80
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PART = re.compile(rf"\s*({_NUMBER})\s*([^\s\d.+-][^\s\d]*)?")


@dataclass(frozen=True)
class Unit:
    """One unit: a value in it times `times`, divided by `over`, is the stored number. Decimal, so exact."""

    times: Decimal = Decimal(1)
    over: Decimal = Decimal(1)

    def read(self, value: Decimal) -> Decimal:
        """`value` of this unit as the stored number."""
        return _EXACT.divide(_EXACT.multiply(value, self.times), self.over)

    def write(self, stored: float) -> Decimal:
        """The stored number in this unit."""
        return _EXACT.divide(_EXACT.multiply(Decimal(repr(stored)), self.over), self.times)


@dataclass(frozen=True)
class Quantity:
    """One kind of quantity: what it is called, its units, the usual ones, and what is allowed."""

    noun: str
    units: Mapping[str, Unit]
    usual: tuple[str, ...]
    sums: bool = False
    minimum: float = 0.0
    maximum: float = math.inf

    def parse(self, given: object) -> float:
        """The stored number of `given` text; ValueError in a planner's words otherwise."""
        if isinstance(given, int | float) and not isinstance(given, bool):
            raise ValueError(self._needs_unit(given))
        if not isinstance(given, str) or not given.strip():
            raise ValueError(f"{self.noun} is a number with a unit, such as '12 {self.usual[0]}'")
        if len(given) > _LONGEST_TEXT:
            raise ValueError(f"{self.noun} is at most {_LONGEST_TEXT} characters long")
        parts = self._parts(given)
        total = float(sum(self.units[unit].read(value) for value, unit in parts))
        if not math.isfinite(total):
            raise ValueError(f"'{given}' is not a finite number")
        if not self.minimum <= total <= self.maximum or (self.minimum == 0.0 and min(parts)[0] < 0):
            raise ValueError(f"'{given}' {self._limits()}")
        return total

    def format(self, stored: float) -> str:
        """The shortest text that parses to exactly `stored`."""
        texts = [(f"{float(self.units[name].write(stored)):.15g}", name) for name in self.units]
        exact = [
            (number, name) for number, name in texts if float(self.units[name].read(Decimal(number))) == stored
        ]
        if not exact:
            name = self.usual[0]
            return f"{self.units[name].write(stored)} {name}"
        number, name = min(exact, key=lambda text: _clumsiness(text, self.usual[0]))
        return f"{number} {name}"

    def pattern(self) -> str:
        """A regular expression for editors; `parse` is stricter."""
        names = "|".join(re.escape(name) for name in self.units)
        return rf"^\s*({_NUMBER}\s*({names})\s*){'+' if self.sums else ''}$"

    def _parts(self, text: str) -> list[tuple[Decimal, str]]:
        parts: list[tuple[Decimal, str]] = []
        at = 0
        while at < len(text.rstrip()):
            match = _PART.match(text, at)
            if match is None or (parts and not self.sums):
                raise ValueError(
                    f"'{text}' is not {self.noun}: write a number and a unit, such as '12 {self.usual[0]}'"
                )
            value, unit = match.groups()
            if unit is None:
                raise ValueError(self._needs_unit(float(value)))
            if unit not in self.units:
                raise ValueError(f"unknown unit '{unit}' of {self.noun}; known: {', '.join(self.units)}")
            parts.append((Decimal(value), unit))
            at = match.end()
        return parts

    def _needs_unit(self, value: float) -> str:
        number = value * 100.0 if "%" in self.usual and abs(value) <= 1.0 else value
        choices = " or ".join(f"'{number:g} {unit}'" for unit in self.usual)
        return f"{self.noun} needs a unit: write {choices}"

    def _limits(self) -> str:
        if self.maximum == math.inf:
            return "must not be negative"
        unit = self.usual[0]
        low, high = (float(self.units[unit].write(bound)) for bound in (self.minimum, self.maximum))
        return f"must lie between {low:g} and {high:g} {unit}"


def _clumsiness(text: tuple[str, str], usual: str) -> tuple[bool, int, bool, int, bool]:
    """Sort key of a number and unit: few digits first, then numbers of at least 1, then short ones."""
    number, unit = text
    digits = re.sub(r"e.*|[-+.]", "", number).strip("0")
    small = 0.0 < abs(float(number)) < 1.0
    return "e-" in number, len(digits), small, len(number) + len(unit), unit != usual


def _scaled(base: str, prefixes: str, step: int = 1000, infix: str = "") -> dict[str, Unit]:
    names = [base] + [f"{prefix}{infix}{base}" for prefix in prefixes]
    return {name: Unit(Decimal(step) ** k) for k, name in enumerate(names)}


_BITS = {f"{name}/s": Unit(unit.times, Decimal(8)) for name, unit in _scaled("bit", "kMGT").items()}
_BYTES = _scaled("B", "kMGTP")
_BINARY = {name: unit for name, unit in _scaled("B", "KMGT", 1024, "i").items() if name != "B"}

_TIMES = {
    "us": Unit(over=Decimal(10**6)),
    "ms": Unit(over=Decimal(1000)),
    **{name: Unit(Decimal(s)) for name, s in _LONG_TIMES.items()},
}
_RATES = {f"/{name}": Unit(over=Decimal(s)) for name, s in _LONG_TIMES.items()}

DURATION = Quantity("a duration", _TIMES, ("s", "ms"), sums=True)
RATE = Quantity("a rate", _RATES, ("/s", "/yr"))
BYTES = Quantity("a data size", {**_BYTES, **_BINARY}, ("MB", "kB"))
BANDWIDTH = Quantity("a bandwidth", {**_BITS, **{f"{n}/s": u for n, u in _BYTES.items()}}, ("Gbit/s", "MB/s"))
FREQUENCY = Quantity("a frequency", _scaled("Hz", "kMG"), ("Hz", "kHz"))
FRACTION = Quantity("a fraction", {"%": Unit(over=Decimal(100))}, ("%",), maximum=1.0)
LATITUDE = Quantity("a latitude", {"deg": Unit()}, ("deg",), minimum=-90.0, maximum=90.0)
LONGITUDE = Quantity("a longitude", {"deg": Unit()}, ("deg",), minimum=-180.0, maximum=180.0)


def _reader(quantity: Quantity) -> Callable[[Any], float]:
    def read(given: Any) -> float:
        try:
            return quantity.parse(given)
        except ValueError as error:
            raise PydanticCustomError("quantity", "{text}", {"text": str(error)}) from None

    return read


def _schema(quantity: Quantity, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": quantity.pattern(), "examples": list(examples)})


def _positive(stored: float) -> float:
    if stored <= 0.0:
        raise PydanticCustomError("quantity", "must be more than 0")
    return stored


POSITIVE = AfterValidator(_positive)
"""Added to a quantity that must not be zero: `Annotated[Duration, POSITIVE]`."""

Duration = Annotated[
    float,
    BeforeValidator(_reader(DURATION)),
    PlainSerializer(DURATION.format, when_used="json"),
    _schema(DURATION, "30 s", "2 d 4 h"),
]
"""Stored in seconds."""

Rate = Annotated[
    float,
    BeforeValidator(_reader(RATE)),
    PlainSerializer(RATE.format, when_used="json"),
    _schema(RATE, "1e5 /yr", "0.5 /min"),
]
"""Stored per second."""

Bytes = Annotated[
    float,
    BeforeValidator(_reader(BYTES)),
    PlainSerializer(BYTES.format, when_used="json"),
    _schema(BYTES, "1 MB", "100 kB"),
]
"""Stored in bytes."""

Bandwidth = Annotated[
    float,
    BeforeValidator(_reader(BANDWIDTH)),
    PlainSerializer(BANDWIDTH.format, when_used="json"),
    _schema(BANDWIDTH, "10 Gbit/s", "100 MB/s"),
]
"""Stored in bytes per second."""

Frequency = Annotated[
    float,
    BeforeValidator(_reader(FREQUENCY)),
    PlainSerializer(FREQUENCY.format, when_used="json"),
    _schema(FREQUENCY, "2048 Hz", "16 kHz"),
]
"""Stored in hertz."""

Fraction = Annotated[
    float,
    BeforeValidator(_reader(FRACTION)),
    PlainSerializer(FRACTION.format, when_used="json"),
    _schema(FRACTION, "10 %", "0.1 %"),
]
"""Stored as a number between 0 and 1."""

Latitude = Annotated[
    float,
    BeforeValidator(_reader(LATITUDE)),
    PlainSerializer(LATITUDE.format, when_used="json"),
    _schema(LATITUDE, "40.52 deg"),
]
"""Stored in degrees, north positive."""

Longitude = Annotated[
    float,
    BeforeValidator(_reader(LONGITUDE)),
    PlainSerializer(LONGITUDE.format, when_used="json"),
    _schema(LONGITUDE, "9.42 deg"),
]
"""Stored in degrees, east positive."""
