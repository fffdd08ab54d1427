"""The words for the detectors: when they observe, and how their data come. Part of twin.schema.

The text under a field is its help in the JSON Schema and in editors. Knows no other section.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from twin.sections import UNSOURCED, Name, Section, SourcedBandwidth, SourcedDuration, Standing
from twin.units import POSITIVE, Duration, Frequency


class Duty(Section):
    """How long a detector observes, and how long it does not, each by itself. Both are exponential."""

    up: Annotated[Duration, POSITIVE]
    """On average."""
    down: Annotated[Duration, POSITIVE]
    """On average: u = up / (up + down) of the time it observes."""
    standing: Standing = "assumed"
    """Of both."""
    source: str = UNSOURCED
    """Where they come from."""


class Maintenance(Section):
    """Times at which detectors are worked on and do not observe, besides those of `duty`."""

    every: Annotated[Duration, POSITIVE]
    """From one maintenance of a detector to its next; the first ones are in the middle of what they have."""
    lasts: Annotated[Duration, POSITIVE]
    """How long a detector is worked on."""
    rotating: bool = True
    """One detector after the other, evenly spread; false: all of them at once."""
    standing: Standing = "assumed"
    """Of the plan."""
    source: str = UNSOURCED
    """Where it comes from."""


class CalibrationVersion(Section):
    """A new version of the calibration, which takes another time."""

    name: Name
    """Alerts of data from then on carry it."""
    at: Duration
    """From the beginning of the run."""
    latency: SourcedDuration
    """From the end of a segment, or of its frame, to its calibrated strain."""


class Auxiliary(Section):
    """The channels that watch the detectors, as a volume of data; what is in them is not simulated."""

    groups: Annotated[int, Field(ge=1, le=1000)]
    """Into how many groups they are divided."""
    rate: SourcedBandwidth
    """Of all of them together."""


class Instrument(Section):
    """What the detectors deliver."""

    detectors: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*$")], ...], Field(min_length=1)
    ]
    """Names of the strain streams."""
    site: Name
    """Site at which segments appear."""
    stride: Annotated[Duration, POSITIVE] = 1.0
    """Length of one segment."""
    calibration: SourcedDuration
    """From the end of a segment to its calibrated strain."""
    sample_rate: Annotated[Frequency, POSITIVE] = 2048.0
    """Of the calibrated strain."""
    frame: SourcedDuration | None = None
    """Data come in frames of this length, and none before its frame ends; null: as they are taken."""
    delivery: SourcedDuration | None = None
    """From the calibrated strain to the pipeline, besides; null: none."""
    calibration_versions: Annotated[tuple[CalibrationVersion, ...], Field(min_length=1)] | None = None
    """Changes of the calibration, in order of time. A segment never comes before the one before it."""
    duty: Duty | None = None
    """When each detector observes; null: always."""
    maintenance: Maintenance | None = None
    """When detectors are worked on; null: never."""
    auxiliary: Auxiliary | None = None
    """Auxiliary channels, moved to stages with `data: auxiliary`; null: none."""
    low_frequency: Annotated[Frequency, POSITIVE] | None = None
    """From where on the strain is used. Early warning was measured from 5 Hz on and refuses any other."""

    @property
    def intermittent(self) -> bool:
        """Whether detectors ever stop observing."""
        return self.duty is not None or self.maintenance is not None
