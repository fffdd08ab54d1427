"""The words for what an alert carries, what of it is kept, and for how long. Part of twin.schema.

The text under a field is its help in the JSON Schema and in editors. Knows no other section: which products there
are is in twin.checks_alerts.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, PlainSerializer

from twin.sections import Name, Section, Sourced, SourcedBandwidth, SourcedBytes, SourcedDuration
from twin.units import POSITIVE, Duration, Rate

Kind = Literal["EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE"]
"""Of a notice; a RETRACTION comes of `retract_after` alone."""
USUAL: dict[str, Kind] = {
    "early-warning": "EARLYWARNING",
    "preliminary": "PRELIMINARY",
    "initial": "INITIAL",
    "update": "UPDATE",
    "confirmation": "UPDATE",
}
"""The kind of notice of products with these names."""
Gps = Annotated[Duration, PlainSerializer(lambda time_s: f"{time_s:.15g} s", when_used="json")]
"""Seconds since the beginning of GPS time, and written so."""
SourcedGps = Sourced[Gps]
SourcedRate = Sourced[Annotated[Rate, POSITIVE]]
Carried = Literal["standard", "+likelihood", "+dq", "+calibration", "+samples"]
CARRIED: tuple[Carried, ...] = ("standard", "+likelihood", "+dq", "+calibration", "+samples")
Archived = Literal["digest", "weights", "weights+strain", "capsule"]
ARCHIVED: tuple[Archived, ...] = ("digest", "weights", "weights+strain", "capsule")
GWCELERY = "GWCelery 3.0.0 conf: 1 per 30 d over"


T = TypeVar("T", bound=Section)


def _stated(model: type[T], value: str, standing: str, source: str) -> T:
    return model.model_validate({"value": value, "standing": standing, "source": source})


def _listed(given: Any) -> Any:
    return (given,) if isinstance(given, str) else given


def usual(product: str) -> str:
    """The usual name of an alert that a product's begins with, as 'preliminary-by-pycbc' does; '' if with none."""
    return max((name for name in USUAL if product == name or product.startswith(f"{name}-")), key=len, default="")


class Alerts(Section):
    """The alerts as documents: what they say, carry and weigh, and what has to be kept to check them later."""

    replicas: Literal["first", "every"] = "first"
    """Whose documents 'ettwin run' writes."""
    types: dict[Name, Kind] = Field(default_factory=dict)
    """Kind of notice of each product; early-warning, preliminary, initial, update and confirmation have one."""
    epoch: SourcedGps = _stated(
        SourcedGps, "1735257618 s", "assumed", "2035-01-01 00:00:00 UTC, with the 18 leap seconds of today"
    )
    """GPS time at which the run begins."""
    significant: SourcedRate = _stated(
        SourcedRate, "1.7393 /yr", "published", f"{GWCELERY} 7 trials of all-sky searches"
    )
    """An alert whose false-alarm rate is at most this is significant."""
    significant_early: SourcedRate = _stated(
        SourcedRate, "3.0438 /yr", "published", f"{GWCELERY} 4 trials of early warnings"
    )
    """The same of early warnings."""
    skymaps: bool = False
    """Whether documents hold a sky map: the area is drawn from what was measured, the place is not simulated."""
    retract_after: SourcedDuration | None = None
    """From the first alert of a candidate to the verdict on it: a RETRACTION, or else an INITIAL where no product
    is one. null: no verdict."""
    retracts: Literal["false-alarms", "flagged"] = "false-alarms"
    """What the verdict retracts: false-alarms, whatever is no signal, as people would who are always right;
    flagged, whatever data quality flagged and was published all the same."""
    late_warnings: Literal["withdrawn", "sent"] = "withdrawn"
    """What becomes of an early warning that is not out before the merger."""
    carries: Annotated[tuple[Carried, ...], BeforeValidator(_listed), Field(min_length=1)] = (
        "+likelihood",
        "+dq",
        "+calibration",
    )
    """What goes along with the public document, in an extension; 'standard' alone: nothing."""
    archives: Archived = "digest"
    """What is kept of an alert: what was sent; also the weights behind it; also its strain; or all that it takes
    to ask again."""
    retention: Annotated[Duration, POSITIVE] = 50 * 31_557_600.0
    """How long that is kept."""
    copies: Annotated[int, Field(ge=1, le=100)] = 2
    """In so many places."""
    bandwidth: SourcedBandwidth = _stated(
        SourcedBandwidth, "1 Gbit/s", "assumed", "1 Gbit/s to the brokers; no published figure"
    )
    """Of the way on which alerts are sent."""
    samples: SourcedBytes = _stated(
        SourcedBytes, "100 kB", "assumed", "5,000 draws of 5 parameters, 4 B each; none are made in replay"
    )
    """Posterior samples of one alert, with '+samples': they are accounted for, not written."""
    window: SourcedDuration = _stated(
        SourcedDuration, "64 s", "assumed", "strain that a noise spectrum takes; Aframe's is of 64 s"
    )
    """Strain of every detector that is kept of each event."""
    capsule: SourcedBytes = _stated(
        SourcedBytes, "20 kB", "assumed", "settings, outputs and versions of a few programs"
    )
    """Kept of each event in a capsule, besides weights and strain."""
    image: SourcedBytes = _stated(
        SourcedBytes, "2 GB", "assumed", "an environment with one runtime; a placeholder"
    )
    """The programs themselves, kept once for each set of weights in capsules."""

    @property
    def extends(self) -> bool:
        """Whether an extension goes along."""
        return any(part != "standard" for part in self.carries)

    def type_of(self, product: str) -> Kind:
        """The kind of notice of a product."""
        return self.types[product] if product in self.types else USUAL[usual(product)]
