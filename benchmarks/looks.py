"""`python -m benchmarks.looks`: from which SNR on today's network may see neutron stars ahead of their merger.

The looks of the scenario lvk-o4: what part of its final SNR a binary of 1.4 and 1.4 solar masses has gathered in
LIGO so long before its merger, from 10 Hz on, and the final SNR that gives a network 8 by then. And what the user
guide of the public alerts (emfollow.docs.ligo.org/userguide) tells of the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workloads.premerger import inspiral
from workloads.waveform import chirp_mass

AHEAD_S = (60.0, 45.0, 30.0, 20.0, 10.0)
SEEN_SNR = 8.0
"""Of a network by the time of the look: the usual threshold of a detection, which is an assumption."""
MASS_MSUN = 1.4
BAND_HZ = (10.0, 1570.0)
"""Up to where a binary of such stars has its last stable orbit."""
GUIDE = {29.0: (25.2, True), 32.0: (18.2, False), 38.0: (18.2, True), 49.0: (11.0, True)}
"""Of the user guide's examples: end of the templates in Hz, final SNR, whether it was detected by then."""
_STEP_HZ = 0.25
Array = NDArray[np.float64]


def main() -> None:
    """Print both tables."""
    print("| ahead | frequency | of its SNR | seen from final SNR on |\n|---|---|---|---|")
    for ahead_s, least in least_snr().items():
        frequency = float(inspiral.frequency_hz(ahead_s, chirp_mass(MASS_MSUN, MASS_MSUN)))
        print(f"| {ahead_s:g} s | {frequency:.1f} Hz | {100 * gathered(frequency):.1f} % | {least} |")
    print("\nThe user guide: SNR 11 of 32 by 30 Hz, that is 34 %; here", f"{100 * gathered(30.0):.1f} %")
    for edge, (final, seen) in GUIDE.items():
        told = "detected" if seen else "not detected"
        print(f"SNR {final:g} by {edge:g} Hz: {told} there, SNR {final * gathered(edge):.1f} here")


def least_snr() -> dict[float, float]:
    """Per time ahead in s, the least final network SNR of which SEEN_SNR has come by then."""
    frequency = inspiral.frequency_hz(np.array(AHEAD_S), chirp_mass(MASS_MSUN, MASS_MSUN))
    return {a: round(SEEN_SNR / gathered(float(f)), 1) for a, f in zip(AHEAD_S, frequency, strict=True)}


def gathered(frequency_hz: float) -> float:
    """Part of the final SNR that has come by `frequency_hz`, to leading order (amplitude as f^(-7/6))."""
    f = np.geomspace(*BAND_HZ, 20_000)
    power = f ** (-7 / 3) / _psd(f)
    total = np.concatenate([[0.0], np.cumsum(0.5 * (power[1:] + power[:-1]) * np.diff(f))])
    return float(np.sqrt(np.interp(frequency_hz, f, total) / total[-1]))


def _psd(frequency_hz: Array) -> Array:
    """LIGO's one-sided PSD in 1/Hz at a range of 175 Mpc, as the LVK's observing scenarios have it (T1800545)."""
    import lal
    import lalsimulation

    points = int(2 * BAND_HZ[1] / _STEP_HZ)
    series = lal.CreateREAL8FrequencySeries("", 0, 0.0, _STEP_HZ, lal.SecondUnit, points)
    lalsimulation.SimNoisePSDaLIGO175MpcT1800545(series, BAND_HZ[0])
    f, value = _STEP_HZ * np.arange(points), series.data.data
    known = (f >= BAND_HZ[0]) & (value > 0.0) & np.isfinite(value)
    return np.asarray(np.exp(np.interp(np.log(frequency_hz), np.log(f[known]), np.log(value[known]))))


if __name__ == "__main__":
    main()
