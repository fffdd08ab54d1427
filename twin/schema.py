"""The words of a scenario file: one model per section, its fields explained where they stand.

Stages and pools are in twin.schema_stages, the instrument is in twin.schema_instrument; what all sections are made
of is in twin.sections. The text under a field is its help in the JSON Schema and in editors. Quantities are SI
floats (see twin.units).
Knows no file, no plan and no other section: what refers to what is in twin.checks.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from twin.schema_instrument import Instrument
from twin.schema_stages import Pool
from twin.sections import (
    Name,
    Section,
    SourcedBandwidth,
    SourcedDuration,
)
from twin.units import POSITIVE, Duration, Fraction, Latitude, Longitude

__all__ = ["Instrument", "Link", "Site", "Targets", "Warned"]


class Site(Section):
    """A place with pools. A known name brings its coordinates along; any other needs both."""

    latitude: Latitude | None = None
    longitude: Longitude | None = None
    pools: dict[Name, Pool] = Field(default_factory=dict)


class Link(Section):
    """The way between two sites, in both directions."""

    latency: SourcedDuration | None = None
    """One way. By default modelled from the distance, and then assumed."""
    bandwidth: SourcedBandwidth | None = None
    """10 Gbit/s, assumed, by default."""


class Warned(Section):
    """Early warnings that have to come in time."""

    of: Name
    """Class of signal."""
    ahead: Duration
    """So long before the merger or earlier."""
    share: Fraction
    """Of its detectable signals, at least."""


class Targets(Section):
    """What has to be reached; a verdict is given on each."""

    alert_latency: dict[
        Annotated[str, StringConstraints(pattern=r"^p[1-9][0-9]?$")], Annotated[Duration, POSITIVE]
    ] = Field(default_factory=dict)
    """From merger to publication, by quantile: p50 is the median."""
    product: Name | None = None
    """The alert that is about; null: the first of any that is published."""
    late: Annotated[Duration, POSITIVE] | None = None
    """A signal whose first alert has a larger latency is late; by default the largest quantile target."""
    lost: Fraction | None = None
    """Detectable signals that are never published."""
    dead_time: Fraction | None = None
    """Segments that are never searched."""
    warning: Warned | None = None
    """Early warnings in time; null: no target."""
    detectable_snr: Annotated[float, Field(gt=0)] = 12.0
    """A signal of at least this network SNR counts as detectable."""
