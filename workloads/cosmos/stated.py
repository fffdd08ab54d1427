"""What drawn mergers rest on, each with its standing and source, for the inputs of a run. Draws nothing."""

from __future__ import annotations

from collections.abc import Iterator

from workloads.cosmos.masses import MASSES
from workloads.cosmos.mergers import Mergers
from workloads.cosmos.network import LAYOUTS
from workloads.cosmos.universe import COSMOLOGY

WAVEFORM = (
    "IMRPhenomD without spins, (2, 2) mode; time in band to 2.5PN",
    "published",
    "lalsimulation; Buonanno et al., PRD 80 (2009) 084043; the Earth's rotation during a signal is left out",
)


def stated(mergers: Mergers) -> Iterator[tuple[str, str, str, str]]:
    """What is meant, value, standing and source of everything about `mergers` that has no key of its own."""
    layout = LAYOUTS[mergers.network]
    yield ("masses", *MASSES[mergers.cls].stated)
    yield ("cosmology", *COSMOLOGY)
    yield ("network", *layout.stated)
    yield ("noise curve", *layout.curve_stated)
    yield ("waveform", *WAVEFORM)
