"""The words of a scenario file: one model per section, its fields explained where they stand.

The text under a field is its help in the JSON Schema and in editors. Quantities are SI floats
(see twin.units). Knows no file, no plan and no other section: what refers to what is in twin.checks.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from twin.units import (
    POSITIVE,
    Bandwidth,
    Bytes,
    Duration,
    Fraction,
    Frequency,
    Latitude,
    Longitude,
    Rate,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
"""Lower-case letters and digits, joined by '-'."""

Standing = Literal["measured", "published", "scaled", "assumed"]
PayloadKind = Literal["segment", "candidate"]

UNSOURCED = "given without a source"

T = TypeVar("T")


class Section(BaseModel):
    """A part of a scenario: strict, without unknown keys, never changed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Sourced(Section, Generic[T]):
    """An input number with its origin. A bare value counts as assumed, given without a source."""

    value: T
    standing: Standing
    """How far it can be trusted: measured, published, scaled from either, or assumed."""
    source: Annotated[str, StringConstraints(min_length=1)]
    """Where it comes from, in words."""

    @model_validator(mode="before")
    @classmethod
    def _wrap(cls, given: Any) -> Any:
        if isinstance(given, dict | Sourced):
            return given
        return {"value": given, "standing": "assumed", "source": UNSOURCED}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler(core)
        return {"anyOf": [handler.resolve_ref_schema(whole)["properties"]["value"], whole]}


SourcedDuration = Sourced[Duration]
SourcedBandwidth = Sourced[Annotated[Bandwidth, POSITIVE]]
SourcedBytes = Sourced[Bytes]


class Snr(Section):
    """Signal-to-noise ratios follow p(rho) ~ rho**index between min and max."""

    min: Annotated[float, Field(gt=0)]
    max: Annotated[float, Field(gt=0)]
    index: Annotated[float, Field(ge=-20, le=20)] = -4.0
    """-4 for sources spread evenly in space."""


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


class Population(Section):
    """One class of signals; it reaches all detectors at once."""

    rate: Sourced[Rate]
    """Mergers, as a Poisson process."""
    snr: Snr
    """Network optimal SNR over all streams."""
    standing: Standing = "assumed"
    """Of the SNR law."""
    source: str = UNSOURCED
    """Where the SNR law comes from."""


class Glitches(Section):
    """Noise transients, independent in each detector."""

    rate: Sourced[Rate]
    """Of all classes together, per detector."""
    mix: dict[str, Annotated[float, Field(ge=0, le=1)]]
    """Share of each class; the shares sum to 1."""
    snr: Snr
    """Optimal SNR in the stream the glitch sits in."""
    standing: Standing = "assumed"
    """Of the mix and the SNR law."""
    source: str = UNSOURCED
    """Where mix and SNR law come from."""


class Sky(Section):
    """What arrives."""

    signals: dict[str, Population] = Field(default_factory=dict)
    """By class of signal."""
    glitches: Glitches | None = None


class Pool(Section):
    """Equal servers at one site."""

    hardware: Name
    """Kind of server: its profiles are used. Known kinds are in sites/hardware."""
    servers: Annotated[int, Field(ge=1, le=100_000)]
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """CPU threads of one server."""


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


class Stage(Section):
    """One step of the pipeline: a real program (`work`) or an assumed time (`time`), on pools."""

    work: str | None = None
    """Workload that is run; its measured profile gives times and decisions."""
    runtime: str = "onnxruntime"
    """What executes the workload."""
    fallback: str | None = None
    """Workload that takes over while this one is retrained."""
    fallback_runtime: str | None = None
    """What executes the fallback; by default the same runtime."""
    time: SourcedDuration | None = None
    """Service time of a stage without a workload."""
    after: Name | None = None
    """Stage whose results this one takes; without it, the stage takes segments from the instrument."""
    on: Annotated[tuple[str, ...], Field(min_length=1)]
    """Pools it may run on, as 'site.pool', in order of preference."""
    role: Literal["plain", "flag", "trigger"] = "plain"
    """flag: marks a segment as bad. trigger: reports the candidates of a segment."""
    gate: Literal["veto"] | None = None
    """veto: candidates of flagged segments end here."""
    publishes: Literal["preliminary"] | None = None
    """Alert that is sent when this stage is done."""
    priority: Annotated[int, Field(ge=0, le=1000)] = 1
    """Lower goes first where stages share a pool."""
    max_batch: Annotated[int, Field(ge=1, le=4096)] = 1
    """Most jobs taken together by one server."""
    max_wait: Duration = 0.0
    """How long a server waits for a batch to fill."""
    shelf_life: Annotated[Duration, POSITIVE] | None = None
    """Jobs older than this are dropped; null: never."""
    route: Literal["nearest", "failover", "least-loaded"] = "nearest"
    """How a pool is chosen."""
    payload: SourcedBytes | None = None
    """Data moved per job. By default the strain of a segment, or 1 MB for a candidate."""


class Takes(Section):
    """Servers that something occupies."""

    pool: str
    """As 'site.pool'."""
    servers: Annotated[int, Field(ge=1)]


class Entry(Section):
    """Something that happens at a set time."""

    kind: str
    at: Duration
    """Start, from the beginning of the run."""
    lasts: Annotated[Duration, POSITIVE]


class Retraining(Entry):
    """A stage is out of service; its fallback runs instead."""

    kind: Literal["retraining"]
    of: Name
    """Stage whose workload is retrained."""
    takes: Takes | None = None
    """Servers the training occupies."""


class Storm(Entry):
    """Glitches come more often."""

    kind: Literal["storm"]
    factor: Annotated[float, Field(ge=1, le=1e4)]
    """Multiplies their rate; storms that overlap add their excess."""
    classes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Only these; by default all of the mix."""


class Outage(Entry):
    """A pool starts nothing new; what runs, finishes."""

    kind: Literal["outage"]
    pool: str
    """As 'site.pool'."""


_KINDS = ("retraining", "storm", "outage")


def _kind_given(given: Any) -> Any:
    if isinstance(given, dict) and "kind" not in given:
        raise PydanticCustomError("kind", "needs a 'kind': {kinds}", {"kinds": ", ".join(_KINDS)})
    return given


Event = Annotated[Retraining | Storm | Outage, Field(discriminator="kind"), BeforeValidator(_kind_given)]


class Targets(Section):
    """What has to be reached; a verdict is given on each."""

    alert_latency: dict[
        Annotated[str, StringConstraints(pattern=r"^p[1-9][0-9]?$")], Annotated[Duration, POSITIVE]
    ] = Field(default_factory=dict)
    """From merger to publication, by quantile: p50 is the median."""
    late: Annotated[Duration, POSITIVE] | None = None
    """An alert with a larger latency is late; by default the largest quantile target."""
    lost: Fraction | None = None
    """Detectable signals that are never published."""
    dead_time: Fraction | None = None
    """Segments that are never searched."""
    detectable_snr: Annotated[float, Field(gt=0)] = 12.0
    """A signal of at least this network SNR counts as detectable."""
