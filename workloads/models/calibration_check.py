"""Calibration check: complex gain of every stream at the calibration lines, with errors; flags drift.

Least squares, which is the right tool for sines of known frequency: nothing is learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads import ageing, curves
from workloads.dataquality import calibration
from workloads.dataquality.calibration import LINES_HZ, SAMPLES, SIDE
from workloads.decisions import interval
from workloads.drift import LADDER, NONE, Drift
from workloads.profile import Figure
from workloads.spec import RATE_HZ, STREAMS, Network, Program, Progress, Quality, Settings
from workloads.strain import Injection, Strain
from workloads.training import Course, Taught
from workloads.unit import Unit
from workloads.whitening import whiten

if TYPE_CHECKING:
    import torch

AMPLITUDE_BOUND, PHASE_BOUND_RAD = 0.05, float(np.deg2rad(5.0))
"""Errors of a gain beyond which a segment is flagged."""
SIGMAS = 3.0
"""Standard errors by which it must be beyond the bound, so that loud noise is not taken for drift."""
_SPACING_S = 24.0
_TRIES, _BATCH = 2_000, 50
_LEVELS = (0.5, 0.6827, 0.8, 0.9, 0.95, 0.99)
_DRIFTS = (0.0, 0.02, 0.04, 0.05, 0.06, 0.07, 0.1)


@dataclass(frozen=True)
class Calibration:
    """Per unit, stream and line: relative `amplitude` error, `phase_rad` error, the standard `error` of either.

    `score` (batch,) is the largest error of a unit in units of its bound, less SIGMAS standard errors; `flagged`
    where it exceeds the threshold.
    """

    amplitude: NDArray[np.float64]
    phase_rad: NDArray[np.float64]
    error: NDArray[np.float64]
    score: NDArray[np.float64]
    flagged: NDArray[np.bool_]


class CalibrationCheck:
    """The network is a projection on sines; what it says beside a line is how well it knows the line."""

    name = "calibration-check"
    task = "data-quality"
    unit = Unit(
        "strain",
        "strain of the streams with their calibration lines, beginning at a full second",
        ("detector", "sample"),
        (STREAMS, round(calibration.WINDOW_S * RATE_HZ)),
        float(RATE_HZ),
        longest_repeat=8,
        advice="Cut the window with Strain.window and add calibration.lines",
    )
    outcome = None
    runtimes = ("numpy", "torch")
    drifts = tuple(d.amounts for d in LADDER if not (d.amplitude or d.phase_rad))
    """Wrong calibration is no drift here: it is what is looked for."""

    def prepare(self, units: NDArray[Any]) -> NDArray[np.float32]:
        """Whitened streams one by one, shape (batch * detector, SAMPLES)."""
        return whiten(units).reshape(-1, SAMPLES)

    def decide(
        self, raw: NDArray[np.float32], rows: NDArray[np.float32], units: NDArray[Any], settings: Settings
    ) -> Calibration:
        """Errors of each gain, and whether any is surely beyond its bound."""
        pair = raw.astype(np.float64).reshape(len(units), STREAMS, 2, len(LINES_HZ), 1 + len(SIDE))
        gain, error = calibration.gains(pair[:, :, 0] + 1j * pair[:, :, 1])
        amplitude, phase = np.abs(gain) - 1, np.angle(gain)
        beyond = [
            (np.abs(amplitude) - SIGMAS * error) / AMPLITUDE_BOUND,
            (np.abs(phase) - SIGMAS * error) / PHASE_BOUND_RAD,
        ]
        score = np.max(beyond, axis=(0, 2, 3))
        return Calibration(amplitude, phase, error, score, score > settings["threshold"])

    def units(self, n: int, seed: int) -> NDArray[np.float64]:
        """Noise with lines in streams whose gains are wrong by 3 % and 2 degrees, now and then a signal."""
        rng = np.random.default_rng([seed, n])
        return _strain(n, seed, rng, 20.0) + calibration.lines(
            self.unit.shape[1], calibration.draw_gains(n, 0.03, rng)
        )

    def module(self) -> torch.nn.Module:
        """The projection for lines yet to be loaded: (row, SAMPLES) to (row, real parts, then imaginary ones)."""
        return _projector()

    def in_numpy(self, weights: Mapping[str, NDArray[Any]]) -> Network:
        """What the network gives, without torch."""
        matrix = _matrix(weights["lines"])
        return lambda rows: rows @ matrix

    def teach(self, course: Course) -> Taught:
        """The table of lines; there is nothing to learn."""
        course.from_scratch_only(self.name, "its lines are set, not learned")
        return Taught({"lines": calibration.table()}, {"lines_hz": list(LINES_HZ), "n": 0})

    def settle(
        self, program: Program, tries: int | None, progress: Progress
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The bound itself: a score of 1."""
        bounds = {"amplitude_bound": AMPLITUDE_BOUND, "phase_bound_deg": float(np.rad2deg(PHASE_BOUND_RAD))}
        return {"threshold": 1.0}, {**bounds, "sigmas": SIGMAS}

    def judge(self, program: Program, effort: float, seed: int, progress: Progress) -> Quality:
        """Coverage of the errors, and the share flagged, against drifts of one stream's amplitude."""
        n = max(12, round(effort * _TRIES))
        rng = np.random.default_rng([seed, 1])
        inside = dict(zip(_LEVELS, _inside(program, seed, n, _LEVELS, None, rng), strict=True))
        few = max(12, n // 4)
        signals = {f"{snr:g}": _inside(program, seed + 2, few, (0.95,), snr, rng)[0] for snr in (20.0, 100.0)}
        flagged = {}
        for done, drift in enumerate(_DRIFTS):
            progress(0.5 + 0.5 * done / len(_DRIFTS), f"{self.name}: drift")
            gains = np.ones((few, STREAMS, len(LINES_HZ)), complex)
            gains[:, 0] += drift
            flagged[drift] = int(_found(program, seed + 1, gains, None, rng).flagged.sum())
        hits, size = inside[0.95]
        low, high = interval(hits, size)
        return Quality(
            f"95 % error bars hold {100 * hits / size:.2f} % ({100 * low:.2f}-{100 * high:.2f}, n={size}); "
            f"flagged at 4/7 % drift: {flagged[0.04]}/{flagged[0.07]} of {few}",
            {
                "units": n, "inside": {f"{p:g}": count for p, count in inside.items()},
                "inside_95_with_signal_of_snr": signals,
                "flagged_by_drift": {f"{drift:g}": count for drift, count in flagged.items()},
                "units_by_drift": few, "precision": calibration.PRECISION,
                "curves": _curves(inside, {drift: (count, few) for drift, count in flagged.items()}),
            },
        )  # fmt: skip

    def judge_drifted(
        self, program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
    ) -> dict[str, Figure]:
        """Coverage of the errors, and what is flagged of sound streams and of one whose amplitude is 7 % off."""
        n, changed, rng = max(12, round(effort * _TRIES)), Drift(**drift), np.random.default_rng([seed, 1])
        [inside] = _inside(program, seed, n, (0.95,), None, rng, changed)
        flagged = []
        for done, off in enumerate((0.0, 0.07)):
            progress((1 + done) / 3, f"{self.name}: flagged")
            gains = np.ones((n, STREAMS, len(LINES_HZ)), complex)
            gains[:, 0] += off
            flagged.append(_found(program, seed + 1, gains, None, rng, changed))
        return {
            "95 % error bars that hold": ageing.share(*inside),
            "flagged without an error": ageing.share(int(flagged[0].flagged.sum()), n),
            "flagged at 7 %": ageing.share(int(flagged[1].flagged.sum()), n),
            "standard error of a gain": ageing.mean(flagged[0].error.mean(axis=(1, 2))),
        }


def _curves(
    inside: Mapping[float, tuple[int, int]], flagged: Mapping[float, tuple[int, int]]
) -> list[dict[str, Any]]:
    """Errors inside their bars, less the bars' level, in %; and the share of units flagged by amplitude error."""
    shares = {level: ageing.share(*counts) for level, counts in inside.items()}
    less = [
        (100 * p, Figure(100 * (s.value - p), 100 * (s.low - p), 100 * (s.high - p), s.n))
        for p, s in shares.items()
    ]
    found = [(100 * x, ageing.share(*counts)) for x, counts in flagged.items()]
    return [
        curves.curve(
            f"errors of gains, n={less[0][1].n}",
            "level of the error bar in %",
            "errors inside, less the level, in %",
            {"errors of gains": less},
            expected=[(p, Figure(0.0, 0.0, 0.0, 0)) for p, _ in (less[0], less[-1])],
        ),
        curves.curve(
            f"n={found[0][1].n} each",
            "amplitude error of one stream in %",
            "share of units flagged",
            {"share flagged": found},
        ),
    ]


def _strain(
    n: int, seed: int, rng: np.random.Generator, snr: float | None, drift: Drift = NONE
) -> NDArray[np.float64]:
    """Noise (n, stream, sample) for one unit each; every fourth with a signal of that SNR in its last second."""
    starts = np.round(_SPACING_S * np.arange(1, n + 1))
    last = starts + calibration.WINDOW_S - rng.random(n)
    signals = [Injection(float(t), "bbh", snr, -1, i) for i, t in enumerate(last[::4])] if snr else []
    strain = Strain(seed, signals, drift)
    return np.array([strain.window(t + calibration.WINDOW_S, calibration.WINDOW_S) for t in starts])


def _inside(
    program: Program,
    seed: int,
    n: int,
    levels: Sequence[float],
    snr: float | None,
    rng: np.random.Generator,
    drift: Drift = NONE,
) -> list[tuple[int, int]]:
    """How many errors, of how many, lie within their error bars of each of the `levels`."""
    from scipy import stats

    truth = calibration.draw_gains(n, 0.03, rng)
    found = _found(program, seed, truth, snr, rng, drift)
    away = np.array([found.amplitude - (np.abs(truth) - 1), found.phase_rad - np.angle(truth)])
    bars = [stats.t.ppf(0.5 + level / 2, calibration.DEGREES) * found.error for level in levels]
    return [(int((np.abs(away) < bar).sum()), away.size) for bar in bars]


def _found(
    program: Program,
    seed: int,
    gains: NDArray[np.complex128],
    snr: float | None,
    rng: np.random.Generator,
    drift: Drift = NONE,
) -> Calibration:
    """What `program` says of noise with lines of `gains` (n, stream, line), every fourth with a signal."""
    parts = []
    for first in range(0, len(gains), _BATCH):
        some = gains[first : first + _BATCH]
        strain = _strain(len(some), seed + 7 * first, rng, snr, drift)
        parts.append(program(strain + calibration.lines(strain.shape[-1], some)))
    return Calibration(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Calibration)))


def _matrix(lines: NDArray[np.float64]) -> NDArray[np.float32]:
    """The projection (SAMPLES, real parts then imaginary ones)."""
    weights = calibration.projection(lines).reshape(-1, SAMPLES)
    return np.ascontiguousarray(np.concatenate([weights.real, weights.imag]).T, dtype=np.float32)


def _projector() -> torch.nn.Module:
    import torch

    class Projector(torch.nn.Module):
        lines: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("lines", torch.zeros(len(LINES_HZ), 2, dtype=torch.float64))
            self._matrix: torch.Tensor | None = None

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            if self._matrix is None:
                self._matrix = torch.from_numpy(_matrix(self.lines.numpy()))
            return rows @ self._matrix

    return Projector()


WORKLOAD = CalibrationCheck()
