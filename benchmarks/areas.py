"""`python -m benchmarks.areas [NAME] [HORIZON]`: how the areas of sky maps shrink from warning to warning.

Of q13-premerger, by default four days of one replica: the table of docs/instrument.md. Of every signal that was
warned of before its merger, areas are set beside the one that it has afterwards.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

import twin
from twin.alerts.document import documents
from twin.alerts.models import models
from twin.alerts.notices import EARLY, notices, policy_of

EDGES_S = (0.0, 15.0, 40.0, 80.0, 150.0, 320.0)
"""Of the times before the merger at which the data of a warning end."""
_VERDICT = {"alerts": {"retract_after": "30 min"}}
"""So that every signal has an alert after its merger."""


def main(name: str = "q13-premerger", horizon: str = "4 d") -> None:
    """Print a line for each time before the merger."""
    rows = np.array(list(_series(name, horizon)))
    grown = sum(int((np.diff(own[:, 1]) > 0.0).sum()) for own in _of_signals(rows))
    head = ("data end before the merger", "warnings", "area", "after the merger", "ratio")
    print(f"| {' | '.join(head)} |\n" + "|---" * len(head) + "|")
    for low, high in zip(EDGES_S[-2::-1], EDGES_S[:0:-1], strict=True):
        _, _, then, after = rows[(rows[:, 1] > low) & (rows[:, 1] <= high)].T
        told = f"{np.median(then):,.0f} deg² | {np.median(after):,.0f} deg² | {_spread(then / after)}"
        print(f"| {low:g} to {high:g} s | {then.size} | {told} |")
    print(f"\n{len(_of_signals(rows))} signals; areas that grew from one warning to the next: {grown}")


def _series(name: str, horizon: str) -> Iterator[tuple[float, ...]]:
    """Of every warning of a signal: event, how long before the merger its data end, areas then and after it."""
    record = twin.run(twin.load(name).with_({"horizon": horizon, "replicas": 1, **_VERDICT}))
    policy = policy_of(record)
    sent = notices(record, policy, 0)
    told = zip(sent, documents(record, policy, models(record), 0), strict=True)
    areas = [(notice, one.extension["event"]["area_90_deg2"]["value"]) for notice, one in told if one.extension]
    after = {n.superevent: area for n, area in areas if n.type != EARLY}
    for notice, area in areas:
        if notice.type == EARLY and notice.row["is_signal"]:
            yield float(notice.row["event_id"]), -float(notice.row["frame_s"]), area, after[notice.superevent]


def _of_signals(rows: np.ndarray) -> list[np.ndarray]:
    """The rows of each signal, those of the earliest data first; columns without the event."""
    ordered = rows[np.lexsort((-rows[:, 1], rows[:, 0]))]
    _, first = np.unique(ordered[:, 0], return_index=True)
    return [own[:, 1:] for own in np.split(ordered, first[1:])]


def _spread(ratio: np.ndarray) -> str:
    low, middle, high = np.quantile(ratio, (0.05, 0.5, 0.95))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main(*sys.argv[1:])
