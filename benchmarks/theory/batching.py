"""Systems that serve several jobs at once."""

from __future__ import annotations

from typing import Any

from benchmarks.theory import chains, exact
from benchmarks.theory.measures import batch_size, sojourn, utilisation, wait
from benchmarks.theory.services import constant, exponential
from benchmarks.theory.system import Quantity, System, stage
from benchmarks.work import Array
from twin.plan import PoolSpec

RENEWAL = "renewal argument (see exact.gathered)"


def systems() -> list[System]:
    """All of them."""
    return [_bulk(4.0, 8), _gathered(1.0, 2, 1.5), _gathered(4.0, 8, 1.5)]


def _system(name: str, table: Array, rate_hz: float, servers: int, known: list[Quantity], **rules: Any) -> System:
    return System(
        name=name,
        pools=(PoolSpec("pool", 0, servers),),
        stages=(stage("work", "pool", table, publishes="done", **rules),),
        rates={"work": rate_hz},
        quantities=tuple(known),
    )


def _bulk(rate_hz: float, most: int) -> System:
    """A server that takes all that wait, up to `most`, and as long for many as for one."""
    source = "Bailey 1954; equilibrium of the Markov chain"
    mean_s, used = chains.bulk(rate_hz, 1.0, most)
    known = [
        Quantity("mean time in system, s", mean_s, source, sojourn("work")),
        Quantity("mean batch size", rate_hz / used, source, batch_size("work")),
        Quantity("utilisation", used, source, utilisation("pool", servers=1)),
    ]
    return _system(f"M/M(1..{most})/1", exponential(), rate_hz, 1, known, max_batch=most)


def _gathered(rate_hz: float, most: int, max_wait_s: float) -> System:
    """Always a free server; a batch starts when it is full or its first job has waited so long."""
    wait_s, size = exact.gathered(rate_hz, most, max_wait_s)
    known = [
        Quantity("mean wait, s", wait_s, RENEWAL, wait("work")),
        Quantity("mean batch size", size, RENEWAL, batch_size("work")),
        Quantity("utilisation", rate_hz / size / 100, RENEWAL, utilisation("pool", servers=100)),
    ]
    name = f"batches of {most}, or after {max_wait_s:g} s"
    return _system(name, constant(), rate_hz, 100, known, max_batch=most, max_wait_s=max_wait_s)
