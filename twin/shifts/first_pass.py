"""What data quality's first pass makes of every published candidate: passed, rejected, or left to a person.

The program that flags also names what it sees; a run only knows whether it flagged. The name is drawn from the
program's measured confusion, given the class of what it saw and the flag. How probable it makes a signal follows
by Bayes' rule from the same confusion and from what this run published, by class and flag, as operators know who
have kept count; half a candidate of each kind is added, so that nothing is certain from few. For
twin.runner; knows no kernel and no summary.

Columns of the table `vetting`: replica, event_id, cls, is_signal, snr, event_time_s, product (the first that is
vetted), dq_flag, named ('' where nobody judged it, or the program names nothing), p_signal (NaN where nobody
judged it), first_pass (passed, rejected, person).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from twin.alerts import drawn

if TYPE_CHECKING:
    from twin.programs import Programs
    from twin.record import Record
    from twin.schema_shifts import Shifts
    from workloads.profile import Profile

PASSED, REJECTED, PERSON = "passed", "rejected", "person"
PURPOSE = "first-pass"
"""Of the random stream that names a candidate."""
_KEPT = ["replica", "event_id", "cls", "is_signal", "snr", "event_time_s", "product", "dq_flag", "dq_missing"]


def table(record: Record, known: Programs, shifts: Shifts) -> pd.DataFrame:
    """A row per published candidate of all replicas, in the order of its publication; columns above."""
    rows = _candidates(record, shifts)
    judge = _judge(record, known)
    rows["named"] = _named(record, rows, judge.profile) if judge is not None and judge.names else ""
    rows["p_signal"] = _probabilities(rows, judge) if judge is not None else np.nan
    rows["first_pass"] = _settled(rows["p_signal"].to_numpy(float), shifts.sure)
    return rows.drop(columns="dq_missing").reset_index(drop=True)


class _Judge:
    """The program that flags: its profile, and whether it names classes that this run could draw."""

    def __init__(self, profile: Profile, executed: bool) -> None:
        confusion = None if profile.decisions is None else profile.decisions.confusion
        self.profile = profile
        self.names = confusion is not None and not executed
        """A program that is executed names classes too, but they are not kept."""
        self._names = [] if confusion is None else list(confusion["classes"])
        self._counts = np.zeros((0, 0)) if confusion is None else np.asarray(confusion["counts"], float)

    def likelihood(self, cls: str, flagged: bool) -> Mapping[str, float]:
        """By name, how often something of class `cls` is called that, given whether it was flagged."""
        weights = self._counts[self._names.index(drawn.row_of(self._names, cls))]
        weights = np.where(np.array([drawn.is_quiet(name) for name in self._names]) != flagged, weights, 0.0)
        total = weights.sum()
        return dict(zip(self._names, (weights / total if total else weights).tolist(), strict=True))


def _judge(record: Record, known: Programs) -> _Judge | None:
    """The first stage that flags; None where none does."""
    stages = record.scenario.stages
    own = [use for use in known.uses if stages[use.stage].role == "flag" and use.variant == "primary"]
    return _Judge(own[0].profile, own[0].stage in record.scenario.live) if own else None


def _candidates(record: Record, shifts: Shifts) -> pd.DataFrame:
    """The first alert that is vetted of every candidate."""
    alerts = record.alerts
    rows = alerts[alerts["outcome"] == "published"]
    if shifts.of is not None:
        rows = rows[rows["product"].isin(shifts.of)]
    rows = rows.sort_values(["replica", "published_s", "event_id", "product"], kind="stable")
    texts = {"cls": str, "product": str}
    return rows.drop_duplicates(["replica", "event_id"])[_KEPT].astype(texts).reset_index(drop=True)


def _named(record: Record, rows: pd.DataFrame, profile: Profile) -> list[str]:
    found = []
    for row in rows.to_dict("records"):
        if row["dq_missing"]:
            found.append("")
            continue
        rng = drawn.stream(record.seed, int(row["replica"]), int(row["event_id"]), PURPOSE)
        found.append(drawn.glitch_class(profile, str(row["cls"]), bool(row["dq_flag"]), rng).value or "")
    return found


def _probabilities(rows: pd.DataFrame, judge: _Judge) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Of each candidate, how probable a signal is given its flag and what it was named; NaN without a verdict."""
    judged = rows[~rows["dq_missing"].astype(bool)]
    counts = judged.groupby(["dq_flag", "cls", "is_signal"], observed=True).size().reset_index(name="n")
    expected: dict[tuple[bool, str], list[float]] = {}
    for group in counts.to_dict("records"):
        flagged, other, n = bool(group["dq_flag"]), int(not group["is_signal"]), int(group["n"])
        likelihood = judge.likelihood(str(group["cls"]), flagged) if judge.names else {"": 1.0}
        for name, share in likelihood.items():
            expected.setdefault((flagged, name), [0.5, 0.5])[other] += n * share
    found = np.full(len(rows), np.nan)
    for k, row in enumerate(rows.to_dict("records")):
        if not row["dq_missing"]:
            signals, others = expected.get((bool(row["dq_flag"]), str(row["named"])), (0.5, 0.5))
            found[k] = signals / (signals + others)
    return found


def _settled(p_signal: np.ndarray[Any, np.dtype[np.float64]], sure: float) -> list[str]:
    """Who settles each candidate; those that nobody judged go to a person."""
    return [PASSED if p >= sure else REJECTED if p <= 1.0 - sure else PERSON for p in p_signal.tolist()]
