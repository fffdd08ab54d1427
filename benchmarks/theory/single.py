"""Systems of one stage on one pool: delay, loss, impatience and attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.theory import chains, exact
from benchmarks.theory.measures import (
    lost,
    sojourn,
    utilisation,
    wait,
    waits_longer,
)
from benchmarks.theory.services import constant, exponential, fine, lognormal, mean
from benchmarks.theory.system import Quantity, Run, System, lived_s, stage
from benchmarks.work import Array
from twin.engine import Question, TwinEnvironment
from twin.kernel.state import OUTCOMES
from twin.plan import PoolSpec

ERLANG = "Erlang 1917; Kleinrock 1975, 3.5"
PK = "Pollaczek 1930, Khinchine 1932; Kleinrock 1975, 5.6"


def systems() -> list[System]:
    """All of them."""
    return [
        _mmc(0.7, 1, longer_s=3.0),
        _mmc(6.4, 8, longer_s=1.0),
        _mmc(60.8, 64, longer_s=0.5, quantile=0.99, share=3.0),
        _mg1("M/G/1 lognormal", 0.6, lognormal()),
        _mg1("M/D/1", 0.8, constant()),
        _mdc(3.2, 4),
        _bounded(4.4, 4, 6),
        _erlang_b("M/M/8/8, nobody waits", 6.4, exponential()),
        _erlang_b("M/G/8/8 lognormal", 6.4, lognormal()),
        _asked(3.0, 4),
        _impatient(1.2, 2.0),
        _feedback(0.5, 0.3),
        _attempts(10.0, 0.3, 4),
        _cut_short(10.0, 1.5, 3),
    ]


def _one(
    name: str, table: Array, rate_hz: float, servers: int, quantities: Sequence[Quantity], **more: Any
) -> System:
    used = more.pop("used", rate_hz * mean(table) / servers)
    source = more.pop("used_source", "rate × mean service / servers")
    system = {key: more.pop(key) for key in ("share", "policy", "jobs_in_pools") if key in more}
    return System(
        name=name,
        pools=(PoolSpec("pool", 0, servers),),
        stages=(stage("work", "pool", table, publishes="done", **more),),
        rates={"work": rate_hz},
        quantities=(*quantities, Quantity("utilisation", used, source, utilisation("pool", servers=servers))),
        **system,
    )


def _mmc(rate_hz: float, servers: int, longer_s: float, quantile: float = 0.0, share: float = 1.0) -> System:
    load = rate_hz, 1.0, servers
    tail = Quantity(
        f"P(wait > {longer_s:g} s)", exact.mmc_wait_tail(*load, longer_s), ERLANG, waits_longer("work", longer_s)
    )
    known = [
        Quantity("mean time in system, s", exact.mmc_sojourn_s(*load), ERLANG, sojourn("work")),
        Quantity("P(wait > 0)", exact.erlang_c(rate_hz, servers), ERLANG, waits_longer("work")),
        tail,
    ]
    if quantile:  # the fraction beyond the exact one: a quantile of correlated waits is a biased estimate
        at_s = exact.mmc_wait_quantile_s(*load, quantile)
        name = f"P(wait > {100 * quantile:g} % quantile {at_s:.4g} s)"
        known.append(Quantity(name, 1 - quantile, ERLANG, waits_longer("work", at_s)))
    return _one(f"M/M/{servers} {rate_hz / servers:g}", exponential(), rate_hz, servers, known, share=share)


def _mg1(name: str, rate_hz: float, table: Array) -> System:
    known = [
        Quantity("mean time in system, s", exact.pollaczek_khinchine_s(rate_hz, table), PK, sojourn("work")),
        Quantity("P(wait > 0)", rate_hz * mean(table), "Kleinrock 1975, 5.6", waits_longer("work")),
    ]
    return _one(f"{name} {rate_hz * mean(table):g}", table, rate_hz, 1, known)


def _mdc(rate_hz: float, servers: int) -> System:
    waits, mean_s = chains.mdc(rate_hz, 1.0, servers)
    known = [
        Quantity(
            "mean time in system, s", mean_s, "Crommelin 1932; chain of steps of one service", sojourn("work")
        ),
        Quantity("P(wait > 0)", waits, "Crommelin 1932; chain of steps of one service", waits_longer("work")),
    ]
    return _one(f"M/D/{servers} {rate_hz / servers:g}", constant(), rate_hz, servers, known)


def _bounded(rate_hz: float, servers: int, places: int) -> System:
    """A queue of so many places besides those at the servers; who finds it full is turned away."""
    blocked, mean_s = exact.bounded(rate_hz, 1.0, servers, servers + places)
    source = "Kleinrock 1975, 3.6"
    known = [
        Quantity("fraction turned away", blocked, source, lost("work", "rejected")),
        Quantity("mean time in system, s", mean_s, source, sojourn("work")),
    ]
    name = f"M/M/{servers}/{servers + places} {rate_hz / servers:g}"
    used = rate_hz * (1 - blocked) / servers
    return _one(name, exponential(), rate_hz, servers, known, queue_limit=places, used=used, used_source=source)


def _erlang_b(name: str, rate_hz: float, table: Array) -> System:
    """With a shelf life of 0 only those who start at once start at all."""
    blocked = exact.erlang_b(rate_hz * mean(table), 8)
    known = [Quantity("fraction lost", blocked, "Erlang 1917; Sevastyanov 1957", lost("work", "stale"))]
    used = rate_hz * mean(table) * (1 - blocked) / 8
    more = {"used": used, "used_source": known[0].source, "jobs_in_pools": lived_s}
    return _one(name, table, rate_hz, 8, known, shelf_life_s=0.0, **more)


def _turn_away(environment: TwinEnvironment, question: Question) -> int | None:
    return None if environment.load(0) >= 1.0 else question.pools[0]


def _asked(rate_hz: float, servers: int) -> System:
    """The same loss by a Python route that turns everybody away while all servers are busy."""
    blocked = exact.erlang_b(rate_hz, servers)
    known = [Quantity("fraction turned away", blocked, ERLANG, lost("work", "shed"))]
    used = rate_hz * (1 - blocked) / servers
    more = {"used": used, "used_source": ERLANG, "policy": _turn_away, "share": 0.05}
    return _one(
        f"M/M/{servers}/{servers}, Python route", exponential(), rate_hz, servers, known, route="python", **more
    )


def _impatient(rate_hz: float, patience_s: float) -> System:
    """Who has waited for his patience when a server is free for him is gone: shelf life is patience."""
    source = "Barrer 1957; Baccelli and Hebuterne 1981"
    gone, wait_s = exact.impatient(rate_hz, 1.0, patience_s)
    known = [
        Quantity("fraction gone", gone, source, lost("work", "stale")),
        Quantity("mean wait of the served, s", wait_s, source, wait("work")),
    ]
    more = {"used": rate_hz * (1 - gone), "used_source": source, "jobs_in_pools": lived_s}
    return _one(f"M/M/1+D {rate_hz:g}", exponential(), rate_hz, 1, known, shelf_life_s=patience_s, **more)


def _feedback(rate_hz: float, failure: float) -> System:
    """Failed attempts go to the end of the queue, as often as it takes."""
    source = "Jackson 1957; Takacs 1963"
    mean_s = 1 / (1 - failure - rate_hz)
    known = [Quantity("mean time in system, s", mean_s, source, sojourn("work"))]
    more = {"used": rate_hz / (1 - failure), "used_source": source, "jobs_in_pools": lived_s}
    return _one("M/M/1 with feedback", exponential(), rate_hz, 1, known, failure=failure, retries=10_000, **more)


def _attempts(rate_hz: float, failure: float, most: int) -> System:
    """Always a free server; failed attempts of 1 s and pauses of 0.5 s between them."""
    source = "geometric number of attempts, cut off"
    mean_s = 1.5 * exact.attempts_of_success(failure, most) - 0.5
    known = [
        Quantity("fraction given up", failure**most, source, lost("work", "failed")),
        Quantity("mean time of the successful, s", mean_s, source, sojourn("work")),
    ]

    more = {
        "used": rate_hz * exact.attempts(failure, most) / 100,
        "used_source": source,
        "jobs_in_pools": _without_pauses_s,
    }
    rules = {"failure": failure, "retries": most - 1, "backoff_s": 0.5}
    return _one("attempts with pauses", constant(), rate_hz, 100, known, **rules, **more)


def _without_pauses_s(run: Run) -> float:
    """Failed attempts are counted with the pauses after them, of which a job that was given up has one less."""
    given_up = run.rows["outcome"] == OUTCOMES.index("failed")
    pauses = np.round((run.rows["outage_s"] + 0.5 * given_up) / 1.5) - given_up
    return lived_s(run) - 0.5 * float(pauses.sum())


def _cut_short(rate_hz: float, timeout_s: float, most: int) -> System:
    """Always a free server; an attempt that would take longer than the time-out fails at it."""
    _, s = fine(exponential())
    failure = float((s > timeout_s).mean())
    used = rate_hz * float(s.clip(max=timeout_s).mean()) * exact.attempts(failure, most) / 100
    source = "geometric number of attempts, cut off"
    known = [Quantity("fraction given up", failure**most, source, lost("work", "failed"))]
    more = {"used": used, "used_source": source, "jobs_in_pools": lived_s}
    rules = {"timeout_s": timeout_s, "retries": most - 1}
    return _one("attempts with a time-out", exponential(), rate_hz, 100, known, **rules, **more)
