"""The words of a scenario's sky: what arrives, how often, and how that changes. Part of twin.schema.

Knows no file and no other section: what refers to what is in twin.checks.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.sections import UNSOURCED, Section, Sourced, SourcedDuration, Standing
from twin.units import POSITIVE, Duration, Fraction, Frequency, Rate

Factor = Annotated[float, Field(ge=0, le=1e4)]
Classes = Annotated[tuple[str, ...], Field(min_length=1)]


class Snr(Section):
    """Signal-to-noise ratios follow p(rho) ~ rho**index between min and max."""

    min: Annotated[float, Field(gt=0)]
    max: Annotated[float, Field(gt=0)]
    index: Annotated[float, Field(ge=-20, le=20)] = -4.0
    """-4 for sources spread evenly in space."""


class Step(Section):
    """From a time on, a rate has another factor."""

    at: Duration
    """From the beginning of the run."""
    factor: Factor
    """Of the rate as given, until the next step; it is 1 before the first one."""


class Cycle(Section):
    """A rate that rises and falls, such as by day and night: 1 + amplitude cos(2 pi (t - phase) / period)."""

    period: Annotated[Duration, POSITIVE]
    """From one maximum to the next."""
    amplitude: Annotated[float, Field(ge=0, le=1)]
    """How far the rate goes above and below its mean, as a part of it."""
    phase: Duration = 0.0
    """Time of a maximum, from the beginning of the run."""


class RateProfile(Section):
    """How a rate changes with time: the factor of its steps times those of its cycles."""

    steps: tuple[Step, ...] = ()
    """Factors that hold from a time on, in order."""
    cycles: Annotated[tuple[Cycle, ...], Field(max_length=4)] = ()
    """Daily, weekly or other waves; they multiply."""
    standing: Standing = "assumed"
    """Of the profile."""
    source: str = UNSOURCED
    """Where the profile comes from."""


class Bursts(Section):
    """Events that come in clusters: each event of the rate brings others of its class, with SNRs of their own."""

    children: Annotated[float, Field(gt=0, le=1000)]
    """How many others one event brings, on average: events are 1 + children times as many."""
    within: Annotated[Duration, POSITIVE]
    """They are spread evenly over so long after it."""
    number: Literal["poisson", "geometric"] = "poisson"
    """How many one event brings is spread like this; geometric varies more."""
    standing: Standing = "assumed"
    """Of the bursts."""
    source: str = UNSOURCED
    """Where they come from."""


class GlitchProfile(RateProfile):
    """How the rate of glitches changes with time: the factor of its steps times those of its cycles."""

    classes: Classes | None = None
    """Only these; by default all of the mix."""


class GlitchBursts(Bursts):
    """Glitches that come in clusters: each glitch of the rate brings others, in its detector and of its class."""

    classes: Classes | None = None
    """Only these; by default all of the mix."""


class GlitchStorms(Section):
    """Storms at random times, the same for all detectors; one that is certain stands in the timeline."""

    rate: Sourced[Rate]
    """Starts of storms, as a Poisson process; a run may begin within one."""
    mean: Sourced[Annotated[Duration, POSITIVE]]
    """How long one lasts on average; durations are exponential."""
    factor: Factor
    """Multiplies the rate of glitches. Above 1, storms that overlap add their excess; below, they multiply."""
    joins: Fraction = 1.0
    """Probability that a storm reaches a detector, each on its own."""
    classes: Classes | None = None
    """Only these; by default all of the mix."""
    standing: Standing = "assumed"
    """Of the factor, and of who joins."""
    source: str = UNSOURCED
    """Where these come from."""


class Redshifts(Section):
    """Mergers per volume: (1+z)**growth / (1 + ((1+z) / (1+peak))**decline), up to the largest redshift."""

    growth: Annotated[float, Field(ge=-10, le=10)] = 2.7
    """Power of 1+z nearby."""
    decline: Annotated[float, Field(ge=0, le=20)] = 5.6
    """Power of 1+z that is taken off again far away."""
    peak: Annotated[float, Field(ge=0, le=100)] = 1.9
    """About where it turns."""
    largest: Annotated[float, Field(gt=0, le=20)] = 10.0
    """Nothing merges beyond it."""
    standing: Standing = "assumed"
    """Of the law."""
    source: str = "star formation, Madau & Dickinson 2014, recalled; no delay between birth and merger"
    """Where it comes from."""


class Mergers(Section):
    """Mergers in the universe as a network of detectors hears them: masses, redshift, SNR, time in band."""

    network: Literal["triangle", "2l"] = "triangle"
    """Three nested detectors of 10 km at one site, or two L-shaped ones of 15 km at two."""
    low_frequency: Sourced[Annotated[Frequency, POSITIVE]] = Sourced(
        value=5.0, standing="assumed", source="between the 2 to 3 Hz of arXiv:1201.3563 and today's 10 Hz and more"
    )
    """Signals are heard, and are in band, from here on."""
    min_snr: Annotated[float, Field(ge=1, le=1000)] = 8.0
    """Network SNR of the faintest signal that is drawn: `rate` counts those that have at least this one."""
    redshifts: Redshifts = Redshifts()
    standing: Standing = "assumed"
    """Of the threshold and of the choice of network."""
    source: str = "the usual threshold of a detection; the reference layout of ET"
    """Where it comes from."""


class Population(Section):
    """One class of signals; it reaches all detectors at once. Its SNRs follow a law, or come from a population."""

    rate: Sourced[Rate]
    """Mergers as loud as `snr` or `population` say, at the Earth, as a Poisson process."""
    profile: RateProfile | None = None
    bursts: Bursts | None = None
    snr: Snr | None = None
    """Network optimal SNR over all streams."""
    population: Mergers | None = None
    """Binaries in the universe, of the class: bbh, bns or nsbh."""
    found_as: str | None = None
    """Class whose measured decisions stand for this one's, which programs were not measured on: an assumption."""
    standing: Standing = "assumed"
    """Of the SNR law, and of what `found_as` says."""
    source: str = UNSOURCED
    """Where the SNR law comes from, and why the other class stands for this one."""


class NewClass(Section):
    """Glitches of a class that nobody was taught begin to come: programs take them for glitches of no family."""

    at: Duration
    """From when on, from the beginning of the run."""
    rate: Sourced[Rate]
    """In each detector, beside the rate of the others; storms, bursts and profile of those are not about it."""
    snr: Snr | None = None
    """As for the other glitches; null: the same law as theirs."""
    standing: Standing = "assumed"
    """Of when it comes and of the SNR law."""
    source: str = UNSOURCED
    """Where these come from."""


class Glitches(Section):
    """Noise transients, independent in each detector unless storms join them."""

    rate: Sourced[Rate]
    """Of all classes together, per detector."""
    profile: GlitchProfile | None = None
    bursts: GlitchBursts | None = None
    storms: GlitchStorms | None = None
    appears: NewClass | None = None
    """One day a class of glitches that no model has learned; null: none does."""
    mix: dict[str, Annotated[float, Field(ge=0, le=1)]]
    """Share of each class; the shares sum to 1."""
    snr: Snr
    """Optimal SNR in the stream the glitch sits in."""
    standing: Standing = "assumed"
    """Of the mix and the SNR law."""
    source: str = UNSOURCED
    """Where mix and SNR law come from."""


class Replay(Section):
    """Events that happened, from a file; they come besides those that are drawn."""

    file: str
    """CSV or Parquet beside the scenario, with columns time_s, cls, snr and, for glitches, detector."""
    origin: SourcedDuration | None = None
    """GPS time, in seconds, at which the run begins; the file then has gps_s instead of time_s."""
    standing: Standing = "assumed"
    """Of the events."""
    source: str = UNSOURCED
    """Where the events come from."""


class Sky(Section):
    """What arrives."""

    signals: dict[str, Population] = Field(default_factory=dict)
    """By class of signal: bbh, bns, nsbh or burst."""
    multiplicity: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Signals of all classes come so many times as often as their rates say."""
    overlaps: Literal["measured"] | None = None
    """What another merger close by does to whether a search finds a signal, and another inspiral in its data to
    whether it warns of one: as it was measured of each search. null: nothing, each is found as if alone."""
    glitches: Glitches | None = None
    replay: Replay | None = None
