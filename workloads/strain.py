"""Strain of all streams at any time: coloured noise plus injections, drifted or not. Knows no search.

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
from workloads.dataquality import strange
from workloads.detectors import TRIANGLE, Detectors
from workloads.drift import LINES_HZ, NONE, Drift
from workloads.sky import CLASSES, GLITCHES, SIGNALS
from workloads.spec import RATE_HZ

_HALF_S = 0.5
"""Half length of the colouring filter."""
_REACH_S = waveform.DURATION_S
_ORIGIN = 1 << 31
"""Added to a second's number in its random stream's key, which must not be negative."""
_LINES, _GLITCHES = 1, 2
"""Random streams of what drifts add."""
_GLITCH_SNR = (6.0, 100.0)
EVENTS = (*CLASSES, "unknown")
"""Classes of injections: those of the sky, and glitches of no family."""


@dataclass(frozen=True)
class Injection:
    """A signal or glitch in the data: its class, SNR, stream (-1: all), and the seed of everything else.

    `time_s` is the merger of a signal and the centre of a glitch; `snr` the network optimal SNR of a signal
    and the single-stream optimal SNR of a glitch, both in the band of `workloads.spec` and in the noise as it
    has drifted.
    """

    time_s: float
    cls: str
    snr: float
    detector: int
    seed: int


class Strain:
    """The data of one run: noise of `seed` and `injections`, as `drift` changes them, cut in windows on demand."""

    def __init__(
        self,
        seed: int,
        injections: Sequence[Injection] = (),
        drift: Drift = NONE,
        detectors: Detectors = TRIANGLE,
    ) -> None:
        if drift != NONE and detectors is not TRIANGLE:
            raise ValueError("drift is that of a triangle's streams: leave it out, or take the triangle")
        for injection in injections:
            _check(injection, detectors.streams)
        self.seed = seed
        self.drift = drift
        self.detectors = detectors
        made_for = psd.load() if detectors is TRIANGLE else psd.load(detectors.curve)
        self.curve = drift.curve(made_for) if drift != NONE else made_for
        self._gains = drift.gains if detectors is TRIANGLE else np.ones(detectors.streams, np.complex128)
        self._injections = sorted(injections, key=lambda i: i.time_s)
        self._times_s = [i.time_s for i in self._injections]
        self._colouring = self.curve.colouring(RATE_HZ, _HALF_S)
        self._white = lru_cache(maxsize=32)(self._draw_white)
        self._wave = lru_cache(maxsize=16)(self._draw_wave)
        self._beside = lru_cache(maxsize=64)(self._draw_beside)
        self._phases = np.random.default_rng([seed, _ORIGIN, _LINES]).uniform(
            0, 2 * np.pi, (len(LINES_HZ), detectors.streams)
        )

    def window(self, end_s: float, duration_s: float) -> NDArray[np.float64]:
        """Strain (detector, sample) at RATE_HZ of the `duration_s` before `end_s`, float64."""
        stop = round(end_s * RATE_HZ)
        start = stop - round(duration_s * RATE_HZ)
        strain = self._noise(start, stop)
        first = bisect_left(self._times_s, start / RATE_HZ - _REACH_S)
        last = bisect_left(self._times_s, stop / RATE_HZ + _REACH_S)
        waves = [self._wave(index) for index in range(first, last)]
        if self.drift.glitches_per_s:
            reach = glitch.SAMPLES // 2
            for second in range((start - reach) // RATE_HZ, (stop + reach) // RATE_HZ + 1):
                waves += self._beside(second)
        for onset, wave in waves:
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
        noise = psd.filter_valid(white[:, offset : offset + high - low], self._colouring)
        if self.drift == NONE:
            return noise
        if self.drift.lines:
            t = np.arange(start, stop) / RATE_HZ
            for f, amplitude, phases in zip(LINES_HZ, self.drift.tones(self.curve), self._phases, strict=True):
                noise += amplitude * np.sin(2 * np.pi * f * t + phases[:, None])
        return np.asarray(np.abs(self._gains)[:, None] * noise)

    def _draw_white(self, second: int) -> NDArray[np.float64]:
        size = self.detectors.streams, RATE_HZ
        return np.random.default_rng([self.seed, second + _ORIGIN]).standard_normal(size)

    def _draw_wave(self, index: int) -> tuple[int, NDArray[np.float64]]:
        """First sample and strain (detector, sample) of an injection, placed to a fraction of a sample."""
        injection = self._injections[index]
        rng = np.random.default_rng([self.seed, injection.seed])
        sample = int(np.floor(injection.time_s * RATE_HZ))
        delay_s = injection.time_s - sample / RATE_HZ
        if injection.cls in SIGNALS:
            face_on = waveform.spectrum(waveform.draw_binary(rng))
            factors, later_s = self.detectors.draw(rng)
            heard = factors * self._gains
            snr = injection.snr * float(np.linalg.norm(heard) / np.linalg.norm(factors))
            wave = waveform.project(face_on, heard, snr, self.curve, delay_s + later_s)
            return sample - round((waveform.DURATION_S - waveform.AFTER_S) * RATE_HZ), wave
        wave = self._burst(injection.cls, injection.snr, injection.detector, delay_s, rng)
        return sample - glitch.SAMPLES // 2, wave

    def _burst(
        self, cls: str, snr: float, stream: int, delay_s: float, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Strain (detector, sample) of a glitch `delay_s` past its middle."""
        wave = np.zeros((self.detectors.streams, glitch.SAMPLES))
        shape = strange.unknown if cls not in GLITCHES else glitch.FAMILIES[cls]
        gain = float(np.abs(self._gains[stream]))
        wave[stream] = gain * glitch.burst(shape, snr, self.curve, rng, delay_s)
        return wave

    def _draw_beside(self, second: int) -> list[tuple[int, NDArray[np.float64]]]:
        """First samples and strains of the glitches that the drift adds in `second`."""
        rng = np.random.default_rng([self.seed, second + _ORIGIN, _GLITCHES])
        found = []
        for stream, count in enumerate(rng.poisson(self.drift.glitches_per_s, self.detectors.streams)):
            for _ in range(count):
                cls = GLITCHES[rng.integers(len(GLITCHES))]
                snr = _GLITCH_SNR[0] * (_GLITCH_SNR[1] / _GLITCH_SNR[0]) ** rng.random()
                onset = second * RATE_HZ + int(rng.integers(RATE_HZ)) - glitch.SAMPLES // 2
                found.append((onset, self._burst(cls, snr, stream, 0.0, rng)))
        return found


def _check(injection: Injection, streams: int) -> None:
    if injection.cls not in EVENTS:
        raise ValueError(f"injection of class '{injection.cls}'; known: {', '.join(EVENTS)}")
    allowed = [-1] if injection.cls in SIGNALS else list(range(streams))
    if injection.detector not in allowed:
        raise ValueError(f"injection '{injection.cls}' in detector {injection.detector}; allowed: {allowed}")
    if not injection.snr > 0 or not np.isfinite(injection.time_s):
        raise ValueError(f"injection '{injection.cls}' with SNR {injection.snr} at {injection.time_s} s")
