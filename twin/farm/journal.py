"""A farm's log while it runs, for whoever follows it: one JSON object per line, in order of time.

The first line is the header: "schema_version", "scenario", "seed", "replica", "live" (the stages that workers
execute), "lost" (whether what ran on a worker that died is lost, or waits again) and "sky" (names the events that
"found" counts). Every other line has its time "t", in seconds since the run began, and says "what":

    arrival        "stage" and "segment": a job comes to a stage that is the first; numbered from 0 without a gap
    start          "batch" (any number of its own), "stage", "pool", "server", "entities", "segments": it starts
    end            "batch"; per job "extra", the flag or whether noise triggered (0 or 1); per event of the sky in
                   "found", whether it was; for information "sent_s" and "program_s"
    taken          "batch": it will not end, its worker has died or was needed for something else
    fail, repair   "pool", "server": its worker has died, another is ready
    now            everything before this time has been told
    over           so has everything: the run has ended

At equal times arrivals come first. Everything before the last whole line's time is known; a torn line behind it is
one that is still being written. An entity is a segment's number, or below the searches an event's, or -segment-1
for what noise triggered.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from hashlib import sha256
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from twin.farm.driver import Farm
from twin.farm.log import Executed, Incident, Started
from twin.kernel.state import LOSE
from twin.plan import Plan

SCHEMA_VERSION = 1
PERIOD_S = 1.0
"""How often what happened is written."""
_ENCODER = json.JSONEncoder(separators=(",", ":"))

Line = dict[str, Any]


class Journal:
    """Writes the log of one farm to `path`, from a thread of its own; a context that writes the rest at its end.

    The farm's own thread only appends to a list: nothing is encoded or written where batches are dispatched. When
    the file takes no more, the farm goes on, and `failure` says why the log does not.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self._about = dict(about)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self._told: deque[tuple[float, Started | Executed | Incident]] = deque()
        self._arrived_s = -np.inf
        self.failure: OSError | None = None
        self._farm: Farm | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write_now_and_then, daemon=True)

    def attach(self, farm: Any) -> None:
        """Write what happens on `farm`, which has not begun; ValueError for anything but one farm."""
        if not isinstance(farm, Farm) or self._farm is not None:
            raise ValueError("a journal is that of one farm's run: not of simulated time, nor of several replicas")
        self._farm, told, record = farm, self._told, farm.world.record
        self._put(header(farm.plan, farm.mode == LOSE, self._about))
        farm.tell = lambda what: told.append((float(record["now_s"]), what))

    def __enter__(self) -> Journal:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._tell_until(np.inf, "over")
        os.close(self._file)

    def _write_now_and_then(self) -> None:
        while not self._over.wait(PERIOD_S):
            self._tell_until(None, "now")

    def _tell_until(self, until_s: float | None, last: str) -> None:
        """Write what was told of before `until_s`, by default the farm's present, and that this is all so far."""
        if self._farm is None or self.failure is not None:
            return
        now_s = self._farm.now  # read before what was told: all before it has been
        try:
            self._write(now_s, now_s if until_s is None else until_s)
            self._put({"t": now_s, "what": last})
        except OSError as error:  # a full disk is no reason to end the farm
            self.failure = error
            self._farm.tell = lambda told: None

    def _write(self, arrived_s: float, until_s: float) -> None:
        """Write the arrivals before `arrived_s`, and what was told of before `until_s`; the rest has time."""
        assert self._farm is not None
        plan = self._farm.plan
        came = [arrivals(plan, m, self._arrived_s, arrived_s) for m in range(plan.streams.size)]
        self._arrived_s = arrived_s
        for one in merge(*came, self._happened(plan, until_s), key=itemgetter("t")):
            self._put(one)

    def _happened(self, plan: Plan, until_s: float) -> Iterator[Line]:
        while self._told and self._told[0][0] < until_s:
            yield line(plan, *self._told.popleft())

    def _put(self, content: Line) -> None:
        """One call of the system per line: it lets the farm's thread go on, which may be waiting for its turn."""
        os.write(self._file, _ENCODER.encode(content).encode() + b"\n")


def header(plan: Plan, lost: bool, about: Mapping[str, Any]) -> Line:
    """The first line."""
    live = [name for name, is_live in zip(plan.stage_names, plan.stages["live"], strict=True) if is_live]
    return {"schema_version": SCHEMA_VERSION, **about, "live": live, "lost": lost, "sky": sky(plan)}


def sky(plan: Plan) -> str:
    """A name for the events of a plan."""
    return sha256(plan.events.tobytes()).hexdigest()[:16]


def arrivals(plan: Plan, m: int, since_s: float, until_s: float) -> Iterator[Line]:
    """The arrivals of stream `m` of a plan from `since_s` on, before `until_s`."""
    numbers, times_s = plan.comes(m)
    stage = plan.stage_names[plan.streams["stage"][m]]
    for k in range(*np.searchsorted(times_s, (since_s, until_s)).tolist()):
        yield {"t": float(times_s[k]), "what": "arrival", "stage": stage, "segment": int(numbers[k])}


def line(plan: Plan, now_s: float, told: Started | Executed | Incident) -> Line:
    """What the log says of something that happened on a farm at `now_s`."""
    if isinstance(told, Incident):
        pool = plan.pool_names[told.pool]
        return {"t": now_s, "what": told.what, "pool": pool, "server": told.server}
    batch = told.batch
    if isinstance(told, Started):
        where = {"stage": plan.stage_names[batch.stage], "pool": plan.pool_names[batch.pool]}
        about = {"server": told.server, "entities": batch.entities, "segments": batch.segments}
        return {"t": now_s, "what": "start", "batch": batch.order, **where, **about}
    if told.end_s == np.inf:
        return {"t": now_s, "what": "taken", "batch": batch.order}
    found = {str(event): bool(hit) for event, hit in told.result.found.items()}
    result = {"extra": [int(x) for x in told.result.extra], "found": found}
    times = {"sent_s": told.sent_s, "program_s": told.program_s}
    return {"t": now_s, "what": "end", "batch": batch.order, **result, **times}
