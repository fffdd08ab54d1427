"""Links: flows of one, two and many sizes share the bandwidth. A size is a stage's; Poisson streams add up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.theory.measures import link_utilisation, looked, part
from benchmarks.theory.services import constant
from benchmarks.theory.system import Quantity, System, stage
from twin.engine import TwinEnvironment
from twin.plan import Geography, PoolSpec

SOURCE = "Kleinrock 1967; Sakata et al. 1971: insensitive, linear in size"
APART = Geography(("here", "there"), np.zeros((2, 2)), np.ones((2, 2)))
EXPONENTIAL = tuple(-np.log1p(-(np.arange(16) + 0.5) / 16))


def systems() -> list[System]:
    """All of them; bandwidth 1 byte/s, so a size in bytes is also its time alone in s."""
    return [
        _shared("M/D/1-PS link 0.8", 0.8, (1.0,)),
        _shared("PS link, two sizes 0.7", 0.7, (0.5, 2.0)),
        _shared("PS link, 16 sizes of an exponential 0.6", 0.6, EXPONENTIAL),
    ]


def _flows(environment: TwinEnvironment) -> float:
    return float(environment.world.links["flows"].sum())


def _shared(name: str, load: float, sizes: Sequence[float]) -> System:
    rate_hz = load / float(np.mean(sizes)) / len(sizes)
    shown = (0, len(sizes) - 1) if len(sizes) > 1 else (0,)
    times = [
        Quantity(
            f"mean time of size {sizes[k]:.3g}, s", sizes[k] / (1 - load), SOURCE, part(f"size {k}", "transfer_s")
        )
        for k in shown
    ]
    return System(
        name=name,
        pools=(PoolSpec("pool", 1, 1000),),
        stages=tuple(
            stage(f"size {k}", "pool", constant(0.0), payload_bytes=size, publishes="done")
            for k, size in enumerate(sizes)
        ),
        rates={f"size {k}": rate_hz for k in range(len(sizes))},
        quantities=(
            *times,
            Quantity("mean number of flows", load / (1 - load), "Little 1961; " + SOURCE, looked),
            Quantity("utilisation", load, "rate × mean size / bandwidth", link_utilisation),
        ),
        geography=APART,
        look=_flows,
    )
