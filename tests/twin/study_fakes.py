"""Answers to studies that are known beforehand: functions of a point's changes in place of runs."""

from __future__ import annotations

import numpy as np

from twin.loader import loads
from twin.studies.evaluation import Outcome
from twin.studies.kinds import Asked
from twin.studies.quantities import Quantity

TEXT = """
schema_version: 1
name: queue
horizon: {horizon}
drain: 2 d
replicas: 10
instrument:
  detectors: [E1, E2, E3]
  site: cnaf
  calibration: {{value: 1 us, low: 1 us, high: 2 us, standing: assumed, source: test}}
sky:
  signals:
    bbh: {{rate: {rate}, snr: {{min: 12, max: 100}}}}
sites:
  cnaf: {{pools: {{cpu: {{hardware: epyc-core, servers: 4}}, front: {{hardware: epyc-core, servers: 50}}}}}}
  lyon: {{pools: {{cpu: {{hardware: epyc-core, servers: 2}}}}}}
stages:
  search:
    time: {{value: 1 us, standing: assumed, source: test}}
    role: trigger
    finds: {{share: 100 %, standing: assumed, source: test}}
    on: [cnaf.front]
  estimate:
    time: {{law: exponential, mean: 200 s, standing: assumed, source: test}}
    after: search
    on: [cnaf.cpu]
    publishes: preliminary
targets:
  alert_latency: {{p50: {p50}}}
  late: 1000 s
"""
KEY = "sites.cnaf.pools.cpu.servers"
OTHER = "sites.lyon.pools.cpu.servers"


def queue(horizon="20 d", rate="1 /min", p50="250 s"):
    """An M/M/c queue as a scenario: searched at once, estimated for 200 s on average, on 4 servers."""
    return loads(TEXT.format(horizon=horizon, rate=rate, p50=p50))


def asked(section, scenario=None, replicas=10, seed=1, **more):
    """What a driver is given."""
    return Asked(section, scenario or queue(), replicas, seed, **more)


CALLED = {"latency.p50": "median latency of the alert", "lost": "lost, of detectable signals"}


def quantity(name, values, unit="s", n=1000):
    return Quantity(name, CALLED.get(name, name), unit, np.asarray(values, dtype=float), n)


class Told:
    """Answers with `function`: changes of a point to {name: mean}; replica k adds the same chance to every point.

    `own` is chance that points do not share. Counts in `replicas` how many were asked for.
    """

    def __init__(self, function, noise=0.0, own=0.0, units=None, saturated=lambda changes: []):
        self.function, self.noise, self.own = function, noise, own
        self.units, self.saturated = units or {}, saturated
        self.replicas = {}

    def __call__(self, points, replicas):
        outcomes = []
        for point in points:
            self.replicas[point.name] = max(len(replicas), self.replicas.get(point.name, 0))
            changes = {key: self._number(text) for key, text in point.changes.items()}
            found = []
            for name, mean in self.function(changes).items():
                common = [self._chance(name, k, "") for k in replicas]
                alone = [self._chance(name, k, point.name) for k in replicas]
                values = mean + self.noise * np.array(common) + self.own * np.array(alone)
                found.append(quantity(name, values, self.units.get(name, "s")))
            outcomes.append(Outcome(point.name, found, [], self.saturated(changes), "digest"))
        return outcomes

    @staticmethod
    def _number(text):
        head = text.split()[0] if text and not text.startswith("{") else text
        try:
            return float(head)
        except ValueError:
            return text

    @staticmethod
    def _chance(name, replica, point):
        return np.random.default_rng([replica, *f"{name}/{point}".encode()]).standard_normal()
