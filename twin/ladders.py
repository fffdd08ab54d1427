"""Which rung of a stage's ladder, its own program or one of its fallbacks, served from when to when.

Told where the scenario has several fallbacks or withdraws a model: as a table, in the summary, in comparisons.
Knows no kernel but its words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin import words
from twin.estimates import mean
from twin.kernel.state import NOBODY, PRIMARY, VARIANTS
from twin.limits import replicas
from twin.plan import Plan
from twin.recorded import Recorded
from twin.scenario import Scenario
from twin.schema_timeline import Withdrawal

COLUMNS = ("replica", "stage", "time_s", "end_s", "variant", "model", "runtime")
Turns = Sequence[tuple[float, int, int]]
"""From when on (s) which stage was served by which variant, -1 none; at the start each is by its primary."""


def stages(scenario: Scenario) -> tuple[str, ...]:
    """Those with several fallbacks, or of which the timeline withdraws a model."""
    hit = {entry.of for entry in scenario.timeline.values() if isinstance(entry, Withdrawal)}
    return tuple(name for name, stage in scenario.stages.items() if len(stage.ladder) > 2 or name in hit)


def of_stage(turns: Turns, number: int) -> tuple[list[float], list[str]]:
    """When the variant that serves stage `number` changes, in s and from 0 on, and its name from then on."""
    own = [(0.0, PRIMARY), *((time_s, variant) for time_s, stage, variant in turns if stage == number)]
    return [time_s for time_s, _ in own], [VARIANTS[v] if v >= 0 else NOBODY for _, v in own]


def table(scenario: Scenario, plan: Plan, turns: Turns, replica: int) -> pd.DataFrame:
    """The table `ladders` of one replica: see the data dictionary in twin.record."""
    rows = [
        (replica, name, *row)
        for name in stages(scenario)
        for row in _rows(scenario, name, *of_stage(turns, plan.stage_names.index(name)))
    ]
    kinds: dict[str, Any] = dict.fromkeys(COLUMNS, str) | {"replica": "int64", "time_s": float, "end_s": float}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(kinds)


def _rows(
    scenario: Scenario, stage: str, times_s: list[float], names: list[str]
) -> Iterator[tuple[float, float, str, str, str]]:
    rungs = dict(zip(VARIANTS, scenario.stages[stage].ladder, strict=False))
    for time_s, end_s, name in zip(times_s, [*times_s[1:], scenario.horizon], names, strict=True):
        if time_s < min(end_s, scenario.horizon):
            rung = rungs.get(name)
            about = ("", "") if rung is None else (rung.work, str(rung.runtime))
            yield time_s, min(end_s, scenario.horizon), name, *about


def summary(record: Recorded) -> dict[str, Any]:
    """Of every such stage how long which rung served, and how long none was there; {} without any."""
    if record.ladders is None:
        return {}
    found = [_stage(record, record.ladders, str(name)) for name in record.ladders["stage"].unique()]
    return {"ladders": {"stages": found, "text": " ".join(map(_sentence, found))}}


def compared(record: Recorded) -> Iterator[tuple[str, str, str, NDArray[np.float64], int]]:
    """Name, text, unit, value of each replica, and of how much: what cases are compared by."""
    if record.ladders is None:
        return
    for name in record.ladders["stage"].unique():
        values = _served_s(record, record.ladders, str(name), NOBODY)
        yield f"still.{name}", f"time in which {name} stood still, without a model", "s", values, len(values)


def _stage(record: Recorded, rows: pd.DataFrame, stage: str) -> dict[str, Any]:
    served = []
    for variant in (*VARIANTS, NOBODY):
        own = rows[(rows["stage"] == stage) & (rows["variant"] == variant)]
        if len(own):
            values = _served_s(record, rows, stage, variant)
            about = {"variant": variant, **own[["model", "runtime"]].iloc[0].to_dict()}
            served.append({**about, "served_s": mean(values, len(values)).as_dict()})
    return {"stage": stage, "served": served}


def _served_s(record: Recorded, rows: pd.DataFrame, stage: str, variant: str) -> NDArray[np.float64]:
    """How long this variant served within the horizon, in s, (replica,)."""
    own = rows[(rows["stage"] == stage) & (rows["variant"] == variant)]
    spans_s = (own["end_s"] - own["time_s"]).groupby(own["replica"]).sum()
    return spans_s.reindex(replicas(record), fill_value=0.0).to_numpy(float)


def _sentence(stage: dict[str, Any]) -> str:
    told = [
        f"{row['model']} ({row['runtime']}) for {words.duration(row['served_s']['value'])}"
        for row in stage["served"]
        if row["variant"] != NOBODY
    ]
    still = [row for row in stage["served"] if row["variant"] == NOBODY]
    ends = [f"it stood still, without a model, for {words.duration(row['served_s']['value'])}" for row in still]
    return "; ".join([f"{stage['stage']} was done by {words.sequence(told) or 'nothing'}", *ends]) + "."
