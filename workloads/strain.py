"""Strain of the three streams at any time: coloured noise plus injections. Knows no search.

Noise depends on (seed, second) only, so a window is the same whichever other windows were asked for. The
streams' noises are independent: ET's correlated low-frequency noise is not modelled.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workloads import glitch, psd, waveform
from workloads.sky import CLASSES, SIGNALS
from workloads.spec import RATE_HZ, STREAMS

_HALF_S = 0.5
"""Half length of the colouring filter."""
_REACH_S = waveform.DURATION_S
_ORIGIN = 1 << 31
"""Added to a second's number in its random stream's key, which must not be negative."""


@dataclass(frozen=True)
class Injection:
    """A signal or glitch in the data: its class, SNR, stream (-1: all), and the seed of everything else.

    `time_s` is the merger of a signal and the centre of a glitch; `snr` the network optimal SNR of a signal
    and the single-stream optimal SNR of a glitch, both in the band of `workloads.spec`.
    """

    time_s: float
    cls: str
    snr: float
    detector: int
    seed: int


class Strain:
    """The data of one run: noise of `seed` and `injections`, cut in windows on demand."""

    def __init__(self, seed: int, injections: Sequence[Injection] = ()) -> None:
        for injection in injections:
            _check(injection)
        self.seed = seed
        self.curve = psd.load()
        self._injections = sorted(injections, key=lambda i: i.time_s)
        self._times_s = [i.time_s for i in self._injections]
        self._colouring = self.curve.colouring(RATE_HZ, _HALF_S)
        self._white = lru_cache(maxsize=32)(self._draw_white)
        self._wave = lru_cache(maxsize=16)(self._draw_wave)

    def window(self, end_s: float, duration_s: float) -> NDArray[np.float64]:
        """Strain (detector, sample) at RATE_HZ of the `duration_s` before `end_s`, float64."""
        stop = round(end_s * RATE_HZ)
        start = stop - round(duration_s * RATE_HZ)
        strain = self._noise(start, stop)
        first = bisect_left(self._times_s, start / RATE_HZ - _REACH_S)
        last = bisect_left(self._times_s, stop / RATE_HZ + _REACH_S)
        for index in range(first, last):
            onset, wave = self._wave(index)
            low, high = max(start, onset), min(stop, onset + wave.shape[1])
            if low < high:
                strain[:, low - start : high - start] += wave[:, low - onset : high - onset]
        return strain

    def _noise(self, start: int, stop: int) -> NDArray[np.float64]:
        half = self._colouring.size // 2
        low, high = start - half, stop + half
        seconds = range(low // RATE_HZ, -(-high // RATE_HZ))
        white = np.concatenate([self._white(s) for s in seconds], axis=1)
        offset = low - seconds.start * RATE_HZ
        return psd.filter_valid(white[:, offset : offset + high - low], self._colouring)

    def _draw_white(self, second: int) -> NDArray[np.float64]:
        return np.random.default_rng([self.seed, second + _ORIGIN]).standard_normal((STREAMS, RATE_HZ))

    def _draw_wave(self, index: int) -> tuple[int, NDArray[np.float64]]:
        """First sample and strain (detector, sample) of an injection, placed to a fraction of a sample."""
        injection = self._injections[index]
        rng = np.random.default_rng([self.seed, injection.seed])
        sample = int(np.floor(injection.time_s * RATE_HZ))
        delay_s = injection.time_s - sample / RATE_HZ
        if injection.cls in SIGNALS:
            face_on = waveform.spectrum(waveform.draw_binary(rng))
            factors = waveform.draw_antenna(rng)
            wave = waveform.project(face_on, factors, injection.snr, self.curve, delay_s)
            return sample - round((waveform.DURATION_S - waveform.AFTER_S) * RATE_HZ), wave
        wave = np.zeros((STREAMS, glitch.SAMPLES))
        wave[injection.detector] = glitch.burst(injection.cls, injection.snr, self.curve, rng, delay_s)
        return sample - glitch.SAMPLES // 2, wave


def _check(injection: Injection) -> None:
    if injection.cls not in CLASSES:
        raise ValueError(f"injection of class '{injection.cls}'; known: {', '.join(CLASSES)}")
    allowed = [-1] if injection.cls in SIGNALS else list(range(STREAMS))
    if injection.detector not in allowed:
        raise ValueError(f"injection '{injection.cls}' in detector {injection.detector}; allowed: {allowed}")
    if not injection.snr > 0 or not np.isfinite(injection.time_s):
        raise ValueError(f"injection '{injection.cls}' with SNR {injection.snr} at {injection.time_s} s")
