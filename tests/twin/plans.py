"""Random small plans and control actions, with everything on a coarse lattice so that events tie all the time.

Each plan uses only some of the rules: with every rule at once, most hide what the others do.
"""

from __future__ import annotations

import random

import numpy as np
from hypothesis import strategies as st

from twin.assembly import assemble
from twin.assembly_checks import IDLE_CLASSES
from twin.kernel.state import DRAIN, LOSE, REQUEUE, ROUTES, WHEN_FULL
from twin.plan import Awaits, Decision, Geography, PoolSpec, Program, StageSpec, Stream
from workloads.sky import CLASSES, EVENT

TICK_S = 0.25
POINTS = 5
HORIZON_S = 24.0
MEMORY_BYTES = 8.0
NEVER = np.inf
RULES = (
    "any", "shards", "awaits", "gate", "roles", "publishes", "instant", "priority", "preempt", "batches", "waits",
    "shelf life", "deadline", "timeout", "failure", "limit", "admission", "payload", "memory", "fallback",
    "streams", "empty pools", "odd times", "long times", "sites", "controls", "idling", "warmth",
    "crowding", "tempo", "timers", "strides", "frames", "breaks", "blind", "whole", "guards",
)  # fmt: skip
FOCUS = {
    "": set(),
    "preemption": {"priority", "preempt", "long times", "controls"},
    "links": {"sites", "payload", "controls"},
    "verdicts": {"roles", "awaits"},
    "servers": {"long times", "controls"},
}
"""Rules that hold for everything in some plans, which have fewer of the others."""


# --- where choices come from ----------------------------------------------------------------------------


class _Choices:
    """What a plan's rules leave open, from any source of `pick`, `whole` and `real`."""

    def begin(self):
        """Choose the plan's rules."""
        self.focus = self.pick("", *FOCUS)
        odds = (True, False, False) if self.focus else (True, True, False)
        self.rules = {rule for rule in RULES if self.pick(*odds)}
        self.routes = ROUTES if self.pick(True, False) else (self.pick(*ROUTES),)
        return self

    def under(self, rule, usual, *options):
        """`usual` where the rule does not hold, one of `options` where it is the plan's focus, else one of all."""
        if rule in FOCUS[self.focus]:
            return self.pick(*options)
        return self.pick(usual, *options) if rule in self.rules else usual

    def some(self, options, at_most):
        """Up to `at_most` different options, one at least, in any order."""
        left, chosen = list(options), []
        for _ in range(self.whole(1, min(at_most, len(left)))):
            chosen.append(left.pop(self.whole(0, len(left) - 1)))
        return chosen

    def key(self):
        return self.whole(0, 2**64 - 1)


class _Shrinking(_Choices):
    """Choices that hypothesis makes: it finds the smallest plan that fails."""

    def __init__(self, draw):
        self._draw = draw

    def pick(self, *options):
        return self._draw(st.sampled_from(options))

    def whole(self, low, high):
        return self._draw(st.integers(low, high))

    def real(self, low, high):
        return self._draw(st.floats(low, high))


class _Dice(_Choices):
    """Choices by a seed, all equally likely: hypothesis, which varies what it has seen, leaves more out."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def pick(self, *options):
        return self._random.choice(options)

    def whole(self, low, high):
        return self._random.randint(low, high)

    def real(self, low, high):
        return self._random.uniform(low, high)


# --- programs and stages --------------------------------------------------------------------------------


def _program(c, max_batch, decides):
    if c.under("odd times", False, True):
        table = np.cumsum([[c.real(0.0, 0.7) for _ in range(POINTS)] for _ in range(max_batch)], axis=1)
    else:  # constant on the lattice: ties
        table = np.full((max_batch, POINTS), TICK_S * c.under("long times", c.pick(0, 1, 2, 3, 4), 6, 8, 12))
    if c.under("idling", False, True):
        table = np.stack([table + TICK_S * c.pick(0, 1, 2) for _ in range(IDLE_CLASSES)])
    memory_bytes, load_s = c.under("memory", 0.0, 2.0, 4.0, 6.0), c.under("memory", 0.0, 0.25, 0.5, 1.0)
    warmth = c.under("warmth", (), (1.5, 1.25, 1.125, 1.0, 1.0))
    crowding = c.under("crowding", (), (1.0,), (1.0, 1.5, 2.0))
    decision = _decision(c, c.under("blind", False, True)) if decides else None
    return Program(table, decision, memory_bytes, load_s, warmth, crowding)


def _decision(c, blind=False):
    responses = [[c.pick(0.0, 0.3, 0.7, 1.0) for _ in range(2)] for _ in CLASSES]
    if blind:  # to some classes
        responses = [[-1.0, -1.0] if c.pick(True, False) else row for row in responses]
    return Decision(np.array([5.0, 12.0, 100.0]), np.array(responses), c.pick(0.0, 0.3, 0.9))


def _work(c, pools):
    """What a stage runs where and how: everything but its place in the graph."""
    role = c.under("roles", "plain", "plain", "flag", "flag", "trigger")
    max_batch = c.under("batches", 1, 2, 3)
    fallbacks = c.under("fallback", 0, 1, 2, 3)
    on = {}
    for place in c.some(pools, len(pools)):
        on[place] = tuple(_program(c, max_batch, role != "plain") for _ in range(1 + fallbacks))
    return {
        "on": on,
        "role": role,
        "outside": role == "flag" and c.under("guards", False, True),
        "guarded": fallbacks > 0 and c.under("guards", False, True),
        "shards": c.under("shards", 1, 1, 2, 3),
        "whole": c.under("whole", False, True),
        "priority": c.under("priority", 1, 0, 2),
        "preempt": c.under("preempt", "none", "resume", "restart"),
        "max_batch": max_batch,
        "max_wait_s": c.under("waits", 0.0, 0.5, 1.3),
        "route": c.pick(*c.routes),
        "spill": c.pick(NEVER, 0.5, 1.0),
        "payload_bytes": c.under("payload", 0.0, 50.0, 100.0, 250.0),
        **_limits(c),
    }


def _limits(c):
    return {
        "shelf_life_s": c.under("shelf life", NEVER, NEVER, 2.0, 5.0),
        "deadline_s": c.under("deadline", NEVER, NEVER, 3.0, 6.0),
        "timeout_s": c.under("timeout", NEVER, NEVER, 1.0, 0.75),
        "failure": c.under("failure", 0.0, 0.3),
        "retries": c.pick(0, 1, 2),
        "backoff_s": c.pick(0.0, 0.25, 1.0),
        "queue_limit": c.under("limit", 1 << 40, 1, 2, 4),
        "when_full": c.pick(*WHEN_FULL),
        "admit_wait_s": c.under("admission", NEVER, NEVER, 1.0, 4.0),
        "key": c.key(),
        "failure_key": c.key(),
        "route_key": c.key(),
    }


def _parents(c, stages, searches, spans):
    """Stages this one comes after, all behind the same trigger (or none); none for a root."""
    if not stages or c.pick(False, False, c.focus == "preemption", True):
        return ()
    first = c.pick(*(s.name for s in stages))
    kind = searches[first], spans[first]
    alike = [s.name for s in stages if s.name != first and (searches[s.name], spans[s.name]) == kind]
    return (first, *(c.some(alike, 2) if alike and c.pick(True, False) else ()))


def _awaits(c, stages):
    flags = [s.name for s in stages if s.role == "flag"]
    if not flags or not c.under("awaits", False, True, True):
        return None
    return Awaits(c.pick(*flags), c.pick(NEVER, 0.0, 0.5, 2.0), c.pick(1, 1, 2, 3))


def _timer(c):
    """A stage without servers, most of them without a time of their own."""
    points = c.under("timers", (0.0,), (TICK_S,), (2 * TICK_S,), (0.0, 3 * TICK_S))
    if points == (0.0,):
        return {}
    return {"timer_s": np.array([points[0], points[-1]]), "key": c.key()}


def _stages(c, pools):
    stages: list[StageSpec] = []
    searches: dict[str, str] = {}
    spans: dict[str, int] = {}
    for k in range(c.whole(2 if c.focus == "preemption" else 1, 6)):
        after = _parents(c, stages, searches, spans)
        instant = bool(after) and c.under("instant", False, False, True)
        stage = StageSpec(
            name=f"s{k}",
            after=after,
            any=c.under("any", False, True),
            awaits=_awaits(c, stages),
            gate=c.under("gate", False, True),
            span=spans[after[0]] if after else c.under("strides", 1, 2, 3),
            publishes=c.under("publishes", "", "alert"),
            **(_timer(c) if instant else _work(c, pools)),
        )
        inherited = searches[after[0]] if after else ""
        searches[stage.name] = stage.name if stage.role == "trigger" else inherited
        spans[stage.name] = stage.span
        stages.append(stage)
    return stages


# --- what comes in --------------------------------------------------------------------------------------


def _stream(c, stage, span):
    site = c.under("sites", 0, 0, 1)
    more = {"span": span}
    if c.pick(True, False):
        count = c.pick(0, 4, 8, 12, 16)
        breaks = c.under("breaks", (), ((2, 4, 0.0),), ((0, 1, 0.5), (3, 3, 0.0)), ((1, 2, 1.0), (5, 8, 0.25)))
        more |= {"breaks": tuple(row for row in breaks if row[1] <= count)}
        more |= {"frame_s": c.under("frames", 0.0, 0.5, 0.75, 2.0), "lag_s": c.under("frames", 0.0, 0.25, 1.0)}
        return Stream(stage, count, site, TICK_S * c.whole(0, 8), c.pick(0.25, 0.5, 1.0), **more)
    if c.under("odd times", False, True):
        times_s = [c.real(0.0, 12.0) for _ in range(c.whole(0, 14))]
    else:
        times_s = [TICK_S * c.whole(0, 48) for _ in range(c.whole(0, 14))]
    return Stream(stage, len(times_s), site, times_s=np.sort(np.array(times_s, float)), **more)


def _events(c):
    """Events and the segment each belongs to; several in one segment now and then."""
    segments = sorted(c.whole(0, 14) for _ in range(c.whole(0, 14)))
    events = np.zeros(len(segments), EVENT)
    for event, segment in zip(events, segments, strict=True):
        event["time_s"] = segment
        event["snr"] = c.pick(5.0, 8.0, 12.0, 50.0)
        event["u_trigger"], event["u_flag"] = c.pick(0.0, 0.2, 0.5, 0.9), c.pick(0.0, 0.2, 0.5, 0.9)
        event["cls"] = c.whole(0, len(CLASSES) - 1)
    return events, np.array(segments, np.int64)


# --- what happens to it ---------------------------------------------------------------------------------


def _episode(c, pools, stages):
    """What happens and, later, what undoes it: (method, arguments) pairs."""
    pool, server, a = c.whole(0, len(pools) - 1), c.whole(0, 3), c.whole(0, 1)
    kills = c.focus == "preemption"
    mode, by = c.pick(REQUEUE if kills else DRAIN, REQUEUE, LOSE), c.pick(-2, -1, -1, 1, 2)
    servers = [
        [("fail", (pool, server, mode)), ("repair", (pool, server))],
        [("fail", (pool, 0, mode)), ("fail", (pool, 0, mode)), ("repair", (pool, 0))],
        [("scale", (pool, by)), ("scale", (pool, -by))],
        [("scale", (pool, -1)), ("fail", (pool, 0, mode)), ("fail", (pool, 1, mode)), ("repair", (pool, 0))],
    ]
    links = [
        [("link_share", (a, 1 - a, c.pick(0.0, 0.5, 0.3))), ("link_share", (a, 1 - a, 1.0))],
        [("link_close", (a, 1 - a)), ("link_reopen", (a, 1 - a))],
        [("close", (pool,)), ("evacuate", (pool,)), ("reopen", (pool,))],
    ]
    down = [[("down", (pool, mode)), ("restore", (pool,))]]
    others = [
        [("degrade", (pool, c.pick(2.0, 0.5, 1.7))), ("degrade", (pool, 1.0))],
        [("close", (pool,)), ("reopen", (pool,))],
    ]
    working = [k for k, s in enumerate(stages) if s.on]
    if working:
        others += 2 * [_withdrawals(c, working, stages)]
    deciding = [k for k, s in enumerate(stages) if s.role != "plain"]
    if deciding:
        stage = c.pick(*deciding)
        variant = c.whole(0, _rungs(stages[stage]) - 1)
        judged = [_decision(c), _decision(c)]
        others += [[("judge", (stage, variant, d.responses.tolist(), d.noise)) for d in judged]] * 2
    drains = [
        [("scale", (pool, -1)), ("scale", (pool, 1))],
        [("fail", (pool, server % 2, DRAIN)), ("repair", (pool, server % 2))],
    ]
    special = {"preemption": down + drains, "links": links, "servers": servers}
    return c.pick(*special.get(c.focus, servers + links + down + others))


def _rungs(stage):
    """How many variants a stage with pools has."""
    return min(len(programs) for programs in stage.on.values())


def _withdrawals(c, working, stages):
    """Some variants of a stage, or all of them, are there no longer, and are again in any order."""
    stage = c.pick(*working)
    rungs = range(_rungs(stages[stage]))
    gone, back = c.some(rungs, len(rungs)), c.some(rungs, len(rungs))
    return [("withdraw", (stage, v)) for v in gone] + [("reinstate", (stage, v)) for v in back]


def _actions(c, pools, stages):
    """Actions by time, those of different episodes mixed."""
    timed = []
    for _ in range(c.under("controls", 0, 2, 4, 6)):
        tick = c.whole(0, 50)
        for method, arguments in _episode(c, pools, stages):
            timed.append((TICK_S * tick, method, arguments))
            tick += c.pick(0, 1, 4, 10)
    timed.sort(key=lambda action: action[0])
    return list(_possible(timed, pools))


def _possible(timed, pools):
    """The actions on servers that exist for certain, and that take no more than are there for certain."""
    certain = [pool.servers for pool in pools]
    exist = [pool.servers for pool in pools]
    shrunk = set()
    for at_s, method, arguments in timed:
        p = arguments[0]
        if method in ("fail", "repair") and arguments[1] >= exist[p]:
            continue
        if method == "scale" and certain[p] + arguments[1] < 0:
            continue
        if method == "fail":
            certain[p] -= 1
        if method == "scale":
            certain[p] += arguments[1]
            if arguments[1] < 0:
                shrunk.add(p)
            elif p not in shrunk:  # else some that were leaving may stay instead
                exist[p] += arguments[1]
        yield at_s, method, arguments


# --- all of it ------------------------------------------------------------------------------------------


def _case(c):
    rules = {
        "memory_bytes": MEMORY_BYTES,
        "keep_warm_s": c.pick(NEVER, 1.0, 0.25),
        "slowness": c.under("tempo", 1.0, 0.5, 1.5),
        "tempo": c.under("tempo", (), (1.5,), (1.0, 2.0, 0.5)),
        "tempo_s": c.pick(0.7, 3.0),
    }
    pools = [
        PoolSpec(
            f"p{k}", c.under("sites", 0, 0, 1), c.under("empty pools", c.pick(1, 1, 2, 2, 3), 1, 2, 0), **rules
        )
        for k in range(1 if c.focus == "preemption" else c.whole(1, 3))
    ]
    stages = _stages(c, [pool.name for pool in pools])
    roots = [(s.name, s.span) for s in stages if not s.after]
    latency_s, bandwidth = c.pick(0.0, TICK_S, 0.1), c.under("odd times", 200.0, 130.7)
    events, event_segment = _events(c)
    plan = assemble(
        geography=Geography(
            ("here", "there"), np.array([[0.0, latency_s], [latency_s, 0.0]]), np.full((2, 2), bandwidth)
        ),
        pools=pools,
        stages=stages,
        streams=[_stream(c, *root) for root in roots for _ in range(c.under("streams", 1, 1, 2))],
        horizon_s=HORIZON_S,
        report_s=c.pick(1.0, 2.5),
        events=events,
        event_segment=event_segment,
        noise_key=c.key(),
        absent=np.array(c.under("breaks", [], [[2, 4]], [[0, 1], [5, 8]]), np.int64).reshape(-1, 2),
    )
    return plan, _actions(c, pools, stages)


@st.composite
def cases(draw):
    """(plan, actions): up to three pools on two sites, six stages; actions are (time in s, method, arguments)."""
    return _case(_Shrinking(draw).begin())


def case(seed):
    """The like, by a number."""
    return _case(_Dice(seed).begin())


def policy(question):
    """A Python route that answers each pool in turn, and now and then no."""
    number = question.entity + 2 * question.segment + 3 * question.stage + question.shard + question.site
    k = number % (len(question.pools) + 1)
    return None if k == len(question.pools) and number % 3 == 0 else question.pools[k % len(question.pools)]
