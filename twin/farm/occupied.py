"""Measuring what a batch takes a server of a farm, on a bench: every term of an occupancy by runs made for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from twin.farm.bench import Bench
from twin.farm.driver import Farm
from twin.farm.line import line, untold
from twin.farm.log import FAIL, REPAIR
from workloads.occupancy import IDLE_EDGES_S, Occupancy, Taken, taken

Array = NDArray[np.float64]
Progress = Callable[[float, str], None]
TEMPO_S = 1.0
"""How long the machine's tempo is taken to hold."""
ROUNDS = 4
"""Every term is measured so many times, in turn, so that a slow spell of the machine hits all alike."""
_WARM_UP, _FEWEST = 10, 15
_BUSY_SHARE, _CROWD_SHARE, _IDLE_SHARE = 0.2, 0.15, 0.4
_LONGEST_IDLE_S = 0.45


def measure(
    bench: Bench,
    batches: Sequence[int],
    seconds: float,
    program: int = 0,
    progress: Progress = lambda done, text: None,
) -> Occupancy:
    """The occupancy of the bench's program number `program`, within about `seconds`; its `batches` include 1.

    Crowding is measured for as many busy servers as the bench has.
    """
    runs = _Runs(bench, program)
    alone: list[Array] = []
    larger: dict[int, list[Array]] = {b: [] for b in batches if b > 1}
    crowd: dict[int, list[float]] = {k: [] for k in range(2, bench.servers + 1)}
    gaps: list[tuple[Array, Array]] = []
    each_s = seconds / ROUNDS
    for k in range(ROUNDS):
        progress(k / ROUNDS, "what a batch takes a busy server")
        times_s = runs.busy(1, 1, _BUSY_SHARE * each_s)
        alone.append(times_s)
        for batch, found in larger.items():
            found.append(runs.busy(batch, 1, _BUSY_SHARE * each_s / len(larger)))
        for servers, factors in crowd.items():
            one = runs.busy(1, 1, _CROWD_SHARE * each_s / len(crowd) / 2)
            many = runs.busy(1, servers, _CROWD_SHARE * each_s / len(crowd) / 2)
            factors.append(float(many.mean() / one.mean()))
        progress((k + 0.6) / ROUNDS, "what it takes one that has idled")
        gaps.append(runs.spaced(_IDLE_SHARE * each_s, float(np.median(times_s)), np.random.default_rng(k)))
    progress(0.97, "how long a new worker takes to be ready")
    tempo, even = _tempo(alone)
    mean_s = float(np.concatenate(alone).mean())
    return Occupancy(
        busy={1: taken(even)} | {b: _even(found) for b, found in larger.items()},
        idle=_idle(gaps),
        crowding=(1.0, *(float(np.median(factors)) for factors in crowd.values())),
        tempo=tempo,
        tempo_s=TEMPO_S,
        restart_s=runs.restart_s(mean_s),
        passport={},
    )


def usual_s(bench: Bench, seconds: float, program: int = 0) -> float:
    """What a batch of one takes a busy server just now: the mean over about so long."""
    return float(_Runs(bench, program).busy(1, 1, seconds).mean())


class _Runs:
    """Runs of one program on the bench; every one gives occupancies (batch,) in s, in the order of their start."""

    def __init__(self, bench: Bench, program: int) -> None:
        self._bench, self._program = bench, program
        self._usual_s: dict[tuple[int, int], float] = {}

    def busy(self, batch: int, servers: int, seconds: float) -> Array:
        """Of full batches, back to back on all servers, for about so long."""
        if (batch, servers) not in self._usual_s:
            self._usual_s[batch, servers] = 1.0
            self._usual_s[batch, servers] = float(np.median(self._full(batch, servers, 3 * _WARM_UP)))
        number = int(seconds * servers / self._usual_s[batch, servers])
        return self._full(batch, servers, max(number, _FEWEST + _WARM_UP * servers))

    def spaced(self, seconds: float, usual_s: float, rng: np.random.Generator) -> tuple[Array, Array]:
        """Idle times before and occupancies of single jobs, after pauses of every length up to the longest."""
        ends = (0.3 * IDLE_EDGES_S[1]) ** -0.5, _LONGEST_IDLE_S**-0.5
        mean_s = (ends[0] * ends[1]) ** -1.0  # of pauses whose root is as often in any stretch of 1 / root
        number = max(_FEWEST, int(seconds / (mean_s + usual_s)))
        level = (rng.permutation(number) + 0.5) / number
        pauses_s = (ends[0] - level * (ends[0] - ends[1])) ** -2.0
        farm = self._run({"job": np.cumsum(pauses_s + 1.1 * usual_s)}, 1, 1)
        start_s, end_s = _spans(farm)
        return start_s[1:] - end_s[:-1], (end_s - start_s)[1:]

    def restart_s(self, usual_s: float) -> float:
        """From the death of a worker until another is ready, with jobs waiting for it."""
        farm = self._run({"job": np.full(20, 0.0)}, 1, 1, kills=[(2.5 * usual_s, 0)])
        at_s = {what: [i.time_s for i in farm.log.incidents if i.what == what] for what in (FAIL, REPAIR)}
        return at_s[REPAIR][0] - at_s[FAIL][0]

    def _full(self, batch: int, servers: int, number: int) -> Array:
        farm = self._run({"job": np.zeros(batch * number)}, batch, servers)
        start_s, end_s = _spans(farm)
        return (end_s - start_s)[_WARM_UP * servers : number - servers]

    def _run(
        self, arrivals: dict[str, Array], batch: int, servers: int, **more: Sequence[tuple[float, int]]
    ) -> Farm:
        plan = line(arrivals, (untold(batch), None), servers=servers, max_batch=batch)
        return self._bench.run(plan, self._program, **more)


def _spans(farm: Farm) -> tuple[Array, Array]:
    """Start and end (batch,) of the batches that ended, in the order of their start."""
    done = sorted((e.start_s, e.end_s) for e in farm.log.batches if np.isfinite(e.end_s))
    start_s, end_s = np.array(done).T
    return start_s, end_s


def _tempo(runs: Sequence[Array]) -> tuple[tuple[float, ...], Array]:
    """The mean of each TEMPO_S of these `runs` (batch,) relative to all; and their times in the usual tempo."""
    usual_s = float(np.concatenate(runs).mean())
    factors: list[float] = []
    even: list[Array] = []
    for times_s in runs:
        spells = np.array_split(times_s, max(1, round(times_s.sum() / TEMPO_S)))
        mine = [float(spell.mean()) / usual_s for spell in spells]
        factors += mine
        even += [spell / factor for spell, factor in zip(spells, mine, strict=True)]
    return tuple(factors), np.concatenate(even)


def _even(runs: Sequence[Array]) -> Taken:
    """All of them, each run in the mean tempo of all."""
    usual_s = float(np.mean([times_s.mean() for times_s in runs]))
    return taken(np.concatenate([times_s * usual_s / times_s.mean() for times_s in runs]))


def _idle(gaps: Sequence[tuple[Array, Array]]) -> dict[int, Taken]:
    """By idle class, where enough were measured."""
    idle_s, times_s = (np.concatenate(part) for part in zip(*gaps, strict=True))
    number = np.searchsorted(IDLE_EDGES_S, idle_s, side="left")
    return {
        k: taken(times_s[number == k]) for k in range(1, len(IDLE_EDGES_S) + 1) if (number == k).sum() >= _FEWEST
    }
