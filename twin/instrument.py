"""When each detector observes in one replica, and what that leaves of the sky and of the segments.

For the planner, and for the table of what was observed. Knows no stage, no pool and no kernel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twin.plan import DOWN

if TYPE_CHECKING:
    from twin.scenario import Scenario
    from twin.schema_instrument import Duty, Maintenance

Spans = NDArray[np.int64]
"""Segments (span, 2): the first, and the first after them; sorted, apart from each other."""


@dataclass(frozen=True)
class Observing:
    """Which of the detectors `names` do not deliver which of the first `segments` segments."""

    names: tuple[str, ...]
    segments: int
    down: tuple[Spans, ...]

    def up(self, segment: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each detector delivers each of these segments: (detector, segment)."""
        return np.stack([~_inside(down, segment) for down in self.down])

    def absent(self) -> Spans:
        """Segments that no detector delivers."""
        first, after, up = self._states()
        gone = ~up.any(axis=0)
        return _joined(np.column_stack([first[gone], after[gone]]))

    def table(self, stride_s: float) -> pd.DataFrame:
        """Time in s, and its share, for every set of detectors that observed together."""
        first, after, up = self._states()
        codes = (1 << np.arange(len(self.names))) @ up
        rows = []
        for code in range(1 << len(self.names)):
            own = codes == code
            names = [name for k, name in enumerate(self.names) if code >> k & 1]
            n = int((after - first)[own].sum())
            share = n / self.segments if self.segments else 0.0
            rows.append({"detectors": " ".join(names), "up": len(names), "time_s": n * stride_s, "share": share})
        return pd.DataFrame(rows)

    def _states(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Spans in which nothing changes: their first segments, the first after them, and who is up in them."""
        edges = np.unique(np.concatenate([[0, self.segments], *(down.ravel() for down in self.down)]))
        first, after = edges[:-1], edges[1:]
        return first, after, self.up(first)


def downtimes(scenario: Scenario, seed: int, replica: int) -> NDArray[np.void]:
    """When detectors of one replica do not observe (time,), dtype twin.plan.DOWN.

    Lock is lost by chance, with one named random stream for each detector; maintenance is set.
    """
    duty, rows = scenario.instrument.duty, []
    for k, name in enumerate(scenario.instrument.detectors if duty is not None else ()):
        assert duty is not None
        rng = np.random.default_rng([seed, replica, *f"duty/{name}".encode()])
        rows += [(k, 0, *span_s) for span_s in _outages(duty, scenario.horizon, rng)]
    return np.concatenate([np.array(rows, DOWN), maintained(scenario)])


def maintained(scenario: Scenario) -> NDArray[np.void]:
    """When detectors are worked on (time,), dtype twin.plan.DOWN: the same in every replica."""
    plan, n, rows = scenario.instrument.maintenance, len(scenario.instrument.detectors), []
    if plan is not None:
        rows = [(k, 1, *span_s) for k in range(n) for span_s in _maintained(plan, scenario.horizon, k, n)]
    return np.array(rows, DOWN)


def observing(scenario: Scenario, down: NDArray[np.void]) -> Observing:
    """The detectors that do not observe in the times `down` (dtype twin.plan.DOWN).

    A detector delivers a segment if it observes from its beginning to its end.
    """
    names, stride_s = scenario.instrument.detectors, scenario.instrument.stride
    segments = int(scenario.horizon / stride_s)
    own = (down[down["detector"] == k] for k in range(len(names)))
    spans_s = [list(zip(rows["start_s"].tolist(), rows["end_s"].tolist(), strict=True)) for rows in own]
    return Observing(names, segments, tuple(_segments(spans, stride_s, segments) for spans in spans_s))


def observed(scenario: Scenario, down: NDArray[np.void], replica: int) -> pd.DataFrame:
    """The table of what one replica observed, see the data dictionary in twin.record."""
    table = observing(scenario, down).table(scenario.instrument.stride)
    table.insert(0, "replica", replica)
    return table


def heard(
    events: NDArray[np.void], segment: NDArray[np.int64], there: Observing, faintest: float
) -> NDArray[np.bool_]:
    """Which events (event,) reach a detector that is up; network SNRs of signals are set to what is left of them.

    `events` have dtype workloads.sky.EVENT and lie in these segments. A glitch reaches its own detector only. The
    network SNR of a signal is that over the streams that are up: from its SNR in each, where events have that
    ('snr_stream'), else as if all streams were alike. Signals that became fainter than `faintest`, the least SNR
    at which programs were measured, have no luck: none of them is found.
    """
    up = there.up(segment)
    network = events["detector"] < 0
    part = up.mean(axis=0)
    if "snr_stream" in (events.dtype.names or ()):
        power = np.nan_to_num(np.asarray(events["snr_stream"], np.float64)[:, : len(there.names)]) ** 2
        known = power.sum(axis=1) > 0.0
        part[known] = (power[known] * up.T[known]).sum(axis=1) / power[known].sum(axis=1)
    left = network & ~up.all(axis=0)
    events["snr"][left] *= np.sqrt(part[left])
    lost = left & (events["snr"] < faintest)
    events["u_trigger"][lost] = events["u_flag"][lost] = 1.0
    reached: NDArray[np.bool_] = network | up[np.where(network, 0, events["detector"]), np.arange(events.size)]
    return reached


def breaks(scenario: Scenario, absent: Spans, span: int) -> tuple[tuple[int, int, float], ...]:
    """Where a stream of jobs of `span` segments is not regular, as twin.plan.Stream wants it.

    Jobs of `absent` segments alone never come; at a new version of the calibration the lag changes.
    """
    stride_s = span * scenario.instrument.stride
    gaps = {-(-first // span): after // span for first, after in absent.tolist()}
    gaps = {first: after for first, after in gaps.items() if after > first}
    changes = (math.ceil(version.at / stride_s) for version in scenario.instrument.calibration_versions or ())
    count = int(scenario.horizon / scenario.instrument.stride) // span
    jumps = {n: n for n in changes if n < count and not any(a <= n <= b for a, b in gaps.items())} | gaps
    return tuple((at, to, lag_s(scenario, to * stride_s)) for at, to in sorted(jumps.items()))


def lag_s(scenario: Scenario, start_s: float = 0.0) -> float:
    """From the end of the data to a job whose segments begin at `start_s`; 0 where there is just one calibration.

    That one belongs to the phase of the stream, see `phase_s`.
    """
    instrument = scenario.instrument
    if not _lags(scenario):
        return 0.0
    latency_s = instrument.calibration.value
    for version in instrument.calibration_versions or ():
        if version.at <= start_s:
            latency_s = version.latency.value
    return latency_s + (0.0 if instrument.delivery is None else instrument.delivery.value)


def phase_s(scenario: Scenario, data_s: float) -> float:
    """When data that end at `data_s` are complete, calibrated where that always takes the same."""
    return data_s if _lags(scenario) else data_s + scenario.instrument.calibration.value


def version(scenario: Scenario, time_s: NDArray[np.float64]) -> list[str]:
    """Names of the versions of the calibration of data of these times; '' before the first."""
    versions = scenario.instrument.calibration_versions or ()
    names = ["", *(v.name for v in versions)]
    return [names[k] for k in np.searchsorted([v.at for v in versions], time_s, side="right").tolist()]


def _lags(scenario: Scenario) -> bool:
    i = scenario.instrument
    return i.frame is not None or i.delivery is not None or i.calibration_versions is not None


def _outages(duty: Duty, horizon_s: float, rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Times in s at which a detector does not observe, as if it had always been so."""
    up = rng.random() < duty.up / (duty.up + duty.down)
    now_s = 0.0
    while now_s < horizon_s:
        lasts_s = rng.exponential(duty.up if up else duty.down)
        if not up:
            yield now_s, now_s + lasts_s
        now_s += lasts_s
        up = not up


def _maintained(plan: Maintenance, horizon_s: float, k: int, n: int) -> Iterator[tuple[float, float]]:
    """Times in s at which detector `k` of `n` is worked on."""
    start_s = plan.every * ((k + 0.5) / n if plan.rotating else 0.5)
    while start_s < horizon_s:
        yield start_s, start_s + plan.lasts
        start_s += plan.every


def _segments(spans_s: list[tuple[float, float]], stride_s: float, segments: int) -> Spans:
    """The segments that these times touch."""
    if not spans_s:
        return np.zeros((0, 2), np.int64)
    times = np.array(sorted(spans_s)) / stride_s
    touched = np.column_stack([np.floor(times[:, 0]), np.ceil(times[:, 1])]).astype(np.int64)
    return _joined(np.clip(touched, 0, segments))


def _joined(spans: Spans) -> Spans:
    """Sorted spans, those that overlap or touch made one, empty ones left away."""
    joined: list[list[int]] = []
    for first, after in spans.tolist():
        if joined and first <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], after)
        elif after > first:
            joined.append([first, after])
    return np.array(joined, np.int64).reshape(-1, 2)


def _inside(spans: Spans, segment: NDArray[np.int64]) -> NDArray[np.bool_]:
    if not spans.size:
        return np.zeros(np.shape(segment), bool)
    before = np.searchsorted(spans[:, 0], segment, side="right") - 1
    inside: NDArray[np.bool_] = (before >= 0) & (segment < spans[before, 1])
    return inside
