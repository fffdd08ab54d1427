"""What `ettwin latencies` tells: laws, quantiles, back-tests and limits of a log, as text and as JSON.

Knows no file and fits nothing.
"""

from __future__ import annotations

import math
import shlex
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.text import WIDTH
from twin import words
from twin.estimates import Estimate, events_needed, quantile
from twin.latencies import timers
from twin.latencies.backtest import BELOW, EXPECTED, Backtest
from twin.latencies.laws import Fit
from twin.latencies.legs import Leg
from twin.latencies.stamps import Log

QUANTILES = (0.05, 0.5, 0.9, 0.95, 0.99)
"""Told of every leg, where there are enough latencies."""
_LISTED = 20
"""Rows that are wrong and told in the text; JSON has all."""
_INDENT = 13


@dataclass(frozen=True)
class Of:
    """A leg with its law, its back-test (None where there is too little) and what cannot be told of it."""

    leg: Leg
    law: Fit | None
    tested: Backtest | None
    limits: list[str]


@dataclass(frozen=True)
class Told:
    """All of a log: its legs, back-tests of their sums by pipeline, what else cannot be told, and the settings."""

    log: Log
    legs: tuple[Of, ...]
    sums: Mapping[str, Backtest | None]
    limits: tuple[str, ...]
    until_s: float
    first: float
    seed: int


def text(told: Told) -> str:
    """For a terminal."""
    log = told.log
    head = (
        f"LOG  {log.name}: {words.count(len(log.rows), 'row')} of {words.count(len(log.pipelines), 'pipeline')}, "
        f"{len(log.wrong):,} wrong; sha256 {log.sha256[:12]}"
    )
    lines = textwrap.wrap(head, WIDTH)
    for of in told.legs:
        lines += ["", *_leg(of, log)]
    for name, tested in told.sums.items():
        if tested is not None and len(log.stamps) > 1:
            lines += ["", f"{name}: event to {log.stamps[-1]}, as a sum of laws drawn one by one"]
            lines += _paragraph("Back-test", _tested(tested))
    if told.limits:
        lines += ["", "Cannot be told of all together"]
        lines += [line for limit in told.limits for line in _item(limit)]
    return "\n".join([*lines, *_wrong(log), "", "In brackets: 95 % intervals."])


def plain(told: Told) -> dict[str, Any]:
    """As JSON."""
    log = told.log
    return {
        "log": log.name,
        "sha256": log.sha256,
        "rows": len(log.rows),
        "wrong": [{"where": row.where, "why": row.why} for row in log.wrong],
        "until_s": None if math.isinf(told.until_s) else told.until_s,
        "first": told.first,
        "seed": told.seed,
        "legs": [_plain_leg(of, log) for of in told.legs],
        "sums": {name: None if tested is None else _plain_test(tested) for name, tested in told.sums.items()},
        "limits": list(told.limits),
    }


def _leg(of: Of, log: Log) -> Iterator[str]:
    leg, law = of.leg, of.law
    yield f"{leg.name}: {leg.start} to {leg.end}, n = {leg.n:,}"
    quantiles = [f"{100 * q:g} % {_estimate(_quantile(leg, q))}" for q in QUANTILES]
    yield from _paragraph("Quantiles", "; ".join(quantiles))
    if law is not None:
        yield from _paragraph("Law", _law(law))
        yield f"  As a value: --set {shlex.quote(timers.option('STAGE', 'wait', timers.value(leg, law, log)))}"
    yield from _paragraph("Back-test", "too few alerts" if of.tested is None else _tested(of.tested))
    yield "  Cannot be told"
    for limit in of.limits:
        yield from _item(limit)


def _law(law: Fit) -> str:
    shape = "" if law.law.shape == 0.0 else f", shape {words.digits(law.law.shape)} ({_between(law.shape)})"
    verdict = "fits" if law.fits else "does NOT fit"
    return (
        f"{law.law.law}, mean {words.duration(law.law.mean_s)} ({words.span(*law.mean_s)}){shape}; {verdict}: "
        f"Kolmogorov-Smirnov distance {law.distance:.3f}, probability {law.probability:.2g}"
    )


def _tested(tested: Backtest) -> str:
    covered, below = tested.covered, tested.below
    verdict = "as foretold" if tested.holds else "NOT as foretold"
    told = [
        f"of {tested.after:,} alerts after the first {tested.before:,}, {words.share(covered.value)} "
        f"({words.shares(covered.low, covered.high)}) lie where {words.share(EXPECTED)} should, and "
        f"{words.share(below.value)} ({words.shares(below.low, below.high)}) where the lower {words.share(BELOW)} "
        f"should: {verdict}"
    ]
    for q, foretold_s in tested.foretold.items():
        found = tested.found[q]
        off = "" if found.value is None else f", {_signed(foretold_s / found.value - 1.0)}"
        told.append(f"{100 * q:g} %: {words.duration(foretold_s)} foretold, {_known(found)} found{off}")
    return "; ".join(told)


def _quantile(leg: Leg, q: float) -> dict[str, Any]:
    found = quantile([leg.seconds], q)
    reason = "" if found.value is not None else f"it takes {events_needed(q)} latencies"
    return found.as_dict() | {"reason": reason}


def _estimate(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return f"not stated ({found['reason']})"
    return f"{words.duration(found['value'])} ({words.span(found['low'], found['high'])})"


def _known(found: Estimate) -> str:
    """What was found later, where that was enough to say."""
    return "too few" if found.value is None else _estimate(found.as_dict())


def _signed(error: float) -> str:
    return f"{'+' if error >= 0.0 else '-'}{words.share(abs(error))}"


def _between(ends: tuple[float, float]) -> str:
    return words.between(*ends)


def _wrong(log: Log) -> list[str]:
    if not log.wrong:
        return []
    lines = ["", f"{words.count(len(log.wrong), 'row')} that cannot be used"]
    lines += [line for row in log.wrong[:_LISTED] for line in _item(f"{row.where}: {row.why}")]
    more = len(log.wrong) - _LISTED
    return lines if more <= 0 else [*lines, f"    and {more:,} more: see --json"]


def _paragraph(label: str, told: str) -> list[str]:
    start = f"  {label:<{_INDENT - 2}}"
    return textwrap.wrap(start + told, WIDTH, subsequent_indent=" " * _INDENT, break_on_hyphens=False)


def _item(told: str) -> list[str]:
    return textwrap.wrap(f"    - {told}", WIDTH, subsequent_indent=" " * 6, break_on_hyphens=False)


def _plain_leg(of: Of, log: Log) -> dict[str, Any]:
    leg, law = of.leg, of.law
    found: dict[str, Any] = {
        "leg": leg.name,
        "from": leg.start,
        "to": leg.end,
        "n": leg.n,
        "lacking": leg.lacking,
        "quantiles_s": {f"p{100 * q:g}": _quantile(leg, q) for q in QUANTILES},
        "law": None,
        "backtest": None if of.tested is None else _plain_test(of.tested),
        "cannot_be_told": of.limits,
    }
    if law is not None:
        found["law"] = {
            "law": law.law.law,
            "mean_s": law.law.mean_s,
            "mean_s_95": list(law.mean_s),
            "shape": law.law.shape,
            "shape_95": list(law.shape),
            "distance": law.distance,
            "probability": law.probability,
            "beyond": law.beyond,
            "rival": law.rival,
            "behind": law.behind,
            "value": timers.value(leg, law, log),
        }
    return found


def _plain_test(tested: Backtest) -> dict[str, Any]:
    return {
        "before": tested.before,
        "after": tested.after,
        "expected": EXPECTED,
        "covered": tested.covered.as_dict(),
        "below_median": tested.below.as_dict(),
        "holds": tested.holds,
        "foretold_s": {f"p{100 * q:g}": s for q, s in tested.foretold.items()},
        "found_s": {f"p{100 * q:g}": one.as_dict() for q, one in tested.found.items()},
    }
