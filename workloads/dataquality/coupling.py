"""Simulated witnesses of noise that couples into the strain, some of it linearly and some as a product.

What a noise subtraction learns from and is judged by. The couplings are assumed, not measured; knows no model.
Strain is in units of its own unavoidable noise, whitened, so every sample of that has unit variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_HZ = 256
WITNESSES = ("floor", "air", "mains", "alignment")
"""Ground motion and sound couple linearly; the mains couples times the slow motion of the mirrors' alignment."""
MAINS_HZ = 50.0
SENSOR = (0.03, 0.03, 0.01, 0.01)
"""Noise of each sensor, as a fraction of the RMS of what it measures."""
BAND_HZ = (20.0, 110.0)
"""Where noise couples."""
_LINEAR = (4.0, 3.0)
"""RMS of the coupled noise of floor and air, and of the product of mains and alignment, over the strain's."""
_PRODUCT = 2.0
_RESONANCES = ((38.0, 0.04, 0.01), (80.0, 0.02, 0.004))
"""Frequency in Hz, damping time and delay in s of what floor and air shake."""
_LATE = 3
"""Samples by which the mains is late in the strain."""
_TAPS = 128
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Stretch:
    """`floor`, `coupled` and `strain` = floor + coupled (n, sample), and `witnesses` (n, witness, sample)."""

    floor: Array
    coupled: Array
    witnesses: Array

    @property
    def strain(self) -> Array:
        """What the detector gives."""
        return self.floor + self.coupled


@dataclass(frozen=True)
class Change:
    """Relative changes since the witnesses were learned from; zero is none."""

    coupling: float = 0.0
    """Of the RMS of all coupled noise."""
    resonance: float = 0.0
    """Of the frequencies that floor and air shake."""
    sensors: float = 0.0
    """Of the noise of the sensors."""


SAME = Change()


def draw(n: int, samples: int, rng: np.random.Generator, change: Change = SAME) -> Stretch:
    """`n` stretches of `samples`, independent of each other."""
    whole = samples + _TAPS  # what wraps around lies in the first taps, which are cut off
    spectra = np.array([_spectrum(name, whole) for name in WITNESSES])
    draws = rng.standard_normal((2, n, *spectra.shape)) / np.sqrt(2.0)
    true = (draws[0] + 1j * draws[1]) * spectra
    seen = np.fft.irfft(true, whole)
    linear = sum(
        rms * np.fft.irfft(true[:, k] * _response(k, whole, 1 + change.resonance), whole)
        for k, rms in enumerate(_LINEAR)
    )
    product = _PRODUCT * np.roll(seen[:, 2], _LATE, axis=-1) * seen[:, 3]
    sensor = (1 + change.sensors) * np.array(SENSOR)[:, None] * rng.standard_normal((n, len(WITNESSES), samples))
    floor = rng.standard_normal((n, samples))
    parts = (floor, (1 + change.coupling) * (linear + product)[:, _TAPS:], seen[..., _TAPS:] + sensor)
    return Stretch(*(part.astype(np.float32) for part in parts))


def _spectrum(name: str, samples: int) -> NDArray[np.float64]:
    """Amplitude (frequency,) of a witness on the rfft grid, such that its series has unit variance."""
    f = np.fft.rfftfreq(samples, 1 / SAMPLE_HZ)
    shape = {
        "floor": np.exp(-0.5 * (np.log(np.maximum(f, 1e-3) / 35.0) / 0.35) ** 2),
        "air": np.exp(-0.5 * ((f - 85.0) / 15.0) ** 2),
        "mains": np.exp(-0.5 * ((f - MAINS_HZ) / 0.1) ** 2),
        "alignment": (f > 0) * np.exp(-0.5 * (f / 1.5) ** 2),
    }[name]
    return np.asarray(shape * samples / np.sqrt(2.0 * np.sum(shape**2)))


def _response(k: int, samples: int, higher: float = 1.0) -> NDArray[np.complex128]:
    """Transfer function (frequency,) by which witness `k` couples: a damped resonance, late. It gives unit RMS.

    The resonance is `higher` by that factor.
    """
    t = np.arange(_TAPS) / SAMPLE_HZ
    frequency_hz, tau_s, delay_s = _RESONANCES[k]
    late = np.maximum(t - delay_s, 0.0)
    impulse = (t >= delay_s) * np.exp(-late / tau_s) * np.cos(2 * np.pi * higher * frequency_hz * late)
    transfer = np.fft.rfft(impulse, samples)
    power = _spectrum(WITNESSES[k], samples) ** 2
    return np.asarray(transfer * np.sqrt(power.sum() / np.sum(power * np.abs(transfer) ** 2)))
