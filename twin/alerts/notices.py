"""What is sent of one replica and when: products as notices, then the verdict. For twin.alerts.document.

An early warning that is not out before the merger it warns of is withdrawn, unless the scenario says otherwise; it
is counted. Knows no document: a notice is a row of the table alerts with a type, a number and the id of its
superevent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from twin.alerts import drawn
from twin.alerts.models import AlertError
from twin.alerts.moments import day, superevent
from twin.checks_graph import publishing
from twin.limits import per_replica
from twin.premerger import AHEAD_S

if TYPE_CHECKING:
    from twin.record import Record
    from twin.schema_alerts import Alerts

EARLY, RETRACTION, INITIAL = "EARLYWARNING", "RETRACTION", "INITIAL"
Row = Mapping[str, Any]
"""Of the table alerts."""


@dataclass(frozen=True)
class Notice:
    """One message: number `number` of its superevent, sent at `created_s` of the run, about the row `row`.

    It says that the merger is at `merger_s`: as it is, or as a false early warning claims (`claimed`).
    """

    superevent: str
    number: int
    type: str
    created_s: float
    row: Row
    merger_s: float
    claimed: bool

    @property
    def name(self) -> str:
        """Of its files, without a suffix."""
        return f"{self.superevent}-{self.number}-{self.type.lower()}"


def policy_of(record: Record) -> Alerts:
    """What the scenario says of alerts, or what holds where it says nothing.

    Raises AlertError when it publishes something that no kind of notice is known of.
    """
    from twin.schema_alerts import Alerts, usual

    if record.scenario.alerts is not None:
        return record.scenario.alerts
    for product in publishing(record.scenario):
        if not usual(product):
            raise AlertError(
                f"the run publishes '{product}', which is no kind of notice: run it again with "
                f"--set alerts.types.{product}=UPDATE"
            )
    return Alerts()


def count(record: Record, policy: Alerts, replicas: int) -> int:
    """How many notices the first `replicas` replicas send."""
    rows = published(record)
    rows = sent(record, policy, rows[rows["replica"] < replicas])
    verdicts = 0
    if policy.retract_after is not None:
        for replica in range(replicas):
            own = _by_event(rows[rows["replica"] == replica])
            verdicts += sum(_verdict(policy, told) is not None for told in own.values())
    return len(rows) + verdicts


def notices(record: Record, policy: Alerts, replica: int) -> list[Notice]:
    """Every notice of a replica in the order of time."""
    rows = published(record)
    events = _by_event(sent(record, policy, rows[rows["replica"] == replica]))
    names = _names(policy.epoch.value, events)
    rows_sent = [row for told in events.values() for row in told]
    ordered: list[tuple[float, str, Row]] = [
        (row["published_s"], policy.type_of(row["product"]), row) for row in rows_sent
    ]
    if policy.retract_after is not None:
        ordered += _verdicts(policy, policy.retract_after.value, events)
    ordered.sort(key=lambda one: (one[0], one[2]["event_id"]))
    numbers: dict[str, int] = {}
    found = []
    for created_s, kind, row in ordered:
        name = names[row["event_id"]]
        numbers[name] = numbers.get(name, 0) + 1
        claimed = bool(row["merger_s"] != row["event_time_s"])
        found.append(Notice(name, numbers[name], kind, created_s, row, float(row["merger_s"]), claimed))
    return found


def _by_event(rows: pd.DataFrame) -> dict[int, list[Row]]:
    """The rows of every event, in the order in which it was first published."""
    events: dict[int, list[Row]] = {}
    for row in rows.to_dict("records"):
        events.setdefault(row["event_id"], []).append({str(key): value for key, value in row.items()})
    return events


def _names(epoch_s: float, events: Mapping[int, list[Row]]) -> dict[int, str]:
    """Ids of the superevents: those of one day, that of the event, have letters in the order of publication."""
    names, days = {}, dict[str, int]()
    for event, told in events.items():
        gps_s = epoch_s + told[0]["event_time_s"]
        today = day(gps_s)
        names[event] = superevent(gps_s, days.get(today, 0))
        days[today] = days.get(today, 0) + 1
    return names


def published(record: Record) -> pd.DataFrame:
    """Rows of the table alerts that were published, in the order of that."""
    rows = record.alerts[record.alerts["outcome"] == "published"]
    return rows.sort_values(["replica", "published_s", "event_id", "product"], kind="stable")


def sent(record: Record, policy: Alerts, rows: pd.DataFrame) -> pd.DataFrame:
    """Of published `rows` those that become notices, with `merger_s`: when the merger is, as the notice says."""
    rows = _with_mergers(record, policy, rows)
    return rows[~_too_late(rows, policy)] if policy.late_warnings == "withdrawn" else rows


def withdrawn(record: Record, policy: Alerts) -> list[int]:
    """By replica, the early warnings that were not out before the merger and so were not sent."""
    rows = _with_mergers(record, policy, published(record))
    late = rows[_too_late(rows, policy)] if policy.late_warnings == "withdrawn" else rows[:0]
    return per_replica(record, late)


def _with_mergers(record: Record, policy: Alerts, rows: pd.DataFrame) -> pd.DataFrame:
    """Published `rows` with `merger_s`. Noise that was taken for a merger to come is given a time of one.

    When the search claims it was not measured: drawn evenly from the times at which searches look ahead, from the
    middle of the data on.
    """
    merger_s = rows["event_time_s"].to_numpy(float).copy()
    false = np.flatnonzero(_early(rows, policy) & ~rows["is_signal"].to_numpy(bool))
    of = zip(false.tolist(), rows["replica"].iloc[false], rows["event_id"].iloc[false], strict=True)
    for k, replica, event in of:
        rng = drawn.stream(record.seed, int(replica), int(event), "ahead")
        merger_s[k] += float(rng.choice(AHEAD_S))
    return rows.assign(merger_s=merger_s)


def _early(rows: pd.DataFrame, policy: Alerts) -> np.ndarray[Any, np.dtype[np.bool_]]:
    early = [product for product in rows["product"].unique() if policy.type_of(str(product)) == EARLY]
    return np.asarray(rows["product"].isin(early), bool)


def _too_late(rows: pd.DataFrame, policy: Alerts) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Early warnings that were published at the merger or after it."""
    return np.asarray(_early(rows, policy) & (rows["published_s"] >= rows["merger_s"]).to_numpy(bool), bool)


def _verdicts(policy: Alerts, after_s: float, events: Mapping[int, list[Row]]) -> list[tuple[float, str, Row]]:
    """The last word on each candidate: when, what, and the row that it is about, the latest by then."""
    found = []
    for told in events.values():
        kind = _verdict(policy, told)
        if kind is not None:
            at_s = told[0]["published_s"] + after_s
            found.append((at_s, kind, [row for row in told if row["published_s"] <= at_s][-1]))
    return found


def _verdict(policy: Alerts, told: list[Row]) -> str | None:
    """RETRACTION, INITIAL, or None where a product of the candidate is an INITIAL already."""
    flagged = any(row["dq_flag"] for row in told)
    if flagged if policy.retracts == "flagged" else not told[0]["is_signal"]:
        return RETRACTION
    return None if any(policy.type_of(row["product"]) == INITIAL for row in told) else INITIAL
