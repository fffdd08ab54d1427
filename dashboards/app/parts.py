"""What pages are built of: figures with their numbers, tiles, tables, chips, and the states a page can be in.

Everything that comes from outside is text of a component, never markup. Knows no result and no page.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from dash import dcc, html
from dash.development.base_component import Component
from flask import has_request_context, request

from dashboards import markup, style
from dashboards.app.library import LibraryError

Children = Any
"""What Dash shows inside a component: text, a component, or a list of either."""
Cell = Callable[[Any], Children]
"""From a value to what is shown in a cell of a table."""

THEME = "ettwin-theme"
"""The cookie in which a browser keeps its theme."""
SHOWN = 100
"""Rows of a figure's numbers on the page; all are in their CSV."""
_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "toImage"],
    "topojsonURL": "/assets/topojson/",
}
VERDICTS = ("met", "missed", "undecided")
_KINDS = {"simulated": "SIMULATED", "farm": "FARM RUN", "measured": "MEASURED"}


def dark() -> bool:
    """Whether the browser that asks wants dark pages; False outside of a request."""
    return has_request_context() and request.cookies.get(THEME) == "dark"


def figure(name: str, drawn: go.Figure, numbers: pd.DataFrame | None = None, **graph: Any) -> Component:
    """A figure in the browser's theme, with its exports and its numbers folded away.

    `name` is unique on the page: the graph's id is {'figure': name}, and files are called so. `drawn` comes as
    dashboards.figures draws it: light, with its description in `layout.meta`. `graph` goes to dcc.Graph.
    """
    themed = style.dark(drawn) if dark() else drawn
    meta = drawn.layout.meta or {}
    height = drawn.layout.height or 420
    config: Any = {**_CONFIG, **graph.pop("config", {})}
    shown = dcc.Graph(id={"figure": name}, figure=themed, config=config, style={"height": f"{height}px"}, **graph)
    exports: list[Component] = [
        html.Button(form.upper(), className="export", type="button", **_data(export=form, name=name))
        for form in ("png", "svg")
    ]
    below: list[Component] = []
    if numbers is not None:
        exports.append(csv(name, numbers))
        below = [folded("The numbers in this figure", numbers, name)]
    return html.Figure(
        [
            html.Div(
                shown,
                role="group",
                className="drawn",
                **attributes({"aria-label": str(meta.get("description", name))}),
            ),
            html.Figcaption([html.Div(exports, className="exports"), *below]),
        ],
        className="figure",
    )


def csv(name: str, numbers: pd.DataFrame) -> Component:
    """A link that saves `numbers` as CSV; no cell of it can run as a formula."""
    text = f"CSV, {len(numbers):,} rows"
    return html.A(text, href=markup.csv_address(numbers), download=f"{name}.csv", className="export")


def folded(title: str, numbers: pd.DataFrame, name: str) -> Component:
    """The first rows of `numbers`, to be opened by their `title`; the link `csv` is a sibling of it.

    The browser makes the table when it is opened, from that link (assets/numbers.js): hundreds of cells that
    nobody has asked for would take longer than the figure.
    """
    told = _data(numbers=name, rows=str(len(numbers)), shown=str(SHOWN))
    return details(title, html.Div(**told))


def frame(numbers: pd.DataFrame, caption: str) -> Component:
    """The first rows of `numbers` as they are."""
    columns: dict[str, tuple[str, Cell]] = {str(name): (str(name), plain) for name in numbers.columns}
    more = f" (first {SHOWN:,} of {len(numbers):,} rows; all are in the CSV)" if len(numbers) > SHOWN else ""
    rows: list[Any] = numbers.head(SHOWN).to_dict("records")
    return table(rows, columns, caption + more, "No rows.")


def table(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, tuple[str, Cell]], caption: str, nothing: str
) -> Component:
    """Rows as a table: `columns` maps a key to its heading and to how its cells are shown; `nothing` if empty."""
    if not rows:
        return html.P(nothing, className="empty")
    kinds = {key: _kind([row.get(key) for row in rows]) for key in columns}
    head = [html.Th(title, scope="col", className=kinds[key]) for key, (title, _) in columns.items()]
    body = [
        html.Tr([html.Td(show(row.get(key)), className=kinds[key]) for key, (_, show) in columns.items()])
        for row in rows
    ]
    whole = html.Table([html.Caption(caption), html.Thead(html.Tr(head)), html.Tbody(body)])
    return html.Div(
        whole, className="scroll", tabIndex=0, role="region", **attributes({"aria-label": caption or "Table"})
    )


def plain(value: Any) -> Children:
    """Any value as text: numbers with six digits, a dash for none."""
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def panel(title: str, *children: Children, name: str = "", actions: Children = None) -> Component:
    """A part of a page with a heading, and what can be done with it on the right."""
    head = html.Div([html.H2(title), html.Div(actions, className="actions")], className="panel-head")
    extra: dict[str, Any] = {"id": name} if name else {}
    return html.Section([head, *children], className="panel", **extra)


def tile(label: str, value: str, below: Iterable[str] = (), kind: str = "") -> Component:
    """One number to be seen from afar, with what qualifies it; `kind` is a verdict: met, missed, undecided."""
    lines = [html.Div(line, className="below") for line in below if line]
    said = [html.Span(kind, className=f"verdict {kind}")] if kind else []
    top = html.Div([html.Span(label), *said], className="label")
    return html.Div([top, html.Div(value, className="value"), *lines], className=f"tile {kind}".strip())


def tiles(*shown: Component) -> Component:
    """Tiles side by side, as many as fit."""
    return html.Div(list(shown), className="tiles")


def verdict(kind: str) -> Component:
    """A verdict as a coloured word: met, missed, undecided."""
    return html.Span(kind or "no targets", className=f"verdict {kind.replace(' ', '-')}".strip())


def short(text: object) -> Component:
    """Text that stays on one line, such as a date."""
    return html.Span(str(text), className="short")


def named(title: str, id: str) -> list[Component]:
    """The heading of a result, and the name of its folder where that is another."""
    folder = [html.Span(id, className="id", title="Name of its folder")] if id != title else []
    return [html.H1(title), *folder]


def chip(standing: object) -> Component:
    """How far a number can be trusted: measured, published, scaled, assumed; or scenario, a planner's choice."""
    name = str(standing)
    kind = name if name in markup.STANDINGS else "scenario"
    return html.Span(name, className=f"chip {kind}")


def badge(kind: str = "simulated") -> Component:
    """How the numbers of a page were made: simulated, farm or measured."""
    return html.Span(_KINDS[kind], className="badge")


def details(title: str, *children: Children, opened: bool = False) -> Component:
    """Content that is folded away."""
    return html.Details([html.Summary(title), *children], open=opened, className="details")


def link(text: Children, href: str, kind: str = "") -> Component:
    """A link to another page of the dashboard; `kind` 'button' looks like one."""
    return dcc.Link(text, href=href, className=kind or None)


def moment(unix_s: float) -> str:
    """A time of the clock on the wall: '29 Nov 2026, 13:05'; today's without the date."""
    when = datetime.fromtimestamp(unix_s)
    today = when.date() == datetime.fromtimestamp(time.time()).date()
    return f"{when:%H:%M} today" if today else f"{when.day} {when:%b %Y, %H:%M}"


def note(*children: Children) -> Component:
    """Small print."""
    return html.P(list(children), className="note")


def empty(title: str, text: Children, *actions: Children) -> Component:
    """Said where there is nothing yet: what would be here, and how to get it."""
    return html.Div([html.H2(title), html.P(text), html.Div(list(actions))], className="state empty-state")


def failure(title: str, text: Children, *actions: Children) -> Component:
    """Said where something went wrong: what, and what to do. Read out at once."""
    return html.Div(
        [html.H2(title), html.P(text), html.Div(list(actions))], className="state failure", role="alert"
    )


def loading(children: Children, text: str = "Reading…") -> Component:
    """`children`, under a word that something is happening once that takes longer than a moment."""
    spinner = html.Div(text, className="loading", role="status")
    return dcc.Loading(children, custom_spinner=spinner, delay_show=350, overlay_style={"visibility": "visible"})


def told(error: LibraryError) -> Component:
    """A result that cannot be shown, in its own words, and the way back."""
    return failure(error.title, error.text, link("To the overview", "/", "button"))


def safely(callback: Callable[..., Any]) -> Callable[..., Any]:
    """A callback that shows one component: what cannot be shown, such as a run removed meanwhile, is told in its
    place."""

    @functools.wraps(callback)
    def answered(*arguments: Any) -> Any:
        try:
            return callback(*arguments)
        except LibraryError as error:
            return told(error)

    return answered


def attributes(given: Mapping[str, str]) -> dict[str, Any]:
    """Attributes whose names are no names in Python, such as aria-label, for a component of HTML."""
    return dict(given)


def _data(**given: str) -> dict[str, Any]:
    return {f"data-{name}": value for name, value in given.items()}


def _kind(column: Sequence[Any]) -> str | None:
    known = [value for value in column if value is not None]
    numbers = (isinstance(value, int | float) and not isinstance(value, bool) for value in known)
    return "number" if known and all(numbers) else None
