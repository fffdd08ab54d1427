"""What live stages see, the real strain of their segments, and what their outputs mean. Executes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin import beside
from twin.engine import LiveResult
from twin.plan import Plan
from twin.programs import pool_spec
from twin.scenario import Scenario
from twin.tree import ScenarioError
from twin.works import variants
from workloads.sky import ARRIVING, CLASSES, UNLEARNED

_HELD = [ARRIVING.index(cls) for cls in CLASSES + UNLEARNED]
"""Classes of events that strain holds."""


class Strained:
    """The strain that stages see, and what their outputs on it mean for the events of the sky.

    A trigger finds the nearest event of its own segment, as profiles count it. In a segment without events it is
    a noise trigger, unless a neighbour holds one: that event's echo, which a search's clustering removes.
    """

    def __init__(self, scenario: Scenario, plan: Plan, seed: int, replica: int) -> None:
        from workloads.spec import LOOKAHEAD_S
        from workloads.strain import Injection, Strain

        self._plan = plan
        self._lookahead_s = LOOKAHEAD_S
        self._stride_s = scenario.instrument.stride
        self._cls = beside.plain(plan.events["cls"])
        injections = [
            Injection(float(e["time_s"]), ARRIVING[self._cls[i]], float(e["snr"]), int(e["detector"]), i)
            for i, e in enumerate(plan.events)
            if self._cls[i] in _HELD  # not a look at one that comes later
        ]
        self._strain = Strain(int(np.random.SeedSequence([seed, replica]).generate_state(1)[0]), injections)

    def windows(self, segments: Sequence[int], duration_s: float) -> NDArray[np.float64]:
        """What a program that needs `duration_s` sees of each segment, shape (segment, detector, sample)."""
        ends_s = [(k + 1) * self._stride_s + self._lookahead_s for k in segments]
        return np.stack([self._strain.window(end_s, duration_s) for end_s in ends_s])

    def result(
        self, segments: Sequence[int], service_s: float, kind: str, outputs: Mapping[str, Any]
    ) -> LiveResult:
        """What `outputs` (score, outcome, time_offset_s) mean where a `kind` is given: 'flag' or 'trigger'."""
        scores = tuple(float(score) for score in outputs["score"])
        if kind == "flag":
            return LiveResult(service_s, tuple(int(o) for o in outputs["outcome"]), {}, scores)
        extra, found = [], {}
        for segment, outcome, offset_s in zip(segments, outputs["outcome"], outputs["time_offset_s"], strict=True):
            own = self._events(segment)
            found.update(dict.fromkeys(own.tolist(), False))
            if outcome and own.size:
                found[self._nearest(own, segment * self._stride_s + offset_s)] = True
            extra.append(int(outcome and not own.size and not self._echo(segment)))
        return LiveResult(service_s, tuple(extra), found, scores)

    def _events(self, segment: int) -> NDArray[np.intp]:
        """The sky's events in a segment."""
        first, last = np.searchsorted(self._plan.event_segment, (segment, segment + 1))
        own = np.arange(first, last)
        return own[np.isin(self._cls[own], _HELD)]

    def _echo(self, segment: int) -> bool:
        """Whether a neighbouring segment holds an event, which this one's windows see as well."""
        return bool(self._events(segment - 1).size or self._events(segment + 1).size)

    def _nearest(self, events: NDArray[np.intp], time_s: float) -> int:
        """The event that a trigger at `time_s` belongs to."""
        return int(events[np.argmin(np.abs(self._plan.events["time_s"][events] - time_s))])


Named = tuple[str, str, int]
"""A program: workload, runtime, threads."""


def named(scenario: Scenario, stage: str) -> tuple[Named, ...]:
    """The programs of a live stage: its own, then its fallbacks; ScenarioError unless they decide on segments."""
    from workloads.spec import get

    spec = scenario.stages[stage]
    threads = pool_spec(scenario, spec.on[0]).threads
    works = [(work, runtime) for _, work, runtime in variants(spec)]
    for work, _ in works:
        if get(work).outcome is None:
            why = f"'{work}' decides nothing on segments of strain; only searches and data quality run live"
            raise ScenarioError((scenario.problem(f"live.{scenario.live.index(stage)}", why),))
    return tuple((work, runtime, threads) for work, runtime in works)
