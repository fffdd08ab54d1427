"""Elasticity: policies that look at a pool's load every so often and add servers or take some away.

What it costs is `startup_server_s` beside the servers that work: time paid for before a server works.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, inf

from twin.controls.control import Control, Due, Ground


@dataclass(kw_only=True)
class Scaling(Control):
    """Looks at `pool` every `every_s` from `from_s` on and keeps `least` to `most` servers there.

    A new server works after `startup_s`. After a change by load the next one waits for `cooldown_s`; fewer than
    `least` (some may have failed) are made up for at once.
    """

    pool: int
    every_s: float
    least: int
    most: int
    startup_s: float = 0.0
    cooldown_s: float = 0.0
    from_s: float = 0.0
    starting: int = 0
    calm_s: float = 0.0
    """No change by load before this."""
    startup_server_s: float = 0.0

    def first(self) -> Iterator[Due]:
        """The first look, after one interval."""
        yield self.from_s + self.every_s, "look"

    @abstractmethod
    def wanted(self, load: float, servers: int) -> int:
        """How many more servers (negative: fewer) this load per server calls for, where `servers` work."""

    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """Look, or let ordered servers begin to work."""
        if verb == "ready":
            (n,) = about
            self.starting -= n
            self.startup_server_s += n * self.startup_s
            environment.scale(self.pool, n)
            return
        self.plan(now_s + self.every_s, "look")
        working = int(environment.world.pools[self.pool]["servers"])
        have = working + self.starting
        change = max(0, self.least - have)
        if not change and now_s >= self.calm_s:
            change = self._allowed(self.wanted(environment.load(self.pool), working), working)
            if change:
                self.calm_s = now_s + self.cooldown_s
        if change > 0:
            self.starting += change
            self.plan(now_s + self.startup_s, "ready", change)
        elif change < 0:
            environment.scale(self.pool, change)

    def _allowed(self, change: int, working: int) -> int:
        """`change` within the limits: what is starting counts as added, and nothing is taken away meanwhile."""
        if change > 0:
            return max(0, min(change - self.starting, self.most - working - self.starting))
        return 0 if self.starting else -max(0, min(-change, working - self.least))


@dataclass(kw_only=True)
class ThresholdScaling(Scaling):
    """`step` servers more above the load `up`, `step` fewer below `down` (jobs per server)."""

    up: float
    down: float
    step: int = 1

    def wanted(self, load: float, servers: int) -> int:
        """One step up or down, or nothing; a step that is on its way is not another one."""
        if load > self.up:
            return self.step + self.starting
        return -self.step if load < self.down else 0


@dataclass(kw_only=True)
class TrackingScaling(Scaling):
    """As many servers as bring the load to `track` (jobs per server), unless it is within `tolerance` of it."""

    track: float
    tolerance: float = 0.1

    def wanted(self, load: float, servers: int) -> int:
        """The difference to the number of servers that would have the load `track`."""
        if load == inf:
            return self.most
        if abs(load / self.track - 1.0) <= self.tolerance:
            return 0
        return ceil(load * servers / self.track - 1e-9) - servers
