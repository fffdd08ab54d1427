"""What happened on a farm, in the words of the kernel: enough to have the kernel repeat it. Knows no worker."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from twin.engine import LiveBatch, LiveResult, TwinEnvironment
from twin.kernel.state import LOSE, REQUEUE
from twin.live import COLUMNS, row
from twin.plan import Plan

FAIL, REPAIR = "fail", "repair"
FARM_COLUMNS = ("replica", "order", "pool", "server", "start_s", "sent_s", "end_s", "program_s")
INCIDENT_COLUMNS = ("replica", "time_s", "what", "pool", "server")


@dataclass(frozen=True)
class Started:
    """The kernel has started a batch on server number `server` of its pool."""

    batch: LiveBatch
    server: int
    start_s: float


@dataclass(frozen=True)
class Executed:
    """A batch on server number `server` of its pool; it ends at inf when it was taken from its worker.

    `start_s` is when the kernel started it, `sent_s` when its worker was told, `end_s` when the answer was heard,
    `program_s` what the worker says the program took; `result` holds `end_s` less `start_s` as its service.
    """

    batch: LiveBatch
    server: int
    start_s: float
    sent_s: float
    end_s: float
    program_s: float
    result: LiveResult


@dataclass(frozen=True)
class Incident:
    """At `time_s` server number `server` of `pool` broke, or worked again."""

    time_s: float
    what: str
    pool: int
    server: int


@dataclass
class Log:
    """Batches in the order in which they ended, and incidents in theirs."""

    batches: list[Executed] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    def tables(self, plan: Plan, replica: int) -> dict[str, pd.DataFrame]:
        """As the tables live, farm and incidents of a record; batches in the order of their start."""
        batches = sorted(self.batches, key=lambda executed: executed.batch.order)
        names = plan.pool_names
        farm = [
            (replica, e.batch.order, names[e.batch.pool], e.server, e.start_s, e.sent_s, e.end_s, e.program_s)
            for e in batches
        ]
        incidents = [(replica, i.time_s, i.what, names[i.pool], i.server) for i in self.incidents]
        return {
            "live": pd.DataFrame([row(plan, replica, e.batch, e.result) for e in batches], columns=list(COLUMNS)),
            "farm": pd.DataFrame(farm, columns=list(FARM_COLUMNS)),
            "incidents": pd.DataFrame(incidents, columns=list(INCIDENT_COLUMNS)),
        }


def incidents(table: pd.DataFrame, plan: Plan, replica: int) -> list[Incident]:
    """Those of a replica, from the table of a record."""
    rows = table[table["replica"] == replica].to_dict("records")
    return [Incident(r["time_s"], r["what"], plan.pool_names.index(r["pool"]), r["server"]) for r in rows]


@dataclass
class Again:
    """A control that repeats a log's incidents; what ran on a failed server waits again, or is `lost`."""

    incidents: list[Incident]
    lost: bool = False

    @property
    def next_s(self) -> float:
        """When the next of them happens."""
        return self.incidents[0].time_s if self.incidents else np.inf

    def act(self, environment: TwinEnvironment) -> None:
        """It happens."""
        incident = self.incidents.pop(0)
        if incident.what == FAIL:
            environment.fail(incident.pool, incident.server, LOSE if self.lost else REQUEUE)
        else:
            environment.repair(incident.pool, incident.server)


def lasting_s(start_s: float, end_s: float) -> float:
    """The duration that, added to `start_s`, gives `end_s` to the bit."""
    spell_s = end_s - start_s
    while start_s + spell_s < end_s:
        spell_s = float(np.nextafter(spell_s, np.inf))
    while start_s + spell_s > end_s:
        spell_s = float(np.nextafter(spell_s, -np.inf))
    return spell_s
