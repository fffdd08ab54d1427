"""How much of its SNR a signal had gathered in the data that an alert before its merger rests on.

Computed, not measured: in the noise of ET, for the signal's chirp mass where the sky knows it, else for a typical
binary of its class. For twin.alerts.document and drawn; knows no document.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from twin.premerger import LOW_FREQUENCY_HZ

if TYPE_CHECKING:
    from twin.scenario import Scenario

_KINDS = {"bns": "bns", "nsbh": "nsbh", "bbh": "light-bbh"}
"""Of workloads.premerger.sources: the typical binaries of classes. All black holes of those have equal masses."""


@dataclass(frozen=True)
class Gathered:
    """A fraction `share` of the final SNR had come by the end of the data, `ahead_s` before the merger.

    Signals count from `low_frequency_hz` on.
    """

    share: float
    ahead_s: float
    low_frequency_hz: float

    def __str__(self) -> str:
        come = f"{100.0 * self.share:.0f} % of the final one came up to {self.ahead_s:.0f} s before the merger"
        return f"{come} (computed, in ET from {self.low_frequency_hz:g} Hz on)"


def gathered(scenario: Scenario, row: Mapping[str, Any]) -> Gathered | None:
    """What the data of this row of the table alerts held of its signal; None of what is no merger."""
    from workloads.premerger import gathering

    cls = str(row["cls"])
    if cls not in _KINDS:
        return None
    signals = scenario.sky.signals.get(cls)
    drawn = None if signals is None else signals.population
    edge_hz = LOW_FREQUENCY_HZ if drawn is None else drawn.low_frequency.value
    chirp_msun, ratio = _typical(cls)
    known = float(row.get("chirp_mass_msun", math.nan))
    ahead_s = max(0.0, -float(row["frame_s"]))
    share = gathering.gathered(ahead_s, chirp_msun if math.isnan(known) else known, ratio, edge_hz)
    return Gathered(share, ahead_s, edge_hz)


@cache
def _typical(cls: str) -> tuple[float, float]:
    """Chirp mass in the detector's frame and mass ratio of a class's typical binary."""
    from workloads.premerger.sources import typical
    from workloads.waveform import chirp_mass

    binary = typical(_KINDS[cls])
    large, small = binary.mass_1_msun, binary.mass_2_msun
    return float(chirp_mass(large, small)), small / large
