"""The glitch classifier on 60 real LIGO glitches of O3, which it was not trained on and ET will not have.

The strains are in the wheel of `deepextractor` 0.1.4 (MIT; Dooney et al. 2025, arXiv:2501.18423), as a pickle that
is read without executing anything but the making of arrays. They are not kept here; the figures are.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly, welch

from benchmarks.dataquality import windows
from benchmarks.dataquality.rates import rate
from workloads import psd, spec
from workloads.models import glitch_classifier
from workloads.models.glitch_classifier import CENTRE_S, INPUT
from workloads.sky import GLITCHES
from workloads.spec import BAND_HZ, RATE_HZ

ASSET = "deepextractor/assets/glitch_dict_example.pkl"
RATE_OF_ASSET_HZ = 4096
NAMES = {
    "Blip": "blip",
    "Tomte": "tomte",
    "Scattered_Light": "scattered-light",
    "Whistle": "whistle",
    "Light_Modulation": None,
}
"""Its classes, and ours of the same name; light modulation is a family that the classifier does not know."""
UNKNOWN = "unknown"
_HALF_S = 1.0
_PSD_S = 2.0
_SEED = 60_029


@dataclass(frozen=True)
class Glitch:
    """A strain (sample,) at RATE_OF_ASSET_HZ in units of its own, the glitch in its middle, and what it is."""

    strain: NDArray[np.float64]
    family: str
    origin: str
    snr: float


class _Arrays(pickle.Unpickler):
    """Reads arrays and numbers of numpy; anything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        arrays = np._core.multiarray  # type: ignore[attr-defined]
        made = {"_reconstruct": arrays._reconstruct, "scalar": arrays.scalar}
        allowed = {("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): np.dtype}
        for home in ("numpy.core.multiarray", "numpy._core.multiarray"):
            allowed |= {(home, maker): function for maker, function in made.items()}
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is not an array of numbers")
        return allowed[module, name]


def read(wheel: Path) -> Iterator[Glitch]:
    """All glitches in the wheel."""
    with ZipFile(wheel) as archive, archive.open(ASSET) as file:
        content = _Arrays(file).load()
    for run, detectors in content.items():
        for detector, families in detectors.items():
            for family, rows in families.items():
                for strain, snr in zip(rows["h_input"], rows["snr"], strict=True):
                    yield Glitch(np.asarray(strain, np.float64), family, f"{run} {detector}", float(snr))


def whitened(glitch: Glitch) -> NDArray[np.float32]:
    """Row (1, INPUT) with the glitch in the middle of the searched second, whitened with its own noise.

    The noise is the median over stretches of the whole strain, so that the glitch does not count.
    """
    strain = resample_poly(glitch.strain, 1, RATE_OF_ASSET_HZ // RATE_HZ)
    length = round(_PSD_S * RATE_HZ)
    frequency, value = welch(strain, RATE_HZ, nperseg=length, noverlap=length // 2, average="median")
    curve = psd.Psd(frequency[1:], value[1:])
    white = psd.filter_valid(strain, curve.whitening(RATE_HZ, _HALF_S, BAND_HZ))
    middle = strain.size // 2 - round(_HALF_S * RATE_HZ)
    start = middle - round(np.mean(CENTRE_S) * RATE_HZ)
    return white[None, start : start + INPUT].astype(np.float32)


def run(wheel: Path, effort: float = 1.0) -> dict[str, object]:
    """Confusion and unknown answers on the real glitches and on as loud simulated ones, as JSON."""
    program = spec.load("glitch-classifier", "torch")
    known = list(read(wheel))
    real = _named(program, np.array([whitened(g) for g in known]))
    report: dict[str, object] = {"source": wheel.name, "n": len(known), "real": {}, "simulated": {}}
    for family, name in NAMES.items():
        answers = [a for a, g in zip(real, known, strict=True) if g.family == family]
        report["real"][family] = _row(answers, name)  # type: ignore[index]
    mine = [a == NAMES[g.family] for a, g in zip(real, known, strict=True) if NAMES[g.family]]
    report["right_of_known_families"] = rate(np.array(mine))
    report["unknown_of_unknown_family"] = rate(
        np.array([a == UNKNOWN for a, g in zip(real, known, strict=True) if NAMES[g.family] is None])
    )
    rng = np.random.default_rng(_SEED)
    loudness = np.array([min(g.snr, 100.0) for g in known])
    for family in GLITCHES:
        snr = rng.choice(loudness, max(20, round(400 * effort)))
        answers = _named(program, windows.alone(family, snr, rng))
        report["simulated"][family] = _row(answers, family)  # type: ignore[index]
    return report


def _named(program: spec.Program, rows: NDArray[np.float32]) -> list[str]:
    p = np.concatenate([program.network(rows[i : i + 50]) for i in range(0, len(rows), 50)])
    return glitch_classifier.names(p, program.settings)


def _row(answers: list[str], truth: str | None) -> dict[str, object]:
    return {
        "answers": dict(Counter(answers).most_common()),
        "right": rate(np.array([a == truth for a in answers])),
    }
