"""Systems of several classes at one server: who goes first, and whether the others are interrupted for it."""

from __future__ import annotations

from benchmarks.theory import exact
from benchmarks.theory.measures import sojourn, utilisation
from benchmarks.theory.services import constant, even, exponential, mean
from benchmarks.theory.system import Quantity, System, stage
from twin.plan import PoolSpec

CLASSES = ((0.2, exponential()), (0.3, constant()), (0.3, exponential()))
TWO = ((0.2, exponential()), (0.3, even(0.5, 1.5)))


def systems() -> list[System]:
    """All of them."""
    return [
        _classes("3 classes, head of line 0.8", CLASSES, "none", "Cobham 1954", exact.cobham_s(CLASSES)),
        _classes(
            "3 classes, interrupt and resume 0.8", CLASSES, "resume", "Jaiswal 1968", exact.resumed_s(CLASSES)
        ),
        _repeated(),
    ]


def _system(name: str, classes: exact.Classes, preempt: str, known: list[Quantity], used: float) -> System:
    return System(
        name=name,
        pools=(PoolSpec("pool", 0, 1),),
        stages=tuple(
            stage(f"class {k}", "pool", table, priority=k, preempt=preempt, publishes="done")
            for k, (_, table) in enumerate(classes)
        ),
        rates={f"class {k}": rate_hz for k, (rate_hz, _) in enumerate(classes)},
        quantities=(*known, Quantity("utilisation", used, "sum of loads", utilisation("pool", servers=1))),
    )


def _classes(name: str, classes: exact.Classes, preempt: str, source: str, answers_s: list[float]) -> System:
    known = [
        Quantity(f"mean time of class {k}, s", time_s, source, sojourn(f"class {k}"))
        for k, time_s in enumerate(answers_s)
    ]
    return _system(name, classes, preempt, known, sum(rate * mean(table) for rate, table in classes))


def _repeated() -> System:
    """Interrupted work starts again and takes as long as before: its random number is the same."""
    (urgent_hz, urgent), (rate_hz, _) = TWO
    completion, once_s, wait_s = _repeating()
    source = "Gaver 1962: preemptive repeat identical"
    known = [
        Quantity(
            "mean time of class 0, s",
            exact.pollaczek_khinchine_s(*TWO[0]),
            "Kleinrock 1975, 5.6",
            sojourn("class 0"),
        ),
        Quantity("mean time of class 1, s", wait_s + completion, source, sojourn("class 1")),
    ]
    return _system(
        "2 classes, interrupt and repeat", TWO, "restart", known, urgent_hz * mean(urgent) + rate_hz * once_s
    )


def _repeating() -> tuple[float, float, float]:
    """Of class 1: mean completion, mean server time in it, mean wait until its first start."""
    (urgent_hz, urgent), (rate_hz, table) = TWO
    busy = exact.busy_period(urgent_hz, urgent)
    completion = exact.repeated(table, urgent_hz, busy)
    server_s, _ = exact.repeated(table, urgent_hz, (0.0, 0.0))
    return completion[0], server_s, exact.interrupted_s(rate_hz, completion, urgent_hz, busy)
