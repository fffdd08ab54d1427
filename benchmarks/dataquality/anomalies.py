"""The anomaly detector beside what needs no learning: signals spared and glitches found, at equal harm to signals.

Every statistic gets the threshold at which it flags as few signals and noise windows as the detector is allowed
to, on windows of their own; all rates are measured on others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.dataquality import windows
from benchmarks.dataquality.rates import rate
from workloads import runtime, spec
from workloads.dataquality.anomaly import POOLS, SEARCHED, STEP
from workloads.models import anomaly_detector
from workloads.spec import STREAMS

if TYPE_CHECKING:
    import torch

SNR_EDGES = (8.0, 12.0, 16.0, 24.0, 48.0, 100.0)
GLITCH_SNR = (8.0, 12.0, 16.0, 24.0, 48.0)
MISCALIBRATED = {"3 %, 3 deg": 0.03, "5 %, 5 deg": 0.05, "10 %, 10 deg": 0.10}
_BATCH, _USUAL = 50, 1000
_SEED = 60_013
Scores = dict[str, NDArray[np.float32]]


def run(effort: float = 1.0, said: Callable[[str], None] = print) -> dict[str, object]:
    """All rates as JSON; `effort` 1 is the full number of windows."""
    program = spec.load("anomaly-detector", "torch")
    judge = _judge(program)
    n = max(200, round(12_000 * effort))
    rng = np.random.default_rng(_SEED)
    spared = {
        "signals": _all(judge, lambda k: windows.signals("bbh", _loud(k, rng), rng), n),
        "noise": _all(judge, lambda k: windows.noise(k, rng), n),
    }
    thresholds = _thresholds(spared, program.threshold)
    said(f"thresholds {thresholds}")
    report: dict[str, object] = {"seed": _SEED, "windows_per_threshold": 2 * n, "thresholds": thresholds}
    noise = _all(judge, lambda k: windows.noise(k, rng), n)
    report["noise"] = {s: rate(noise[s] > t) for s, t in thresholds.items()}
    report["signals"] = _signals(judge, thresholds, n, rng)
    said(f"signals {report['signals']['detector']['8-100']}")  # type: ignore[index]
    report["miscalibrated"] = {
        name: _miscalibrated(judge, thresholds, max(100, n // 4), error, rng)
        for name, error in MISCALIBRATED.items()
    }
    said("miscalibrated done")
    few = max(50, n // 12)
    report["other_signals"] = {
        kind: {
            s: rate(scores[s] > t)
            for scores in [_all(judge, lambda k, c=kind: windows.signals(c, _loud(k, rng), rng), few)]
            for s, t in thresholds.items()
        }
        for kind in windows.KINDS
        if kind != "bbh"
    }
    said("other signals done")
    report["glitches"] = _glitches(judge, thresholds, max(20, n // 30), rng)
    return report


def _judge(program: spec.Program) -> Callable[[windows.Windows], Scores]:
    """A function from windows to every statistic (n,)."""
    import torch

    torch.set_num_threads(1)
    module = runtime.load_module(program.workload)
    with torch.inference_mode():
        quiet = windows.noise(_USUAL, np.random.default_rng(_SEED + 1))
        null = module.tiles(torch.from_numpy(quiet))[:, 1][..., SEARCHED]  # type: ignore[operator]
    usual, spread = _clusters(null).mean(0), _clusters(null).std(0)

    def scores(x: windows.Windows) -> Scores:
        with torch.inference_mode():
            data = torch.from_numpy(x)
            both = module(data).numpy()
            null = module.tiles(data)[:, 1][..., SEARCHED]  # type: ignore[operator]
            power = x.sum(1)[:, SEARCHED.start * STEP : SEARCHED.stop * STEP] / np.sqrt(STREAMS)
        return {
            "detector": np.maximum(both[:, 0], both[:, 1] - program.settings["allowance"]),
            "incoherence": both[:, 0],
            "unfamiliarity": both[:, 1],
            "loudest null tile": null.amax((1, 2)).numpy(),
            "loudest null cluster": ((_clusters(null) - usual) / spread).max(1),
            "null power": np.mean(power**2, axis=1),
        }

    return scores


def _clusters(null: torch.Tensor) -> NDArray[np.float32]:
    """Loudest mean energy (row, pool) of the null stream in clusters of each shape."""
    from torch.nn.functional import avg_pool2d

    energy = null[:, None]
    means = [avg_pool2d(energy, (a, b), 1, (a // 2, b // 2), False, False).amax((1, 2, 3)) for a, b in POOLS]
    return np.stack([m.numpy() for m in means], axis=1)


def _all(judge: Callable[[windows.Windows], Scores], draw: Callable[[int], windows.Windows], n: int) -> Scores:
    parts = [judge(draw(k)) for k in _chunks(n)]
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _chunks(n: int) -> Iterator[int]:
    for first in range(0, n, _BATCH):
        yield min(_BATCH, n - first)


def _loud(n: int, rng: np.random.Generator, low: float = 8.0, high: float = 100.0) -> NDArray[np.float64]:
    return np.asarray(low * (high / low) ** rng.random(n))


def _thresholds(spared: dict[str, Scores], own: float) -> dict[str, float]:
    """The detector's own threshold, and for every statistic the one that spares signals and noise as well."""
    allowed = {
        "signals": anomaly_detector.FALSE_DISMISSAL,
        "noise": anomaly_detector.FALSE_FLAG,
    }
    found = {
        name: float(max(np.quantile(spared[kind][name], 1 - share) for kind, share in allowed.items()))
        for name in spared["noise"]
    }
    return found | {"detector": own}


def _signals(
    judge: Callable[[windows.Windows], Scores], thresholds: dict[str, float], n: int, rng: np.random.Generator
) -> dict[str, dict[str, object]]:
    """Signals flagged, over all and by SNR, on binaries of the range that was in training."""
    snr = _loud(n, rng)
    left = iter(snr)
    scores = _all(judge, lambda k: windows.signals("bbh", np.array([next(left) for _ in range(k)]), rng), n)
    report: dict[str, dict[str, object]] = {}
    for name, threshold in thresholds.items():
        flagged = scores[name] > threshold
        report[name] = {"8-100": rate(flagged)}
        for low, high in pairwise(SNR_EDGES):
            report[name][f"{low:g}-{high:g}"] = rate(flagged[(snr >= low) & (snr < high)])
    return report


def _miscalibrated(
    judge: Callable[[windows.Windows], Scores],
    thresholds: dict[str, float],
    n: int,
    error: float,
    rng: np.random.Generator,
) -> dict[str, object]:
    """Signals flagged in streams wrong by `error` (standard deviation of modulus; in degrees 100 times that)."""
    report: dict[str, object] = {}
    for low, high in ((8.0, 24.0), (24.0, 100.0)):
        phase = np.deg2rad(100 * error)
        scores = _all(
            judge, lambda k, a=low, b=high, p=phase: windows.signals("bbh", _loud(k, rng, a, b), rng, error, p), n
        )
        report[f"{low:g}-{high:g}"] = {s: rate(scores[s] > t) for s, t in thresholds.items()}
    return report


def _glitches(
    judge: Callable[[windows.Windows], Scores], thresholds: dict[str, float], n: int, rng: np.random.Generator
) -> dict[str, object]:
    """Recall by family and single-stream SNR; no family was in training."""
    draws: dict[str, Callable[[NDArray[np.float64]], windows.Windows]] = {
        family: lambda snr, f=family: windows.glitches(f, snr, rng) for family in windows.FAMILIES
    }
    draws["blip in all streams"] = lambda snr: windows.in_all_streams(snr, rng)
    report: dict[str, object] = {}
    for name, draw in draws.items():
        rows = {}
        for snr in GLITCH_SNR:
            scores = _all(judge, lambda k, d=draw, s=snr: d(np.full(k, s)), n)
            rows[f"{snr:g}"] = {s: rate(scores[s] > t) for s, t in thresholds.items()}
        report[name] = rows
    return report
