"""The table alerts of a run as all its pages ask for it: read once, a few columns. Knows no page and no Dash."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.app.library import Library
from dashboards.app.stored import Stored
from twin import event_rows

COLUMNS = (
    "replica", "event_id", "cls", "is_signal", "detectable", "snr", "event_time_s", "product", "outcome", "late",
    "variant", "published_s", "latency_s",
)  # fmt: skip
"""Who was told what when, and what became of the others."""


@dataclass(frozen=True)
class _First:
    mask: event_rows.Mask

    @property
    def nbytes(self) -> int:
        return self.mask.nbytes


def shared(record: Stored) -> Stored:
    """The same run, of whose alerts these columns are read: all who ask this way share them."""
    return record.only(alerts=COLUMNS)


def first(library: Library, run: str) -> event_rows.Mask:
    """Which rows are the first of their event, as twin.event_rows has it."""
    return library.computed(run, "first rows", lambda record: _First(event_rows.first(shared(record).alerts))).mask
