"""How data drift away from those that models were made for: stated amounts of stated kinds. Knows no model.

A drift is what changes at the detectors between two trainings: their noise, its lines, their calibration, and how
often they glitch. Glitches of a new class are no drift but events, of the class 'unknown'.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from workloads.psd import Psd

PIVOT_HZ = 100.0
LINES_HZ = (50.0, 61.0, 100.0, 150.0, 331.0, 500.0)
"""Mains and its harmonics, a calibration line, a suspension's violin mode: places, not measurements of ET's."""
PATTERN = (1.0, 0.0, -1.0)
"""A miscalibration of the three streams, in units of its amount: the first reads high, the last low."""
_ALLOWED = {
    "level": (-0.9, 9.0),
    "colour": (-2.0, 2.0),
    "lines": (0.0, 1e3),
    "amplitude": (-0.9, 0.9),
    "phase_rad": (-np.pi, np.pi),
    "glitches_per_s": (0.0, 10.0),
}


@dataclass(frozen=True)
class Drift:
    """Amounts of each kind of drift; zero is none. ValueError outside what is allowed."""

    level: float = 0.0
    """Relative change of the noise's amplitude at all frequencies."""
    colour: float = 0.0
    """Exponent c: the noise's amplitude is multiplied by (f / PIVOT_HZ)^c."""
    lines: float = 0.0
    """Root of a line's power over that of the noise within 1 Hz around it, for each of LINES_HZ."""
    amplitude: float = 0.0
    """Relative error of the calibration, times PATTERN: of noise, signals and glitches alike."""
    phase_rad: float = 0.0
    """Phase error of the calibration, times PATTERN."""
    glitches_per_s: float = 0.0
    """Glitches of random families in each stream, beside the events that were asked for."""

    def __post_init__(self) -> None:
        for name, (low, high) in _ALLOWED.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"drift {name}={value:g}; allowed: {low:g} to {high:g}")

    @property
    def gains(self) -> NDArray[np.complex128]:
        """Calibrated over true strain, shape (detector,)."""
        pattern = np.array(PATTERN)
        return np.asarray((1 + self.amplitude * pattern) * np.exp(1j * self.phase_rad * pattern))

    @property
    def amounts(self) -> dict[str, float]:
        """Amounts by kind, zeros left out."""
        return {name: amount for name, amount in asdict(self).items() if amount}

    def curve(self, made_for: Psd) -> Psd:
        """The noise curve that `made_for` has become, without its lines."""
        factor = (1 + self.level) * (made_for.frequency_hz / PIVOT_HZ) ** self.colour
        return Psd(made_for.frequency_hz, made_for.value * factor**2)

    def tones(self, curve: Psd) -> NDArray[np.float64]:
        """Amplitudes of the lines in strain, shape (line,)."""
        return np.asarray(self.lines * np.sqrt(2 * curve.at(np.array(LINES_HZ))))

    def __str__(self) -> str:
        return ",".join(f"{name}={amount:g}" for name, amount in self.amounts.items()) or "none"


NONE = Drift()


def parse(text: str) -> Drift:
    """A drift from 'level=0.2,lines=10'; ValueError says what is allowed."""
    amounts: dict[str, float] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, value = (p.strip() for p in part.partition("="))
        if name not in _ALLOWED or name in amounts:
            raise ValueError(
                f"drift '{text}': '{part}' is not one of {', '.join(_ALLOWED)}, each once, as name=number"
            )
        try:
            amounts[name] = float(value)
        except ValueError:
            raise ValueError(f"drift '{text}': '{value}' is no number; write {name}=0.1") from None
    return Drift(**amounts)


def one_at_a_time(**amounts: tuple[float, ...]) -> tuple[dict[str, float], ...]:
    """No drift, then each of `amounts` of each kind by itself."""
    return {}, *({kind: amount} for kind, some in amounts.items() for amount in some)


LADDER = (
    NONE,
    *(Drift(level=x) for x in (-0.2, -0.1, 0.1, 0.2, 0.5)),
    *(Drift(colour=x) for x in (-0.1, -0.05, 0.05, 0.1)),
    *(Drift(lines=x) for x in (0.5, 2.0, 10.0)),
    *(Drift(amplitude=x) for x in (0.05, 0.1, 0.2)),
    *(Drift(phase_rad=x) for x in (0.1, 0.2, 0.5)),
    *(Drift(glitches_per_s=x) for x in (0.02, 0.1, 0.5)),
)
"""Drifts that responses are measured at, one kind at a time: assumed amounts, wide enough to see what breaks."""
