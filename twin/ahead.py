"""How early signals were warned of, told from the alerts of a record. For the summary; knows no kernel, no figure.

A warning is an alert of what an early-warning search reported. It counts for as long before the merger as it was
published; one that was published after the merger came too late and is none.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from twin import words
from twin.estimates import Estimate, fraction, quantile, rate
from twin.limits import detectable_signals, per_replica, replicas
from twin.premerger import early
from twin.recorded import Recorded

AHEAD_S = (0.0, 10.0, 30.0, 60.0, 120.0, 240.0)
"""Times before the merger for which the share of signals that were warned of by then is told."""
COMPARED_S = (0.0, 30.0, 120.0)
"""Those for which cases are held against each other."""
_TOLD_S = 30.0
_QUANTILES = (0.1, 0.5, 0.9)
_DAY_S = 86400.0


def summary(record: Recorded) -> dict[str, Any]:
    """Per class the share of detectable signals warned of in time, and how early; {} without such a search."""
    if not _searches(record):
        return {}
    rows, signals = warnings(record), detectable_signals(record)
    told = []
    for cls in sorted(signals["cls"].unique()):
        ahead = {
            r: -rows.loc[(rows["replica"] == r) & (rows["cls"] == cls), "latency_s"] for r in replicas(record)
        }
        told.append(
            {
                "cls": cls,
                "share": {f"{ahead_s:g}": share(record, cls, ahead_s).as_dict() for ahead_s in AHEAD_S},
                "ahead_s": {
                    f"p{100 * q:g}": quantile([a.to_numpy(float) for a in ahead.values()], q).as_dict()
                    for q in _QUANTILES
                },
            }
        )
    false = false_per_day(record).as_dict()
    return {"warnings": {"classes": told, "false_per_day": false, "text": _told(told, false)}}


def warnings(record: Recorded) -> pd.DataFrame:
    """The first warning of each signal that was warned of before its merger; latency_s is negative."""
    alerts = record.alerts
    rows = alerts[alerts["search"].isin(_searches(record)) & (alerts["outcome"] == "published")]
    rows = rows[rows["is_signal"] & (rows["latency_s"] < 0.0)]
    return rows.sort_values("published_s", kind="stable").drop_duplicates(["replica", "event_id"])


def share(record: Recorded, cls: str, ahead_s: float) -> Estimate:
    """Share of the detectable signals of class `cls` that were warned of at least so long before their merger."""
    return fraction(*counts(record, cls, ahead_s))


def counts(record: Recorded, cls: str, ahead_s: float) -> tuple[list[int], list[int]]:
    """By replica, how many of those signals were warned of, and how many there were."""
    signals, rows = detectable_signals(record), warnings(record)
    rows = rows[rows["detectable"] & (rows["cls"] == cls) & (rows["latency_s"] <= -ahead_s)]
    return per_replica(record, rows), per_replica(record, signals[signals["cls"] == cls])


def compared(record: Recorded) -> list[tuple[str, str, str, list[float], int]]:
    """Per class and at some times before the merger, for twin.studies: name, text, unit, share by replica, n."""
    if not _searches(record):
        return []
    rows, signals = warnings(record), detectable_signals(record)
    rows = rows[rows["detectable"]]
    found = []
    for cls in sorted(map(str, signals["cls"].unique())):
        all_of = per_replica(record, signals[signals["cls"] == cls])
        for ahead_s in _compared_s(record):
            warned = per_replica(record, rows[(rows["cls"] == cls) & (rows["latency_s"] <= -ahead_s)])
            shares = [k / n if n else float("nan") for k, n in zip(warned, all_of, strict=True)]
            text = f"{cls} warned of {ahead_s:g} s ahead, of detectable ones"
            found.append((f"warned.{cls}.{ahead_s:g}", text, "", shares, sum(all_of)))
    return found


def _compared_s(record: Recorded) -> list[float]:
    """COMPARED_S, and the time that a target is about."""
    wanted = record.scenario.targets.warning
    return sorted({*COMPARED_S, *(() if wanted is None else (wanted.ahead,))})


def false_per_day(record: Recorded) -> Estimate:
    """Warnings of what is no signal."""
    alerts = record.alerts
    rows = alerts[alerts["search"].isin(_searches(record)) & (alerts["outcome"] == "published")]
    rows = rows[~rows["is_signal"]].drop_duplicates(["replica", "event_id"])
    return rate(per_replica(record, rows), record.scenario.told_s / _DAY_S)


def _told(classes: list[dict[str, Any]], false: dict[str, Any]) -> str:
    """The same in a sentence, at one of AHEAD_S."""
    said = []
    for row in classes:
        share, early = row["share"][f"{_TOLD_S:g}"], row["ahead_s"]["p50"]["value"]
        half = "" if early is None else f", half of those warned of {words.duration(early)} or more"
        between = words.shares(share["low"], share["high"])
        said.append(f"{words.share(share['value'])} ({between}) of {row['cls']}{half}")
    each = "none" if false["value"] is None else words.digits(false["value"])
    return (
        f"{words.duration(_TOLD_S)} or more before the merger: {'; '.join(said) or 'none'}. False: {each} a day."
    )


def _searches(record: Recorded) -> list[str]:
    """Stages that warn of mergers."""
    return [name for name, stage in record.scenario.stages.items() if early(stage)]
