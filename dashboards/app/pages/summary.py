"""A run at a glance: the verdict on its targets first, then where the time went, latencies, and who was late.

Numbers are those of the run's summary.json; only what is drawn is worked out from its tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboards import figures, markup, text
from dashboards.alerttrace import event_name
from dashboards.app import alerted, drawn, fields, parts
from dashboards.app.library import Library
from dashboards.app.stored import Stored
from dashboards.app.url import Url, address
from dashboards.curves import latency
from dashboards.tables import Signals, latency_table
from twin import metrics, words
from twin.estimates import quantile
from twin.limits import LOSSES, replicas

PATH = "/run/{id}"
NAME = "Summary"
SHOWN = 10
"""Rows of each list of signals; all are on the page of alerts."""
_GROUPS = ("typical", "all", "slowest")
Rows = list[dict[str, Any]]


def layout(library: Library, url: Url) -> Component:
    """The page; of the query it reads `class`, the class of signals whose latency is drawn."""
    record = library.record(url.id)
    summary = record.summary
    classes = drawn.classes(library, url.id)
    chosen = url.get("class", "", classes)
    return html.Div(
        [
            dcc.Store(id="summary-run", data=url.id),
            parts.panel("Verdict", *_verdict(summary), name="verdict"),
            parts.panel("What limited it", *_why(library, url.id, summary), name="why"),
            parts.panel(
                "Latency",
                html.Div(_latency(library, url.id, chosen), id="summary-latency"),
                *_products(summary),
                name="latency",
                actions=fields.choice("class", "Signals", {cls: cls for cls in classes}, chosen, "all classes"),
            ),
            parts.panel("Signals late, lost, vetoed", *_signals(library, record, summary), name="signals"),
            parts.panel("Computing", *_computing(library, url.id), name="computing"),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """The latencies of one class of signals."""

    @app.callback(
        Output("summary-latency", "children"),
        Input({"query": "class"}, "value"),
        State("summary-run", "data"),
        prevent_initial_call=True,
    )
    @parts.safely
    def of_class(cls: str | None, run: str) -> Any:
        known = drawn.classes(library, str(run))
        return _latency(library, str(run), cls if cls and cls in known else "")


def tiles(summary: Mapping[str, Any]) -> Component:
    """The numbers that a planner asks for first, each with its interval and n."""
    return parts.tiles(*_tiles(summary))


def _verdict(summary: Mapping[str, Any]) -> Iterator[Component]:
    kind = str(summary["verdict"]).replace(" ", "-")
    yield html.P(text.headline(summary), className=f"headline {kind}")
    rows: Rows = [
        {**target, "value": text.value(target["estimate"], target["unit"])}
        | {"interval": text.interval(target["estimate"], target["unit"]), "n": target["estimate"]["n"]}
        for target in summary["targets"]
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "verdict": ("verdict", parts.verdict),
        "text": ("target", str),
        "value": ("found", str),
        "interval": ("95 % interval", str),
        "n": ("from n", lambda n: f"{n:,}"),
    }
    caption = "Targets of the scenario: undecided while the interval holds the target"
    yield parts.table(rows, columns, caption, "The scenario sets no targets, so there is no verdict.")
    yield tiles(summary)
    yield parts.note(
        "Intervals are over replicas, each an independent run. Latencies are from merger to publication of the "
        f"{summary['scenario']['product'] or 'first'} alert of signals that were published."
    )


def _tiles(summary: Mapping[str, Any]) -> Iterator[Component]:
    verdicts = {target["name"]: target["verdict"] for target in summary["targets"]}
    for key, estimate in summary["latency_s"].items():
        label = "Median latency" if key == "p50" else f"{key[1:]} % within"
        below = [text.interval(estimate, "s"), f"n = {estimate['n']:,}"]
        yield parts.tile(label, text.value(estimate, "s"), below, verdicts.get(f"alert_latency.{key}", ""))
    late_s = summary["scenario"]["late_s"]
    shares = [("lost", "Signals lost", "of detectable"), ("dead_time", "Dead time", "of segments")]
    if late_s is not None:
        shares.insert(0, ("late", "Late alerts", f"after {words.duration(late_s)}"))
    for key, label, of in shares:
        estimate = summary[key]
        below = [text.interval(estimate, ""), of, f"n = {estimate['n']:,}"]
        yield parts.tile(label, text.value(estimate, ""), below, verdicts.get(key, ""))
    false = summary["false_alerts_per_day"]
    if false["value"] is not None:
        below = [words.between(false["low"], false["high"]), f"n = {false['n']:,}"]
        yield parts.tile("False alerts a day", words.digits(false["value"]), below)


def _why(library: Library, run: str, summary: Mapping[str, Any]) -> Iterator[Component]:
    limit = summary["limit"]
    also = (f"{name}: {told}" for name, told in text.also(summary).items())
    grown = [pool["text"] for pool in summary["saturated"]]
    for sentence in (*grown, limit["sentence"], limit["lost"], *text.causes(limit), *also):
        if sentence:
            yield html.P(sentence, className="why")
    rows: Rows = [dict(mark) for mark in limit["marks"]]
    if rows:
        lasted = f"queue of {limit['pool']} worked off" if limit["pool"] else "queue worked off"
        columns: dict[str, tuple[str, parts.Cell]] = {
            "kind": ("event", str),
            "name": ("name", str),
            "late": ("late alerts during it or its backlog", lambda n: f"{n:,}"),
            "recovery_s": (lasted, text.recovery),
        }
        yield parts.table(rows, columns, "Events of the timeline and late alerts, all replicas", "")
    found = drawn.figure(library, run, "waterfall", lambda record: _waterfall(library, record))
    yield parts.figure("waterfall", found.figure, found.numbers)


def _waterfall(library: Library, record: Stored) -> tuple[Any, pd.DataFrame]:
    """The parts that the summary has, and of how many alerts each mean is."""
    latency_s = drawn.signals(library, record.entry.id).judged["latency_s"]
    table = pd.DataFrame(record.summary["parts_s"]).astype({f"{group}_s": float for group in _GROUPS})
    low_s, high_s, slow_s = latency_s.quantile([0.25, 0.75, 1.0 - metrics.slowest_share(len(latency_s))])
    table = table[table.drop(columns="part").ne(0.0).any(axis=1)].reset_index(drop=True)
    table.attrs["typical"] = int(latency_s.between(low_s, high_s).sum())
    table.attrs |= {"all": len(latency_s), "slowest": int((latency_s >= slow_s).sum())}
    return figures.waterfall(record, table), table


def _latency(library: Library, run: str, cls: str) -> Component:
    found = drawn.figure(library, run, ("latency", cls), lambda record: _latencies(library, record, cls))
    return parts.figure("latency", found.figure, found.numbers)


def _latencies(library: Library, record: Stored, cls: str) -> tuple[Any, pd.DataFrame]:
    known = drawn.signals(library, record.entry.id, cls)
    summary = _of_class(record, known) if cls else record.summary
    table = latency_table(record, known)
    return latency(record, known, summary, table), table


def _of_class(record: Stored, known: Signals) -> dict[str, Any]:
    """Quantiles of one class of signals; the targets are about all, so that there is no verdict on one class."""
    each = [
        known.judged.loc[(known.judged["replica"] == r).to_numpy(bool), "latency_s"].to_numpy()
        for r in replicas(record)
    ]
    estimates = {metrics.name(q): quantile(each, q).as_dict() for q in metrics.quantiles(record)}
    return {"latency_s": estimates, "targets": []}


def _products(summary: Mapping[str, Any]) -> Iterator[Component]:
    """How fast each kind of alert was, where there are several."""
    if len(summary["products"]) < 2:
        return
    rows: Rows = [
        {"product": row["product"], "published": row["published"]}
        | {key: text.value(estimate, "s") for key, estimate in row["latency_s"].items()}
        | {f"{key}_span": text.interval(estimate, "s") for key, estimate in row["latency_s"].items()}
        for row in summary["products"]
    ]
    columns: dict[str, tuple[str, parts.Cell]] = {
        "product": ("product", str),
        "published": ("signals", lambda n: f"{n:,}"),
        "p50": ("median", str),
        "p50_span": ("95 % interval", str),
        "p99": ("99 %", str),
        "p99_span": ("95 % interval", str),
    }
    yield parts.table(rows, columns, "Products: first of its kind for each signal", "")


def _signals(library: Library, record: Stored, summary: Mapping[str, Any]) -> Iterator[Component]:
    late, lost = library.computed(record.entry.id, "late and lost", lambda stored: _late_and_lost(library, stored))
    vetoed = pd.DataFrame(summary["vetoed_signals"]["rows"])
    every = ("event", "cls", "snr", "event_time_s")
    run = record.entry.id
    title, asked = "Late alerts, slowest first", {"view": "late", "sort": "latency_s"}
    slow = signal_list(run, late, title, (*every, "latency_s", "queue_s"), asked)
    title, asked = "Detectable signals lost, loudest first", {"view": "lost", "sort": "snr"}
    gone = signal_list(run, lost, title, (*every, "outcome"), asked)
    yield html.Div([slow, gone], className="two")
    if len(vetoed):
        vetoed = vetoed.sort_values("snr", ascending=False, kind="stable")
        vetoed.attrs["n"] = summary["vetoed_signals"]["n"]
        asked = {"view": "vetoed", "sort": "snr"}
        yield signal_list(
            run, vetoed, "Real signals vetoed as glitches, loudest first", (*every, "detectable"), asked
        )


def _late_and_lost(library: Library, record: Stored) -> list[pd.DataFrame]:
    """The first rows of late alerts and of lost signals; how many there are is in `attrs`."""
    from twin.limits import lost_signals

    slim: Any = alerted.shared(record)
    published = drawn.signals(library, record.entry.id).published
    late = published[published["late"]].sort_values("latency_s", ascending=False, kind="stable")
    lost = lost_signals(slim).sort_values("snr", ascending=False, kind="stable")
    queue_s = record.once(alerts=("queue_s",)).alerts["queue_s"]
    found = []
    for frame in (late, lost):
        rows = frame.index[:SHOWN]
        head = slim.alerts.loc[rows].assign(queue_s=queue_s.loc[rows]).reset_index(drop=True)
        head.attrs["n"] = len(frame)
        found.append(head)
    return found


def signal_list(
    run: str, signals: pd.DataFrame, title: str, wanted: tuple[str, ...], query: Mapping[str, object]
) -> Component:
    """The first rows of `signals`, of each what is `wanted`, and a link to all (`query` of the alerts' page)."""

    def event(name: str) -> Component:
        return parts.link(name, address("/run/{id}/events/{event}", id=run, event=name), "short")

    known: dict[str, tuple[str, parts.Cell]] = {
        "event": ("event", event),
        "cls": ("class", str),
        "snr": ("SNR", lambda v: f"{v:.1f}"),
        "event_time_s": ("merger at", lambda v: parts.short(markup.moment(v))),
        "latency_s": ("latency", words.duration),
        "queue_s": ("in queues", words.duration),
        "outcome": ("why", lambda v: LOSSES.get(str(v), str(v))),
        "detectable": ("detectable", parts.plain),
    }
    n = int(signals.attrs.get("n", len(signals)))
    rows: Rows = [
        {**{str(key): value for key, value in row.items()}, "event": event_name(row["replica"], row["event_id"])}
        for row in signals.head(SHOWN).to_dict("records")
    ]
    columns = {key: known[key] for key in wanted}
    caption = f"{min(n, SHOWN):,} of {n:,} in all replicas" if n > SHOWN else f"{n:,} in all replicas"
    every = parts.link(f"All {n:,} in the table of alerts", address("/run/{id}/events", query, id=run))
    return html.Div([html.H3(title), parts.table(rows, columns, caption, "None."), every if n else None])


def _computing(library: Library, run: str) -> Iterator[Component]:
    found = {name: drawn.usual(library, run, name) for name in ("pools", "stages")}
    yield html.Div([parts.figure(name, one.figure, one.numbers) for name, one in found.items()], className="pair")
