"""One alert of a run: what became of it, where its time went, what it said, and whether it can be checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import plotly.graph_objects as go
from dash import Dash, html
from dash.development.base_component import Component

from dashboards import alerttrace, markup, skymap
from dashboards.app import checked, documents, parts
from dashboards.app.documents import Document
from dashboards.app.library import Library, UnknownError
from dashboards.app.stored import Stored
from dashboards.app.url import Url, address
from twin import metrics, words
from twin.limits import LOSSES

PATH = "/run/{id}/events/{event}"
NAME = "Alert"
TAB = "Alerts"
"""The page that this one is under."""
Cells = dict[str, tuple[str, parts.Cell]]


def layout(library: Library, url: Url) -> Component:
    """The page of one event; UnknownError when the run has no such event."""
    record, name = library.record(url.id), url.names["event"]
    known = alerttrace.named(name)
    rows = [] if known is None else _rows(library, url.id, *known)
    if known is None or not rows:
        raise UnknownError(
            f"The run '{url.id}' has no event '{name[:40]}'. Events are called rR-eN (event N of replica R) or "
            "rR-nK (noise of segment K)."
        )
    limit_s = metrics.late_limit_s(record)
    found, why = documents.documents(record, *known)
    said = documents.said(record, *known, float(rows[0]["event_time_s"]))
    return html.Div(
        [
            parts.panel(
                f"Event {name}",
                html.P(alerttrace.verdict(rows, limit_s), className=f"headline {_kind(rows)}"),
                *_trace(record, rows, limit_s),
                name="trace",
                actions=parts.link("All alerts", address("/run/{id}/events", id=url.id), "button"),
            ),
            html.Div(
                [
                    parts.panel("What is known of it", _facts(rows), name="facts"),
                    parts.panel("What became of it", _fates(rows), name="fates"),
                ],
                className="two",
            ),
            parts.panel("Documents", *_documents(record, found, why), name="documents"),
            parts.panel("Can it be checked?", *checked.content(library, record, name, said), name="checked"),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Its callbacks: models that are asked again."""
    checked.connect(app, library)


def _rows(library: Library, run: str, replica: int, event_id: int) -> list[dict[str, Any]]:
    """The rows of one event, read by themselves from the table on disk."""
    from pyarrow import dataset

    record = library.record(run)
    where = (dataset.field("event_id") == event_id) & (dataset.field("replica") == replica)
    columns = library.kept(record.entry, "columns of alerts", lambda: _columns(record))
    frame = record.scan("alerts", columns, where).to_pandas()
    rows = frame.sort_values("published_s", kind="stable", na_position="last").to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def _columns(record: Stored) -> list[str]:
    from pyarrow import parquet

    return list(parquet.read_schema(record.entry.folder / "alerts.parquet").names)


def _kind(rows: list[dict[str, Any]]) -> str:
    row = rows[0]
    if row["outcome"] != "published":
        return "missed" if row["is_signal"] and row["detectable"] else ""
    return "missed" if row["late"] or not row["is_signal"] else "met"


def _trace(record: Stored, rows: list[dict[str, Any]], limit_s: float | None) -> Iterator[Component]:
    table = alerttrace.trace_table(rows)
    if len(table):
        yield parts.figure("trace", alerttrace.trace(record, rows, limit_s), table)
    else:
        yield parts.empty("Nothing was published", "An alert that was never sent has no times to show.")


def _facts(rows: list[dict[str, Any]]) -> Component:
    row = rows[0]
    told = [
        ("class", str(row["cls"])),
        ("real signal", "yes" if row["is_signal"] else "no"),
        ("detectable", "yes" if row["detectable"] else "no"),
        ("SNR", "none" if row["snr"] != row["snr"] else f"{row['snr']:.2f}"),
        ("merger at", f"{markup.moment(row['event_time_s'])} ({row['event_time_s']:,.3f} s)"),
        (
            "found by",
            " ".join(filter(None, (str(row["search"]), f"({row['variant']})" if row["variant"] else ""))),
        ),
        ("data quality", _quality(row)),
    ]
    names = {
        "redshift": ("redshift", "{:.3f}"),
        "chirp_mass_msun": ("chirp mass, detectors' frame", "{:.2f} solar masses"),
        "duration_s": ("in band before the merger", "{:,.1f} s"),
        "overlaps": ("other mergers in band then", "{:,.0f}"),
    }
    for key, (title, form) in names.items():
        if key in row and row[key] == row[key] and row[key] is not None:
            told.append((title, form.format(float(row[key]))))
    if row.get("calibration"):
        told.append(("calibration", str(row["calibration"])))
    return html.Dl(
        [part for key, value in told for part in (html.Dt(key), html.Dd(value or "–"))], className="facts"
    )


def _quality(row: dict[str, Any]) -> str:
    if row["dq_missing"]:
        return "published without waiting for its verdict"
    return "flagged as a glitch" if row["dq_flag"] else "not flagged"


def _fates(rows: list[dict[str, Any]]) -> Component:
    columns: Cells = {
        "outcome": ("outcome", lambda v: LOSSES.get(str(v), str(v))),
        "product": ("product", lambda v: str(v) or "–"),
        "published_s": ("published at", lambda v: "–" if v != v else markup.moment(v)),
        "latency_s": ("latency", lambda v: "–" if v != v else words.duration(v)),
        "variant": ("program", lambda v: str(v) or "–"),
    }
    return parts.table(rows, columns, "Every row of the table alerts about this event", "")


def _documents(record: Stored, found: list[Document], why: str) -> Iterator[Component]:
    if not found:
        yield parts.empty("No document", why)
        return
    origin = f"SIMULATED · {record.scenario.name} · seed {record.seed}"
    for document in found:
        yield html.H3(f"{document.name}, sent {markup.moment(document.sent_s)}")
        if (text := document.skymap) is not None:
            yield _skymap(document.name, text, origin)
        public = {**document.public, "event": _short(document.public.get("event"))}
        yield parts.details("The public document", html.Pre(_json(public)), opened=document is found[0])
        if document.extension is not None:
            yield parts.details(
                "The extension: model, measured quality, latency", html.Pre(_json(document.extension))
            )


def _skymap(name: str, text: str, origin: str) -> Component:
    try:
        drawn: go.Figure = skymap.skymap(text, origin)
        return parts.figure(f"skymap-{name}", drawn, skymap.skymap_table(text).head(5000))
    except skymap.SkyMapError as error:
        return parts.note(f"The sky map cannot be shown: {error}.")


def _short(event: Any) -> Any:
    """The event of a document with the letters of its sky map counted, not shown."""
    if not isinstance(event, dict) or not isinstance(event.get("skymap"), str):
        return event
    return {**event, "skymap": f"… {len(event['skymap']):,} letters of base64 …"}


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)
