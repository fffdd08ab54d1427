"""Systems of several stages: in a row, side by side, in shards, waiting for a verdict, choosing a queue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.theory import chains, exact
from benchmarks.theory.measures import part, sojourn, through, utilisation
from benchmarks.theory.services import exponential, fine, largest, lognormal
from benchmarks.theory.system import Quantity, System, stage
from twin.plan import Awaits, Decision, PoolSpec, StageSpec
from workloads.sky import CLASSES

JACKSON = "Jackson 1957: product form"
MANY = 300


def systems() -> list[System]:
    """All of them; of some, all servers are always free enough for theory's infinitely many."""
    return [
        _tandem(1.4, (2, 4, 8), (1.0, 2.0, 4.0)),
        _fork_join(0.7),
        _shards(5.0, 8),
        _first_of_two(5.0),
        _verdict(5.0, 1.5),
        _shortest_queue("least-loaded", 1.6),
        _shortest_queue("two-choices", 1.6),
    ]


def _tandem(rate_hz: float, servers: tuple[int, ...], means_s: tuple[float, ...]) -> System:
    each = list(zip(servers, means_s, strict=True))
    stages, known = [], []
    for k, (c, mean_s) in enumerate(each):
        after = {"after": (f"stage {k - 1}",)} if k else {}
        publishes = {"publishes": "done"} if k == len(each) - 1 else {}
        stages.append(stage(f"stage {k}", f"pool {k}", exponential(mean_s), **after, **publishes))
        time_s = exact.mmc_sojourn_s(rate_hz, mean_s, c)
        known.append(Quantity(f"mean time in stage {k}, s", time_s, JACKSON, through(f"stage {k}")))
        used = utilisation(f"pool {k}", servers=c)
        known.append(Quantity(f"utilisation of stage {k}", rate_hz * mean_s / c, JACKSON, used))
    whole_s = sum(exact.mmc_sojourn_s(rate_hz, mean_s, c) for c, mean_s in each)
    known.append(Quantity("mean time in all, s", whole_s, JACKSON, sojourn(stages[-1].name)))
    return System(
        name=f"tandem of M/M/{'/'.join(map(str, servers))}",
        pools=tuple(PoolSpec(f"pool {k}", 0, c) for k, c in enumerate(servers)),
        stages=tuple(stages),
        rates={"stage 0": rate_hz},
        quantities=tuple(known),
    )


def _fork_join(rate_hz: float) -> System:
    """Two M/M/1 side by side: each alone is one, and both are waited for."""
    alone_s = exact.mmc_sojourn_s(rate_hz, 1.0, 1)
    source = "Flatto and Hahn 1984; Nelson and Tantawi 1988"
    joined = Quantity("mean time until joined, s", exact.fork_join_s(rate_hz, 1.0), source, sojourn("join"))
    branches = [Quantity(f"mean time in branch {b}, s", alone_s, "Kleinrock 1975, 3.2", through(b)) for b in "ab"]
    used = Quantity("utilisation", rate_hz, "rate × mean service / servers", utilisation("a", "b", servers=2))
    return System(
        name=f"fork-join of two M/M/1 {rate_hz:g}",
        pools=(PoolSpec("a", 0, 1), PoolSpec("b", 0, 1)),
        stages=(*_fork(), StageSpec("join", after=("a", "b"), publishes="done")),
        rates={"fork": rate_hz},
        quantities=(joined, *branches, used),
    )


def _fork() -> tuple[StageSpec, ...]:
    branches = (stage(name, name, exponential(), after=("fork",)) for name in "ab")
    return StageSpec("fork"), *branches


def _shards(rate_hz: float, shards: int) -> System:
    mean_s = largest(exponential(), shards)
    source = "largest of n exponentials: harmonic number (table's own)"
    used = rate_hz * shards / MANY
    return System(
        name=f"{shards} shards, always a free server",
        pools=(PoolSpec("pool", 0, MANY),),
        stages=(stage("work", "pool", exponential(), shards=shards, publishes="done"),),
        rates={"work": rate_hz},
        quantities=(
            Quantity("mean time until all are done, s", mean_s, source, sojourn("work")),
            Quantity(
                "utilisation", used, "rate × shards × mean service / servers", utilisation("pool", servers=MANY)
            ),
        ),
    )


def _first_of_two(rate_hz: float) -> System:
    used = utilisation("a", "b", servers=2 * MANY)
    source = "smaller of two exponentials"
    return System(
        name="first of two branches, always a free server",
        pools=(PoolSpec("a", 0, MANY), PoolSpec("b", 0, MANY)),
        stages=(*_fork(), StageSpec("join", after=("a", "b"), any=True, publishes="done")),
        rates={"fork": rate_hz},
        quantities=(
            Quantity("mean time until the first is done, s", 0.5, source, sojourn("join")),
            Quantity("utilisation", rate_hz / MANY, "rate × mean service / servers", used),
        ),
    )


def _verdict(rate_hz: float, timeout_s: float) -> System:
    """Work waits for the flag stage's verdict on its segment, but not longer than so."""
    _, s = fine(lognormal())
    never = Decision(np.array([0.0, 1e9]), np.zeros((len(CLASSES), 1)), 0.0)
    flag = stage("flag", "pool", lognormal(), after=("fork",), role="flag")
    programs = {pool: (replace(program, decision=never), None) for pool, (program, _) in flag.on.items()}
    source = "E[min(S, time-out)]"
    return System(
        name="waiting for a verdict, not too long",
        pools=(PoolSpec("pool", 0, MANY),),
        stages=(
            StageSpec("fork"),
            replace(flag, on=programs),
            StageSpec("work", after=("fork",), awaits=Awaits("flag", timeout_s), publishes="done"),
        ),
        rates={"fork": rate_hz},
        quantities=(
            Quantity("mean wait, s", float(s.clip(max=timeout_s).mean()), source, part("work", "join_s")),
            Quantity(
                "fraction without", float((s > timeout_s).mean()), "P(S > time-out)", part("work", "missing")
            ),
            Quantity(
                "utilisation", rate_hz / MANY, "rate × mean service / servers", utilisation("pool", servers=MANY)
            ),
        ),
    )


def _shortest_queue(route: str, rate_hz: float) -> System:
    """Of two servers with a queue each; two choices of two are the same."""
    source = "Kingman 1961; equilibrium of the Markov chain"
    mean_s = chains.shortest_queue_s(rate_hz, 1.0)
    used = Quantity("utilisation", rate_hz / 2, "rate × mean service / servers", utilisation("a", "b", servers=2))
    return System(
        name=f"shorter of two queues ({route}) {rate_hz / 2:g}",
        pools=(PoolSpec("a", 0, 1), PoolSpec("b", 0, 1)),
        stages=(stage("work", ("a", "b"), exponential(), route=route, publishes="done"),),
        rates={"work": rate_hz},
        quantities=(Quantity("mean time in system, s", mean_s, source, sojourn("work")), used),
    )


def mean_field(load: float, queues: int = 200) -> System:
    """The shorter of two queues drawn at random from many: theory's answer is for infinitely many."""
    names = tuple(f"pool {k}" for k in range(queues))
    source = "Mitzenmacher 1996, Vvedenskaya et al. 1996: mean field"
    return System(
        name=f"two choices among {queues} queues {load:g}",
        pools=tuple(PoolSpec(name, 0, 1) for name in names),
        stages=(stage("work", names, exponential(), route="two-choices", publishes="done"),),
        rates={"work": load * queues},
        quantities=(Quantity("mean time in system, s", exact.two_choices_s(load), source, sojourn("work")),),
        share=4.0,
    )
