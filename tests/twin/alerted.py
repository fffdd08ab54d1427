"""Short runs of shipped scenarios whose alerts become documents."""

from __future__ import annotations

from functools import cache

import twin
from twin.alerts.document import documents
from twin.alerts.models import models

SHORT = {
    "first-light": {"horizon": "2 h", "timeline": {}},
    "work-graph": {"horizon": "1 h"},
    "q13-premerger": {"horizon": "6 h"},
    "et": {"horizon": "2 h"},
}
VERDICTS = {"retract_after": "30 min"}
EVERYTHING = ["+likelihood", "+dq", "+calibration", "+samples"]


def scenario(name, changes=None, **alerts):
    return twin.load(name).with_({"replicas": 1, **SHORT[name], "alerts": alerts, **(changes or {})})


@cache
def record(name):
    """A short run with every part carried and verdicts."""
    return twin.run(scenario(name, carries=EVERYTHING, **VERDICTS))


@cache
def made(name):
    """All its documents."""
    run = record(name)
    return tuple(documents(run, run.scenario.alerts, models(run), 0))
