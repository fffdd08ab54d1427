"""What drifted data do to an early-warning search: what it warns of in noise alone, and of inspirals as before.

An inspiral keeps its distance: louder noise hides more of it. Knows neither search.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workloads import ageing, waveform
from workloads.drift import Drift, one_at_a_time
from workloads.premerger import sources
from workloads.premerger.window import noise
from workloads.profile import Figure
from workloads.spec import Program, Progress

DRIFTS = one_at_a_time(
    level=(0.1, 0.2, 0.5), colour=(-0.1, 0.1), lines=(0.5, 2.0, 10.0), amplitude=(0.2,), phase_rad=(0.5,)
)
"""No glitches: neither search has seen any."""
LIMIT = (
    "Noise that becomes louder by a tenth or more within the 17 minutes of a unit: evidence is counted in units "
    "of the noise in each band over all of them, so that a change between units cancels, and one inside does not."
)
AHEAD_S, SNR = 60.0, (20.0, 32.0)
CLASS = "bns"
_QUIET, _HEARD = 400, 80


def judge(
    program: Program, drift: Mapping[str, float], effort: float, seed: int, progress: Progress
) -> dict[str, Figure]:
    """Shares of units of noise, and of inspirals AHEAD_S before their merger, that `program` warns of.

    The SNRs are those that inspirals would have had in the end before the noise drifted.
    """
    change = Drift(**drift)
    quiet, heard = (max(2, round(effort * n)) for n in (_QUIET, _HEARD))
    rng, warned = np.random.default_rng([seed, 1]), 0
    for k in range(quiet):
        warned += int(program(noise(1, rng, change)).warned[0])
        progress(0.6 * k / quiet, f"{program.workload.name}: noise")
    found = dict.fromkeys(SNR, 0)
    rng = np.random.default_rng([seed, 2])
    for k in range(heard):
        shape = sources.spectrum(sources.draw_binary(CLASS, rng))
        true = waveform.draw_antenna(rng)
        read = true * change.gains
        louder = float(np.linalg.norm(read) / np.linalg.norm(true))
        wave = sources.strain(shape, read, louder, AHEAD_S)
        behind = noise(1, rng, change)
        for snr in SNR:
            found[snr] += int(program(behind + snr * wave).warned[0])
        progress(0.6 + 0.4 * k / heard, f"{program.workload.name}: inspirals")
    return {"noise warned of": ageing.share(warned, quiet)} | {
        f"{CLASS} of SNR {snr:g} warned of {AHEAD_S:g} s ahead": ageing.share(count, heard)
        for snr, count in found.items()
    }
