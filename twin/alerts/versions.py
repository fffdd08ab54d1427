"""Which version of a model served at a time, and on what it had been trained. For twin.alerts.extension.

From the tables ageing and trainings where models age, else from when retrainings ended. Knows no profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.marks import EVERY
from twin.schema_timeline import Retraining

if TYPE_CHECKING:
    from twin.record import Record


@dataclass(frozen=True)
class Served:
    """Version `number` (1 at first), trained on data up to `until_s` of the run; None: on those of its card.

    `passed` are the kinds of drift past what was measured, None where nothing is known of drifts.
    """

    number: int
    until_s: float | None
    passed: str | None


class Versions:
    """The versions of every stage in one replica."""

    def __init__(self, record: Record, replica: int) -> None:
        self._trained = {name: trained(record, replica, name) for name in record.scenario.stages}
        self._ageing = None
        if record.ageing is not None:
            self._ageing = record.ageing[record.ageing["replica"] == replica]

    def at(self, stage: str, variant: str, time_s: float) -> Served:
        """What served at `time_s`."""
        done = self._trained[stage]
        if variant != "primary":
            return Served(1, None, None)
        if self._ageing is not None:
            rows = self._ageing
            own = rows[(rows["stage"] == stage) & (rows["time_s"] <= time_s)].tail(1)
            if len(own):
                number, passed = int(own["version"].iloc[0]), str(own["passed"].iloc[0])
                return Served(number, done[number - 2][0] if 2 <= number <= len(done) + 1 else None, passed)
        number = 1 + sum(end_s <= time_s for _, end_s in done)
        return Served(number, done[number - 2][0] if number > 1 else None, None)


def trained(record: Record, replica: int, stage: str) -> list[tuple[float, float]]:
    """Trainings that made a new version of the stage's model: when each began and when it was in service."""
    if record.trainings is not None and (record.trainings["stage"] == stage).any():
        rows = record.trainings
        own = rows[(rows["replica"] == replica) & (rows["stage"] == stage) & (rows["outcome"] == "passed")]
        return sorted(zip(own["start_s"].tolist(), own["decided_s"].tolist(), strict=True))
    timeline = record.scenario.timeline
    names = {n for n, entry in timeline.items() if isinstance(entry, Retraining) and entry.of == stage}
    rows = record.marks[(record.marks["kind"] == "retraining") & record.marks["replica"].isin([EVERY, replica])]
    own = rows[rows["name"].astype(str).isin(names)]
    return sorted(zip(own["start_s"].tolist(), own["end_s"].tolist(), strict=True), key=lambda span: span[1])
