"""What is sent of one replica and when: products as notices, then the verdict. For twin.alerts.document.

An early warning that is not out before the merger it warns of is withdrawn, unless the scenario says otherwise; it
is counted. Knows no document: a notice is a row of the table alerts with a type, a number and the id of its
superevent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    from twin.recorded import Recorded
    from twin.scenario import Scenario
    from twin.schema_alerts import Alerts

EARLY, RETRACTION, INITIAL = "EARLYWARNING", "RETRACTION", "INITIAL"
KINDS = ("late", "false", "retracted")
"""What notices can be chosen by."""
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


def policy_of(record: Recorded) -> Alerts:
    """What the scenario of a run says of alerts, or what holds where it says nothing: see `policy_for`."""
    return policy_for(record.scenario)


def policy_for(scenario: Scenario) -> Alerts:
    """What a scenario says of alerts, or what holds where it says nothing.

    Raises AlertError when it publishes something that no kind of notice is known of, or after the days that ids
    of superevents name.
    """
    from twin.checks_alerts import too_long
    from twin.schema_alerts import Alerts, usual

    if scenario.alerts is not None:
        return scenario.alerts
    for product in publishing(scenario):
        if not usual(product):
            raise AlertError(
                f"the run publishes '{product}', which is no kind of notice: run it with "
                f"--set alerts.types.{product}=UPDATE"
            )
    policy = Alerts()
    if told := too_long(scenario, policy):
        raise AlertError(f"--set alerts.epoch: {told}")
    return policy


def counts(record: Record, policy: Alerts) -> list[int]:
    """How many notices are sent, in each replica that documents are written of."""
    rows = sent(record, policy, published(record))
    own = [0] if policy.replicas == "first" else range(record.scenario.replicas)
    verdicts = _with_verdict(policy, rows)
    return [int((rows["replica"] == k).sum() + (verdicts["replica"] == k).sum()) for k in own]


def notices(record: Record, policy: Alerts, replica: int, most: int | None = None) -> list[Notice]:
    """The notices of a replica in the order of time: all, or the first `most`."""
    rows = published(record)
    rows = sent(record, policy, rows[rows["replica"] == replica])
    if most is not None:  # nothing comes before the first `most` rows but what is said of the same candidates
        rows = rows[rows["event_id"].isin(rows["event_id"].iloc[:most])]
    events = _by_event(rows)
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
    for created_s, kind, row in ordered[:most]:
        name = names[row["event_id"]]
        numbers[name] = numbers.get(name, 0) + 1
        claimed = bool(row["merger_s"] != row["event_time_s"])
        found.append(Notice(name, numbers[name], kind, created_s, row, float(row["merger_s"]), claimed))
    return found


def of_kind(given: Sequence[Notice], only: str) -> list[Notice]:
    """Those of the notices that are of one of KINDS: what was published late, about no signal, or taken back."""
    back = {notice.superevent for notice in given if notice.type == RETRACTION}
    belongs: dict[str, Callable[[Notice], bool]] = {
        "late": lambda notice: bool(notice.row["late"]),
        "false": lambda notice: not notice.row["is_signal"],
        "retracted": lambda notice: notice.superevent in back,
    }
    return [notice for notice in given if belongs[only](notice)]


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


def _with_verdict(policy: Alerts, rows: pd.DataFrame) -> pd.DataFrame:
    """`replica` and `event_id` of the candidates in `rows` that get a verdict: see `_verdict`."""
    if policy.retract_after is None:
        return rows.iloc[:0][["replica", "event_id"]]
    initial = [product for product in rows["product"].unique() if policy.type_of(str(product)) == INITIAL]
    told = rows.assign(initial=rows["product"].isin(initial), noise=~rows["is_signal"].astype(bool))
    of = told.groupby(["replica", "event_id"], as_index=False)[["initial", "noise", "dq_flag"]].any()
    back = of["dq_flag"] if policy.retracts == "flagged" else of["noise"]
    return of[back | ~of["initial"]]


def _verdict(policy: Alerts, told: list[Row]) -> str | None:
    """RETRACTION, INITIAL, or None where a product of the candidate is an INITIAL already."""
    flagged = any(row["dq_flag"] for row in told)
    if flagged if policy.retracts == "flagged" else not told[0]["is_signal"]:
        return RETRACTION
    return None if any(policy.type_of(row["product"]) == INITIAL for row in told) else INITIAL
