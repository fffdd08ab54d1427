"""A program as MLPerf's LoadGen sees it: one server, one sample after the other. Knows no twin and no profile.

LoadGen's word is taken for latencies and rates; they are read from the log that it writes. What it calls VALID is
more than a quantile within its bound: it wants to be 99 % sure, which takes more queries the closer the bound is.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import mlperf_loadgen as lg
import numpy as np
from numpy.typing import NDArray

from workloads.spec import Program

LATENCY = "result_{}_percentile_latency_ns"
_MARK = ":::MLLOG "
Array = NDArray[np.float64]


class UnderTest:
    """`program` on LoadGen's samples, `units` (n, …)."""

    def __init__(self, program: Program, units: NDArray[Any]) -> None:
        self._program, self._units = program, units
        self._waiting: SimpleQueue[tuple[int | None, int] | None] = SimpleQueue()
        self._spans: list[tuple[float, float]] = []

    @property
    def spans_s(self) -> Array:
        """When each sample of the last run began and ended here, in their order (sample, 2)."""
        return np.array(self._spans)

    def single_stream(self, run_s: float) -> Mapping[str, Any]:
        """Sample after sample for `run_s`, each asked for when the one before is done."""
        settings = _settings(lg.TestScenario.SingleStream, run_s)
        settings.single_stream_expected_latency_ns = 1_000_000
        settings.single_stream_target_latency_percentile = 0.9
        return self._run(settings)

    def offline(self, run_s: float, per_s: float) -> Mapping[str, Any]:
        """All samples at once, as many as `per_s` lets expect for `run_s`."""
        settings = _settings(lg.TestScenario.Offline, run_s)
        settings.offline_expected_qps = per_s
        return self._run(settings)

    def server(self, run_s: float, per_s: float, bound_s: float, seed: int) -> Mapping[str, Any]:
        """Poisson arrivals of rate `per_s` for `run_s`, 99 % of which are to be done within `bound_s`.

        The samples are computed by a thread of their own, so that arrivals do not wait for it.
        """
        settings = _settings(lg.TestScenario.Server, run_s)
        settings.server_target_qps = per_s
        settings.server_target_latency_ns = int(1e9 * bound_s)
        settings.server_target_latency_percentile = 0.99
        settings.schedule_rng_seed = seed
        with self._working():
            return self._run(settings, aside=True)

    def open_loop(self, run_s: float, per_s: float, rng: np.random.Generator) -> tuple[Array, Array]:
        """When each sample began and ended on the server (sample, 2), and for how long it had idled before it:
        not at all if the sample waited for it.

        As `server`, but with a client of our own: Poisson arrivals of rate `per_s` for `run_s`.
        """
        at_s = np.cumsum(rng.exponential(1.0 / per_s, max(1, round(per_s * run_s))))
        self._spans = []
        came: list[float] = []
        with self._working():
            begun_s = time.perf_counter()
            for k, due_s in enumerate(at_s):
                time.sleep(max(0.0, begun_s + due_s - time.perf_counter()))
                came.append(time.perf_counter())
                self._waiting.put((None, k % len(self._units)))
        idle_s = np.maximum(0.0, came - np.concatenate(([begun_s], self.spans_s[:-1, 1])))
        return self.spans_s, idle_s

    @contextmanager
    def _working(self) -> Iterator[None]:
        """The server's thread."""
        worker = threading.Thread(target=self._work)
        worker.start()
        try:
            yield
        finally:
            self._waiting.put(None)
            worker.join()

    def _run(self, settings: Any, aside: bool = False) -> Mapping[str, Any]:
        def issue(samples: list[Any]) -> None:
            for sample in samples:
                if aside:
                    self._waiting.put((sample.id, sample.index))
                else:
                    self._do(sample.id, sample.index)

        self._spans = []
        n = len(self._units)
        system = lg.ConstructSUT(issue, _nothing)
        library = lg.ConstructQSL(n, n, _nothing, _nothing)
        try:
            with tempfile.TemporaryDirectory() as folder:
                lg.StartTestWithLogSettings(system, library, settings, _log_into(folder))
                return _told(Path(folder) / "mlperf_log_detail.txt")
        finally:
            lg.DestroyQSL(library)
            lg.DestroySUT(system)

    def _work(self) -> None:
        while (sample := self._waiting.get()) is not None:
            self._do(*sample)

    def _do(self, identity: int | None, index: int) -> None:
        start_s = time.perf_counter()
        self._program(self._units[index : index + 1])
        if identity is not None:
            lg.QuerySamplesComplete([lg.QuerySampleResponse(identity, 0, 0)])
        self._spans.append((start_s, time.perf_counter()))


def latency_s(told: Mapping[str, Any], percent: int) -> float:
    """The quantile of latency in LoadGen's log."""
    return float(told[LATENCY.format(f"{percent}.00")]) / 1e9


def _settings(scenario: Any, run_s: float) -> Any:
    settings = lg.TestSettings()
    settings.scenario = scenario
    settings.mode = lg.TestMode.PerformanceOnly
    settings.min_duration_ms = int(1000 * run_s)
    settings.min_query_count = 1
    return settings


def _log_into(folder: str) -> Any:
    log = lg.LogSettings()
    log.log_output.outdir = folder
    log.log_output.copy_summary_to_stdout = False
    log.enable_trace = False
    return log


def _told(log: Path) -> dict[str, Any]:
    lines = (line.removeprefix(_MARK) for line in log.read_text().splitlines() if line.startswith(_MARK))
    found = {one["key"]: one["value"] for one in map(json.loads, lines)}
    return {key: value for key, value in found.items() if key.startswith("result_")}


def _nothing(*_: Any) -> None:
    """All samples are at hand already."""
