"""The page around what is told: one HTML file that needs nothing else and forbids itself every request.

For everything that ettwin hands out as a page. Knows no record and no result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from plotly import io
from plotly.offline import get_plotlyjs

from dashboards import markup

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
SHOWN = 100
"""Rows of a figure's numbers on the page; all are in their CSV."""
_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
    "toImageButtonOptions": {"format": "svg"},
}
_FIT = """
for (const [when, width] of [["beforeprint", 840], ["afterprint", null]])
  addEventListener(when, () => document.querySelectorAll(".js-plotly-plot").forEach(
    figure => Plotly.relayout(figure, width ? {width: width} : {width: null, autosize: true})));
"""


def page(title: str, header: str, sections: Mapping[str, tuple[str, Iterable[str]]], footer: str) -> str:
    """The whole page; `sections` maps an id to a heading and its HTML, `title` is text, the others HTML."""
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    links = "".join(f'<a href="#{name}">{markup.text(heading)}</a>' for name, (heading, _) in sections.items())
    body = "".join(markup.section(name, heading, *content) for name, (heading, content) in sections.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{markup.text(title)}</title><style>{css}</style>"
        f'<script>{get_plotlyjs()}</script></head><body><header><div class="page">{header}</div></header>'
        f'<nav aria-label="Sections"><div class="page">{links}</div></nav>'
        f'<main class="page">{body}</main><footer><div class="page">{footer}</div></footer>'
        f"<script>{_FIT}</script></body></html>"
    )


def heading(badge: str, title: str, question: str, meta: str) -> str:
    """What stands above the sections: whose page it is, how its numbers were made, its title and question."""
    return (
        f'<div class="brand"><span class="badge">{markup.text(badge)}</span>'
        "<span>ettwin, a digital twin of the Einstein Telescope's low-latency computing</span></div>"
        f"<h1>{markup.text(title)}</h1>{markup.paragraph(question, 'question')}{markup.paragraph(meta, 'meta')}"
    )


def figure(name: str, drawn: go.Figure, numbers: pd.DataFrame) -> str:
    """A figure with its description (`layout.meta`), its numbers folded away, and their CSV."""
    content = io.to_html(drawn, config=_CONFIG, include_plotlyjs=False, full_html=False, div_id=f"figure-{name}")
    description = markup.text(drawn.layout.meta["description"])
    told = markup.frame(numbers, name, SHOWN) + markup.download(numbers, name)
    return (
        f'<figure><div role="img" aria-label="{description}">{content}</div>'
        f"<figcaption>{markup.details('The numbers in this figure', told)}</figcaption></figure>"
    )
