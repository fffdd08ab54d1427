"""How far an input may be from its value: the range in a study, that in the scenario, or a factor both ways.

Only inputs that are numbers are varied. For the kinds sensitivity and influence; knows no result.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from twin.phrases import unknown
from twin.scenario import Input, Scenario
from twin.sections import Section
from twin.studies.asking import made
from twin.tree import Problem, ScenarioError, Spot

ASSUMED = "assumed"
_NUMBER = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)(?: (\S+))?")


def _numeric(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise PydanticCustomError("end", "an end of a range is a number, with its unit where the input has one")
    return given


End = Annotated[Any, AfterValidator(_numeric)]


class Span(Section):
    """Where an input can hardly lie beyond."""

    low: End
    """As the input is written: '3 s', 0.5, 2."""
    high: End


@dataclass(frozen=True)
class Range:
    """An input by its dotted key, from `low` to `high` in the unit of its text; `logarithmic` where drawn so.

    `origin` says where the range comes from.
    """

    key: str
    value: float
    low: float
    high: float
    unit: str
    whole: bool
    logarithmic: bool
    origin: str

    def text(self, number: float) -> str:
        """A number of this input as YAML text."""
        shown = f"{round(number)}" if self.whole else f"{number:.12g}"
        return f"{shown} {self.unit}" if self.unit else shown

    def at(self, share: float) -> str:
        """The text of what lies at `share`, between 0 and 1, of the way from low to high."""
        if self.logarithmic:
            return self.text(self.low * (self.high / self.low) ** share)
        return self.text(self.low + (self.high - self.low) * share)


def chosen(scenario: Scenario, over: Sequence[str], kind: str) -> list[Input]:
    """The inputs that `over` names: by dotted key, everything below one, or all that are 'assumed'.

    Raises ScenarioError for a key that is no input, at the `over` of the study's `kind`.
    """
    inputs = scenario.inputs()
    found: dict[str, Input] = {}
    for name in over:
        own = [i for i in inputs if (i.standing == ASSUMED if name == ASSUMED else _below(i.key, name))]
        if not own and name != ASSUMED:
            message = unknown("input", name, [i.key for i in inputs])
            raise ScenarioError([Problem(Spot(kind), "over", message)])
        found |= {i.key: i for i in own}
    return list(found.values())


def ranges(
    scenario: Scenario, inputs: Sequence[Input], given: Mapping[str, Span], factor: float
) -> tuple[list[Range], dict[str, str]]:
    """The range of every input that can be varied; of the others by key why they cannot.

    A range in `given` goes before one in the scenario, and that before `factor` times more and less. Both ends are
    tried: the scenario must accept them. Raises ScenarioError for a range in `given` of what is no input.
    """
    keys = [i.key for i in inputs]
    for key in given:
        if key not in keys:
            raise ScenarioError([Problem(Spot("sensitivity"), f"ranges.{key}", unknown("input", key, keys))])
    found, left = [], {}
    for entry in inputs:
        try:
            found.append(_range(scenario, entry, given.get(entry.key), factor))
        except ScenarioError as error:
            if entry.key in given:
                raise
            left[entry.key] = error.problems[0].message
    return found, left


def number(text: str) -> tuple[float, str, bool] | None:
    """Number, unit and whether it is whole of an input's text; None where it is none."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    value, unit = float(match.group(1)), match.group(2) or ""
    return value, unit, not unit and re.fullmatch(r"[-+]?[0-9]+", match.group(1)) is not None


def _range(scenario: Scenario, entry: Input, span: Span | None, factor: float) -> Range:
    parsed = number(entry.value)
    if parsed is None:
        raise _not_varied(entry, "is a choice, not a number")
    if any(part.isdecimal() for part in entry.key.split(".")):
        raise _not_varied(entry, "stands in a list: give the list as a key of 'vary' instead")
    value, unit, whole = parsed
    if span is not None:
        low, high = (_end(entry, str(end), unit) for end in (span.low, span.high))
        found = Range(entry.key, value, low, high, unit, whole, False, "the study")
    elif (own := _own(scenario, entry.key)) is not None:
        low, high = (_end(entry, end, unit) for end in own)
        found = Range(entry.key, value, low, high, unit, whole, False, "the scenario")
    else:
        if value == 0.0:
            raise _not_varied(entry, "is 0: a factor leaves it so; give it a range")
        most = value * factor if unit != "%" else min(100.0, value * factor)
        low, high = sorted((value / factor, most))
        if whole:
            low, high = max(math.floor(low), 1.0), math.ceil(high)
        found = Range(
            entry.key, value, low, high, unit, whole, value > 0.0 and not whole, f"a factor of {factor:g}"
        )
    if not found.low < found.high:
        raise _not_varied(entry, f"has a range without width, from {found.text(found.low)} on")
    for end in (found.low, found.high):
        made(scenario, {entry.key: found.text(end)})
    return found


def _end(entry: Input, text: str, unit: str) -> float:
    """One end of a range as a number of the input's own unit."""
    parsed = number(text)
    if parsed is not None and parsed[1] == unit:
        return parsed[0]
    from twin import units

    kinds = (units.DURATION, units.RATE, units.BYTES, units.BANDWIDTH, units.FREQUENCY, units.FRACTION)
    kind = next((kind for kind in kinds if unit in kind.units), None)
    if kind is None or parsed is None or parsed[1] not in kind.units:
        raise _not_varied(entry, f"'{text}' is no end of its range: write it as the value, '{entry.value}'")
    return float(kind.units[unit].write(kind.parse(text)))


def _own(scenario: Scenario, key: str) -> tuple[str, str] | None:
    """The range beside a value in the scenario itself."""
    here: Any = scenario
    for part in key.split("."):
        here = here.get(part) if isinstance(here, Mapping) else getattr(here, part, None)
    if not isinstance(here, BaseModel) or getattr(here, "low", None) is None:
        return None
    plain = here.model_dump(mode="json")
    return str(plain["low"]), str(plain["high"])


def _not_varied(entry: Input, reason: str) -> ScenarioError:
    return ScenarioError([Problem(Spot("sensitivity"), f"ranges.{entry.key}", reason)])


def _below(key: str, name: str) -> bool:
    return key == name or key.startswith(f"{name}.")


Factor = Annotated[float, Field(gt=1.0, le=1000.0)]
