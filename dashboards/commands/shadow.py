"""`ettwin shadow`: follow the log of a running farm, foretell its next minutes, say when it does otherwise."""

from __future__ import annotations

import json as jsons
import time
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboards.terminal import SCHEMA_VERSION, USAGE, Profiles, Set, Source, With, fail, result, say

if TYPE_CHECKING:
    from twin.shadow.watch import Settings, Window

POLL_S = 0.2
_WIDTH = 11

Log = Annotated[
    Path,
    typer.Argument(metavar="LOG", exists=True, dir_okay=False, help="As 'ettwin run --farm --log LOG' writes it."),
]


def shadow(
    scenario: Source,
    log: Log,
    with_: With = None,
    set_: Set = None,
    ahead: Annotated[str, typer.Option(help="How much is foretold.")] = "2 min",
    every: Annotated[str, typer.Option(help="How often.")] = "30 s",
    draws: Annotated[int, typer.Option(help="Futures that a forecast is made of.", min=10, max=1000)] = 40,
    seed: Annotated[int | None, typer.Option(help="Of the sky; by default the log's.", min=0)] = None,
    profiles: Profiles = None,
    to_end: Annotated[bool, typer.Option("--to-end", help="Wait for no more than the log holds now.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object per line.")] = False,
) -> None:
    """Follow a running farm: foretell the next minutes, judge, recalibrate, tell what leaves its band."""
    from twin.loader import load
    from twin.shadow.begin import follower, late_s
    from twin.shadow.tail import Tail
    from twin.shadow.watch import Settings, Shadow, watch

    def wait() -> bool:
        if not to_end:
            time.sleep(POLL_S)
        return not to_end

    chosen = load(scenario, with_ or (), set_ or [])
    spans_s = {name: _seconds(f"--{name}", text) for name, text in (("every", every), ("ahead", ahead))}
    try:
        settings = Settings(spans_s["every"], spans_s["ahead"], late_s(chosen), draws)
    except ValueError as error:
        fail(f"--ahead {ahead} --every {every}: {error}", USAGE)
    with Tail(log) as tail:
        following = Shadow(
            follower(chosen, tail.begin(wait), tuple(profiles or [Path("profiles")]), seed), settings
        )
        seen: list[Window] = []
        try:
            for window in watch(tail, following, wait):
                seen.append(window)
                result(_json(window) if json else _told(window))
        except KeyboardInterrupt:
            say(f"interrupted at {following.follower.now:g} s of the log")
            raise
        _close(seen, settings, json)


def _close(seen: list[Window], settings: Settings, json: bool) -> None:
    """How often each figure, and how often all of them, were where they were foretold."""
    whole = sum(not window.outside for window in seen)
    if json:
        result(jsons.dumps({"schema_version": SCHEMA_VERSION, "windows": len(seen), "inside": whole}))
    elif not seen:
        result(
            f"The log tells of no whole window of {settings.ahead_s:g} s after the first {settings.every_s:g} s."
        )
    else:
        result(f"\nInside their bands: all figures in {whole} of {len(seen)} windows; by figure")
        for name in seen[0].bands:
            judged = [window for window in seen if window.judged(name)]
            inside = sum(name not in window.outside for window in judged)
            result(f"  {name:<18}{f'{inside} of {len(judged)}' if judged else 'never enough to tell'}")


def _seconds(option: str, text: str) -> float:
    from twin.units import DURATION

    try:
        return DURATION.parse(text)
    except ValueError as error:
        fail(f"{option} {text}: {error}", USAGE)


def _told(window: Window) -> str:
    """One line, and another for every figure outside its band."""
    from twin.words import digits

    told = f"{window.start_s:g}–{window.end_s:g} s"
    if not window.outside:
        parts = [f"{name} {_value(window, name)}" for name in window.bands if window.judged(name)]
        return f"{told:<{_WIDTH}}  as foretold: {', '.join(parts) or 'too little to tell'}"
    lines = [f"{told:<{_WIDTH}}  LEAVES ITS BAND"]
    lines += [f"{'':<{_WIDTH}}  {name} {_value(window, name)}" for name in window.outside]
    for pool, scale in window.scales_after.items():
        before = window.scales.get(pool, 1.0)
        lines.append(
            f"{'':<{_WIDTH}}  {pool} takes {digits(scale)} times its profile, foretold with {digits(before)}"
        )
    return "\n".join(lines)


def _value(window: Window, name: str) -> str:
    from twin.words import digits

    band = window.bands[name]
    assert band is not None
    return f"{digits(getattr(window.observed, name))} ({digits(band.low)}–{digits(band.high)})"


def _json(window: Window) -> str:
    """The window as a JSON object; null is what there was too little to tell."""
    figures = {
        name: {"observed": _finite(getattr(window.observed, name)), **(asdict(band) if band else {})}
        | {"inside": name not in window.outside if window.judged(name) else None}
        for name, band in window.bands.items()
    }
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "start_s": window.start_s,
        "end_s": window.end_s,
        "jobs": window.observed.jobs,
        "outside": window.outside,
        "scales": window.scales,
        "scales_after": window.scales_after,
        "figures": figures,
    }
    return jsons.dumps(content)


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
