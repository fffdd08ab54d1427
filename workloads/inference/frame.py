"""A trigger's view of the prior: a window around its chirp mass and time, mapped to five independent unit normals.

A window is several posterior widths wide, so that its exact place does not matter. Knows no data.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri

from workloads.inference import prior
from workloads.inference.phenomd import arrival_s, reference_arrival_s
from workloads.inference.prior import Array, ratio_floor
from workloads.waveform import SPIN

SNR = (7.0, 75.0)
"""Range of a frame's SNR: the prior's, and what noise adds or takes."""
LOCAL_SNR = 1.5
"""A frame of SNR s stands for signals of SNR s/LOCAL_SNR to s*LOCAL_SNR."""
_REFERENCE_SNR = 8.0
_CHIRP_POWER, _TIME_POWER = 0.8, 0.7
_TIME_WINDOW_S = 0.007
_EDGE = 1e-7


@dataclass(frozen=True)
class Frame:
    """What a search says of a signal: ln(chirp mass / Msun), merger time in s, network SNR.

    Each is a number or an array (event,). The time is that of the reference binary of this chirp mass that
    passes `phenomd.ARRIVAL_HZ` together with the signal: this is well measured, unlike the merger itself. The
    window shrinks as the SNR grows.
    """

    chirp_mass_log: Array
    merger_s: Array
    snr: Array

    def to_normal(self, theta: Array) -> Array:
        """Unit normals (…, 5) for parameters (…, 5) inside the window."""
        chirp, ratio, spin_1, spin_2, merger = np.moveaxis(theta, -1, 0)
        late_s = merger + arrival_s(theta) - self._arrival_s()
        with np.errstate(divide="ignore", invalid="ignore"):
            share = 1 - ratio / ratio_floor(chirp)
        unit = [
            0.5 + 0.5 * (_stretched(chirp) - _stretched(self.chirp_mass_log)) / self._half(),
            np.nan_to_num(share, nan=0.5),
            0.5 + 0.5 * spin_1 / SPIN,
            0.5 + 0.5 * spin_2 / SPIN,
            0.5 + 0.5 * late_s / self.time_half_s(),
        ]
        return _rotated(ndtri(np.clip(np.stack(np.broadcast_arrays(*unit), axis=-1), _EDGE, 1 - _EDGE)))

    def from_normal(self, normal: Array) -> Array:
        """Parameters (…, 5) for unit normals (…, 5)."""
        return self.from_unit(np.clip(ndtr(_rotated(normal)), _EDGE, 1 - _EDGE))

    def from_unit(self, unit: Array) -> Array:
        """Parameters (…, 5) for the window's unit cube (…, 5)."""
        u = np.moveaxis(unit, -1, 0)
        chirp = _unstretched(_stretched(self.chirp_mass_log) + (2 * u[0] - 1) * self._half())
        late_s = (2 * u[4] - 1) * self.time_half_s()
        theta = np.stack([chirp, (1 - u[1]) * ratio_floor(chirp), *(SPIN * (2 * u[2:4] - 1)), late_s], axis=-1)
        theta[..., 4] += self._arrival_s() - arrival_s(theta)
        return theta

    def log_volume(self, theta: Array) -> Array:
        """ln |d theta / d unit cube| at `theta`, shape (…,); -inf outside the prior's masses."""
        chirp = theta[..., 0]
        scale = 2 * self._half() * chirp_window(chirp) * -ratio_floor(chirp)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(scale * (2 * SPIN) ** 2 * 2 * self.time_half_s()))

    def spaced(self, step: float) -> Array:
        """ln(chirp mass) of points over the whole prior, `step` half windows apart."""
        low, high = _stretched(np.array(prior.CHIRP_MASS_LOG))
        apart = step * float(self._half())
        return _unstretched(np.arange(low, high + apart, apart))

    def time_half_s(self) -> Array:
        """Half width of the window in time."""
        return np.asarray(_TIME_WINDOW_S * (_REFERENCE_SNR / np.asarray(self.snr)) ** _TIME_POWER)

    def _half(self) -> Array:
        return np.asarray((_REFERENCE_SNR / np.asarray(self.snr)) ** _CHIRP_POWER)

    def _arrival_s(self) -> Array:
        return np.asarray(self.merger_s + reference_arrival_s(np.exp(self.chirp_mass_log)))


def around(theta: Array, snr: Array, rng: np.random.Generator) -> Frame:
    """Frames (n,) of SNR `snr` (n,), anywhere such that `theta` (n, 5) lies in their windows."""
    n = len(theta)
    here = Frame(theta[:, 0], np.zeros(n), snr)
    chirp = _unstretched(_stretched(theta[:, 0]) + rng.uniform(-1, 1, n) * here._half())
    arrival = theta[:, 4] + arrival_s(theta) + rng.uniform(-1, 1, n) * here.time_half_s()
    return Frame(chirp, arrival - reference_arrival_s(np.exp(chirp)), snr)


def at(theta: Array, snr: float) -> Frame:
    """The frame of SNR `snr` with one binary (5,) at its middle."""
    merger_s = theta[4] + arrival_s(theta) - reference_arrival_s(np.exp(theta[0]))
    return Frame(np.asarray(theta[0]), np.asarray(merger_s), np.asarray(snr))


def draw(n: int, rng: np.random.Generator) -> tuple[Array, Frame]:
    """`n` draws (n, 5) from the prior, each with a frame in whose window it lies."""
    theta = prior.draw(n, rng)
    return theta, around(theta, SNR[0] * (SNR[1] / SNR[0]) ** rng.random(n), rng)


def chirp_window(chirp_mass_log: Array) -> Array:
    """Half width of the window in ln(chirp mass) at SNR 8: about six posterior widths, from the waveforms."""
    mass = np.exp(np.asarray(chirp_mass_log))
    return np.asarray(1 / (25 * (11.4 / mass) ** 2.3 + 1 / 0.7))


def _stretched(chirp_mass_log: Array) -> Array:
    """A coordinate of the chirp mass in which every window has the same width."""
    return np.asarray(np.interp(chirp_mass_log, *_stretch()))


def _unstretched(coordinate: Array) -> Array:
    grid, stretched = _stretch()
    return np.asarray(np.interp(coordinate, stretched, grid))


@cache
def _stretch() -> tuple[Array, Array]:
    low, high = prior.CHIRP_MASS_LOG
    grid = np.linspace(low - 0.8, high + 0.8, 20_001)
    rate = 1 / chirp_window((grid[1:] + grid[:-1]) / 2)
    return grid, np.concatenate([[0.0], np.cumsum(rate * np.diff(grid))])


def _rotated(normal: Array) -> Array:
    """The spins' two columns turned to their sum and difference; its own inverse, and normals stay normal."""
    out = normal.copy()
    out[..., 2] = (normal[..., 2] + normal[..., 3]) / np.sqrt(2)
    out[..., 3] = (normal[..., 2] - normal[..., 3]) / np.sqrt(2)
    return out
