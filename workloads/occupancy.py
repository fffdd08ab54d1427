"""How long a batch takes a server of a farm: more than its program. Part of a profile; knows no queue.

A batch occupies its server from its start until the farm hears the answer: sending, waking, computing, answering.
What it takes hangs on how long the server has idled, on how busy it was of late, on how many others are busy on
the same machine, and on the machine's own tempo, which wanders. Each is a term of its own, so that it can be left
out and be seen to matter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

IDLE_EDGES_S = (0.0, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
"""Idle classes: a server has idled in class k when it exceeds k of these."""
WARM_S, WARM_POINTS = 0.01, 5
"""A server's warmth is the share of the last WARM_S (fading exponentially) in which it was busy; and the number of
points from 0 to 1 at which its effect is known."""
Term = Literal["occupancy", "idling", "warmth", "crowding", "tempo"]
TERMS: tuple[Term, ...] = get_args(Term)
"""What a profile knows beside the program's own time; the others say by how much the first one changes."""
POINTS = 129
"""Of a stored inverse CDF: the probabilities 0, 1/128, …, 1."""


@dataclass(frozen=True)
class Taken:
    """`n` occupancies of one kind: their mean and inverse CDF in seconds (POINTS,)."""

    n: int
    mean_s: float
    quantiles_s: tuple[float, ...]


@dataclass(frozen=True)
class Occupancy:
    """Measured on a farm of this machine, or of the hardware kind that the profile is of.

    `busy`: by batch size, back to back on one server, counted in the machine's usual tempo. `idle`: by idle class
    (a class that was not measured is left out), batches of one on a warm server. `warmth`: by what times are
    multiplied at a warmth of 0, 1/4, … 1 (WARM_POINTS,), or empty. `crowding`: by what k + 1 busy servers multiply
    the time of one. `tempo`: the machine's own wandering, by what times are multiplied in each `tempo_s`.
    `restart_s`: from a worker's death until another one is ready, as it usually is.
    `passport`: date, load, and what else is to be known of the measurement.
    """

    busy: Mapping[int, Taken]
    idle: Mapping[int, Taken]
    warmth: tuple[float, ...]
    crowding: tuple[float, ...]
    tempo: tuple[float, ...]
    tempo_s: float
    restart_s: float
    passport: Mapping[str, Any]

    @property
    def usual_s(self) -> float:
        """What a batch of one takes a busy server in half of all times: slow spells do not count, as in a look at
        a machine's speed."""
        return self.busy[1].mean_s * (float(np.median(self.tempo)) if self.tempo else 1.0)

    def table(self, max_batch: int, terms: Collection[str] = TERMS) -> NDArray[np.float64]:
        """Inverse CDFs in seconds: (idle class, max_batch, POINTS), or (max_batch, POINTS) without idling.

        Between two measured sizes they are interpolated quantile by quantile; ValueError beyond the largest. A
        server that has idled takes as much longer for any batch as for a batch of one. Without the tempo, its
        wandering is part of the spread.
        """
        sizes = sorted(self.busy)
        if sizes[0] != 1 or max_batch > sizes[-1]:
            raise ValueError(f"occupancy was measured for batches {', '.join(map(str, sizes))}")
        busy = {size: np.array(self.busy[size].quantiles_s) for size in sizes}
        idle = {k: np.array(taken.quantiles_s) for k, taken in self.idle.items()}
        if "tempo" not in terms and self.tempo:
            busy = {size: self._wandering(row) for size, row in busy.items()}
            idle = {k: self._wandering(row) for k, row in idle.items()}
        table = by_size(busy, max_batch)
        if "idling" not in terms or not idle:
            return table
        classes = [_nearest(idle, k) if k else table[0] for k in range(len(IDLE_EDGES_S) + 1)]
        return np.array([np.maximum(table + (row - table[0]), 0.5 * table) for row in classes])

    def _wandering(self, quantiles_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse CDF of what these (POINTS,) become when the tempo is anywhere in its course."""
        levels = (np.arange(512) + 0.5) / 512
        times_s = np.interp(levels, np.linspace(0, 1, POINTS), quantiles_s)
        both = np.multiply.outer(times_s, np.asarray(self.tempo))
        return np.asarray(np.quantile(both, np.linspace(0, 1, POINTS)))


def by_size(measured: Mapping[int, ArrayLike], max_batch: int) -> NDArray[np.float64]:
    """Inverse CDFs (max_batch, point) from those `measured` for some sizes, interpolated quantile by quantile."""
    sizes = sorted(measured)
    wanted, rows = np.arange(1, max_batch + 1), np.array([measured[size] for size in sizes])
    return np.column_stack([np.interp(wanted, sizes, column) for column in rows.T])


def taken(times_s: Sequence[float] | NDArray[np.float64]) -> Taken:
    """The occupancies (n,) in s, as they are stored."""
    times = np.asarray(times_s, dtype=np.float64)
    quantiles_s = np.quantile(times, np.linspace(0, 1, POINTS))
    return Taken(times.size, float(times.mean()), tuple(quantiles_s.tolist()))


def read(content: Mapping[str, Any]) -> Occupancy:
    """From what JSON holds of one; KeyError, TypeError or ValueError for what is none."""

    def of(part: str) -> dict[int, Taken]:
        return {
            int(k): Taken(t["n"], t["mean_s"], tuple(t["quantiles_s"])) for k, t in dict(content[part]).items()
        }

    found = Occupancy(
        **{
            **content,
            "busy": of("busy"),
            "idle": of("idle"),
            "warmth": tuple(content["warmth"]),
            "crowding": tuple(content["crowding"]),
            "tempo": tuple(content["tempo"]),
        }
    )
    for t in (*found.busy.values(), *found.idle.values()):
        if len(t.quantiles_s) != POINTS or not 0.0 < t.quantiles_s[0] <= t.quantiles_s[-1] < np.inf:
            raise ValueError(f"an occupancy has {POINTS} quantiles, finite and more than 0 s")
    if len(found.warmth) not in (0, WARM_POINTS):
        raise ValueError(f"an occupancy has {WARM_POINTS} factors of warmth, or none")
    if 1 not in found.busy or not min(found.tempo_s, *found.warmth, *found.crowding, *found.tempo) > 0.0:
        raise ValueError("an occupancy has busy times of a batch of one; times and factors are more than 0")
    return found


def _nearest(idle: Mapping[int, NDArray[np.float64]], k: int) -> NDArray[np.float64]:
    """Of the class `k`, or of the measured one nearest to it."""
    return idle[min(idle, key=lambda known: abs(known - k))]
