"""A tiny computing for tests of controls: it notes what is done to it and when, and does nothing."""

from __future__ import annotations

from math import inf
from types import SimpleNamespace

import numpy as np

from twin.kernel.state import FREE, POOL, SERVER


class Ground:
    """Pools with so many servers; `calls` are (time, action, arguments …)."""

    def __init__(self, *servers):
        self.now = 0.0
        self.calls = []
        self.causes = {}
        self.marks = []
        self.loads = dict.fromkeys(range(len(servers)), 0.0)
        self.world = SimpleNamespace(pools=np.zeros(len(servers), POOL), servers=np.zeros(sum(servers), SERVER))
        self.world.pools["servers"] = servers
        self.world.servers["pool"] = np.repeat(np.arange(len(servers)), servers)
        self.world.servers["number"] = np.concatenate([np.arange(n) for n in servers] or [[]])
        self.world.servers["state"] = FREE

    def __getattr__(self, action):
        if action.startswith("_"):
            raise AttributeError(action)
        return lambda *arguments: self.calls.append((self.now, action, *arguments))

    def load(self, pool):
        return self.loads[pool]

    def scale(self, pool, by):
        self.world.pools["servers"][pool] += by
        self.calls.append((self.now, "scale", pool, by))

    def run(self, *controls, until=inf):
        """Let the controls act, in order of time, up to `until` (not included)."""
        while (control := min(controls, key=lambda c: c.next_s)).next_s < until:
            self.now = control.next_s
            control.act(self)
        return self.calls
