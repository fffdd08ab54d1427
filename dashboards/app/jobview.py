"""How a job is shown: its state, how far it is, when it will be done, what became of it. Knows no page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboards.app import job, parts, replays, validations
from dashboards.app.job import Job
from dashboards.app.url import address
from twin import words

_RESULTS = {"compare": "/comparison/{id}", "study": "/study/{id}", validations.KIND: "/validation/{id}"}
"""By kind of job, where its result is shown; others are runs."""
_LIVE = ("run", validations.KIND)
"""Kinds that can be watched."""


def progress(one: Job) -> Component:
    """How far it is and how long it will take, or what became of it."""
    if one.state == job.QUEUED:
        first = "next in the queue" if one.position == 1 else f"number {one.position} in the queue"
        return html.Div(f"Waiting: {first}.", className="job-text")
    if one.state == job.RUNNING and one.asked.kind == replays.KIND:
        bar = html.Progress(**parts.attributes({"aria-label": one.asked.title}))
        return html.Div([bar, html.Div("Asking the archived models…", className="job-text")])
    if one.state == job.RUNNING:
        share = f"{100.0 * one.fraction:.0f} %"
        left = "" if one.left_s is None else f" · {words.left(one.left_s)}"
        text = "ending…" if one.cancelling else one.text
        bar = html.Progress(
            value=str(round(one.fraction, 4)),
            max="1",
            **parts.attributes({"aria-label": f"{one.asked.title}: {share}"}),
        )
        return html.Div([bar, html.Div(f"{share}{left} · {text}", className="job-text")])
    return html.Div(one.words or _took(one), className="job-text", style={"whiteSpace": "pre-wrap"})


def state(one: Job) -> Component:
    """Its state as a coloured word."""
    return html.Span(one.state, className=f"job-state {one.state}")


def actions(one: Job, where: str) -> list[Any]:
    """What can be done with it: cancel it, or open its result. `where` tells apart the pages that show it."""
    if one.ended:
        href = result_address(one)
        return [parts.link("Open", href, "button")] if href else []
    cancel = html.Button(
        "Cancel",
        id={"cancel": one.id, "on": where},
        type="button",
        className="button",
        disabled=one.cancelling,
        **parts.attributes({"aria-label": f"Cancel {one.asked.title}"}),
    )
    watch = parts.link("Watch", address("/job/{id}/live", id=one.id), "button")
    return [*([watch] if one.asked.kind in _LIVE and one.state == job.RUNNING else []), cancel]


def order(one: Job) -> tuple[int, int]:
    """Sorts jobs under way as they will be done: what runs first, then the queue."""
    return one.position or 0, int(one.id)


def rows(found: Sequence[Job], where: str) -> Component:
    """Jobs below each other."""
    made = [
        html.Div(
            [
                html.Div(
                    [
                        state(one),
                        parts.link(one.asked.title, address("/job/{id}", id=one.id)),
                        html.Span(f"asked for {parts.moment(one.asked.created_s)}", className="muted"),
                    ],
                    className="job-head",
                ),
                progress(one),
                html.Div(actions(one, where), className="job-actions"),
            ],
            className=f"job {one.state}",
        )
        for one in found
    ]
    return html.Div(made, className="jobs")


def _took(one: Job) -> str:
    if one.started_s is None or one.ended_s is None:
        return ""
    return f"Took {words.duration(max(0.0, one.ended_s - one.started_s))}."


def since(one: Job) -> str:
    """How long it has been running."""
    return "" if one.started_s is None else words.duration(max(0.0, time.time() - one.started_s))


def result_address(one: Job) -> str:
    """Where the result of a finished job is shown; '' if it has none."""
    if one.state != job.FINISHED:
        return ""
    if one.asked.shown_at:
        return one.asked.shown_at
    return address(_RESULTS.get(one.asked.kind, "/run/{id}"), id=one.asked.result)
