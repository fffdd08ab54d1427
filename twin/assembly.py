"""From specifications to the arrays of a plan. Knows no YAML and no profile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.assembly_checks import check
from twin.kernel.queue_rows import queue_row
from twin.kernel.state import (
    BAD,
    BREAK,
    LINK,
    MOST_CROWD,
    OUTSIDE,
    POOL,
    PREEMPTIONS,
    ROLES,
    ROUTES,
    STAGE,
    STREAM,
    TRIGGER,
    WHEN_FULL,
)
from twin.plan import DOWN, Array, Control, Decision, Geography, Plan, PoolSpec, StageSpec, Stream
from workloads.occupancy import WARM_POINTS
from workloads.sky import EVENT


def assemble(
    *,
    geography: Geography,
    pools: Sequence[PoolSpec],
    stages: Sequence[StageSpec],
    streams: Sequence[Stream],
    horizon_s: float,
    drain_s: float = 0.0,
    bin_s: float = 0.0,
    report_s: float = 10.0,
    events: NDArray[np.void] | None = None,
    event_segment: NDArray[np.int64] | None = None,
    noise_key: int = 0,
    absent: NDArray[np.int64] | None = None,
    down: NDArray[np.void] | None = None,
    looks: NDArray[np.int64] | None = None,
    controls: Sequence[Control] = (),
    mergers: NDArray[np.void] | None = None,
) -> Plan:
    """The plan of these pools, stages and streams; ValueError for what no kernel could run."""
    check(pools, stages, streams, len(geography.names))
    sky = _sky(events, event_segment, absent, down, looks)
    queues, tables, decisions, warmth, crowding = _queues(pools, stages)
    timers, tables = _timers(stages, tables)
    children = [[k for k, child in enumerate(stages) if s.name in child.after] for s in stages]
    pool_table, pool_queues = _pools(pools, stages, queues)
    margin, hand_margin = _margins(stages, children, sky["event_segment"])
    bins = horizon_s / math.ceil(1000.0 * horizon_s / (horizon_s + drain_s))
    return Plan(
        stage_names=tuple(s.name for s in stages),
        products=tuple(s.publishes for s in stages),
        pool_names=tuple(p.name for p in pools),
        site_names=geography.names,
        stages=_stages(stages, streams, queues, children, timers),
        queues=queues,
        pools=pool_table,
        **_streams(streams, [s.name for s in stages]),
        children=np.array([c for group in children for c in group], np.int64),
        pool_queues=pool_queues,
        tables=_same_width(tables),
        delays=_delays(geography, pools, stages, queues),
        links=_links(geography),
        **sky,
        **_decision_tables(decisions),
        warmth=warmth,
        crowding=crowding,
        tempo=np.array([factor for pool in pools for factor in pool.tempo]),
        noise_key=noise_key,
        spawn_margin=margin,
        hand_margin=hand_margin,
        report_s=report_s if any(s.route == "stale-least-loaded" for s in stages) else 0.0,
        horizon_s=horizon_s,
        drain_s=drain_s,
        bin_s=bin_s if bin_s > 0.0 else bins,
        controls=tuple(controls),
        mergers=mergers,
    )


def _sky(
    events: NDArray[np.void] | None,
    event_segment: NDArray[np.int64] | None,
    absent: NDArray[np.int64] | None,
    down: NDArray[np.void] | None,
    looks: NDArray[np.int64] | None,
) -> dict[str, Any]:
    """What comes from the sky and the detectors; nothing of what is None."""
    return {
        "events": np.empty(0, EVENT) if events is None else events,
        "event_segment": np.empty(0, np.int64) if event_segment is None else event_segment,
        "absent": np.zeros((0, 2), np.int64) if absent is None else absent,
        "down": np.zeros(0, DOWN) if down is None else down,
        "looks": np.zeros(0, np.int64) if looks is None else looks,
    }


_GENEROUS = 1 << 16
"""A margin up to here is taken as it is counted most simply."""


def _margins(
    stages: Sequence[StageSpec], children: Sequence[Sequence[int]], event_segment: NDArray[np.int64]
) -> tuple[int, int]:
    """What one event may add at most to any array, and what one job that is handed on may."""
    handed = [0] * len(stages)
    for s in reversed(range(len(stages))):
        here = 2 * stages[s].shards + stages[s].span
        handed[s] = here if stages[s].on else here + sum(handed[c] for c in children[s])
    hand_margin = max(handed, default=1) + 1
    spans = {stage.span for stage in stages}
    counts = {span: np.unique(event_segment // span, return_counts=True)[1] for span in sorted(spans)}
    most = {span: int(count.max(initial=0)) + 2 for span, count in counts.items()}
    spread = max([len(c) for c in children], default=1) or 1
    jobs = max(s.max_batch for s in stages) * spread * max(most.values())
    margin = jobs * hand_margin + 8
    if margin > _GENEROUS:  # many events in a segment, or many shards: stage by stage, and twice that
        each = [
            stage.max_batch * (handed[s] + (most[stage.span] if stage.role == "trigger" else 1) * sum(after))
            for s, stage in enumerate(stages)
            for after in [[handed[c] for c in children[s]]]
        ]
        margin = min(margin, max(_GENEROUS, 2 * max(each) + 8))
    return margin, hand_margin


def _delays(
    geography: Geography, pools: Sequence[PoolSpec], stages: Sequence[StageSpec], queues: NDArray[np.void]
) -> Array:
    """Time to each queue from each site over an idle link (queue, site) in s: what 'nearest' compares."""
    sites = range(len(geography.names))
    delays = np.zeros((len(queues), len(sites)))
    for q, queue in enumerate(queues):
        payload = stages[queue["stage"]].payload_bytes
        delays[q] = [geography.delay_s(site, pools[queue["pool"]].site, payload) for site in sites]
    return delays


def _links(geography: Geography) -> NDArray[np.void]:
    links = np.zeros(len(geography.names) ** 2, LINK)
    links["latency_s"], links["bandwidth"] = geography.latency_s.ravel(), geography.bandwidth.ravel()
    links["share"], links["open"], links["top"] = 1.0, 1, -1
    return links


def _queues(
    pools: Sequence[PoolSpec], stages: Sequence[StageSpec]
) -> tuple[NDArray[np.void], list[Array], list[Decision], Array, Array]:
    """One queue per (stage, pool); tables, decisions, warmth and crowding of all programs, one after the other."""
    names = [p.name for p in pools]
    width = max([2, *(len(programs) for stage in stages for programs in stage.on.values())])
    queues: list[NDArray[np.void]] = [np.zeros(0, queue_row(width))]
    tables: list[Array] = []
    decisions: list[Decision] = []
    warmth: list[Array] = [np.zeros((0, WARM_POINTS))]
    crowding: list[Array] = [np.zeros((0, MOST_CROWD))]
    slots = [0] * len(pools)
    row = 0
    for s, stage in enumerate(stages):
        for pool, programs in stage.on.items():
            queue = np.zeros(1, queue_row(width))
            p = names.index(pool)
            queue["stage"], queue["pool"], queue["slot"], queue["timer_s"] = s, p, slots[p], -1.0
            slots[p] += width
            for name in ("decide", "table", "warm", "crowd", "head", "suspended", "hold_since_s"):
                queue[name] = -1
            for v, program in enumerate(programs):
                if program is None:
                    continue
                queue["table"][0, v] = row
                tables += list(program.service_s) if program.service_s.ndim == 3 else [program.service_s]
                rows = program.service_s.shape[-2]
                queue["idle_rows"][0, v] = rows if program.service_s.ndim == 3 else 0
                row += program.service_s.size // program.service_s.shape[-1]
                if program.warmth:
                    queue["warm"][0, v] = len(warmth) - 1
                    warmth.append(np.array(program.warmth))
                if program.crowding:
                    queue["crowd"][0, v] = len(crowding) - 1
                    crowding.append(_filled(program.crowding))
                queue["memory_bytes"][0, v], queue["load_time_s"][0, v] = program.memory_bytes, program.load_s
                if program.decision is not None:
                    queue["decide"][0, v] = len(decisions)
                    decisions.append(program.decision)
            alone = programs[0].service_s.reshape(-1, programs[0].service_s.shape[-1])[0]
            queue["mean_s"] = float(np.mean((alone[1:] + alone[:-1]) / 2))
            queues.append(queue)
    return np.concatenate(queues), tables, decisions, np.vstack(warmth), np.vstack(crowding)


def _timers(stages: Sequence[StageSpec], tables: list[Array]) -> tuple[list[int], list[Array]]:
    """For each stage the row of its own time among all tables, -1 none; and those tables, timers last."""
    rows = sum(table.shape[0] for table in tables)
    timers: list[int] = []
    own: list[Array] = []
    for stage in stages:
        timers.append(-1 if stage.timer_s is None else rows + len(own))
        own += [] if stage.timer_s is None else [stage.timer_s[None, :]]
    return timers, [*tables, *own]


def _filled(crowding: Sequence[float]) -> Array:
    """Factors for up to MOST_CROWD busy servers, the last given one for all beyond."""
    return np.array([crowding[min(k, len(crowding) - 1)] for k in range(MOST_CROWD)])


def _same_width(tables: Sequence[Array]) -> Array:
    """Inverse CDFs on one common grid of probabilities, the finest of them."""
    if not tables:
        return np.zeros((0, 2))
    width = max(t.shape[1] for t in tables)
    grid = np.linspace(0.0, 1.0, width)
    rows = [np.interp(grid, np.linspace(0.0, 1.0, t.shape[1]), row) for t in tables for row in t]
    return np.array(rows)


def _decision_tables(decisions: Sequence[Decision]) -> dict[str, Any]:
    if not decisions:
        return {"edges": np.zeros((0, 2)), "responses": np.zeros((0, 1, 1)), "noise": np.zeros(0)}
    bins = max(d.responses.shape[1] for d in decisions)
    edges = np.full((len(decisions), bins + 1), np.inf)
    responses = np.zeros((len(decisions), decisions[0].responses.shape[0], bins))
    for d, decision in enumerate(decisions):
        edges[d, : decision.edges.size] = decision.edges
        responses[d, :, : decision.responses.shape[1]] = decision.responses
        responses[d, :, decision.responses.shape[1] :] = decision.responses[:, -1:]
    return {"edges": edges, "responses": responses, "noise": np.array([d.noise for d in decisions])}


def _stages(
    stages: Sequence[StageSpec],
    streams: Sequence[Stream],
    queues: NDArray[np.void],
    children: Sequence[Sequence[int]],
    timers: Sequence[int],
) -> NDArray[np.void]:
    names = [s.name for s in stages]
    awaited = sorted({s.awaits.stage for s in stages if s.awaits is not None})
    table = np.zeros(len(stages), STAGE)
    first_child = first_queue = 0
    for s, stage in enumerate(stages):
        row = table[s]
        row["role"], row["route"] = ROLES.index(stage.role), ROUTES.index(stage.route)
        row["preempt"], row["when_full"] = PREEMPTIONS.index(stage.preempt), WHEN_FULL.index(stage.when_full)
        row["publishes"] = bool(stage.publishes)
        row["mark"] = OUTSIDE if stage.outside else BAD
        row["whole"] = stage.whole and stage.shards > 1 and stage.shelf_life_s < np.inf
        row["timer"] = timers[s]
        row["needs"] = len(stage.after) + sum(m.stage == stage.name for m in streams if not stage.after)
        row["verdict"] = awaited.index(stage.name) if stage.name in awaited else -1
        row["awaits"], row["await_timeout_s"] = -1, np.inf
        if stage.awaits is not None:
            row["awaits"], row["await_timeout_s"] = names.index(stage.awaits.stage), stage.awaits.timeout_s
            row["await_span"] = stage.awaits.span
        row["ages"] = min(stage.shelf_life_s, stage.deadline_s) < np.inf
        for name in _COPIED:
            row[name] = getattr(stage, name)
        row["queue_start"], row["queue_stop"] = first_queue, first_queue + len(stage.on)
        row["child_start"], row["child_stop"] = first_child, first_child + len(children[s])
        first_queue, first_child = row["queue_stop"], row["child_stop"]
    for s in reversed(range(len(stages))):
        row = table[s]
        told = row["role"] != TRIGGER and any(table["tells"][c] or table["needs"][c] > 1 for c in children[s])
        row["tells"] = row["verdict"] >= 0 or told
    return table


_COPIED = (
    "any", "shards", "gate", "guarded", "priority", "max_batch", "max_wait_s", "shelf_life_s", "deadline_s",
    "timeout_s", "failure", "retries", "backoff_s", "queue_limit", "admit_wait_s", "spill", "payload_bytes",
    "live", "key", "failure_key", "route_key", "span",
)  # fmt: skip


def _pools(
    pools: Sequence[PoolSpec], stages: Sequence[StageSpec], queues: NDArray[np.void]
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    table = np.zeros(len(pools), POOL)
    order: list[int] = []
    first_tempo = 0
    for p, pool in enumerate(pools):
        own = [q for q in range(queues.size) if queues["pool"][q] == p]
        own.sort(key=lambda q: (stages[int(queues["stage"][q])].priority, q))
        row = table[p]
        row["site"], row["servers"], row["up"], row["open"] = pool.site, pool.servers, 1, 1
        row["slowness"], row["memory_bytes"], row["keep_warm_s"] = (
            pool.slowness,
            pool.memory_bytes,
            pool.keep_warm_s,
        )
        row["tempo"], row["tempo_n"], row["tempo_s"] = first_tempo, len(pool.tempo), pool.tempo_s
        first_tempo += len(pool.tempo)
        row["resident"] = bool((queues["load_time_s"][own] > 0.0).any())
        mine = [stages[int(queues["stage"][q])] for q in own]
        row["holds"] = any(s.max_wait_s > 0.0 for s in mine)
        row["watchful"] = any(s.preempt != "none" or min(s.shelf_life_s, s.deadline_s) < np.inf for s in mine)
        row["free"], row["outage_since_s"] = -1, 0.0 if pool.servers == 0 else -1.0
        row["queue_start"], row["queue_stop"] = len(order), len(order) + len(own)
        order += own
    return table, np.array(order, np.int64)


def _streams(streams: Sequence[Stream], names: Sequence[str]) -> dict[str, Any]:
    """Streams, arrivals and breaks of a plan, and how many segments there are."""
    table, arrivals, first = np.zeros(len(streams), STREAM), [np.empty(0)], 0
    breaks: list[tuple[int, int, float]] = []
    table["next_s"] = np.inf
    for m, stream in enumerate(streams):
        row = table[m]
        row["stage"], row["site"] = names.index(stream.stage), stream.site
        row["count"], row["first"] = stream.count, first
        row["stride_s"], row["phase_s"] = stream.stride_s, stream.phase_s
        row["frame_s"], row["lag_s"], row["span"] = stream.frame_s, stream.lag_s, stream.span
        if stream.breaks:
            row["break"], row["break_stop"] = len(breaks), len(breaks) + len(stream.breaks)
            breaks += stream.breaks
        arrivals.append(stream.times_s)
        first += stream.times_s.size
    segments = max([s.count * s.span for s in streams], default=0)
    return {
        "streams": table,
        "arrivals": np.concatenate(arrivals),
        "breaks": np.array(breaks, BREAK),
        "segments": segments,
    }
