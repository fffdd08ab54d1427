"""A run that goes on as a record of what is known of it, so that the timeline draws it like any other.

For the dashboard. Knows what twin.sofar writes, and no page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboards import history, style
from dashboards.levels import levels
from dashboards.tables import Signals, coursed, timeline_table
from dashboards.validating import FORETOLD, Validating, validating
from twin import words
from twin.limits import PARTS
from twin.marks import EVERY
from twin.sofar import QUANTITIES, SCHEMA_VERSION

LARGEST_BYTES = 20_000_000


class NotReadableError(ValueError):
    """What is there says nothing of a run that goes on."""


@dataclass(frozen=True)
class _Targets:
    alert_latency: Mapping[str, float] = field(default_factory=dict)
    late: float | None = None
    product: str | None = None
    detectable_snr: float = 0.0


@dataclass(frozen=True)
class _Scenario:
    name: str
    horizon: float
    targets: _Targets


@dataclass(frozen=True, eq=False)
class Running:
    """What the timeline asks of a record, of a run that goes on: `now_s` of its present replica."""

    scenario: _Scenario
    now_s: float
    replica: int
    published: int
    late: int
    alerts: pd.DataFrame
    signals: pd.DataFrame
    timeline: pd.DataFrame
    marks: pd.DataFrame
    counts: pd.DataFrame
    farm: pd.DataFrame | None = None
    validation: Validating | None = None
    """Where the run is a repeat of a case on a farm."""
    instrument: None = None
    plan_digest: str = ""
    seed: Any = ""


def read(path: Path) -> Running | None:
    """The run whose present is in that file; None while there is none, NotReadableError for anything else."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise NotReadableError(f"{path.name} is too large for the present of a run")
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise NotReadableError(f"{path.name} cannot be read: {error}") from error
    try:
        return running(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotReadableError(f"{path.name} says nothing of a run that goes on: {error!r}") from error


def running(content: Mapping[str, Any]) -> Running:
    """What twin.sofar wrote as a record; KeyError, TypeError or ValueError where it is something else."""
    if content["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema_version {content['schema_version']}; readable: {SCHEMA_VERSION}")
    late_s = None if content["late_s"] is None else float(content["late_s"])
    return Running(
        _Scenario(str(content["scenario"]), float(content["horizon_s"]), _Targets(late=late_s)),
        now_s=float(content["now_s"]),
        replica=int(content["replica"]),
        published=int(content["published"]),
        late=int(content["late"]),
        alerts=_alerts(content["alerts"], late_s),
        signals=_signals(content["signals"]),
        timeline=_timeline(content),
        marks=_marks(content["marks"], float(content["now_s"])),
        counts=pd.DataFrame({"replica": [0]}),
        farm=None if content["simulated"] else pd.DataFrame(),
        validation=validating(content),
    )


def timeline(run: Running) -> tuple[go.Figure, pd.DataFrame]:
    """The timeline of what is known so far, and its numbers."""
    record: Any = run
    known = Signals(run.alerts, run.alerts)
    span = (0.0, max(run.now_s, 1.0))
    time_s, is_signal = (run.signals[name].to_numpy() for name in ("event_time_s", "is_signal"))
    over = coursed(run.alerts, time_s, is_signal, levels(record))
    table = timeline_table(record, span, known, over)
    if run.validation is not None:
        table = run.validation.beside(table)
    figure = history.timeline(record, span, known, table)
    hour = history.clock_of(record).seconds
    figure.update_xaxes(range=[0.0, run.scenario.horizon / hour])
    figure.add_vline(x=run.now_s / hour, line={"color": style.GREEN, "width": 2})
    if run.validation is not None:
        _titled(figure, run, run.validation)
    return figure, table


def _titled(figure: go.Figure, run: Running, on: Validating) -> None:
    """What a timeline of a farm and its twin shows."""
    title = f"{on.case}, repeat {run.replica + 1} of {on.repeats}: the farm so far, and what was foretold"
    told = (
        f"Latency by arrival: median and middle 80 %. Queue and use of what was {FORETOLD}: mean and range of "
        f"{words.count(on.draws, 'draw')}; queues below {history.FLOOR:g} are drawn at {history.FLOOR:g}"
    )
    figure.update_layout(title={"text": style.safe(title), "subtitle": {"text": told}})
    figure.layout.meta = {
        "description": f"Latency, queue, servers in use and arrivals of {on.case} on a farm, {on.ended:,} of "
        f"{on.jobs:,} jobs ended, beside what was foretold of it."
    }


def _alerts(given: Mapping[str, Any], late_s: float | None) -> pd.DataFrame:
    event_s, latency_s = (np.asarray(given[name], np.float64) for name in ("event_time_s", "latency_s"))
    frame = pd.DataFrame({"replica": 0, "event_id": np.arange(event_s.size), "is_signal": True})
    frame["event_time_s"], frame["latency_s"] = event_s, latency_s
    frame["late"] = latency_s > (np.inf if late_s is None else late_s)
    return frame.assign(**dict.fromkeys(PARTS, 0.0))


def _signals(given: Mapping[str, Any]) -> pd.DataFrame:
    time_s = np.repeat(np.asarray(given["time_s"], np.float64), int(given["each"]))
    return pd.DataFrame(
        {"replica": 0, "event_id": np.arange(time_s.size), "is_signal": True, "event_time_s": time_s}
    )


def _timeline(content: Mapping[str, Any]) -> pd.DataFrame:
    time_s = np.asarray(content["time_s"], np.float64)
    frames = [
        pd.DataFrame(
            {
                "replica": 0,
                "time_s": time_s,
                "bin_s": float(content["bin_s"]),
                "quantity": quantity,
                "name": str(name),
                "value": np.asarray(pool[quantity], np.float64),
            }
        )
        for name, pool in content["pools"].items()
        for quantity in QUANTITIES
    ]
    columns = ["replica", "time_s", "bin_s", "quantity", "name", "value"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _marks(given: Any, now_s: float) -> pd.DataFrame:
    rows = [(EVERY, str(k), str(n), float(a), float(b)) for k, n, a, b in given if float(a) <= now_s]
    return pd.DataFrame(rows, columns=["replica", "kind", "name", "start_s", "end_s"])
