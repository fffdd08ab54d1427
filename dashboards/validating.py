"""A validation that goes on: what was foretold of its case, beside the farm so far.

For the timeline and the live page. Knows what twin.validation.watched writes; no page and no figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twin.validation.goals import QUANTILES
from twin.validation.watched import FARM

FORETOLD = "foretold"
"""What the twin's part is called, where the other is FARM."""
_ARRIVALS, _SIGNALS = "arrivals_per_h", "signals"


@dataclass(frozen=True, eq=False)
class Validating:
    """A case of the validation of `subject` that is on, of `jobs` jobs, and what is known by now.

    `course` has rows of the timeline's table, of the whole case; `by` how many jobs were foretold to have ended by
    `at_s`, and quantiles of their latency in s, in so many `draws`; `ended` and `so_far` are those of the farm.
    `done` are the cases that have a verdict, of all `cases`, as in validation.json.
    """

    subject: str
    case: str
    cases: int
    repeats: int
    jobs: int
    draws: int
    course: pd.DataFrame
    by: pd.DataFrame
    ended: int
    so_far: Mapping[str, float]
    done: tuple[Mapping[str, Any], ...]

    def beside(self, table: pd.DataFrame) -> pd.DataFrame:
        """The timeline's `table` of the farm, in a farm's words, with what was foretold."""
        farm = table[(table["quantity"] != _ARRIVALS) | (table["name"] == _SIGNALS)]
        called = {_ARRIVALS: "jobs", "latency_s": FARM}
        farm = farm.assign(name=farm["quantity"].map(called).fillna(farm["name"]))
        return pd.concat([farm, self.course], ignore_index=True)

    def figures(self, now_s: float) -> list[dict[str, Any]]:
        """By figure: the farm so far, what was foretold for the same time, and the relative difference."""
        own = {"ended": float(self.ended), **self.so_far}
        shown = {name: (own.get(name), self._by(name, now_s)) for name in ("ended", *QUANTILES)}
        return [
            {"figure": name, "farm": farm, "foretold": said, "difference": _apart(said, farm)}
            for name, (farm, said) in shown.items()
        ]

    def _by(self, name: str, now_s: float) -> float | None:
        known = self.by[["at_s", name]].dropna()
        if known.empty or now_s < known["at_s"].iloc[0]:
            return None
        return float(np.interp(now_s, known["at_s"], known[name]))


def validating(content: Mapping[str, Any]) -> Validating | None:
    """The validation that is told of, None of a run; KeyError, TypeError or ValueError where it is neither."""
    if "validation" not in content:
        return None
    about, said = content["validation"], content["foretold"]
    by = {name: np.asarray(said[name], np.float64) for name in ("ended", *QUANTILES)}
    return Validating(
        subject=str(about["subject"]),
        case=str(content["scenario"]),
        cases=int(about["cases"]),
        repeats=int(about["repeats"]),
        jobs=int(content["jobs"]),
        draws=int(said["runs"]),
        course=_course(said),
        by=pd.DataFrame({"at_s": np.asarray(said["by_s"], np.float64), **by}),
        ended=int(content["published"]),
        so_far={str(name): float(value) for name, value in content["so_far"].items()},
        done=tuple(_done(one) for one in about["done"]),
    )


def _course(said: Mapping[str, Any]) -> pd.DataFrame:
    start_s, half_s = np.asarray(said["time_s"], np.float64), 0.5 * float(said["bin_s"])
    frames = []
    for quantity, shift_s in (("latency_s", half_s), ("queue", 0.0), ("use", 0.0)):
        columns = {name: np.asarray(said[quantity][name], np.float64) for name in ("value", "low", "high")}
        head = {"time_s": start_s + shift_s, "quantity": quantity, "name": FORETOLD}
        frames.append(pd.DataFrame({**head, **columns}))
    return pd.concat(frames, ignore_index=True)


def _done(one: Mapping[str, Any]) -> dict[str, Any]:
    errors = {f"{name}_error": one[f"{name}_error"] for name in QUANTILES}
    known = {key: None if value is None else float(value) for key, value in errors.items()}
    return {"name": str(one["name"]), "verdict": str(one["verdict"]), "reason": str(one["reason"] or ""), **known}


def _apart(foretold: float | None, shown: float | None) -> float | None:
    """By how much what was foretold is more than what was shown, over the latter."""
    return foretold / shown - 1.0 if foretold is not None and shown else None
