"""A plan of one pool and a waiting line before it: the smallest that a bench runs and the twin foretells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from twin.assembly import assemble
from twin.kernel.chance import stream_key
from twin.plan import Array, Control, Geography, Plan, PoolSpec, Program, StageSpec, Stream


def line(
    arrivals: Mapping[str, Array],
    programs: tuple[Program, Program | None],
    *,
    servers: int = 1,
    max_batch: int = 1,
    max_wait_s: float = 0.0,
    live: bool = True,
    patience_s: float = 600.0,
    pool: Mapping[str, object] | None = None,
    seed: int = 0,
    bin_s: float = 0.0,
    controls: Sequence[Control] = (),
) -> Plan:
    """Jobs of each kind at their `arrivals` (job,) in s; kinds are served in their order, whatever waits.

    Each kind is a stage with these primary and fallback `programs`. `pool` is what else its PoolSpec says. `seed`
    is that of service times, where they are drawn. Queues are told over time in bins of `bin_s`, by default of a
    thousandth of the whole. The plan ends `patience_s` after the last arrival.
    """
    last_s = max(float(times_s[-1]) for times_s in arrivals.values())
    stages = [
        StageSpec(
            name,
            {"pool": programs},
            priority=k,
            max_batch=max_batch,
            max_wait_s=max_wait_s,
            live=live,
            key=stream_key(seed, 0, f"service/{name}"),
        )
        for k, name in enumerate(arrivals)
    ]
    return assemble(
        geography=Geography(("here",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("pool", 0, servers, **(pool or {}))],  # type: ignore[arg-type]
        stages=stages,
        streams=[Stream(name, len(times_s), times_s=times_s) for name, times_s in arrivals.items()],
        horizon_s=last_s + patience_s,
        bin_s=bin_s,
        controls=controls,
    )


def untold(max_batch: int) -> Program:
    """A program whose service times a farm shows."""
    return Program(np.ones((max_batch, 2)))
