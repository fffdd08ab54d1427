"""Hours of people per week, and what data quality's first pass got wrong, told from the table `vetting`.

For the summary and for studies; knows no kernel and no figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from twin import words
from twin.estimates import Estimate, fraction, rate
from twin.limits import per_replica
from twin.recorded import Recorded
from twin.shifts.first_pass import PASSED, PERSON, REJECTED

WEEK_S = 604_800.0
HOUR_S = 3600.0
LISTED = 1000
"""Most signals that are listed in full; the others are named by replica, event and class."""
Compared = tuple[str, str, str, np.ndarray[Any, np.dtype[np.float64]], int]
"""Name, text, unit, value by replica, n: as twin.studies.quantities has them."""


def summary(record: Recorded) -> dict[str, Any]:
    """Hours a week, shares of the first pass, and real signals that it rejected; {} where nobody is on shift."""
    rows = record.vetting
    if rows is None:
        return {}
    hours = hours_per_week(record)
    every = per_replica(record, rows)
    shares = {kind: fraction(per_replica(record, _of(rows, kind)), every) for kind in (PERSON, PASSED, REJECTED)}
    rejected = rejected_signals(record)
    false = _of(rows[~rows["is_signal"]], PASSED)
    weeks = record.scenario.told_s / WEEK_S
    found: dict[str, Any] = {
        "hours_per_week": hours.as_dict(),
        "candidates_per_week": rate(every, weeks).as_dict(),
        "shares": {kind: share.as_dict() for kind, share in shares.items()},
        "rejected_signals": listed(rejected, LISTED),
        "false_passed_per_week": rate(per_replica(record, false), weeks).as_dict(),
        "vetting_s": record.scenario.shifts.vetting.value,
        "vetting_standing": record.scenario.shifts.vetting.standing,
    }
    return {"shifts": found | {"text": _sentence(found, len(rejected), len(rows))}}


def hours_per_week(record: Recorded) -> Estimate:
    """Hours that people vet, a week."""
    assert record.vetting is not None
    each = record.scenario.shifts.vetting.value / HOUR_S
    found = rate(per_replica(record, _of(record.vetting, PERSON)), record.scenario.told_s / WEEK_S)
    numbers = {
        name: value * each for name in ("value", "low", "high") if (value := getattr(found, name)) is not None
    }
    return replace(found, **numbers)


def rejected_signals(record: Recorded) -> pd.DataFrame:
    """Every real signal that the first pass rejected, by name: nobody looked at it again."""
    assert record.vetting is not None
    rows = _of(record.vetting, REJECTED)
    return rows.loc[rows["is_signal"], ["replica", "event_id", "cls", "snr", "event_time_s", "named"]]


def compared(record: Recorded) -> Iterator[Compared]:
    """What studies hold against each other; nothing where nobody is on shift."""
    rows = record.vetting
    if rows is None:
        return
    weeks = record.scenario.told_s / WEEK_S
    each = record.scenario.shifts.vetting.value / HOUR_S
    vetted, rejected = _of(rows, PERSON), rejected_signals(record)
    every, people = (np.array(per_replica(record, part), float) for part in (rows, vetted))
    yield "shift_hours", "hours of people who vet candidates", "h/wk", people * each / weeks, len(vetted)
    share = np.divide(people, every, out=np.full_like(people, np.nan), where=every > 0.0)
    yield "shift_share", "vetted by people, of published candidates", "", share, len(rows)
    gone = np.array(per_replica(record, rejected), float)
    daily = gone / (record.scenario.told_s / 86_400.0)
    yield "shift_rejected", "real signals rejected by the first pass", "/d", daily, len(rejected)


def listed(rows: pd.DataFrame, most: int) -> dict[str, Any]:
    """`rows` of signals as JSON: the first `most` in full, the others by replica, event and class."""
    full = rows.head(most).astype(object)
    plain = full.where(full.notna(), None).to_dict("records")
    found: dict[str, Any] = {
        "n": len(rows),
        "rows": [{str(k): _plain(v) for k, v in row.items()} for row in plain],
    }
    beyond = rows.iloc[most:]
    if len(beyond):
        names = zip(beyond["replica"].tolist(), beyond["event_id"].tolist(), map(str, beyond["cls"]), strict=True)
        found["beyond"] = [list(name) for name in names]
    return found


def _of(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    return rows[rows["first_pass"] == kind]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _sentence(found: dict[str, Any], rejected: int, n: int) -> str:
    hours, shares = found["hours_per_week"], found["shares"]
    if n == 0:
        return "No candidate was published, so nobody had anything to vet."
    each = f"{words.duration(found['vetting_s'])} each, {found['vetting_standing']}"
    around = hours["value"] / (WEEK_S / HOUR_S)
    told = (
        f"{words.digits(hours['value'])} hours a week ({words.between(hours['low'], hours['high'])}; {each}), "
        f"{words.digits(around)} people at any time: {_share(shares[PERSON])} of the candidates need one. "
        f"The first pass lets {_share(shares[PASSED])} through and rejects {_share(shares[REJECTED])}"
    )
    signals = words.count(rejected, "real signal")
    return f"{told}, {signals if rejected else 'no real signal'} among these."


def _share(share: dict[str, Any]) -> str:
    return f"{words.share(share['value'])} ({words.shares(share['low'], share['high'])})"
