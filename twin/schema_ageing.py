"""The words for data that drift and models that are trained anew. Part of twin.schema.

The text under a field is its help. Knows no file and no other section: what refers to what is in
twin.checks_ageing. What the kinds of drift mean, and their amounts, is in workloads.drift.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.sections import UNSOURCED, Name, Section, SourcedFraction, Standing
from twin.units import POSITIVE, Duration, Fraction

Kind = Literal["level", "colour", "lines", "amplitude", "phase_rad", "glitches_per_s"]
KINDS = ("level", "colour", "lines", "amplitude", "phase_rad", "glitches_per_s")
"""What may drift, as in workloads.drift, and in that order."""
ONE_SIDED = ("lines", "glitches_per_s")
"""Kinds whose amount is never negative."""
Amount = Annotated[float, Field(ge=-1000, le=1000)]
Distance = Annotated[float, Field(gt=0, le=1000)]


class DriftStep(Section):
    """The data change at once, as when the calibration is done anew."""

    at: Duration
    """From the beginning of the run."""
    by: Amount
    """Added to the amount from then on."""


class Drift(Section):
    """The data move away from those that the models were made for; every stage sees it."""

    of: Kind
    """level: noise louder by a fraction. colour: noise tilted, times (f / 100 Hz)^amount. lines: root of a line's
    power over the noise's within 1 Hz. amplitude, phase_rad: calibration errors. glitches_per_s: more glitches."""
    law: Literal["linear", "random-walk"] = "linear"
    """linear: always as fast. random-walk: up and down by chance, in each replica otherwise."""
    amount: Amount = 0.0
    """How far in the time 'per'; of a random walk the standard deviation then."""
    per: Annotated[Duration, POSITIVE] = 86_400.0
    """Time that 'amount' is meant for."""
    steps: Annotated[tuple[DriftStep, ...], Field(max_length=1000)] = ()
    """Changes at set times, beside the law."""
    every: Annotated[Duration, POSITIVE] = 3600.0
    """The amount is followed this finely: it stays for so long, then moves."""
    standing: Standing = "assumed"
    """Of the amounts."""
    source: str = UNSOURCED
    """Where they come from."""


class EfficiencyLoss(Section):
    """A model finds less than when it was fresh."""

    below: Fraction
    """Of what it found when fresh."""
    cls: str
    """Of this class of event."""
    snr: Annotated[float, Field(gt=0)]
    """At this signal-to-noise ratio: in the bin it was measured in."""


class Guard(Section):
    """Data are unlike those that a model was trained on, as a stage that watches for that finds."""

    stage: Name
    """With 'role: flag', its program made for the same data as the model; such as 'work: domain-guard'."""
    above: Annotated[Fraction, Field(lt=1)]
    """Of segments of pure noise, so much is flagged."""


class Unknowns(Section):
    """A classifier says more often than usual that a glitch is of no class it knows."""

    stage: Name
    """With 'role: flag', its program made for the same data as the model; such as 'work: glitch-classifier'."""
    sigma: Annotated[float, Field(ge=1, le=100)] = 5.0
    """By so many standard deviations of the number that is usual."""
    window: Annotated[Duration, POSITIVE] = 86_400.0
    """Counted over the last so long, or since the model came into service."""
    every: Annotated[Duration, POSITIVE] = 3600.0
    """Counted so often."""


class Gate(Section):
    """A newly trained model is validated before it serves; if it fails, the old one goes on."""

    hold: Duration = 0.0
    """How long validation takes."""
    passes: SourcedFraction
    """Probability that it passes."""
    again: Annotated[Duration, POSITIVE] | None = None
    """How long after a failure training starts again; null: when the entry next asks for it."""


class Policy(Section):
    """When a retraining starts, and how its model comes into service: keys of 'kind: retraining' beside others."""

    every: Annotated[Duration, POSITIVE] | None = None
    """Regularly, from one start to the next; the first after so long, or at 'at'."""
    drift: Annotated[dict[Kind, Distance], Field(min_length=1)] | None = None
    """As soon as the data have drifted so far from the model's own, in any of these kinds and either way."""
    efficiency: EfficiencyLoss | None = None
    """As soon as the model finds less than a part of what it found when fresh."""
    false_alarms: Annotated[float, Field(gt=1, le=1e6)] | None = None
    """As soon as pure noise makes it react so many times as often as when fresh."""
    guard: Guard | None = None
    """As soon as a guard flags more of the data than this."""
    glitch_class: Unknowns | None = None
    """As soon as a classifier says too often that it does not know: a new class of glitches has appeared."""
    gate: Gate | None = None
    """null: whatever was trained serves."""
    swap: Literal["in-place", "blue-green"] | None = None
    """in-place, or null: the fallback serves from the start of training until the new model does. blue-green: the
    old model serves on, and the servers taken are kept through validation, where the new one runs beside it."""
    regains: SourcedFraction | None = None
    """Of the way to today's data, how much the training makes up; a refinement less than all. null: all."""
