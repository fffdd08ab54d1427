"""The report of a run: one HTML file that needs nothing else, for planners to read, print and pass on.

Verdict first, then why, then the evidence, then every input with its origin. Computes nothing itself:
numbers come from twin.metrics, pictures from dashboards.figures. The page forbids itself every request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from dashboards import markup, shell, text
from dashboards.figures import FIGURES
from twin import metrics, words
from twin.limits import alert_name, lost_signals, published_signals
from twin.recorded import Recorded
from twin.shifts import load as shifts

FIRST, SHOWN = 10, 50
"""Rows of a list of signals in sight, and on the page."""

KEPT = 5000
"""Most rows of a list of signals in its CSV."""

_INTERRUPTED = {"preempted": "batches preempted", "killed": "batches killed", "swaps": "models loaded"}
_SECTIONS = {
    "verdict": "Verdict",
    "why": "What limited it",
    "latency": "Latency",
    "timeline": "Timeline",
    "signals": "Signals late, lost, vetoed",
    "computing": "Computing",
    "inputs": "Inputs",
    "scenario": "Scenario",
    "provenance": "Provenance",
}


def write(record: Recorded, path: Path) -> Path:
    """Write the report of `record` to `path`; gives it back."""
    path.write_text(page(record), encoding="utf-8")
    return path


def page(record: Recorded) -> str:
    """The whole report as HTML."""
    summary = metrics.summary(record)
    sections = {name: (title, _CONTENT[name](record, summary)) for name, title in _SECTIONS.items()}
    title = f"{record.scenario.name} – simulated – ettwin"
    return shell.page(title, _header(summary), sections, _footer(summary))


def _header(summary: Mapping[str, Any]) -> str:
    scenario = summary["scenario"]
    meta = (
        f"{words.duration(scenario['horizon_s'])} {'of simulated time ' if summary['simulated'] else ''}in "
        f"{words.count(scenario['replicas'], 'replica')} · seed {scenario['seed']} · "
        f"{summary['signals']['all']:,} signals, {summary['signals']['detectable']:,} of them detectable"
        + (f" · executed for real: {words.sequence(scenario['live'])}" if scenario["live"] else "")
        + (f" · {text.farm(summary)}" if summary["farm"] else "")
    )
    return shell.heading(text.kind(summary), scenario["name"], scenario["question"], meta)


def _footer(summary: Mapping[str, Any]) -> str:
    scenario = summary["scenario"]
    return (
        f"{'Simulated, not observed.' if summary['simulated'] else 'Run on a farm.'} "
        f"Scenario {markup.text(scenario['digest'][:12])}, plan {markup.text(scenario['plan_digest'][:12])}, "
        f"seed {scenario['seed']}."
    )


def _verdict(record: Recorded, summary: dict[str, Any]) -> Iterator[str]:
    kind = summary["verdict"].replace(" ", "-")
    yield markup.paragraph(text.headline(summary), f"headline {kind}")
    rows = [
        {**target, "value": text.value(target["estimate"], target["unit"])}
        | {"interval": text.interval(target["estimate"], target["unit"]), "n": target["estimate"]["n"]}
        for target in summary["targets"]
    ]
    columns: dict[str, tuple[str, markup.Cell]] = {
        "verdict": ("", lambda v: f'<span class="verdict {v}">{v.upper() if v == "missed" else v}</span>'),
        "text": ("target", markup.text),
        "value": ("found", markup.text),
        "interval": ("95 % interval", markup.text),
        "n": ("from n", lambda n: f"{n:,}"),
    }
    yield f'<div class="verdicts">{markup.table(rows, columns, "", "The scenario sets no targets.")}</div>'
    yield f'<div class="tiles">{"".join(_tiles(summary))}</div>'
    yield markup.paragraph(
        "A verdict is 'undecided' while the interval holds the target. Intervals are over replicas, each an "
        f"independent run; latencies are from merger to the {alert_name(record)} of published signals.",
        "note",
    )


def _tiles(summary: Mapping[str, Any]) -> Iterator[str]:
    verdicts = {target["name"]: target["verdict"] for target in summary["targets"]}
    names = {"p50": "Median latency"}
    for key, estimate in summary["latency_s"].items():
        label = names.get(key, f"{key[1:]} % within")
        below = [text.interval(estimate, "s"), f"n = {estimate['n']:,}"]
        yield markup.tile(label, text.value(estimate, "s"), below, verdicts.get(f"alert_latency.{key}", ""))
    late_s = summary["scenario"]["late_s"]
    for key, label, of in (
        ("late", "Late alerts", f"after {words.duration(late_s)}"),
        ("lost", "Signals lost", "of detectable"),
        ("dead_time", "Dead time", "of segments"),
    ):
        if key == "late" and late_s is None:
            continue
        estimate = summary[key]
        below = [text.interval(estimate, ""), of or f"n = {estimate['n']:,}"]
        yield markup.tile(label, text.value(estimate, ""), below, verdicts.get(key, ""))
    false = summary["false_alerts_per_day"]
    if false["value"] is not None:
        below = [words.between(false["low"], false["high"]), f"n = {false['n']:,}"]
        yield markup.tile("False alerts a day", words.digits(false["value"]), below)


def _why(record: Recorded, summary: dict[str, Any]) -> Iterator[str]:
    limit = summary["limit"]
    for pool in summary["saturated"]:
        yield markup.paragraph(pool["text"], "why")
    also = (f"{name}: {told}" for name, told in text.also(summary).items())
    for sentence in (limit["sentence"], limit["lost"], *text.causes(limit), *also):
        yield markup.paragraph(sentence, "why")
    rows = list(limit["marks"])
    if rows:
        columns: dict[str, tuple[str, markup.Cell]] = {
            "kind": ("event", markup.text),
            "name": ("name", markup.text),
            "late": ("late alerts during it or its backlog", lambda n: f"{n:,}"),
        }
        if limit["pool"]:
            columns["recovery_s"] = (
                f"queue of {limit['pool']} worked off",
                lambda s: markup.text(text.recovery(s)),
            )
        yield markup.table(
            rows,
            columns,
            "Events of the timeline and late alerts, all replicas; queues to one bin of the timeline",
            "",
        )
    yield _figure(record, "waterfall")


def _latency(record: Recorded, summary: dict[str, Any]) -> Iterator[str]:
    yield _figure(record, "latency")
    if len(summary["products"]) > 1:
        yield _products(summary)


def _products(summary: dict[str, Any]) -> str:
    """How fast each kind of alert was."""
    rows = [
        {"product": row["product"], "published": row["published"]}
        | {key: text.value(estimate, "s") for key, estimate in row["latency_s"].items()}
        | {f"{key}_span": text.interval(estimate, "s") for key, estimate in row["latency_s"].items()}
        for row in summary["products"]
    ]
    columns: dict[str, tuple[str, markup.Cell]] = {
        "product": ("product", markup.text),
        "published": ("signals", lambda n: f"{n:,}"),
        "p50": ("median", markup.text),
        "p50_span": ("95 % interval", markup.text),
        "p99": ("99 %", markup.text),
        "p99_span": ("95 % interval", markup.text),
    }
    return markup.table(rows, columns, "Products: first of its kind for each signal", "")


def _timeline(record: Recorded, summary: dict[str, Any]) -> Iterator[str]:
    yield _figure(record, "timeline")


def _signals(record: Recorded, summary: dict[str, Any]) -> Iterator[str]:
    published = published_signals(record)
    late = published[published["late"]].sort_values("latency_s", ascending=False, kind="stable")
    lost = lost_signals(record).sort_values("snr", ascending=False, kind="stable")
    vetoed = metrics.vetoed_signals(record).sort_values("snr", ascending=False, kind="stable")
    every = {"replica", "event_id", "cls", "snr", "event_time_s"}
    yield _signal_list(late, "Late alerts, slowest first", every | {"latency_s", "queue_s"}, "late")
    yield _signal_list(lost, "Detectable signals lost, loudest first", every | {"outcome"}, "lost")
    yield _signal_list(vetoed, "Real signals vetoed as glitches, loudest first", every | {"detectable"}, "vetoed")
    if record.vetting is not None:
        rejected = shifts.rejected_signals(record).sort_values("snr", ascending=False, kind="stable")
        title = "Real signals rejected by the first pass, loudest first"
        yield _signal_list(rejected, title, every | {"named"}, "rejected")


def _signal_list(signals: pd.DataFrame, title: str, wanted: set[str], name: str) -> str:
    known: dict[str, tuple[str, markup.Cell]] = {
        "replica": ("replica", markup.plain),
        "event_id": ("event", markup.plain),
        "cls": ("class", markup.text),
        "snr": ("SNR", lambda v: f"{v:.1f}"),
        "event_time_s": ("merger at", markup.moment),
        "latency_s": ("latency", lambda v: markup.text(words.duration(v))),
        "queue_s": ("in queues", lambda v: markup.text(words.duration(v))),
        "outcome": ("why", markup.text),
        "detectable": ("detectable", markup.plain),
        "named": ("taken for", markup.text),
    }
    columns = {key: column for key, column in known.items() if key in wanted}
    rows: list[Any] = signals.head(SHOWN)[list(columns)].to_dict("records")
    caption = f"{len(signals):,} in all replicas"
    parts = [f"<h3>{markup.text(title)}</h3>", markup.table(rows[:FIRST], columns, caption, "None.")]
    if len(rows) > FIRST:
        more = len(signals) - len(rows)
        caption = f"{more:,} more are not shown" if more else ""
        parts.append(markup.details(f"Next {len(rows) - FIRST}", markup.table(rows[FIRST:], columns, caption, "")))
    if rows:
        parts.append(markup.download(signals[list(columns)].head(KEPT), f"{name}-signals"))
    return "".join(parts)


def _computing(record: Recorded, summary: dict[str, Any]) -> Iterator[str]:
    share, time, number = (
        lambda v: markup.text(words.share(v)),
        lambda v: markup.text(words.duration(v)),
        lambda v: f"{v:,}",
    )
    yield _figure(record, "pools")
    pools: dict[str, tuple[str, markup.Cell]] = {
        "pool": ("pool", markup.text),
        "hardware": ("hardware", markup.text),
        "servers": ("servers", number),
        "use": ("busy", share),
        "queue_mean": ("mean queue", lambda v: markup.text(words.digits(v))),
        "queue_peak": ("peak queue", number),
        "down_s": ("down", time),
        **{
            key: (f"{heading}, all replicas", number)
            for key, heading in _INTERRUPTED.items()
            if any(pool[key] for pool in summary["pools"])
        },
    }
    yield markup.table(summary["pools"], pools, "Pools: means over replicas, peak of all", "No pools.")
    links: dict[str, tuple[str, markup.Cell]] = {
        "source": ("from", markup.text),
        "target": ("to", markup.text),
        "transfers": ("transfers", number),
        "bytes": ("bytes", number),
        "use": ("busy", share),
    }
    yield markup.table(
        summary["links"], links, "Links: what went over them in all replicas", "No links were used."
    )
    yield _figure(record, "stages")
    stages: dict[str, tuple[str, markup.Cell]] = {
        "stage": ("stage", markup.text),
        "variant": ("variant", markup.text),
        "done": ("done", number),
        "dropped": ("dropped", number),
        "service_p50_s": ("service, median", time),
        "service_p99_s": ("service, 99 %", time),
        "wait_mean_s": ("wait, mean", time),
        "wait_p99_s": ("wait, 99 %", time),
    }
    yield markup.table(summary["stages"], stages, "Stages: jobs in all replicas, mean times", "No stages.")


def _inputs(record: Recorded, summary: dict[str, Any]) -> Iterator[str]:
    counts = summary["inputs"]["counts"]
    chips = "".join(
        f"<span>{markup.chip(standing)} {counts[standing]}</span>"
        for standing in (*markup.STANDINGS, *sorted(set(counts) - set(markup.STANDINGS)))
        if standing in counts
    )
    yield f'<div class="chips">{chips}</div>'
    yield markup.paragraph(
        "Measured: timed on the machine named, with the real program. Published: read in the source. Scaled: "
        "computed from either. Assumed: a placeholder that may be wrong. Scenario: a choice of the planner.",
        "note",
    )
    columns: dict[str, tuple[str, markup.Cell]] = {
        "key": ("input", markup.text),
        "value": ("value", markup.text),
        "standing": ("standing", markup.chip),
        "source": ("source", markup.text),
    }
    rows = record.inputs.to_dict("records")
    yield markup.table(rows, columns, f"All {len(rows)} inputs", "No inputs.")  # type: ignore[arg-type]
    yield markup.download(record.inputs, "inputs")


def _scenario(record: Recorded, summary: dict[str, Any]) -> Iterator[str]:
    yield markup.paragraph("As it was run, every default written out.", "note")
    yield f"<pre>{markup.text(record.scenario.resolved())}</pre>"


def provenance(record: Recorded) -> dict[str, Any]:
    """Where a run's numbers come from: seed, digests, and what its manifest says besides, but for the command."""
    named = {"seed": record.seed, "scenario digest": record.scenario.digest, "plan digest": record.plan_digest}
    told = ("command", "scenario_digest", "plan_digest", *named)
    return named | {key.replace("_", " "): value for key, value in record.manifest.items() if key not in told}


def _provenance(record: Recorded, summary: dict[str, Any]) -> Iterator[str]:
    command, where = record.manifest.get("command"), ""
    if not command:
        where = ", in the run directory"
        command = f"ettwin run resolved.yaml --seed {record.seed} --replicas {summary['scenario']['replicas']}"
    yield markup.paragraph(f"This command gives the same numbers again{where}:", "note")
    yield f"<pre>{markup.text(command)}</pre>"
    yield markup.origins(provenance(record))


def _figure(record: Recorded, name: str) -> str:
    """A figure with its description, its numbers folded away, and their CSV."""
    draw, tabulate = FIGURES[name]
    return shell.figure(name, draw(record), tabulate(record))


_CONTENT = {
    "verdict": _verdict,
    "why": _why,
    "latency": _latency,
    "timeline": _timeline,
    "signals": _signals,
    "computing": _computing,
    "inputs": _inputs,
    "scenario": _scenario,
    "provenance": _provenance,
}
