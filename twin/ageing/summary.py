"""What ageing did to a run: efficiency kept, false alarms, trainings and their cost. Reads a record's tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin import words
from twin.ageing.curves import NOT
from twin.ageing.policy import ROLLED_BACK, UNFINISHED
from twin.estimates import mean
from twin.limits import replicas
from twin.recorded import Recorded

HOUR_S = 3600.0


def summary(record: Recorded) -> dict[str, Any] | None:
    """For every stage that ages or is retrained its figures, in words too; and what does not age.

    Means over the horizon, intervals over replicas. `kept` is the efficiency over the fresh model's, `alarms`
    the same of reactions to noise; withheld where the fresh one has none. None where no data drift and no policy
    retrains.
    """
    told = record.inputs[record.inputs["key"].astype(str).str.startswith("ageing of ")]
    unaged = [
        f"{key.removeprefix('ageing of ')} {value}"
        for key, value in zip(told["key"].astype(str), told["value"].astype(str), strict=True)
        if value.startswith(NOT)
    ]
    if record.ageing is None and not len(told):
        return None
    stages = [] if record.ageing is None else list(_stages(record, record.ageing))
    sentences = [_sentence(stage) for stage in stages] or ["No model ages, though data drift."]
    sentences += [_noticed_sentence(name, values) for name, values in _noticed(record).items()]
    if unaged:
        sentences.append(f"Nothing was measured, and so nothing changes, in {len(unaged)} cases: see the inputs.")
    return {"stages": stages, "unaged": unaged, "text": " ".join(sentences)}


def compared(record: Recorded) -> Iterator[tuple[str, str, str, NDArray[np.float64], int]]:
    """Name, text, unit, value of each replica, and of how much: what cases are compared by."""
    assert record.ageing is not None
    for stage, values in _values(record).items():
        n = len(values["kept"])
        yield f"kept.{stage}", f"of what {stage} finds when fresh, found over time", "", values["kept"], n
        text = f"reactions of {stage} to noise, by those when fresh"
        yield f"alarms.{stage}", text, "times", values["alarms"], n
        trained = int(values["trainings"].sum())
        yield f"trainings.{stage}", f"trainings of {stage}", "trainings", values["trainings"], trained
        yield f"server_h.{stage}", f"servers' time to train {stage}", "server hours", values["server_h"], trained
    for name, after_s in _noticed(record).items():
        yield f"noticed.{name}", "time until a new class of glitches is noticed", "s", after_s, len(after_s)


def _noticed(record: Recorded) -> dict[str, NDArray[np.float64]]:
    """By policy that counts what a classifier does not know, s from the appearance of a class of glitches to the
    training that this sets off (replica,); inf where none does."""
    glitches, rows = record.scenario.sky.glitches, record.trainings
    if rows is None or glitches is None or glitches.appears is None:
        return {}
    at_s, found = glitches.appears.at, {}
    for name, entry in record.scenario.timeline.items():
        if getattr(entry, "glitch_class", None) is not None:
            own = rows[(rows["name"] == name) & (rows["start_s"] > at_s)]
            first_s = own.groupby("replica")["start_s"].min().reindex(replicas(record), fill_value=math.inf)
            found[name] = first_s.to_numpy(float) - at_s
    return found


def _values(record: Recorded) -> dict[str, dict[str, NDArray[np.float64]]]:
    """By stage and figure, the value of each replica; NaN where it has no meaning."""
    assert record.ageing is not None
    assert record.trainings is not None
    found = {}
    for stage, rows in record.ageing.groupby("stage", sort=False):
        trainings = record.trainings[record.trainings["stage"] == stage]
        each = [
            _of_replica(rows[rows["replica"] == r], trainings[trainings["replica"] == r]) for r in replicas(record)
        ]
        found[str(stage)] = {name: np.array([one[name] for one in each]) for name in each[0]}
    return found


def _of_replica(rows: pd.DataFrame, trainings: pd.DataFrame) -> dict[str, float]:
    efficiency, alarms = (_over_time(rows, column) for column in ("efficiency", "false_per_day"))
    fresh, quiet = float(rows["fresh"].iloc[0]), float(rows["fresh_per_day"].iloc[0])
    return {
        "efficiency": efficiency,
        "kept": efficiency / fresh if fresh > 0.0 else math.nan,
        "false_per_day": alarms,
        "alarms": alarms / quiet if quiet > 0.0 else math.nan,
        "trainings": float(len(trainings)),
        "rolled_back": float((trainings["outcome"] == ROLLED_BACK).sum()),
        "unfinished": float((trainings["outcome"] == UNFINISHED).sum()),
        "server_h": float(trainings["server_s"].sum() / HOUR_S),
    }


def _stages(record: Recorded, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for name, values in _values(record).items():
        trained, passed = int(values["trainings"].sum()), rows.loc[rows["stage"] == name, "passed"].unique()
        n = {key: trained if key in _TRAINED else len(of) for key, of in values.items()}
        told = {key: mean(of, n[key]).as_dict() for key, of in values.items()}
        yield {"stage": name, **told, "passed": sorted({kind for text in passed for kind in text.split()})}


_TRAINED = ("trainings", "rolled_back", "unfinished", "server_h")
"""Figures that are about trainings."""


def _over_time(rows: pd.DataFrame, column: str) -> float:
    """The mean over time of what holds from `time_s` to `end_s`."""
    spans_s = rows["end_s"] - rows["time_s"]
    return float((rows[column] * spans_s).sum(skipna=False) / spans_s.sum())


def _sentence(stage: dict[str, Any]) -> str:
    told = [f"{stage['stage']} finds {_ratio(stage['kept'])} of what it found when fresh"]
    told.append(f"reacts to noise {_times(stage['alarms'])} times as often")
    number = stage["trainings"]["value"]
    if number:
        back, hours = (words.digits(stage[key]["value"]) for key in ("rolled_back", "server_h"))
        done = words.digits(number)
        told.append(f"trainings in each replica: {done}, rolled back: {back}, server hours: {hours}")
    if stage["passed"]:
        kinds = words.sequence(stage["passed"])
        told.append(f"EXTRAPOLATED: {kinds} went past what was measured, the last measured values hold there")
    return "; ".join(told) + "."


def _noticed_sentence(name: str, after_s: NDArray[np.float64]) -> str:
    known = after_s[np.isfinite(after_s)]
    told = f"The new class of glitches sets off {name} in {len(known)} of {len(after_s)} replicas"
    return f"{told}, on average after {words.duration(float(known.mean()))}." if known.size else f"{told}."


def _ratio(estimate: dict[str, Any]) -> str:
    if estimate["value"] is None:
        return "an unknown share"
    interval = f" ({words.shares(estimate['low'], estimate['high'])})" if estimate["low"] is not None else ""
    return f"{words.share(estimate['value'])}{interval}"


def _times(estimate: dict[str, Any]) -> str:
    if estimate["value"] is None:
        return "an unknown number of"
    interval = f" ({words.between(estimate['low'], estimate['high'])})" if estimate["low"] is not None else ""
    return f"{words.digits(estimate['value'])}{interval}"
