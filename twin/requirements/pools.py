"""The pools that computing is asked for: what they are, and how much of them a run used. Knows servers only.

From a finished run, from a scenario that was not run, or from plain numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sites import catalogue
from sites.spec import STANDINGS, Hardware
from twin import places, words
from twin.programs import pool_spec
from twin.requirements.uncertain import Floats

if TYPE_CHECKING:
    from twin.scenario import Scenario


class RequirementsError(ValueError):
    """Something is asked of which too little is known."""


@dataclass(frozen=True, eq=False)
class Held:
    """A pool of `servers` servers, each of `threads` times the kind's cores where the kind is a single core.

    `busy` and `powered` (replica,) are mean numbers of servers at work and switched on; None if nothing was run.
    `standing` and `source` are those of `busy`: a simulated use is worth no more than what the run rests on.
    """

    pool: str
    site: str
    kind: Hardware
    servers: int
    threads: int = 1
    busy: Floats | None = None
    powered: Floats | None = None
    standing: str = "assumed"
    source: str = "a planner's choice"

    @property
    def multiple(self) -> int:
        """How many times what the catalogue says of its kind one server is."""
        return self.threads if (self.kind.cores, self.kind.gpus) == (1, 0) else 1


def of_record(record: Any) -> list[Held]:
    """The pools of a run, by its tables `pools` (servers, server_s, use); RequirementsError on an unknown kind.

    Busy is use times server time, with the weakest standing of what the run rests on (its table `inputs`). A
    server that a growing pool starts up has server time but no use of its own; it counts as used like the others.
    """
    table: pd.DataFrame = record.pools
    if "server_s" not in table:
        raise RequirementsError("the run's table pools has no server_s: it is of an earlier version. Run it again")
    known = {held.pool: held for held in of_scenario(record.scenario)}
    found = []
    for pool, own in table.groupby("pool", observed=True, sort=False):
        powered = own["server_s"].to_numpy(float) / record.scenario.horizon
        held = known[str(pool)]
        busy = own["use"].to_numpy(float) * powered
        origin = _origin(record.inputs, len(busy))
        found.append(Held(held.pool, held.site, held.kind, held.servers, held.threads, busy, powered, *origin))
    return found


def of_scenario(scenario: Scenario) -> list[Held]:
    """The pools that a scenario has installed; of a pool that grows the most servers it may have."""
    found = []
    for name in places.pool_names(scenario):
        spec = pool_spec(scenario, name)
        found.append(given(name, spec.hardware, places.slots(scenario, name), spec.threads))
    return found


def given(
    pool: str, hardware: str, servers: int, threads: int = 1, use: Sequence[float] | float | None = None
) -> Held:
    """A pool 'site.name' by plain numbers; `use` (between 0 and 1) of one replica or of several."""
    known = catalogue.hardware()
    if hardware not in known:
        raise RequirementsError(
            f"pool {pool}: nothing is known of what hardware '{hardware}' has, draws and costs; known: "
            f"{', '.join(known)}. Add sites/hardware/{hardware}.yaml, or choose a known kind"
        )
    site = pool.partition(".")[0]
    if use is None:
        return Held(pool, site, known[hardware], servers, threads)
    share = np.atleast_1d(np.asarray(use, dtype=float))
    if not np.all((share >= 0) & (share <= 1)):
        raise RequirementsError(f"pool {pool}: use {use!r}; allowed: shares from 0 to 1, one per replica")
    powered = np.full(share.shape, float(servers))
    return Held(pool, site, known[hardware], servers, threads, share * powered, powered)


def _origin(inputs: pd.DataFrame, replicas: int) -> tuple[str, str]:
    """Standing and source of what a run of so many replicas used."""
    ranks = [STANDINGS.index(standing) for standing in inputs["standing"] if standing in STANDINGS]
    weakest = STANDINGS[max(ranks, default=0)]
    own = words.count(sum(rank == max(ranks) for rank in ranks), "input")
    return weakest, f"mean over {words.count(replicas, 'replica')} of a run that rests on {own} {weakest}"
