"""What happens to the computing, at the present time: the actions that controls and SimPy processes call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from twin.kernel import faults, routes
from twin.kernel.servers import free_server
from twin.kernel.state import DRAIN, VARIANTS
from twin.plan import Plan
from twin.world import World


class Actions(simpy.Environment):
    """Pools that go down, servers that break, links that shrink: numbers are those of the plan."""

    plan: Plan
    world: World
    served: list[tuple[float, int, int]]
    """From when on (s) which stage was served by which variant, -1 none; at the start all are by their primary."""
    down_s: np.ndarray[Any, np.dtype[np.float64]]
    _down_since_s: dict[int, float]

    def down(self, pool: int, mode: int = DRAIN) -> None:
        """Pool `pool` starts nothing new; what runs finishes (DRAIN), waits again (REQUEUE) or is lost (LOSE)."""
        self._known("pool", pool, self.plan.pool_names)
        self._down_since_s.setdefault(pool, self.now)
        faults.set_up(self._ready(), pool, 0)
        if mode != DRAIN:
            self._reserve(pool)
            faults.kill(self._ready(), pool, mode, self.world.servers.size)

    def restore(self, pool: int) -> None:
        """Pool `pool` works again."""
        self._known("pool", pool, self.plan.pool_names)
        self._count_down(pool)
        faults.set_up(self._ready(), pool, 1)

    def fail(self, pool: int, server: int, mode: int = DRAIN) -> bool:
        """Server number `server` of pool `pool` breaks; False when it was not there to break."""
        self._known("pool", pool, self.plan.pool_names)
        self._reserve(pool)
        return bool(faults.fail(self._ready(), pool, self._server(pool, server), mode))

    def repair(self, pool: int, server: int) -> bool:
        """Server number `server` of pool `pool` works again; False when it was not broken."""
        self._known("pool", pool, self.plan.pool_names)
        return bool(faults.repair(self._ready(), pool, self._server(pool, server)))

    def scale(self, pool: int, by: int) -> None:
        """Add `by` servers (negative: take them away, free ones now and the others as they finish)."""
        self._known("pool", pool, self.plan.pool_names)
        row = self.world.pools[pool]
        servers = int(row["servers"]) + by
        if servers < 0:
            name = self.plan.pool_names[pool]
            raise ValueError(f"pool '{name}' has {servers - by} servers; {-by} cannot be taken at {self.now} s")
        if by < 0:
            faults.remove_servers(self._ready(), pool, -by)
        else:
            more = max(0, by - int(row["surplus"]))
            faults.add_servers(self._ready(), pool, by)
            for x in self.world.hire(pool, more):
                free_server(self.world.record, pool, x)

    def withdraw(self, stage: int, variant: int) -> None:
        """This variant of `stage` is out of service: what runs finishes, the first that is there takes over.

        Without any, the stage starts nothing until one is there again.
        """
        self._set_out(stage, variant, 1)

    def reinstate(self, stage: int, variant: int) -> None:
        """This variant of `stage` is there again, and serves unless one before it does."""
        self._set_out(stage, variant, 0)

    def judge(
        self, stage: int, variant: int, responses: npt.ArrayLike, noise: float, pool: int | None = None
    ) -> None:
        """From now on this variant of `stage` decides otherwise: on all its pools, or on one.

        `responses` (class, SNR bin) and `noise` are probabilities: that the program reacts to an event, and to a
        segment without any. ValueError for another shape than it had, or what is no probability.
        """
        self._known("stage", stage, self.plan.stage_names)
        self._known("variant", variant, VARIANTS)
        own = self.world.queues["stage"] == stage
        if pool is not None:
            self._known("pool", pool, self.plan.pool_names)
            own &= self.world.queues["pool"] == pool
        tables = self.world.queues["decide"][own, variant]
        name, where = self.plan.stage_names[stage], "" if pool is None else f" on {self.plan.pool_names[pool]}"
        if tables.size == 0 or (tables < 0).any():
            raise ValueError(f"stage '{name}' has no {VARIANTS[variant]} that decides{where}")
        given = np.asarray(responses, float)
        if not (0.0 <= noise <= 1.0 and (((given >= 0.0) & (given <= 1.0)) | (given == -1.0)).all()):
            message = "responses and noise are probabilities; allowed: 0 to 1, -1 for a class it does not look for"
            raise ValueError(f"stage '{name}': {message}")
        classes = self.plan.responses.shape[1]
        shapes = {d: (classes, int(np.isfinite(self.plan.edges[d]).sum()) - 1) for d in tables.tolist()}
        for shape in shapes.values():
            if given.shape != shape:
                raise ValueError(f"stage '{name}': responses have shape {given.shape}; allowed: {shape}")
        for d, (_, bins) in shapes.items():
            self.world.responses[d, :, :bins] = given
            self.world.responses[d, :, bins:] = given[:, -1:]
            self.world.noise[d] = noise

    def degrade(self, pool: int, slowness: float) -> None:
        """Whatever pool `pool` starts from now on takes `slowness` times as long as measured."""
        self._known("pool", pool, self.plan.pool_names)
        if not slowness > 0.0:
            raise ValueError(f"slowness is {slowness}; allowed: more than 0")
        self.world.pools[pool]["slowness"] = slowness

    def close(self, pool: int) -> None:
        """Routes avoid pool `pool`, as when its outage has been noticed."""
        self._known("pool", pool, self.plan.pool_names)
        self.world.pools[pool]["open"] = 0

    def reopen(self, pool: int) -> None:
        """Routes may choose pool `pool` again."""
        self._known("pool", pool, self.plan.pool_names)
        self.world.pools[pool]["open"] = 1

    def evacuate(self, pool: int) -> None:
        """What waits at pool `pool` and may run elsewhere chooses again."""
        self._known("pool", pool, self.plan.pool_names)
        self._reserve(pool)
        faults.evacuate(self._ready(), pool)

    def link_share(self, source: int, target: int, share: float) -> None:
        """The link from site `source` to site `target` has this share of its bandwidth: 0 down, 1 all."""
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"share is {share}; allowed: 0 to 1")
        faults.set_share(self._ready(), self._link(source, target), share)

    def link_close(self, source: int, target: int) -> None:
        """Routes avoid pools behind this link, as when its outage has been noticed."""
        self.world.links[self._link(source, target)]["open"] = 0

    def link_reopen(self, source: int, target: int) -> None:
        """Routes may use this link again."""
        self.world.links[self._link(source, target)]["open"] = 1

    def load(self, pool: int) -> float:
        """Jobs at pool `pool` and on their way there, per server."""
        self._known("pool", pool, self.plan.pool_names)
        return float(routes.load(self.world.record, pool))

    def _set_out(self, stage: int, variant: int, out: int) -> None:
        self._known("stage", stage, self.plan.stage_names)
        self._known("variant", variant, VARIANTS)
        tables = self.world.queues["table"][self.world.queues["stage"] == stage, variant]
        if tables.size == 0 or (tables < 0).any():
            raise ValueError(f"stage '{self.plan.stage_names[stage]}' has no {VARIANTS[variant]}")
        row = self.world.stages[stage]
        before = int(row["variant"])
        faults.set_out(self._ready(), stage, variant, out)
        if row["variant"] != before:
            self.served.append((self.now, stage, int(row["variant"])))

    def _known(self, kind: str, number: int, names: Sequence[str]) -> None:
        """Compiled code looks at no bounds: ValueError unless `number` is one of the plan's."""
        if not 0 <= number < len(names):
            known = ", ".join(f"{k} {name}" for k, name in enumerate(names))
            raise ValueError(f"there is no {kind} {number}; allowed: {known}")

    def _ready(self) -> Any:
        """The world's record with the clock at the present: data events before it have been handled."""
        self.world.record["now_s"] = self.now
        self.world.record["budget"] = 0
        return self.world.record

    def _reserve(self, pool: int) -> None:
        """Room for everything at pool `pool` to end or move at this instant."""
        row = self.world.pools[pool]
        running = self.world.stages["max_batch"].max(initial=1) * row["busy"]
        self.world.reserve(int(row["queued"] + running))

    def _server(self, pool: int, number: int) -> int:
        servers = self.world.servers
        where = np.flatnonzero((servers["pool"] == pool) & (servers["number"] == number))
        if where.size == 0:
            name, known = self.plan.pool_names[pool], int((servers["pool"] == pool).sum())
            raise ValueError(f"pool '{name}' has no server {number}; allowed: 0 to {known - 1}")
        return int(where[0])

    def _link(self, source: int, target: int) -> int:
        for site in (source, target):
            self._known("site", site, self.plan.site_names)
        return source * len(self.plan.site_names) + target

    def _count_down(self, pool: int) -> None:
        """Add the time since the pool went down, within the horizon."""
        since_s = self._down_since_s.pop(pool, self.now)
        horizon_s = self.plan.horizon_s
        self.down_s[pool] += min(self.now, horizon_s) - min(since_s, horizon_s)
