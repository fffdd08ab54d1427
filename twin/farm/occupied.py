"""Measuring what a batch takes a server of a farm, on a bench: every term of an occupancy by runs made for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from twin.farm.bench import Bench
from twin.farm.driver import Farm
from twin.farm.line import line, untold
from twin.farm.log import FAIL, REPAIR
from workloads.occupancy import IDLE_EDGES_S, WARM_POINTS, WARM_S, Occupancy, Taken, taken

Array = NDArray[np.float64]
Progress = Callable[[float, str], None]
TEMPO_S = 1.0
"""How long the machine's tempo is taken to hold."""
SPELL_S = 0.25
"""Slow spells of the machine that last no longer say nothing of its speed."""
LOOKS, LOOK_S, LOOK_EACH_S = 5, 2.0, 4.0
"""How often, for how long and with what pause the machine's speed is looked at before it is believed."""
ROUNDS = 4
"""Every term is measured so many times, in turn, so that a slow spell of the machine hits all alike."""
RESTARTS = 5
"""How often a worker is killed to see how long the next one takes: some take several times as long."""
_WARM_UP, _FEWEST = 10, 15
LOADS = (0.3, 0.5, 0.7, 0.9)
"""Loads under which it is seen what a server's warmth is worth."""
_BUSY_SHARE, _LARGER_SHARE, _CROWD_SHARE, _IDLE_SHARE, _LOAD_SHARE = 0.15, 0.15, 0.1, 0.3, 0.3
_TRIMMED = 0.005
"""Share of the longest times that say nothing of warmth: the machine was elsewhere."""
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
    spans: list[tuple[Array, Array]] = []
    each_s = seconds / ROUNDS
    for k in range(ROUNDS):
        progress(k / ROUNDS, "what a batch takes a busy server")
        times_s = runs.busy(1, 1, _BUSY_SHARE * each_s)
        alone.append(times_s)
        for batch, found in larger.items():
            found.append(runs.busy(batch, 1, _LARGER_SHARE * each_s / len(larger)))
        for servers, factors in crowd.items():
            one = runs.busy(1, 1, _CROWD_SHARE * each_s / len(crowd) / 2)
            many = runs.busy(1, servers, _CROWD_SHARE * each_s / len(crowd) / 2)
            factors.append(float(many.mean() / one.mean()))
        progress((k + 0.6) / ROUNDS, "what it takes one that has idled")
        rng, usual = np.random.default_rng(k), float(np.mean(times_s))
        spans.append(runs.spaced(_IDLE_SHARE * each_s, usual, rng))
        spans += [runs.loaded(load, _LOAD_SHARE * each_s / len(LOADS), usual, rng) for load in LOADS]
    progress(0.97, "how long a new worker takes to be ready")
    tempo, even = _tempo(alone)
    mean_s = float(np.concatenate(alone).mean())
    idle, warmth = _after_idling(spans, np.concatenate(alone))
    return Occupancy(
        busy={1: taken(even)} | {b: _even(found) for b, found in larger.items()},
        idle=idle,
        warmth=warmth,
        crowding=(1.0, *(float(np.median(factors)) for factors in crowd.values())),
        tempo=tempo,
        tempo_s=TEMPO_S,
        restart_s=runs.restart_s(mean_s),
        passport={},
    )


def usual_s(bench: Bench, program: int = 0) -> float:
    """What a batch of one takes a busy server just now: the median of looks at it.

    The looks are LOOK_EACH_S apart, so that a slow spell which ends meanwhile decides nothing; each is the median
    of means over SPELL_S.
    """
    runs, seen = _Runs(bench, program), []
    for k in range(LOOKS):
        if k > 0:
            time.sleep(LOOK_EACH_S)
        times_s = runs.busy(1, 1, LOOK_S)
        spells = np.array_split(times_s, max(1, round(times_s.sum() / SPELL_S)))
        seen.append(float(np.median([spell.mean() for spell in spells])))
    return float(np.median(seen))


class _Runs:
    """Runs of one program on the bench; what they give of batches (batch,) is in the order of their start."""

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
        """Starts and ends of jobs after pauses of every length up to the longest, short ones more often."""
        ends = (0.3 * IDLE_EDGES_S[1]) ** -0.5, _LONGEST_IDLE_S**-0.5
        mean_s = (ends[0] * ends[1]) ** -1.0  # of pauses whose root is as often in any stretch of 1 / root
        number = max(_FEWEST, int(seconds / (mean_s + usual_s)))
        level = (rng.permutation(number) + 0.5) / number
        pauses_s = (ends[0] - level * (ends[0] - ends[1])) ** -2.0
        return _spans(self._run({"job": np.cumsum(pauses_s + 1.1 * usual_s)}, 1, 1))

    def loaded(self, load: float, seconds: float, usual_s: float, rng: np.random.Generator) -> tuple[Array, Array]:
        """Starts and ends of jobs that come at random, as many as make this load."""
        number = max(_FEWEST, int(seconds * load / usual_s))
        return _spans(self._run({"job": rng.exponential(usual_s / load, number).cumsum()}, 1, 1))

    def restart_s(self, usual_s: float) -> float:
        """From the death of a worker until another is ready, with jobs waiting for it: the median of RESTARTS."""
        lasted_s = []
        for _ in range(RESTARTS):
            farm = self._run({"job": np.full(20, 0.0)}, 1, 1, kills=[(2.5 * usual_s, 0)])
            at_s = {what: [i.time_s for i in farm.log.incidents if i.what == what] for what in (FAIL, REPAIR)}
            lasted_s.append(at_s[REPAIR][0] - at_s[FAIL][0])
        return float(np.median(lasted_s))

    def _full(self, batch: int, servers: int, number: int) -> Array:
        farm = self._run({"job": np.zeros(batch * number)}, batch, servers)
        start_s, end_s = _spans(farm)
        return (end_s - start_s)[_WARM_UP * servers : number - servers]

    def _run(
        self, arrivals: dict[str, Array], batch: int, servers: int, kills: Sequence[tuple[float, int]] = ()
    ) -> Farm:
        plan = line(arrivals, (untold(batch), None), servers=servers, max_batch=batch)
        return self._bench.run(plan, self._program, kills)


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


def _after_idling(
    spans: Sequence[tuple[Array, Array]], alone: Array
) -> tuple[dict[int, Taken], tuple[float, ...]]:
    """What each idle class takes on a warm server, where enough were measured; and by what warmth multiplies it.

    `alone` are occupancies (batch,) of a server that is never idle, and warm. Each time is the product of what its
    class takes and what its warmth does: fitted to logarithms, which no few long ones decide.
    """
    idle_s = np.concatenate([np.append(np.inf, start_s[1:] - end_s[:-1]) for start_s, end_s in spans])
    warm = np.concatenate([warmth_at(start_s, end_s) for start_s, end_s in spans] + [np.ones(alone.size)])
    times_s = np.concatenate([end_s - start_s for start_s, end_s in spans] + [alone])
    number = np.append(np.searchsorted(IDLE_EDGES_S, idle_s, side="left"), np.zeros(alone.size, int))
    usual = times_s <= np.quantile(times_s, 1.0 - _TRIMMED)
    points = np.linspace(0.0, 1.0, WARM_POINTS)[:-1]
    is_class = np.equal.outer(number, np.unique(number[usual]))
    near = np.maximum(0.0, 1.0 - np.abs(np.subtract.outer(warm, points)) * (WARM_POINTS - 1))
    known = np.hstack([is_class, near])[usual]
    fitted = np.linalg.lstsq(known, np.log(times_s[usual]), rcond=None)[0]
    factors = np.append(np.exp(fitted[is_class.shape[1] :]), 1.0)
    even_s = times_s / np.interp(warm, np.append(points, 1.0), factors)
    idle = {
        k: taken(even_s[number == k]) for k in range(1, len(IDLE_EDGES_S) + 1) if (number == k).sum() >= _FEWEST
    }
    return idle, tuple(factors.tolist())


def warmth_at(start_s: Array, end_s: Array) -> Array:
    """How warm the server is at each start (batch,), as the kernel reckons it."""
    found, warm, freed_s = np.empty(start_s.size), 0.0, -np.inf
    for k, (from_s, until_s) in enumerate(zip(start_s, end_s, strict=True)):
        warm *= np.exp((freed_s - from_s) / WARM_S)
        found[k] = warm
        warm, freed_s = 1.0 - (1.0 - warm) * np.exp((from_s - until_s) / WARM_S), until_s
    return found
