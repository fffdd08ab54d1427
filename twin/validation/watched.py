"""How a validation goes, in a file for whoever watches: the case that is on, the verdicts of those that are done.

In the words of twin.sofar, whose run is here a repeat on the farm; and beside it what was foretold of the case.
Looks at the farm only where its driver would wait in any case, every PERIOD_S at most; the file is written by a
thread of its own, as a disk may take long. Knows no figure.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import sofar
from twin.farm.driver import Farm
from twin.farm.log import FAIL, Incident
from twin.validation.cases import TIMES, Arrivals, Case
from twin.validation.course import course
from twin.validation.goals import QUANTILES
from twin.validation.observed import Observed

PERIOD_S = 2.0
"""Between two looks at least."""
JOBS = 500
"""Most jobs that are told one by one, evenly chosen."""
FARM = "farm"
"""What its pool is called here."""
_OF_CASE = ("name", "verdict", "reason", *(f"{name}_error" for name in QUANTILES))
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
Mark = tuple[str, str, float, float]


class Watched:
    """Writes to `path`, whole or not at all; a context, at whose end everything is written.

    What cannot be written is left out: a full disk is no reason to end a validation.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._texts: SimpleQueue[str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._about: dict[str, Any] = {}
        self._done: list[dict[str, Any]] = []
        self._case, self._now = "", ""
        self._marks: list[Mark] = []
        self._repeat, self._next_s = 0, -math.inf
        self._told: Callable[[float], object] = lambda ended: None

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._texts.put(None)
        self._thread.join()

    def begins(self, subject: str, cases: int, repeats: int) -> None:
        """A validation of the program `subject`, of so many cases, each run `repeats` times."""
        self._about = {"subject": subject, "cases": cases, "repeats": repeats}

    def foretold(self, case: Case, arrivals: Arrivals, predicted: Sequence[Observed]) -> None:
        """The next case, and what was said of it: the farm has not begun."""
        said = course(predicted, case.servers)
        times_s = np.sort(np.concatenate(list(arrivals.times_s.values())))
        each = max(1, math.ceil(times_s.size / sofar.ALERTS))
        whole = {
            "schema_version": sofar.SCHEMA_VERSION,
            "scenario": case.name,
            "horizon_s": said["end_s"],
            "late_s": None,
            "late": 0,
            "simulated": False,
            "signals": {"time_s": times_s[::each].round(6).tolist(), "each": each},
            "jobs": times_s.size,
            "foretold": said,
        }
        self._case = _ENCODER.encode(whole)[:-1]
        self._jobs = _Jobs(arrivals)
        self._marks = []
        if case.happens == "surge" and arrivals.disturbed_s is not None:
            self._marks = [("surge", f"{TIMES:g} times the rate", *arrivals.disturbed_s)]
        nothing = {"time_s": [], "bin_s": 1.0, "pools": {FARM: {name: [] for name in sofar.QUANTITIES}}}
        self._tell({"now_s": 0.0, "replica": 0, "marks": self._marks, **nothing, **self._jobs.told()})

    def repeat(self, k: int, told: Callable[[float], object]) -> Callable[[Farm], None]:
        """What is to look at the farm during repeat number `k`, from 0; `told` hears what part of it has ended."""
        self._repeat, self._told = k, told
        self._jobs.begin()
        self._next_s = -math.inf
        return self._look

    def ended(self, farm: Farm) -> None:
        """The repeat is over: what it showed is written."""
        self._next_s = -math.inf
        self._look(farm)

    def judged(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """The verdicts on a case, a row for each kind of job as in validation.json."""
        self._done += [{key: row[key] for key in _OF_CASE} for row in rows]
        if self._case:
            self._put()

    def _look(self, farm: Farm) -> None:
        """Have the present of `farm` written, unless that was done just now."""
        if self._clock() < self._next_s:
            return
        jobs = self._jobs
        jobs.count(farm)
        now_s = min(farm.now, jobs.last_s) if jobs.ended == jobs.size else farm.now
        known = sofar.over_time(farm, now_s)
        known["pools"] = {FARM: known["pools"][farm.plan.pool_names[0]]}
        marks = [*self._marks, *farm.marks, *_broken(farm.log.incidents, now_s)]
        self._tell({"now_s": now_s, "replica": self._repeat, "marks": marks, **known, **jobs.told()})
        self._told(jobs.ended / jobs.size)
        self._next_s = self._clock() + PERIOD_S

    def _tell(self, now: Mapping[str, Any]) -> None:
        self._now = _ENCODER.encode(now)[1:]
        self._put()

    def _put(self) -> None:
        done = _ENCODER.encode({**self._about, "done": self._done})
        self._texts.put(f'{self._case},"validation":{done},{self._now}')

    def _write(self) -> None:
        while (text := self._texts.get()) is not None:
            with suppress(OSError):
                sofar.put(self._path, text)


class _Jobs:
    """The jobs of a repeat that have ended, counted from the farm's log as it grows."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._times_s = [times_s.tolist() for times_s in arrivals.times_s.values()]
        self.size = sum(map(len, self._times_s))
        self._arrival_s: NDArray[np.float64] = np.empty(self.size)
        self._latency_s: NDArray[np.float64] = np.empty(self.size)
        self.begin()

    def begin(self) -> None:
        """Nothing has ended yet."""
        self.ended, self.last_s, self._batches = 0, 0.0, 0

    def count(self, farm: Farm) -> None:
        """What has ended since last time."""
        batches = farm.log.batches[self._batches :]
        self._batches += len(batches)
        found = [
            (self._times_s[one.batch.stage][entity], one.end_s)
            for one in batches
            if one.end_s < math.inf
            for entity in one.batch.entities
        ]
        if found:
            arrival_s, end_s = np.array(found).T
            place = slice(self.ended, self.ended + len(found))
            self._arrival_s[place], self._latency_s[place] = arrival_s, end_s - arrival_s
            self.ended, self.last_s = place.stop, float(end_s[-1])

    def told(self) -> dict[str, Any]:
        """How many there are, some of them, and quantiles of the latency of all."""
        latency_s = self._latency_s[: self.ended]
        chosen = slice(0, self.ended, max(1, math.ceil(self.ended / JOBS)))
        so_far: dict[str, float] = {}
        if self.ended:
            values = np.quantile(latency_s, list(QUANTILES.values()), method="inverted_cdf")
            so_far = dict(zip(QUANTILES, values.round(7).tolist(), strict=True))
        return {
            "published": self.ended,
            "alerts": {
                "event_time_s": self._arrival_s[chosen].round(6).tolist(),
                "latency_s": self._latency_s[chosen].round(7).tolist(),
            },
            "so_far": so_far,
        }


def _broken(incidents: Sequence[Incident], now_s: float) -> Iterator[Mark]:
    """When a server had no worker, by `now_s`."""
    since_s: dict[tuple[int, int], float] = {}
    for one in incidents:
        seat = one.pool, one.server
        if one.what == FAIL:
            since_s[seat] = one.time_s
        elif seat in since_s:
            yield "failures", "worker", since_s.pop(seat), one.time_s
    for from_s in since_s.values():
        yield "failures", "worker", from_s, now_s
