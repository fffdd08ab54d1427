"""The commands of `ettwin` by name. A new one is a file here and a line below; heavy imports stay inside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dashboards.commands.alerts import alerts
from dashboards.commands.archive import archive
from dashboards.commands.card import card
from dashboards.commands.check import check
from dashboards.commands.compare import compare
from dashboards.commands.dash import dash
from dashboards.commands.latencies import latencies
from dashboards.commands.listing import listing
from dashboards.commands.measure import measure
from dashboards.commands.need import need
from dashboards.commands.new import new
from dashboards.commands.replay import replay
from dashboards.commands.report import report
from dashboards.commands.run import run
from dashboards.commands.schema import schema
from dashboards.commands.shadow import shadow
from dashboards.commands.show import show
from dashboards.commands.study import study
from dashboards.commands.train import train
from dashboards.commands.validate import validate
from dashboards.commands.worker import worker

COMMANDS: dict[str, Callable[..., Any]] = {
    "list": listing,
    "new": new,
    "check": check,
    "show": show,
    "run": run,
    "study": study,
    "compare": compare,
    "dash": dash,
    "need": need,
    "report": report,
    "alerts": alerts,
    "latencies": latencies,
    "measure": measure,
    "train": train,
    "worker": worker,
    "shadow": shadow,
    "validate": validate,
    "card": card,
    "archive": archive,
    "replay": replay,
    "schema": schema,
}
"""In the order of `ettwin --help`."""
