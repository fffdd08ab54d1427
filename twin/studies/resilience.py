"""The kind `resilience`: each site, pool, link and model taken out for a time, one after the other (N-1).

A **signal in time** is a detectable one that is published and not late. With a part taken out, fewer are in
time: the *damage* is by how many, per signal that merges while the part is out (paired, replica by replica; it
may exceed 1, for a backlog harms those that come later). The score is 1 less the mean damage over all single
failures, each weighted equally and cut to 0 … 1; the worst failure is named beside it. Knows no worker and no
file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from twin import places, words
from twin.estimates import mean
from twin.scenario import Scenario
from twin.schema_stages import Stage
from twin.schema_timeline import Failover, Mode
from twin.sections import Section
from twin.studies.asking import AS_IS, Ledger, by_name, made
from twin.studies.evaluation import Evaluate, Outcome, Point
from twin.studies.kinds import Asked, Found
from twin.studies.sequential import until
from twin.studies.stated import between
from twin.tree import ScenarioError
from twin.units import DURATION, POSITIVE, Duration

Part = Literal["sites", "pools", "links", "models"]
ENTRY = "n-minus-1"
"""Name of the entry of the timeline that takes a part out."""
Floats = NDArray[np.float64]


class Resilience(Section):
    """What is lost when one part of it is gone for a while: every part by itself."""

    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = ("sites", "pools", "links", "models")
    """What is taken out. A model is one that a stage runs, its fallback serves meanwhile; of a stage with several
    fallbacks each of these is taken out, too."""
    at: Duration
    """When, from the beginning of the run."""
    lasts: Annotated[Duration, POSITIVE]
    """For how long."""
    mode: Mode = "requeue"
    """What becomes of running work where a site or pool goes: it finishes (drain), waits again (requeue) or is
    lost."""
    failover: Failover | None = None
    """null: nobody notices, work is still sent there."""


def check(asked: Asked) -> None:
    """Raise ScenarioError when the parts are out after the end of the run, or nothing can be taken out."""
    section: Resilience = asked.section
    if section.at + section.lasts > asked.scenario.horizon:
        text = (
            f"parts are out until {words.duration(section.at + section.lasts)}: make the horizon longer than that"
        )
        raise ScenarioError([asked.scenario.problem("horizon", text)])
    if not failures(asked.scenario, section)[0]:
        raise ScenarioError(
            [asked.scenario.problem("sites", "there is nothing that could be taken out by itself")]
        )


def failures(scenario: Scenario, section: Resilience) -> tuple[dict[str, Point], dict[str, str]]:
    """A point for every part that can be taken out, by 'kind name'; of the others why they cannot."""
    found: dict[str, Point] = {}
    left: dict[str, str] = {}
    for kind, name, entry in _entries(scenario, section):
        label = f"{kind} {name}"
        if isinstance(entry, str):
            left[label] = entry
            continue
        try:
            found[label] = made(scenario, {f"timeline.{ENTRY}": json.dumps(entry)}, f"without {label}")
        except ScenarioError as error:
            left[label] = error.problems[0].message
    return found, left


def drive(asked: Asked, evaluate: Evaluate) -> Found:
    """Tables `failures` (a row per part, the worst first) and `score`."""
    check(asked)
    section: Resilience = asked.section
    ask = Ledger(evaluate)
    points, left = failures(asked.scenario, section)
    base = made(asked.scenario, {})
    n = asked.replicas
    if asked.precision is not None:
        until(ask, [base, *points.values()], asked.precision)
        n = max(ask.replicas(point) for point in (base, *points.values()))
    plain, *others = ask([base, *points.values()], range(n))
    share = section.lasts / asked.scenario.horizon
    rows = [_row(part, plain, outcome, share) for part, outcome in zip(points, others, strict=True)]
    table = pd.DataFrame(rows + [_left(part, reason) for part, reason in left.items()])
    table = table.sort_values("damage", ascending=False, kind="stable", na_position="last", ignore_index=True)
    damages = [damage(plain, outcome, share) for outcome in others]
    score = pd.DataFrame([_score(table, [one for one in damages if one is not None])])
    answer = _answer(table, score.iloc[0].to_dict(), section)
    tables = {"failures": table, "score": score}
    return Found(ask.points, ask.outcomes, (f"timeline.{ENTRY}",), answer, tables)


def in_time(outcome: Outcome) -> Floats | None:
    """Share of detectable signals that are in time, (replica,): not lost, and of those published not late.

    The share of late ones is that of all published signals: it is taken to be the same of detectable ones. None
    where a replica has no signal.
    """
    known = by_name(outcome)
    if outcome.failure is not None or not {"lost", "late"} <= known.keys():
        return None
    lost, late = known["lost"].values, known["late"].values
    late = np.where(np.isnan(late) & (lost >= 1.0), 0.0, late)  # nothing published, nothing late
    found: Floats = (1.0 - lost) * (1.0 - late)
    return found if np.isfinite(found).all() else None


def damage(plain: Outcome, without: Outcome, share: float) -> Floats | None:
    """How many fewer signals are in time, per signal of the time `share` in which the part is out, (replica,)."""
    before, after = in_time(plain), in_time(without)
    return None if before is None or after is None else (before - after) / share


def _entries(scenario: Scenario, section: Resilience) -> Iterator[tuple[str, str, dict[str, Any] | str]]:
    """Kind, name and the entry of the timeline that takes it out; or why there is none."""
    when = {"at": DURATION.format(section.at), "lasts": DURATION.format(section.lasts)}
    noticed = {} if section.failover is None else {"failover": section.failover.model_dump(mode="json")}
    computing = [name for name, site in scenario.sites.items() if site.pools]
    if "sites" in section.parts:
        for name in computing:
            yield "site", name, {"kind": "outage", "target": name, **when, "mode": section.mode, **_calm(noticed)}
    if "pools" in section.parts:
        for name in places.pool_names(scenario):
            yield "pool", name, {"kind": "outage", "target": name, **when, "mode": section.mode, **noticed}
    if "links" in section.parts:
        for a, b in combinations(scenario.sites, 2):
            yield "link", f"{a}--{b}", {"kind": "outage", "target": f"{a}--{b}", **when, **_calm(noticed)}
    if "models" in section.parts:
        for name, stage in scenario.stages.items():
            if stage.work is not None:
                yield "model", name, _model(scenario, name, when)
                yield from _rungs(name, stage, when)


def _model(scenario: Scenario, stage: str, when: Mapping[str, str]) -> dict[str, Any] | str:
    if scenario.stages[stage].fallback is None:
        return "has no fallback: without its model the stage stands still; taking out its pools shows that"
    return {"kind": "retraining", "of": stage, **when}


def _rungs(name: str, stage: Stage, when: Mapping[str, str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every fallback of a stage that has several."""
    rungs = stage.ladder[1:]
    for rung in rungs if len(rungs) > 1 else ():
        entry = {"kind": "withdrawal", "of": name, "model": rung.work, "runtime": rung.runtime}
        yield "model", f"{rung.work} of {name} on {rung.runtime}", {**entry, **when}


def _calm(noticed: Mapping[str, Any]) -> dict[str, Any]:
    """What waits at a site cannot leave it over links that are down: only pools are evacuated."""
    return {key: {**value, "evacuate": False} for key, value in noticed.items()}


def _row(part: str, plain: Outcome, without: Outcome, share: float) -> dict[str, Any]:
    row: dict[str, Any] = {"part": part, "point": without.name}
    before, after, apart = in_time(plain), in_time(without), damage(plain, without, share)
    row |= dict.fromkeys(("in_time", "damage", "damage_low", "damage_high", "recovery_s"), math.nan)
    if before is None or after is None or apart is None:
        blind = AS_IS if before is None else without.name
        return row | {"certain": False, "reason": without.failure or f"{blind} has replicas without a signal"}
    found = between(apart, by_name(without)["lost"].n)
    low, high = (math.nan if number is None else number for number in (found.low, found.high))
    back = by_name(without).get("recovery")
    row |= {"in_time": float(after.mean()), "damage": found.value, "damage_low": low, "damage_high": high}
    row["recovery_s"] = math.nan if back is None else float(np.mean(back.values))
    grows = f"the queue of {', '.join(without.saturated)} still grows at the end" if without.saturated else ""
    reason = "; ".join(filter(None, (grows, found.reason)))
    return row | {"certain": bool(low > 0.0 or high < 0.0), "reason": reason}


def _left(part: str, reason: str) -> dict[str, Any]:
    numbers = dict.fromkeys(("in_time", "damage", "damage_low", "damage_high", "recovery_s"), math.nan)
    return {"part": part, "point": "", **numbers, "certain": False, "reason": f"not taken out: {reason}"}


def _score(table: pd.DataFrame, damages: Sequence[Floats]) -> dict[str, Any]:
    """score with its 95 % interval, the worst part and its damage, how many failures it is over."""
    row = dict.fromkeys(("score", "score_low", "score_high"), math.nan)
    worst = {"worst": "", "worst_damage": math.nan, "failures": len(damages)}
    if not damages:
        return {**row, **worst}
    found = mean(np.mean([1.0 - one for one in damages], axis=0), len(damages))
    cut = float(np.mean([min(1.0, max(0.0, float(one.mean()))) for one in damages]))
    shift = 1.0 - cut - (found.value or 0.0)
    ends = [
        math.nan if number is None else min(1.0, max(0.0, number + shift)) for number in (found.low, found.high)
    ]
    first = table.iloc[0]
    worst |= {"worst": str(first["part"]), "worst_damage": float(first["damage"])}
    return {"score": 1.0 - cut, "score_low": ends[0], "score_high": ends[1], **worst}


def _answer(table: pd.DataFrame, score: Mapping[Any, Any], section: Resilience) -> tuple[str, ...]:
    if not score["failures"]:
        return ("No failure could be told: see the reasons.",)
    first = table.iloc[0]
    span = f"({first['damage_low']:.2f} to {first['damage_high']:.2f})"
    worst = (
        f"Worst is {first['part']}: per signal that merges in {words.duration(section.lasts)} without it, "
        f"{words.digits(first['damage'])} {span} fewer are in time."
    )
    told = (
        f"Score {score['score']:.3f} ({score['score_low']:.3f} to {score['score_high']:.3f}) over "
        f"{words.count(int(score['failures']), 'single failure')}: 1 is no harm, 0 "
        "is as bad as no alert while a part is out."
    )
    left = int((table["reason"].str.startswith("not taken out")).sum())
    rest = (f"{words.count(left, 'part')} could not be taken out: see the reasons.",) if left else ()
    return (worst, told, *rest)
