"""What no kernel could run, which checks no index: wrong pools, stages, streams. For twin.assembly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin.kernel.state import VARIANTS
from twin.plan import PoolSpec, Program, StageSpec, Stream
from workloads.occupancy import IDLE_EDGES_S, WARM_POINTS

MOST_POOLS = 62
"""Of a stage whose shards become stale together: each is a bit of a number."""
IDLE_CLASSES = len(IDLE_EDGES_S) + 1
"""Service tables of a program that depends on how long its server has idled."""


def check(pools: Sequence[PoolSpec], stages: Sequence[StageSpec], streams: Sequence[Stream], sites: int) -> None:
    """Raise ValueError for what the kernel, which checks no index, could not run."""
    names, pool_names = [s.name for s in stages], [p.name for p in pools]
    for pool in pools:
        if pool.servers < 0 or not 0 <= pool.site < sites:
            raise ValueError(f"pool {pool.name}: needs 0 or more servers at a site from 0 to {sites - 1}")
        if not min(pool.slowness, pool.tempo_s, *pool.tempo, 1.0) > 0.0:
            raise ValueError(f"pool {pool.name}: slowness, tempo and the time its factors hold are more than 0")
    for k, stage in enumerate(stages):
        where = f"stage {stage.name}"
        for parent in stage.after:
            if parent not in names[:k]:
                raise ValueError(f"{where}: comes after {parent!r}, which is not a stage before it")
        if stage.awaits is not None and stage.awaits.stage not in names[:k]:
            raise ValueError(f"{where}: awaits {stage.awaits.stage!r}, which is not a stage before it")
        if not stage.on and (stage.shards > 1 or stage.role != "plain"):
            raise ValueError(f"{where}: an instant stage has one shard and role plain")
        _check_times(where, stage, [parent for parent in stages[:k] if parent.name in stage.after], streams)
        if min(stage.shards, stage.max_batch, stage.queue_limit) < 1 or stage.retries < 0:
            raise ValueError(f"{where}: shards, max_batch and queue_limit are at least 1, retries at least 0")
        if stage.outside and stage.role != "flag":
            raise ValueError(f"{where}: only a flag stage says what is outside")
        rungs = {sum(program is not None for program in programs) for programs in stage.on.values()}
        if stage.guarded and min(rungs, default=1) < 2:
            raise ValueError(f"{where}: a guarded stage needs a fallback on each of its pools")
        if len(rungs) > 1 or max(rungs, default=1) > len(VARIANTS):
            most = len(VARIANTS) - 1
            raise ValueError(f"{where}: has up to {most} fallbacks, and as many on each of its pools")
        if stage.whole and len(stage.on) > MOST_POOLS:
            raise ValueError(f"{where}: shards that become stale together run on at most {MOST_POOLS} pools")
        for pool_name, programs in stage.on.items():
            _check_programs(f"{where} on {pool_name}", stage, pools[pool_names.index(pool_name)], programs)
    for stream in streams:
        _check_stream(stream)
    # Candidates of two searches are numbered alike: what they find can only meet its own.
    for stage in stages:
        if len({_search(stages, parent) for parent in stage.after}) > 1:
            raise ValueError(f"stage {stage.name}: what meets there has to come from the same trigger stage")


def _check_times(where: str, stage: StageSpec, parents: Sequence[StageSpec], streams: Sequence[Stream]) -> None:
    """Its own time, and that it is about as many segments as what it comes after."""
    if stage.timer_s is not None and (stage.on or stage.timer_s.size < 2 or not (stage.timer_s >= 0.0).all()):
        raise ValueError(f"{where}: a time of its own has 2 or more points from 0 on, and no pools")
    spans = {parent.span for parent in parents} | {m.span for m in streams if m.stage == stage.name}
    if stage.span < 1 or spans - {stage.span}:
        raise ValueError(f"{where}: is about {stage.span} segments; what comes before it is about {sorted(spans)}")


def _check_stream(stream: Stream) -> None:
    if stream.stride_s <= 0.0 and stream.times_s.size < stream.count:
        raise ValueError(f"a stream for {stream.stage} has {stream.times_s.size} times for {stream.count} jobs")
    steps_s = np.diff(stream.times_s, prepend=0.0)
    if not stream.phase_s >= 0.0 or not (steps_s >= 0.0).all():
        raise ValueError(f"a stream for {stream.stage} has times before the run's start, or not in their order")
    before = -1
    for at, after, lag_s in stream.breaks:
        if not before < at <= after <= stream.count or lag_s < 0.0 or stream.stride_s <= 0.0:
            raise ValueError(f"a stream for {stream.stage} has breaks that are not in their order, or no stride")
        before = at


def _check_programs(where: str, stage: StageSpec, pool: PoolSpec, programs: Sequence[object]) -> None:
    for program in programs:
        if not isinstance(program, Program):
            continue
        classes = program.service_s.shape[0] if program.service_s.ndim == 3 else IDLE_CLASSES
        if classes != IDLE_CLASSES or len(program.warmth) not in (0, WARM_POINTS):
            raise ValueError(f"{where}: needs {IDLE_CLASSES} idle classes and {WARM_POINTS} of warmth, or none")
        if not min((1.0, *program.warmth, *program.crowding)) > 0.0:
            raise ValueError(f"{where}: needs warmth and crowding of more than 0")
        if program.service_s.shape[-2] < stage.max_batch or program.service_s.shape[-1] < 2:
            raise ValueError(
                f"{where}: needs a service table (batch sizes up to {stage.max_batch}, 2 or more points)"
            )
        if program.memory_bytes > pool.memory_bytes:
            raise ValueError(
                f"{where}: needs {program.memory_bytes:g} bytes; a server has {pool.memory_bytes:g} bytes"
            )
        if stage.role != "plain" and program.decision is None:
            raise ValueError(f"{where}: role {stage.role} needs decisions")


def _search(stages: Sequence[StageSpec], name: str) -> str:
    """The trigger stage at or before the stage called `name`; '' when there is none."""
    stage = next(s for s in stages if s.name == name)
    if stage.role == "trigger":
        return stage.name
    return _search(stages, stage.after[0]) if stage.after else ""
