"""How much of its work a stage gave to its fallback because the data were outside, told from a record.

For the summary and for comparisons; knows no kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import words
from twin.estimates import fraction, mean
from twin.limits import replicas
from twin.recorded import Recorded

Array = NDArray[np.float64]


def summary(record: Recorded) -> dict[str, Any]:
    """Of every stage with a guard, what share of its jobs was outside, and what that cost; {} without any."""
    stages = []
    for stage, done, outside, busy in _stages(record):
        share = fraction(outside, done)
        servers = mean(busy, len(busy))
        stages.append({"stage": stage, "share": share.as_dict(), "servers": servers.as_dict()})
    return {"guarded": {"stages": stages, "text": " ".join(map(_sentence, stages))}} if stages else {}


def compared(record: Recorded) -> Iterator[tuple[str, str, str, Array, int]]:
    """Name, text, unit, value of each replica, and of how much: what cases are compared by."""
    for stage, done, outside, busy in _stages(record):
        share = np.divide(outside, done, out=np.full_like(outside, np.nan), where=done > 0.0)
        text = f"outside, of what {stage} does: done by its fallback"
        yield f"outside.{stage}", text, "", share, int(done.sum())
        text = f"servers that what is outside keeps busy at {stage}"
        yield f"outside_work.{stage}", text, "servers", busy, int(outside.sum())


def _stages(record: Recorded) -> Iterator[tuple[str, Array, Array, Array]]:
    """Of every stage with a guard, by replica: jobs done, those of them that were outside, servers kept busy."""
    if "outside" not in record.counts:
        return
    counts = record.counts.astype({"work": str})
    for name, stage in record.scenario.stages.items():
        if getattr(stage, "guard", None):
            rows = counts[counts["work"] == name].set_index("replica").reindex(replicas(record))
            done, outside, outside_s = (rows[key].to_numpy(float) for key in ("done", "outside", "outside_s"))
            yield name, done, outside, outside_s / record.scenario.horizon


def _sentence(stage: dict[str, Any]) -> str:
    share, servers = stage["share"], stage["servers"]
    if share["value"] is None:
        return f"{stage['stage']} did nothing."
    shown = words.share(share["value"])
    if share["low"] is not None:
        shown += f" ({words.shares(share['low'], share['high'])})"
    busy = words.digits(servers["value"])
    return f"{shown} of what {stage['stage']} did was outside: its fallback, {busy} servers of it, did that."
