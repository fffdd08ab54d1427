"""One alert: where its time went, product by product, on an axis that starts at the merger.

For the dashboard and notebooks. Knows no page and no file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboards import style
from twin import words
from twin.limits import LOSSES, PARTS
from twin.recorded import Recorded

Row = Mapping[str, Any]
"""Of the table alerts."""
_NAME = re.compile(r"r(\d{1,6})-([en])(\d{1,15})", re.ASCII)


def event_rows(record: Recorded, replica: int, event_id: int) -> list[dict[str, Any]]:
    """Everything that became of one event in one replica, in the order of publication; [] if there is none."""
    alerts = record.alerts
    rows = alerts[(alerts["replica"] == replica) & (alerts["event_id"] == event_id)]
    found = rows.sort_values("published_s", kind="stable", na_position="last").to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in found]


def event_name(replica: Any, event_id: Any) -> str:
    """What an event of a run is called in addresses and archives: r0-e12, or r0-n7 for noise of segment 7."""
    number = int(event_id)
    return f"r{int(replica)}-e{number}" if number >= 0 else f"r{int(replica)}-n{-number - 1}"


def named(name: str) -> tuple[int, int] | None:
    """Replica and event_id of an event's name; None for any other text."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    replica, kind, number = found.groups()
    return int(replica), int(number) if kind == "e" else -int(number) - 1


def trace_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Parts of the latency of every product in the order of the chain: from and to, in s since the merger."""
    found = []
    for row in rows:
        if row["outcome"] != "published":
            continue
        at_s = 0.0
        for part, name in PARTS.items():
            took_s = float(row[part])
            if took_s:
                span = {"part": name, "took_s": took_s, "from_s": at_s, "to_s": at_s + took_s}
                found.append({"product": _product(row), **span})
            at_s += took_s
    return pd.DataFrame(found, columns=["product", "part", "took_s", "from_s", "to_s"])


def trace(record: Recorded, rows: Sequence[Row], limit_s: float | None = None) -> go.Figure:
    """Bars of the parts, a row per product, in the order of the chain; an alert is late after `limit_s`."""
    table = trace_table(rows)
    products = list(dict.fromkeys(table["product"]))
    figure = go.Figure()
    for part in [name for name in PARTS.values() if name in set(table["part"])]:
        own = table[table["part"] == part]
        figure.add_trace(
            go.Bar(
                y=[style.safe(name) for name in own["product"]],
                x=own["took_s"],
                base=own["from_s"],
                orientation="h",
                width=0.5,
                name=part,
                marker={"color": style.PART_COLOURS[part], "line": {"color": "white", "width": 1}},
                customdata=[words.duration(took_s) for took_s in own["took_s"]],
                hovertemplate="%{customdata}, from %{base:.3f} s<extra>" + part + "</extra>",
            )
        )
    figure.update_layout(barmode="overlay")
    if limit_s is not None:
        figure.add_vline(x=limit_s, line={"color": style.INK, "width": 1, "dash": "dash"})
        place: dict[str, Any] = {"y": 0.0, "yref": "paper", "yanchor": "bottom", "xanchor": "left", "xshift": 4}
        told = f"late after {words.duration(limit_s)}"
        figure.add_annotation(
            x=limit_s, text=told, showarrow=False, font={"size": 11, "color": style.INK}, **place
        )
    figure.update_xaxes(title_text="seconds since the merger")
    figure.update_yaxes(
        autorange="reversed", showgrid=False, ticks="", categoryorder="array", categoryarray=products
    )
    row = rows[0]
    parts = [f"{one['part']} {words.duration(one['took_s'])}" for one in table.to_dict("records")]
    return style.styled(
        figure,
        f"Where the time of {event_name(row['replica'], row['event_id'])} went",
        "Parts in the order of the chain; a part that happened more than once, such as queueing, is one bar",
        record,
        height=230 + 46 * max(len(products), 1),
        description=f"Parts of the latency: {words.sequence(parts) or 'nothing was published'}.",
    )


def verdict(rows: Sequence[Row], limit_s: float | None) -> str:
    """What became of the event, in a sentence."""
    row = rows[0]
    kind = str(row["cls"]) if row["is_signal"] else f"{row['cls']} (no signal)"
    if row["outcome"] != "published":
        return (
            f"{kind.capitalize()}: {LOSSES.get(str(row['outcome']), str(row['outcome']))}; nothing was published."
        )
    latency_s = float(row["latency_s"])
    when = f"{words.duration(abs(latency_s))} {'before' if latency_s < 0 else 'after'} the merger"
    if not row["is_signal"]:
        return f"{kind.capitalize()}: a false alert, published {when}."
    late = (
        ""
        if limit_s is None
        else f", {'late' if row['late'] else 'in time'} (late after {words.duration(limit_s)})"
    )
    return f"{kind.upper()}: first published {when}{late}."


def _product(row: Row) -> str:
    name, variant = str(row["product"]) or "alert", str(row["variant"])
    return name if variant in ("", "primary") else f"{name} ({variant})"
