"""The highest rate at which 99 % of what arrives is done in time: searched for, and as the twin predicts it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from twin.assembly import assemble
from twin.engine import TwinEnvironment
from twin.plan import Geography, PoolSpec, Program, StageSpec, Stream

STEPS = 4
FINE_STEPS = 10
WIDEN = 1.15
_MOST_WIDENINGS = 12
SPELL_S = 0.05
"""How long the machine's tempo is taken to hold: slow calls come together, for some hundredths of a second."""


def search(valid: Callable[[float], bool], low: float, high: float, steps: int = STEPS) -> tuple[float, float]:
    """The highest rate that was valid and the lowest that was not, after halving `low` to `high` so many times.

    Where they do not enclose the border they are moved; ValueError when that leads nowhere.
    """
    for _ in range(_MOST_WIDENINGS):
        if valid(low):
            break
        low, high = low / WIDEN, low
    else:
        raise ValueError(f"no rate down to {low:.3g}/s is valid: raise the bound on the latency")
    for _ in range(_MOST_WIDENINGS):
        if not valid(high):
            break
        low, high = high, high * WIDEN
    else:
        raise ValueError(f"every rate up to {high:.3g}/s is valid: lower the bound on the latency")
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if valid(middle) else (low, middle)
    return low, high


def taken_s(spans_s: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """What each call of some runs took (call,), of which `spans_s` say when calls began and ended (call, 2)."""
    return np.concatenate([one[:, 1] - one[:, 0] for one in spans_s])


def tempo(spans_s: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """By how much the calls of each SPELL_S of some runs took longer than all do (spell,), and what each call took
    without that (call,), run by run.

    `spans_s` are as `taken_s` has them; of a spell without a call nothing is told.
    """
    usual_s = float(taken_s(spans_s).mean())
    factors, even = [], []
    for one in spans_s:
        own_s = taken_s([one])
        _, spell = np.unique(np.floor((one[:, 0] - one[0, 0]) / SPELL_S), return_inverse=True)
        own = np.bincount(spell, own_s) / np.bincount(spell) / usual_s
        factors.append(own)
        even.append(own_s / own[spell])
    return np.concatenate(factors), even


def predicted_per_s(
    service_s: NDArray[np.float64],
    bound_s: float,
    run_s: float,
    seeds: range,
    factors: Sequence[float] | NDArray[np.float64] = (1.0,),
) -> NDArray[np.float64]:
    """The twin's capacity per seed: of one server whose service times have the inverse CDFs `service_s`.

    They are of shape (1, points), or (idle class, 1, points) where they depend on how long the server has idled.
    In each SPELL_S they are multiplied by the next of `factors`, which stand elsewhere for every seed.
    """
    most = 1.0 / float(np.mean(service_s.reshape(-1, service_s.shape[-1])[0]))

    def capacity(seed: int) -> float:
        turned = np.roll(factors, -(seed - seeds.start) * len(factors) // len(seeds))

        def valid(per_s: float) -> bool:
            return p99_s(service_s, per_s, run_s, seed, turned) <= bound_s

        return sum(search(valid, 0.5 * most, most, FINE_STEPS)) / 2

    return np.array([capacity(seed) for seed in seeds])


def p99_s(
    service_s: NDArray[np.float64],
    per_s: float,
    run_s: float,
    seed: int,
    factors: Sequence[float] | NDArray[np.float64] = (1.0,),
) -> float:
    """99 % quantile of the time in the system, in a replay of `run_s` of Poisson arrivals."""
    rng = np.random.default_rng(seed)
    times_s = np.cumsum(rng.exponential(1.0 / per_s, round(per_s * run_s)))
    on = {"server": (Program(service_s), None)}
    plan = assemble(
        geography=Geography(("here",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("server", 0, 1, tempo=tuple(map(float, factors)), tempo_s=SPELL_S)],
        stages=[StageSpec("work", on, publishes="done", key=int(rng.integers(2**63)))],
        streams=[Stream("work", times_s.size, times_s=times_s)],
        horizon_s=float(times_s[-1]),
        drain_s=2.0 * run_s,
    )
    environment = TwinEnvironment(plan)
    environment.run(until=plan.horizon_s + plan.drain_s)
    rows = environment.ended()
    if len(rows) != times_s.size:
        raise ValueError(f"{times_s.size - len(rows)} of {times_s.size} are not done at the end: lower the rate")
    return float(np.quantile(rows["end_s"] - rows["born_s"], 0.99))
