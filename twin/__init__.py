"""The twin: what happens when work meets sites. Scenario → Plan → Record.

    import twin

    s = twin.load("first-light")
    r = twin.run(s.with_({"sites.cnaf.pools.cpu.servers": 8}), seed=7)
    r.summary, r.alerts, r.latency.quantile(0.99), r.figure.latency()
    twin.study(s, vary={"sites.cnaf.pools.cpu.servers": [2, 4, 8]}, replicas=20).table
    twin.compare(s, s.with_({"name": "marked", "stages.alert.gate": None})).table

Names are loaded when first used, so that `ettwin --help` and a scenario check stay instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.engine import TwinEnvironment
    from twin.loader import bundled, load
    from twin.record import Record, RecordError
    from twin.record import open_record as open
    from twin.runner import run
    from twin.scenario import Scenario, ScenarioError
    from twin.studies.compare import compare
    from twin.studies.study import Study, study

__all__ = [
    "Record",
    "RecordError",
    "Scenario",
    "ScenarioError",
    "Study",
    "TwinEnvironment",
    "bundled",
    "compare",
    "load",
    "open",
    "run",
    "study",
]

_HOMES = {
    "Record": "twin.record",
    "RecordError": "twin.record",
    "Scenario": "twin.scenario",
    "ScenarioError": "twin.scenario",
    "Study": "twin.studies.study",
    "TwinEnvironment": "twin.engine",
    "bundled": "twin.loader",
    "compare": "twin.studies.compare",
    "load": "twin.loader",
    "open": "twin.record:open_record",
    "run": "twin.runner",
    "study": "twin.studies.study",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'twin' has no attribute '{name}'; it has: {', '.join(__all__)}")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(import_module(module), attribute or name)


def __dir__() -> list[str]:
    return __all__
