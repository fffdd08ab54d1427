"""Fitted laws as values of a scenario: what --set takes, and an overlay that puts them into its stages.

A stage without pools gets a `wait`, one on pools a `time`; both are measured, with the log's digest as source. The
overlay changes nothing by itself: the values are its override 'measured', held against the scenario as it is.
Knows no log but by its name and digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twin.latencies.laws import Fit
from twin.latencies.legs import Leg
from twin.latencies.stamps import Log
from twin.phrases import unknown
from twin.scenario import Scenario
from twin.written import text as written

OVERRIDE = "measured"
"""What the overlay's override is called."""
_DIGITS = 12
"""Of the digest that are told."""


class TimerError(ValueError):
    """A law cannot become a time of this scenario: what is wrong, and what to do."""


def value(leg: Leg, law: Fit, log: Log) -> dict[str, str | float]:
    """A time as a scenario takes it; its source says where it comes from and how well it fits."""
    cut = f", {law.beyond} of them beyond {law.until_s:g} s" if law.beyond else ""
    source = (
        f"{log.name} (sha256 {log.sha256[:_DIGITS]}), {leg.pipeline}, {leg.start} to {leg.end}, n={law.n}{cut}; "
        f"Kolmogorov-Smirnov {law.distance:.3f}, p={law.probability:.2g}"
    )
    return {**_numbers(law), "standing": "measured", "source": source}


def option(stage: str, key: str, time: Mapping[str, Any]) -> str:
    """The same as what follows --set."""
    inner = ", ".join(f"{k}: {_quoted(k, v)}" for k, v in time.items())
    return f"stages.{stage}.{key}={{{inner}}}"


def key_of(scenario: Scenario, stage: str) -> str:
    """Which key of a stage holds its time; TimerError for a stage that runs a program, or is not there."""
    if stage not in scenario.stages:
        raise TimerError(f"--timer {stage}=…: {unknown('stage', stage, scenario.stages)}")
    given = scenario.stages[stage]
    if given.work is not None:
        raise TimerError(
            f"--timer {stage}=…: runs '{given.work}', which takes what was measured of it: name a timer"
        )
    return "time" if given.on else "wait"


def overlay(base: str, scenario: Scenario, times: Mapping[str, Mapping[str, Any]], about: str) -> str:
    """YAML of a scenario based on `base` whose override OVERRIDE sets the time of each stage in `times`."""
    changes = {f"stages.{stage}.{key_of(scenario, stage)}": dict(time) for stage, time in times.items()}
    plain = {
        "schema_version": 1,
        "name": f"{scenario.name[:50].strip('-')}-{OVERRIDE}",
        "based_on": base,
        "cases": {"as-is": [], OVERRIDE: [OVERRIDE]},
        "overrides": {OVERRIDE: changes},
    }
    head = f"# {about}\n#\n#   ettwin compare FILE\n#   ettwin run FILE --with {OVERRIDE}\n#\n"
    return head + written(plain)


def base_of(into: str, out: Path) -> str:
    """What `based_on` says for the scenario `into` in a file `out`; TimerError where it has none there."""
    from twin.loader import bundled, find

    path = find(into)
    if path in bundled().values():
        return path.stem
    if path.resolve().parent != out.resolve().parent:
        raise TimerError(f"--out {out}: a scenario is based on one beside it: put it into {path.resolve().parent}")
    return path.name


def asked(given: Sequence[str], legs: Sequence[str], scenario: Scenario) -> dict[str, str]:
    """The name of the leg that each stage of STAGE=PIPELINE/STAMP takes; TimerError for what there is not."""
    found: dict[str, str] = {}
    for text in given:
        stage, equals, name = text.partition("=")
        if not (stage and equals and name):
            raise TimerError(f"--timer {text}: write STAGE=PIPELINE/STAMP, such as settle=gstlal/alert")
        if name not in legs:
            raise TimerError(f"--timer {text}: {unknown('leg', name, legs)}")
        if stage in found:
            raise TimerError(f"--timer {text}: '{stage}' was given a law already")
        key_of(scenario, stage)
        found[stage] = name
    return found


def laws(wanted: Mapping[str, str], fits: Mapping[str, tuple[Leg, Fit | None]]) -> dict[str, tuple[Leg, Fit]]:
    """The leg and the law of each stage that is `asked` for; TimerError where a leg has none."""
    found: dict[str, tuple[Leg, Fit]] = {}
    for stage, name in wanted.items():
        leg, law = fits[name]
        if law is None and leg.n and leg.seconds.min() == leg.seconds.max():
            same = f"all are {leg.seconds[0]:g} s: --set stages.{stage}.wait='{leg.seconds[0]:g} s' says that"
            raise TimerError(f"--timer {stage}={name}: {name} needs no law, {same}")
        if law is None:
            raise TimerError(f"--timer {stage}={name}: {name} has too few latencies for a law ({leg.n})")
        found[stage] = leg, law
    return found


def _numbers(law: Fit) -> dict[str, str | float]:
    kind = law.law.law
    if kind == "exponential":
        return {"law": kind, "mean": _s(law.law.mean_s)}
    if kind == "gamma":
        return {"law": kind, "mean": _s(law.law.mean_s), "shape": float(f"{law.law.shape:.4g}")}
    median, p90 = _s(law.quantile(0.5)), _s(law.quantile(0.9))
    if median == p90:  # to four digits the same each time
        return {"value": median}
    return {"law": kind, "median": median, "p90": p90}


def _s(seconds: float) -> str:
    return f"{float(f'{seconds:.4g}'):g} s"


def _quoted(key: str, given: object) -> str:
    text = str(given)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if key == "source" else text
