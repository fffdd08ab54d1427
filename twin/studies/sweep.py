"""The sweep: a scenario at every point of a grid, or at points of a sample, of what is varied. Runs nothing
itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, WithJsonSchema

from twin import words
from twin.phrases import bare, shown
from twin.scenario import Scenario
from twin.sections import Section
from twin.studies.axes import SCALES, Axis, Setting, axes, keys_of
from twin.studies.evaluation import Evaluate, Outcome, Point
from twin.studies.kinds import Asked, Found
from twin.studies.sequential import until
from twin.tree import Node, Problem, ScenarioError
from twin.written import text as yaml

Method = Literal["grid", "sobol", "latin-hypercube"]
MOST_POINTS = 100_000
_STREAM = b"sample"
_LONGEST_NAME = 24


_VALUES = {"type": "array", "minItems": 1}
_ENDS = {"type": ["number", "string"]}
_STEPS = {"type": "integer", "minimum": 2}
_SPAN = {"from": _ENDS, "to": _ENDS, "steps": _STEPS, "scale": {"enum": list(SCALES)}}
_RANGE = {"type": "object", "properties": _SPAN, "required": ["from", "to"], "additionalProperties": False}
_TOGETHER = {"type": "object", "additionalProperties": _VALUES}
Vary = Annotated[
    dict[str, Any],
    Field(min_length=1),
    WithJsonSchema({"type": "object", "additionalProperties": {"anyOf": [_VALUES, _RANGE, _TOGETHER]}}),
]
"""By dotted key its values: see twin.studies.axes, which reads them."""


class Sample(Section):
    """Which points of what is varied are run."""

    method: Method = "grid"
    """grid: all values with all others; sobol or latin-hypercube: so many points, spread evenly over the
    ranges."""
    points: Annotated[int, Field(ge=1, le=MOST_POINTS)] | None = None
    """How many, for a sample: of sobol a power of two."""


def check(asked: Asked) -> Sequence[Point]:
    """Every point, loaded; ScenarioError with everything that is wrong with any of them."""
    return points(asked.scenario, asked.node, asked.sample or Sample(), asked.seed)


def drive(asked: Asked, evaluate: Evaluate) -> Found:
    """Runs every point over the same replicas."""
    ready = asked.points or check(asked)
    outcomes = evaluated(asked, evaluate, ready)
    keys = keys_of(axes(asked.node))
    return Found(ready, outcomes, keys, (_answer(ready, outcomes),))


def evaluated(asked: Asked, evaluate: Evaluate, ready: Sequence[Point]) -> list[Outcome]:
    """Outcomes of the points over as many replicas as were asked for, or as precision needs."""
    if asked.precision is not None:
        return until(evaluate, ready, asked.precision)
    return list(evaluate(ready, range(asked.replicas)))


def points(scenario: Scenario, vary: Node, sample: Sample, seed: int) -> list[Point]:
    """The points of `vary`, a node of a study's tree or of planted values, in the order of the grid or the
    sample."""
    found = axes(vary)
    _check_sample(sample, found, vary)
    rows = _grid(found, vary) if sample.method == "grid" else _sample(found, vary, sample, seed)
    names, keys, problems = _names(found, rows, sample), keys_of(found), dict[str, Problem]()
    made: list[Point] = []
    for name, row in zip(names, rows, strict=True):
        changes = dict(zip(keys, (node for own in row for node in own), strict=True))
        try:
            made.append(Point(name, scenario.with_(changes), {key: given(node) for key, node in changes.items()}))
        except ScenarioError as error:
            problems |= {str(problem): problem for problem in error.problems}
    if problems:
        raise ScenarioError(problems.values())
    return made


def given(node: Node) -> str:
    """A value as it would be written in YAML, in one line."""
    plain = _listed(node.plain())
    if isinstance(plain, dict | list):
        return " ".join(yaml([plain]).strip()[1:-1].split())
    return shown(plain) if plain is None or isinstance(plain, bool) else bare(plain)


def _grid(found: Sequence[Axis], vary: Node) -> list[tuple[Setting, ...]]:
    n = int(np.prod([len(axis.settings) for axis in found], dtype=float))
    if n > MOST_POINTS:
        raise _wrong(vary, f"makes {n:,} points; at most {MOST_POINTS:,}: fewer values, or a sample")
    return list(product(*(axis.settings for axis in found)))


def _sample(found: Sequence[Axis], vary: Node, sample: Sample, seed: int) -> list[tuple[Setting, ...]]:
    if sample.points is None:
        raise _wrong(
            vary, f"a {sample.method} sample needs its number of points: sample: {{method: …, points: 64}}"
        )
    shares = _spread(sample.method, len(found), sample.points, seed)
    return [tuple(axis.at(float(share)) for axis, share in zip(found, row, strict=True)) for row in shares]


def _spread(method: Method, axes: int, n: int, seed: int) -> NDArray[np.float64]:
    """Points (point, axis) from 0 to 1, drawn by a stream of their own."""
    from scipy.stats import qmc

    rng = np.random.default_rng([seed, *_STREAM])
    if method == "sobol":
        drawn: NDArray[np.float64] = qmc.Sobol(axes, rng=rng).random_base2(n.bit_length() - 1)
        return drawn
    spread: NDArray[np.float64] = qmc.LatinHypercube(axes, rng=rng).random(n)
    return spread


def _check_sample(sample: Sample, found: Sequence[Axis], vary: Node) -> None:
    if sample.method == "grid":
        if sample.points is not None:
            raise _wrong(vary, "a grid has as many points as its values make: leave 'points' away")
        bare_ranges = [axis.name for axis in found if not axis.has_steps]
        if bare_ranges:
            raise _wrong(vary, f"the range of '{bare_ranges[0]}' needs 'steps' on a grid, such as steps: 5")
    n = sample.points or 1
    if sample.method == "sobol" and n & (n - 1):
        below = 1 << (n.bit_length() - 1)
        raise _wrong(vary, f"{n} points: those of Sobol come in powers of two, such as {below} or {2 * below}")


def _names(found: Sequence[Axis], rows: Sequence[tuple[Setting, ...]], sample: Sample) -> list[str]:
    """What points are called: by their values; those of a sample by number."""
    if sample.method != "grid":
        width = len(str(len(rows)))
        return [f"p{k:0{width}d}" for k in range(1, len(rows) + 1)]
    short = shortest([axis.name for axis in found])
    return [
        ", ".join(f"{short[axis.name]}={_brief(axis, own)}" for axis, own in zip(found, row, strict=True))
        for row in rows
    ]


def _brief(axis: Axis, own: Setting) -> str:
    texts = [given(node) for node in own]
    if any(isinstance(node.value, dict | list) for node in own) or max(map(len, texts)) > _LONGEST_NAME:
        return f"#{axis.settings.index(own) + 1}"
    return "/".join(texts)


def shortest(keys: Sequence[str]) -> dict[str, str]:
    """For each dotted path its last parts, as few as tell it from the others."""
    found = {}
    for key in keys:
        parts = key.split(".")
        for n in range(1, len(parts) + 1):
            tail = ".".join(parts[-n:])
            if sum(other == tail or other.endswith(f".{tail}") for other in keys) == 1:
                break
        found[key] = tail
    return found


def _answer(ready: Sequence[Point], outcomes: Sequence[Outcome]) -> str:
    """How many points meet the targets."""
    done = [outcome for outcome in outcomes if outcome.failure is None]
    failed = len(outcomes) - len(done)
    lost = f"; {words.count(failed, 'point')} failed" if failed else ""
    if not any(outcome.targets for outcome in done):
        return f"{words.count(len(ready), 'point')}{lost}."
    met = [outcome.name for outcome in done if all(target["verdict"] == "met" for target in outcome.targets)]
    open_ = [o.name for o in done if o.name not in met and all(t["verdict"] != "missed" for t in o.targets)]
    lost = f"; {len(open_):,} undecided (more replicas, or a longer horizon){lost}" if open_ else lost
    told = f"{len(met):,} of {words.count(len(done), 'point')} {'meets' if len(met) == 1 else 'meet'} every target"
    return f"{told}{f': {words.sequence(met)}' if 0 < len(met) <= 4 else ''}{lost}."


def _wrong(vary: Node, message: str) -> ScenarioError:
    return ScenarioError((Problem(vary.key if vary.key.line else vary.spot, "vary", message),))


def _listed(plain: Any) -> Any:
    """Tuples as lists, for YAML."""
    if isinstance(plain, Mapping):
        return {key: _listed(value) for key, value in plain.items()}
    return [_listed(value) for value in plain] if isinstance(plain, list | tuple) else plain
