"""Anomaly detector: flags segments that hold neither noise nor a signal, without having seen a glitch.

It learns from noise and signals only. The null stream decides for what sits in one detector, an autoencoder for
what does not look like a binary; `benchmarks.dataquality` says which of them finds what.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import segments, training
from workloads.dataquality import anomaly, examples
from workloads.dataquality.anomaly import SAMPLES
from workloads.spec import NETWORK, RATE_HZ, SEGMENT_S, WHITEN_HALF_S, Outputs, Program, Progress, Settings
from workloads.training import Batch, Course, Fitted, Taught
from workloads.whitening import whiten

if TYPE_CHECKING:
    import torch

    from workloads.recording import Recording

STEPS, RATE, NOISE_SEGMENTS = 1500, 2e-3, 20_000
FALSE_FLAG, FALSE_DISMISSAL = 1e-3, 3e-4
"""Fractions of segments of pure noise, and of signals of SNR 8 to 100, that may be flagged."""
_BATCH, _HELD_OUT, _SETTLE, _REFINED = 32, 512, 20_000, 4_000
_MERGER_S, _SNR = (0.7, 2.6), (5.0, 120.0)
"""Mergers of the examples after the start of the window, some of them after its end; network SNR."""
_SEARCHED_S = (anomaly.STEP / RATE_HZ * anomaly.SEARCHED.start, anomaly.STEP / RATE_HZ * anomaly.SEARCHED.stop)


class AnomalyDetector:
    """A segment's score is its incoherence, or its unfamiliarity less an allowance if that is larger.

    Both are minus log10 of how often ordinary data get there, extrapolated from one in a thousand. The allowance
    is for loud signals, which seem unfamiliar more often than that; incoherent they are not.
    """

    name = "anomaly-detector"
    task = "data-quality"
    unit = segments.strain_unit(SAMPLES / RATE_HZ + 2 * WHITEN_HALF_S)
    outcome = "flag"
    runtimes = NETWORK
    tries = (10_000, 200)
    from_recordings = True

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Whitened strain, shape (batch, detector, SAMPLES)."""
        return whiten(units)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> Outputs:
        """Flag above the threshold; the time is the middle of the segment."""
        incoherence, unfamiliarity = raw.T.astype(np.float64)
        score = np.maximum(incoherence, unfamiliarity - settings.get("allowance", 0.0))
        return Outputs(score, score > settings["threshold"], None, np.full(len(score), SEGMENT_S / 2))

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Windows of noise, signals and glitches."""
        return segments.examples(self.unit, n, seed)

    def module(self) -> torch.nn.Module:
        """The untrained network: (row, detector, SAMPLES) to (row, [incoherence, unfamiliarity])."""
        return anomaly.network()

    def teach(self, course: Course) -> Taught:
        """Taught to redraw noise and signals of slightly miscalibrated streams, drawn afresh at each step."""
        seed = course.seed
        known, unseen = (examples.waveforms(n, np.random.default_rng([seed, n])) for n in (3000, 800))
        held_out = _batch(unseen, _HELD_OUT, np.random.default_rng([seed, 2]), course.recorded)

        def batch(done: float, rng: np.random.Generator) -> Batch:
            return _batch(known, _BATCH, rng, course.recorded)

        start = None if course.start is None else {f"inner.{k}": v for k, v in course.start.items()}
        rate = RATE if start is None else None
        fitted = training.fit(replace(course, start=start), anomaly.learner, batch, _mean, held_out, STEPS, rate)
        module = fitted.module.get_submodule("inner")
        scales = _excess(module, unseen, np.random.default_rng([seed, 3]), course.recorded)
        anomaly.settle(module, scales)
        return Fitted(module, fitted.steps, fitted.earlier_wall_s, fitted.earlier_cpu_s).taught(
            {
                "data": "windows of Gaussian noise, every second one with a signal of SNR 5-120 from unseen "
                "binaries, streams miscalibrated by 3 % and 3 deg (standard deviation); the same windows chose "
                f"the checkpoint, and {len(scales)} of their kind the scales of the score. No glitch among them",
                "n": _HELD_OUT,
                "surprise": round(float(training.apply(fitted.module, held_out[0]).mean()), 4),
            }
        )

    def settle(
        self, program: Program, tries: int | None, progress: Progress, recorded: Recording | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The lowest threshold and allowance that spare noise and signals as stated, half by either question."""
        seen: list[NDArray[np.float32]] = []

        def listening(rows: NDArray[np.float32]) -> NDArray[np.float32]:
            seen.append(program.network(rows))
            return seen[-1]

        _, chosen = segments.flag_threshold(
            replace(program, network=listening),
            tries or NOISE_SEGMENTS,
            FALSE_FLAG,
            FALSE_DISMISSAL,
            progress,
            recorded,
        )
        both, n = np.concatenate(seen).astype(np.float64), chosen["noise_segments"]
        quiet, heard = both[:n], both[n:]
        lowest = np.maximum(
            np.quantile(quiet, 1 - FALSE_FLAG / 2, axis=0), np.quantile(heard, 1 - FALSE_DISMISSAL / 2, axis=0)
        )
        settings = {"threshold": float(lowest[0]), "allowance": float(lowest[1] - lowest[0])}
        return settings, {
            "noise_segments": n,
            "noise_flagged": float(np.mean((quiet > lowest).any(axis=1))),
            "signals": len(heard),
            "signal_snr": [8.0, 100.0],
            "signals_flagged": float(np.mean((heard > lowest).any(axis=1))),
        }


def _batch(known: NDArray[np.complex64], n: int, rng: np.random.Generator, recorded: Recording | None) -> Batch:
    return examples.windows(known, n, SAMPLES, _MERGER_S, _SNR, rng, recorded), np.zeros(n, np.float32)


def _mean(surprise: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return surprise.mean()


def _excess(
    module: torch.nn.Module,
    known: NDArray[np.complex64],
    rng: np.random.Generator,
    recorded: Recording | None,
) -> NDArray[np.float32]:
    """Excess (row, 2, pool) of windows of noise and of signals that merge in the searched second.

    _SETTLE of them, or _REFINED of recorded noise, of which there is no more to tell.
    """
    import torch

    parts = []
    with torch.inference_mode():
        for _ in range(0, _SETTLE if recorded is None else _REFINED, _BATCH):
            x = examples.windows(known, _BATCH, SAMPLES, _SEARCHED_S, (8.0, 100.0), rng, recorded)
            parts.append(module.excess(torch.from_numpy(x)).numpy())  # type: ignore[operator]
    return np.concatenate(parts)


WORKLOAD = AnomalyDetector()
