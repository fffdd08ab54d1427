"""What live stages really said of the segment of an alert: scores and programs of what was executed.

For twin.alerts.extension; in replay there is nothing of it. Reads the table live and the manifest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.checks_graph import span_of
from twin.kernel.state import VARIANTS
from workloads.spec import LOOKAHEAD_S

if TYPE_CHECKING:
    from twin.record import Record


@dataclass(frozen=True)
class Score:
    """What a program answered: its score, the threshold it was held against, and what ran where."""

    value: float
    threshold: float | None
    batch: int
    pool: str
    runtime: str | None
    weights: str | None


class Executed:
    """The scores of one replica, by stage and segment."""

    def __init__(self, record: Record, replica: int) -> None:
        self._scenario = record.scenario
        self._programs: Mapping[str, Any] = (record.manifest.get("live") or {}).get("programs") or {}
        self._rows: dict[tuple[str, int], tuple[Mapping[str, Any], int]] = {}
        if record.live is None or "scores" not in record.live:
            return
        for row in record.live[record.live["replica"] == replica].to_dict("records"):
            # Of a batch whose worker was lost there is no answer; a later one holds it.
            if math.isfinite(row["service_s"]) and len(row["scores"]) == len(row["segments"]):
                for k, segment in enumerate(row["segments"]):
                    self._rows[str(row["stage"]), int(segment)] = ({str(n): v for n, v in row.items()}, k)

    def search(self, row: Mapping[str, Any]) -> Score | None:
        """Of the search that reported a published row of the table alerts."""
        return self.stage(str(row["search"]), row)

    def stage(self, stage: str, row: Mapping[str, Any]) -> Score | None:
        """Of `stage` on the segment that such a row is about."""
        found = self._rows.get((stage, self._segment(row)))
        if found is None:
            return None
        batch, own = found
        variants = self._programs.get(stage) or []
        number = VARIANTS.index(str(batch["variant"]))
        program = variants[number] if number < len(variants) else {}
        return Score(
            value=float(batch["scores"][own]),
            threshold=program.get("threshold"),
            batch=int(batch["order"]),
            pool=str(batch["pool"]),
            runtime=program.get("runtime"),
            weights=program.get("weights_sha256"),
        )

    def _segment(self, row: Mapping[str, Any]) -> int:
        """The first segment of the data in which the candidate was found: they end frame_s after the event."""
        stride_s = self._scenario.instrument.stride
        after = (float(row["event_time_s"]) + float(row["frame_s"]) - LOOKAHEAD_S) / stride_s
        return round(after) - span_of(self._scenario, str(row["search"]))
