"""`ettwin latencies`: laws of the latencies in a log of real alerts, what it cannot tell, times for a scenario."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboards.terminal import FAILED, USAGE, Json, Quiet, fail, result, result_json, say
from dashboards.watch import watch

if TYPE_CHECKING:
    from dashboards.latencies_text import Told
    from twin.latencies.laws import Fit
    from twin.latencies.legs import Leg
    from twin.latencies.stamps import Columns, Log

EventTime = Annotated[
    str | None, typer.Option("--event-time", metavar="COLUMN", help="Time of the event; by default event_time.")
]
Pipeline = Annotated[
    str | None,
    typer.Option(
        "--pipeline", metavar="COLUMN", help="Who found it; by default pipeline, or all rows are of one."
    ),
]
Stamp = Annotated[
    list[str] | None,
    typer.Option(
        "--stamp",
        metavar="NAME=COLUMN",
        help="What was stamped, in order; a column …_latency_s holds seconds since the event. By default upload "
        "and alert.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="DURATION", help="Longer latencies count as no more than 'longer', such as '10 min'."
    ),
]
First = Annotated[
    float,
    typer.Option(
        "--first", metavar="SHARE", help="Of the alerts, whose laws foretell the later ones.", min=0, max=1
    ),
]
Chance = Annotated[int, typer.Option("--seed", help="Chance of the samples behind probabilities.", min=0)]
Timer = Annotated[
    list[str] | None,
    typer.Option(
        "--timer", metavar="STAGE=PIPELINE/STAMP", help="Stage of --into whose time follows that law; see --out."
    ),
]
Into = Annotated[str | None, typer.Option("--into", metavar="SCENARIO", help="What --out is based on.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write a scenario with those times, as YAML.")
]


def latencies(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A log: CSV, JSON or JSON lines (docs/latencies.md).")
    ],
    event_time: EventTime = None,
    pipeline: Pipeline = None,
    stamp: Stamp = None,
    until: Until = None,
    first: First = 0.5,
    seed: Chance = 1,
    timer: Timer = None,
    into: Into = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit the latencies of real alerts, say what the log cannot tell, and make times of a scenario of them."""
    from dashboards import latencies_text
    from twin.latencies import stamps
    from twin.latencies.stamps import LogError
    from twin.latencies.timers import TimerError
    from twin.unreadable import UnreadableError

    _fit_together(timer, into, out)
    until_s = _seconds(until)
    try:
        log = stamps.read(file, _columns(event_time, pipeline, stamp))
        overlay = None if out is None else _Overlay(log, timer or [], str(into), out)
        told = _told(log, until_s, first, seed, quiet)
        written = None if overlay is None else overlay.text(told)
    except UnreadableError:
        raise
    except LogError as error:
        fail(str(error), FAILED)
    except TimerError as error:
        fail(str(error), USAGE)
    if json:
        result_json(latencies_text.plain(told))
    else:
        result(latencies_text.text(told))
    if out is not None and written is not None:
        _write(out, written)
    if log.wrong:
        say(f"{len(log.wrong):,} of {len(log.wrong) + len(log.rows):,} rows could not be used: see above")


def _fit_together(timer: list[str] | None, into: str | None, out: Path | None) -> None:
    given = [bool(timer), into is not None, out is not None]
    if any(given) and not all(given):
        fail("--timer, --into and --out belong together: give all three, or none", USAGE)
    if out is not None and out.exists():
        fail(f"--out {out}: exists already; choose another file or remove it", USAGE)
    if out is not None and out.suffix not in (".yaml", ".yml"):
        fail(f"--out {out}: is to be a scenario: give a name that ends in .yaml", USAGE)


def _seconds(until: str | None) -> float:
    from twin.units import DURATION

    if until is None:
        return math.inf
    try:
        until_s = DURATION.parse(until)
    except ValueError as error:
        fail(f"--until {until}: {error}", USAGE)
    if until_s <= 0.0:
        fail(f"--until {until}: must be more than 0", USAGE)
    return until_s


def _columns(event_time: str | None, pipeline: str | None, stamp: list[str] | None) -> Columns:
    from twin.latencies.stamps import Columns

    pairs = []
    for text in stamp or ():
        name, equals, column = text.partition("=")
        if not (name and equals and column):
            fail(f"--stamp {text}: write NAME=COLUMN, such as alert=alert_time", USAGE)
        pairs.append((name, column))
    return Columns(event_time, pipeline, tuple(pairs))


def _told(log: Log, until_s: float, first: float, seed: int, quiet: bool) -> Told:
    """Every leg with its law and back-test, and what cannot be told."""
    import numpy as np

    from dashboards.latencies_text import Of, Told
    from twin.latencies import limits
    from twin.latencies.backtest import backtest, of_sums
    from twin.latencies.legs import legs, together

    found: list[Of] = []
    every = legs(log)
    with watch(quiet) as progress:
        for k, leg in enumerate(every):
            progress(k / len(every), f"{leg.name}: {leg.n:,} latencies")
            law, why = _law(leg, until_s, np.random.default_rng([seed, k]))
            found.append(Of(leg, law, backtest(leg.seconds, first, until_s), limits.of_leg(leg, law, why)))
    sums, also = {}, []
    for k, name in enumerate(log.pipelines):
        whole = together(log, name)[1]
        sums[name] = of_sums(whole, first, np.random.default_rng([seed, len(every) + k]), until_s)
        also += limits.of_legs(name, log.stamps, whole)
    return Told(log, tuple(found), sums, tuple(also), until_s, first, seed)


def _law(leg: Leg, until_s: float, rng: Any) -> tuple[Fit | None, str]:
    from twin.latencies.laws import fitted

    try:
        return fitted(leg.seconds, rng, until_s), ""
    except ValueError as error:
        return None, str(error)


class _Overlay:
    """What --timer, --into and --out ask for, read before anything is fitted; TimerError where it cannot be."""

    def __init__(self, log: Log, timer: list[str], into: str, out: Path) -> None:
        from twin.latencies import timers
        from twin.latencies.legs import legs
        from twin.loader import load

        self._scenario, self._base = load(into), timers.base_of(into, out)
        self._wanted = timers.asked(timer, [leg.name for leg in legs(log)], self._scenario)

    def text(self, told: Told) -> str:
        """The scenario with those times."""
        from twin.latencies import timers

        chosen = timers.laws(self._wanted, {of.leg.name: (of.leg, of.law) for of in told.legs})
        times = {stage: timers.value(leg, law, told.log) for stage, (leg, law) in chosen.items()}
        name = " ".join(told.log.name.split())
        about = f"Times of {self._scenario.name} as they were in {name}; written by ettwin latencies."
        return timers.overlay(self._base, self._scenario, times, about)


def _write(out: Path, content: str) -> None:
    """Write the scenario whole, and only if it can be loaded from there."""
    from twin.loader import load

    beside = out.with_name(f".{out.stem}.partial{out.suffix}")
    try:
        beside.write_text(content, encoding="utf-8")
        try:
            load(beside, with_=["measured"])
            beside.rename(out)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        fail(f"--out {out}: cannot be written ({error.strerror}); choose another file", USAGE)
    say(f"{out}: run it with --with measured, or compare it")
