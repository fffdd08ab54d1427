"""A run's summary in plain words for a terminal: 80 columns, no colour. Knows the summary only, no record."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from twin import words

WIDTH = 80
_LABEL = 12
_NAMES = {"p50": "median", "p90": "90 %", "p99": "99 %"}
_SHOWN_IDS = 5
_BUSY = 0.01
"""A link that is less busy is not mentioned."""
_ALSO = {
    "ageing": "Ageing",
    "guarded": "Guarded",
    "ladders": "Models",
    "warnings": "Warned",
    "observing": "Observing",
    "overlaps": "In band",
    "beside": "Close",
    "alerts": "Alerts",
    "shifts": "Vetting",
    "warm_up": "Warm-up",
    "unused": "Unused",
    "documents": "Written",
}
"""Parts of a summary that only some runs have, and what they are called."""


def text(summary: Mapping[str, Any]) -> str:
    """What a planner reads first: verdicts, latency, losses, pools, what limited it, what was assumed."""
    scenario = summary["scenario"]
    head = [
        f"{kind(summary)}  {scenario['name']}: {words.duration(scenario['horizon_s'])} in "
        f"{words.count(scenario['replicas'], 'replica')}, seed {scenario['seed']}"
        + (f"; executed: {words.sequence(scenario['live'])}" if scenario["live"] else ""),
        *textwrap.wrap(" ".join(scenario["question"].split()), WIDTH),
        "",
        *textwrap.wrap(headline(summary), WIDTH),
        *(_target(target) for target in summary["targets"]),
        "",
    ]
    body = [line for label, told in _paragraphs(summary) for line in _paragraph(label, told)]
    foot = "" if scenario["replicas"] == 1 else " over replicas"
    return "\n".join([*head, *body, "", f"In brackets: 95 % intervals{foot}.", ""])


def kind(summary: Mapping[str, Any]) -> str:
    """Whether all of it was simulated, or some of it happened on real workers."""
    return "SIMULATED" if summary["simulated"] else "FARM RUN"


def farm(summary: Mapping[str, Any]) -> str:
    """What the real workers did, and what happened to them."""
    found, told = summary["farm"], []
    for i in found["incidents"][:_SHOWN_IDS]:
        happened = "was lost" if i["what"] == "fail" else "was replaced"
        told.append(
            f"the worker of server {i['server']} of {i['pool']} {happened} after {words.duration(i['time_s'])}"
        )
    if more := len(found["incidents"]) - len(told):
        told.append(f"{more} more such incidents are in table incidents")
    if found["unanswered"]:
        told.append(f"{words.count(found['unanswered'], 'batch', 'batches')} never answered")
    executed = (
        f"{words.count(found['batches'], 'batch', 'batches')} of {words.sequence(summary['scenario']['live'])}"
    )
    return "; ".join([f"{executed} on real workers, the rest simulated", *told])


def headline(summary: Mapping[str, Any]) -> str:
    """The verdict in one sentence, saturation first."""
    targets = summary["targets"]
    saturated = " ".join(pool["text"] for pool in summary["saturated"])
    missed, unclear = (
        sum(target["verdict"] == verdict for target in targets) for verdict in ("missed", "undecided")
    )
    if not targets:
        told = "The scenario sets no targets, so there is no verdict."
    elif missed:
        told = f"{missed} of {words.count(len(targets), 'target')} missed" + (
            f", {unclear} undecided." if unclear else "."
        )
    elif unclear:
        told = f"{unclear} of {words.count(len(targets), 'target')} undecided, none missed."
    else:
        told = "The target is met." if len(targets) == 1 else f"All {len(targets)} targets are met."
    return f"SATURATED: {saturated} {told}" if saturated else told


def value(estimate: Mapping[str, Any], unit: str) -> str:
    """An estimate without its interval; `unit` is 's' or '' for a share."""
    if estimate["value"] is None:
        return "not stated"
    return words.duration(estimate["value"]) if unit == "s" else words.share(estimate["value"])


def interval(estimate: Mapping[str, Any], unit: str) -> str:
    """Its interval, or why there is no value."""
    if estimate["value"] is None:
        return str(estimate["reason"])
    low, high = estimate["low"], estimate["high"]
    return words.span(low, high) if unit == "s" else words.shares(low, high)


def recovery(seconds: float | None) -> str:
    """How long after an event a queue was worked off; None and NaN: it was not."""
    if seconds is None or seconds != seconds:
        return "not within the run"
    return f"{words.duration(seconds)} after its end" if seconds > 0.0 else "by its end"


def _target(target: Mapping[str, Any]) -> str:
    mark = {"met": "met", "missed": "MISSED", "undecided": "undecided"}[target["verdict"]]
    estimate, unit = target["estimate"], target["unit"]
    told = f"{target['text']}: {value(estimate, unit)} ({interval(estimate, unit)})"
    start = f"  {mark:<10}"
    return textwrap.fill(start + told, WIDTH, subsequent_indent=" " * len(start))


def _paragraphs(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    scenario, limit = summary["scenario"], summary["limit"]
    lines = [("Latency", _latency(summary))]
    if summary["farm"]:
        lines.insert(0, ("Farm", farm(summary)))
    if len(summary["products"]) > 1:
        lines.append(("Products", "; ".join(_product(product) for product in summary["products"])))
    if scenario["late_s"] is not None:
        lines.append(("Late", f"{_share(summary['late'])} of them after {words.duration(scenario['late_s'])}"))
    detectable = summary["lost"]["n"]
    able = f"{words.count(detectable, 'detectable signal')} (SNR {scenario['detectable_snr']:g} or more)"
    false = summary["false_alerts_per_day"]
    busy = [link for link in summary["links"] if link["use"] >= _BUSY]
    lines += [
        ("Lost", f"{_share(summary['lost'])} of {able}. {limit['lost']}"),
        ("False", f"{_rate(false)} alerts a day that are no signal"),
        ("Vetoed", vetoed(summary)),
        ("Dead time", _share(summary["dead_time"])),
        ("Pools", "; ".join(_pool(pool) for pool in summary["pools"]) or "none"),
        *([("Links", "; ".join(map(_link, busy)))] if busy else []),
        ("Limited by", " ".join(part for part in (limit["sentence"], *causes(limit)) if part)),
        *(also(summary).items()),
        ("Assumed", _assumed(summary)),
    ]
    return lines


def also(summary: Mapping[str, Any]) -> dict[str, str]:
    """What only some runs have to tell: a sentence under each name."""
    return {name: summary[part]["text"] for part, name in _ALSO.items() if part in summary}


def causes(limit: Mapping[str, Any]) -> list[str]:
    """The sentences on work that was given up, interrupted or not waited for: those with something to say."""
    return [limit[key] for key in ("shedding", "interruptions", "unjudged") if limit[key]]


def vetoed(summary: Mapping[str, Any]) -> str:
    """The real signals a gate removed, the first few by name."""
    rows, n = summary["vetoed_signals"]["rows"], summary["vetoed_signals"]["n"]
    if not n:
        return "no real signal was vetoed"
    loudest = sorted(rows, key=lambda row: -(row["snr"] or 0.0))[:_SHOWN_IDS]
    told = [
        f"{row['cls']} {row['event_id']} of replica {row['replica']} (SNR {row['snr']:.1f})" for row in loudest
    ]
    which = f"the loudest {len(told)}: " if n > len(told) else ""
    return f"{words.count(n, 'real signal')} taken for glitches; {which}{', '.join(told)}"


def _latency(summary: Mapping[str, Any]) -> str:
    told = [
        f"{_NAMES.get(key, key)} {value(estimate, 's')} ({interval(estimate, 's')})"
        for key, estimate in summary["latency_s"].items()
    ]
    n = next(iter(summary["latency_s"].values()))["n"]
    product = summary["scenario"]["product"]
    return f"{'; '.join(told)}; n = {n:,} {'published signals' if product is None else f'{product} alerts'}"


def _product(product: Mapping[str, Any]) -> str:
    middle, most = (value(product["latency_s"][key], "s") for key in ("p50", "p99"))
    return f"{product['product']} {product['published']:,}, median {middle}, 99 % {most}"


def _link(link: Mapping[str, Any]) -> str:
    return f"{link['source']} to {link['target']} {words.share(link['use'])} busy"


def _share(estimate: Mapping[str, Any]) -> str:
    return f"{value(estimate, '')} ({interval(estimate, '')})"


def _rate(estimate: Mapping[str, Any]) -> str:
    if estimate["value"] is None:
        return f"not stated ({estimate['reason']})"
    return f"{words.digits(estimate['value'])} ({words.between(estimate['low'], estimate['high'])})"


def _pool(pool: Mapping[str, Any]) -> str:
    down = f", down {words.duration(pool['down_s'])}" if pool["down_s"] > 0.5 else ""
    return f"{pool['pool']} {words.share(pool['use'])} busy, peak queue {pool['queue_peak']:,}{down}"


def _assumed(summary: Mapping[str, Any]) -> str:
    counts, assumed = summary["inputs"]["counts"], summary["inputs"]["assumed"]
    total = sum(counts.values())
    if not assumed:
        return f"none of {words.count(total, 'input')}"
    names = ", ".join(f"{row['key']} {row['value']}" for row in assumed)
    return f"{len(assumed)} of {words.count(total, 'input')}: {names}"


def _paragraph(label: str, told: str) -> list[str]:
    return textwrap.wrap(
        f"{label:<{_LABEL}}{told}",
        WIDTH,
        subsequent_indent=" " * _LABEL,
        break_on_hyphens=False,
    )
