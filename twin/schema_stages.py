"""The words for the work itself: stages, how they hang together, and the pools they run on.

A part of twin.schema. The text under a field is its help in the JSON Schema and in editors. Knows no other
section: what refers to what is in twin.checks_graph.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    StringConstraints,
    WithJsonSchema,
    WrapSerializer,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from twin.schema_times import Time
from twin.sections import (
    Name,
    Names,
    Section,
    SourcedBytes,
    SourcedDuration,
    SourcedFraction,
    Standing,
    or_default,
)
from twin.units import POSITIVE, Bytes, Duration, Fraction, Rate

MOST_FALLBACKS = 3
"""Of one stage."""
ROUTES = ("nearest", "failover", "least-loaded", "stale-least-loaded", "two-choices", "data-local")
_FUNCTION = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"


def is_function(route: str) -> bool:
    """Whether a route is the name of a Python function."""
    return ":" in route


def _known(route: str) -> str:
    if route in ROUTES or re.fullmatch(_FUNCTION, route):
        return route
    expected = " or ".join([*(f"'{name}'" for name in ROUTES), "'package.module:function'"])
    raise PydanticCustomError("literal_error", "unknown", {"expected": expected})


Route = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema({"anyOf": [{"enum": list(ROUTES)}, {"type": "string", "pattern": _FUNCTION}]}),
]


class Pool(Section):
    """Equal servers at one site."""

    hardware: Name
    """Kind of server: its profiles are used. Known kinds are in sites/hardware."""
    servers: Annotated[int, Field(ge=1, le=100_000)]
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """CPU threads of one server."""
    memory: Annotated[Bytes, POSITIVE] | None = None
    """Of one server, for the programs it holds; null: room for all."""
    keep_warm: Annotated[Duration, POSITIVE] | None = None
    """A server gives up a program that was idle for longer; null: never."""


_NUMBERS = ("count", "per", "template_blocks", "channel_groups")
"""What may say how many shards there are."""


class Shards(Section):
    """Into how many jobs a stage splits each piece of work: a number, or what the number stands for."""

    count: Annotated[int, Field(ge=1, le=1000)] | None = None
    """So many."""
    per: Literal["detector"] | None = None
    """One for each strain stream."""
    template_blocks: Annotated[int, Field(ge=1, le=1000)] | None = None
    """One for each block of a template bank."""
    channel_groups: Annotated[int, Field(ge=1, le=1000)] | None = None
    """One for each group of auxiliary channels."""
    standing: Standing | None = None
    """How far the number can be trusted; null: it is a choice."""
    source: str | None = None
    """Where it comes from, in words."""

    @model_validator(mode="before")
    @classmethod
    def _wrap(cls, given: Any) -> Any:
        return given if isinstance(given, dict | Shards) else {"count": given}

    @model_validator(mode="after")
    def _one(self) -> Shards:
        if sum(getattr(self, name) is not None for name in _NUMBERS) != 1:
            raise PydanticCustomError("shards", "needs exactly one of: {names}", {"names": ", ".join(_NUMBERS)})
        if (self.standing is None) != (self.source is None):
            raise PydanticCustomError("shards", "needs both 'standing' and 'source', or neither")
        return self

    @model_serializer(mode="wrap")
    def _bare(self, handler: SerializerFunctionWrapHandler) -> Any:
        return handler(self) if self.count is None or self.standing else self.count

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler(core)
        return {"anyOf": [{"type": "integer", "minimum": 1}, whole]}

    def number(self, detectors: int) -> int:
        """How many jobs that makes with so many detectors."""
        return detectors if self.per else self.count or self.template_blocks or self.channel_groups or 1


class Awaits(Section):
    """A job waits for what a flag stage says about its segment."""

    stage: Name
    """The flag stage."""
    timeout: Duration | None = None
    """It waits no longer, and goes on without: alerts then say dq_missing. null: as long as it takes."""
    span: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many segments must have been judged: its own, and those before it."""


class Attempts(Section):
    """How often a job is tried, and when an attempt has failed."""

    timeout: Annotated[Duration, POSITIVE] | None = None
    """An attempt that takes longer is given up."""
    failure: SourcedFraction | None = None
    """Attempts that fail at their end."""
    retries: Annotated[int, Field(ge=0, le=1000)] = 0
    """Further attempts before the job is given up."""
    backoff: Duration = 0.0
    """Pause before each of them."""


class Queue(Section):
    """How many jobs may wait, and who leaves when there are more."""

    limit: Annotated[int, Field(ge=1, le=10**9)]
    """Jobs that may wait, in each pool."""
    when_full: Literal["drop-newest", "drop-oldest"] = "drop-newest"
    """drop-oldest: work skips ahead to what is fresh."""


class Look(Section):
    """One look of an early-warning search at mergers that are to come."""

    of: Literal["bns", "nsbh"]
    """Class of the mergers."""
    ahead: Annotated[Duration, POSITIVE]
    """So long before them."""
    min_snr: Annotated[float, Field(ge=0)]
    """Signals that will have this network SNR at least at their merger are seen by then; none below."""


class Finds(Section):
    """What a search reports of which only its efficiency is known: no glitches, whatever their SNR."""

    share: Fraction
    """Of the signals, how many it finds."""
    min_snr: Annotated[float, Field(ge=0)] = 0.0
    """Of those with this network SNR at least; none below."""
    looks: Annotated[tuple[Look, ...], Field(min_length=1)] | None = None
    """It warns: it sees mergers so long before they are, and nothing else; null: it finds them afterwards."""
    false_alarms: Rate = 0.0
    """Reports without a signal, over data that hold none."""
    standing: Standing
    """How far it can be trusted: measured, published, scaled from either, or assumed."""
    source: Annotated[str, StringConstraints(min_length=1)]
    """Where it comes from, in words."""


class Rung(Section):
    """A workload that takes over where those before it are not there, with what it needs; or only its name."""

    work: Annotated[str, StringConstraints(min_length=1)]
    """Workload that takes over."""
    runtime: str | None = None
    """What executes it; by default the runtime of the stage's own workload, as for what follows."""
    memory: SourcedBytes | None = None
    """That it takes on a server."""
    load_time: SourcedDuration | None = None
    """To make it ready on a server that does not hold it."""

    @model_validator(mode="before")
    @classmethod
    def _wrap(cls, given: Any) -> Any:
        return given if isinstance(given, dict | Rung) else {"work": given}

    @model_serializer(mode="wrap")
    def _bare(self, handler: SerializerFunctionWrapHandler) -> Any:
        return self.work if self.bare else handler(self)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler(core)
        return {"anyOf": [{"type": "string"}, whole]}

    @property
    def bare(self) -> bool:
        """Whether only its name is given."""
        return self.runtime is None and self.memory is None and self.load_time is None


def _several(given: Any) -> Any:
    return given if isinstance(given, list | tuple) else (given,)


def _any(rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
    if not rungs:
        raise PydanticCustomError("fallbacks", "needs at least one entry")
    return rungs


def _short(rungs: tuple[Rung, ...], handler: SerializerFunctionWrapHandler) -> Any:
    said = handler(rungs)
    return said[0] if len(said) == 1 else said


class _OneOrSeveral:
    """Tells editors that a single one need not be listed."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler(core)
        return {"anyOf": [whole["items"], {**whole, "minItems": 1}]}


Fallbacks = Annotated[
    tuple[Rung, ...],
    Field(max_length=MOST_FALLBACKS),
    AfterValidator(_any),
    BeforeValidator(_several),
    WrapSerializer(_short, when_used="json"),
    _OneOrSeveral(),
]
"""One workload, or several in the order in which they are to take over."""


class Stage(Section):
    """One step of the pipeline: a real program (`work`) or an assumed time (`time`), on pools (`on`).

    Without pools it is instant, a point where work forks or meets, or a timer (`wait`).
    """

    work: str | None = None
    """Workload that is run; its measured profile gives times and decisions."""
    runtime: str = "onnxruntime"
    """What executes the workload."""
    fallback: Fallbacks | None = None
    """Workload that takes over while this one is retrained or withdrawn; or several: the first that is there does.
    Each is a name, or says how it is run: {work: matched-filter, runtime: torch}."""
    fallback_runtime: str | None = None
    """What executes a single fallback that is a name; by default the same runtime."""
    time: Time | None = None
    """Service time of a stage without a workload: a duration, or a law such as {law: lognormal, median: 9.3 s,
    p90: 14 s}."""
    wait: Time | None = None
    """Of a stage without pools: every job stays this long, which takes no server. A duration, or a law."""
    memory: SourcedBytes | None = None
    """That its program takes on a server."""
    load_time: SourcedDuration | None = None
    """To make its program ready on a server that does not hold it."""
    fallback_memory: SourcedBytes | None = None
    """That such a fallback takes; by default as much as the program."""
    fallback_load_time: SourcedDuration | None = None
    """To make such a fallback ready; by default as long as the program."""
    stride: Annotated[Duration, POSITIVE] | None = None
    """Length of the data in each of its jobs, a multiple of the instrument's stride, which it is by default. Only
    where segments come from the instrument: the stages after it take what it takes."""
    after: Annotated[Names, or_default(())] = ()
    """Stage whose results this one takes, or several. Without it, it takes segments from the instrument."""
    join: Literal["all", "any"] = "all"
    """Of several stages before it: goes on when all are done, or when the first is."""
    shards: Annotated[Shards, or_default(Shards(count=1))] = Shards(count=1)
    """Splits each piece of work into so many jobs; it is done when all are."""
    awaits: Awaits | None = None
    """Data quality that is judged beside it, and waited for."""
    on: Annotated[tuple[str, ...], Field(min_length=1), or_default(())] = ()
    """Pools it may run on, as 'site.pool', in order of preference. Without it the stage is instant, or a timer."""
    role: Literal["plain", "flag", "trigger", "guard"] = "plain"
    """flag: marks a segment as bad. trigger: reports the candidates of a segment. guard: marks a segment as
    outside of what models were made for; it is no worse for that, but see `guard`."""
    guard: Literal["fallback"] | None = None
    """fallback: jobs whose segment a stage with 'role: guard' marked as outside are done by the first fallback
    that is there, one by one; null, or where none is: by the stage's own program like all others."""
    finds: Finds | None = None
    """What a trigger without a workload reports."""
    gate: Literal["veto"] | None = None
    """veto: candidates of flagged segments end here."""
    publishes: Name | None = None
    """Alert that is sent when this stage is done, such as preliminary."""
    priority: Annotated[int, Field(ge=0, le=1000)] = 1
    """Lower goes first where stages share a pool."""
    preempt: Literal["none", "resume", "restart"] = "none"
    """Whether work of higher priority may interrupt it, to be resumed later or started again."""
    max_batch: Annotated[int, Field(ge=1, le=4096)] = 1
    """Most jobs taken together by one server."""
    max_wait: Duration = 0.0
    """How long a server waits for a batch to fill."""
    shelf_life: Annotated[Duration, POSITIVE] | None = None
    """Jobs older than this when they would start are dropped; null: never."""
    stale: Literal["shard", "whole"] | None = None
    """What that judges where work is split into `shards`. shard, or null: each by itself. whole: the work, when a
    pool takes up its first shard; then all go on, or none, and none when one of them has ended early."""
    deadline: Annotated[Duration, POSITIVE] | None = None
    """Jobs older than this are dropped even when they are done; null: never."""
    attempts: Attempts | None = None
    """By default one, which never fails."""
    queue: Queue | None = None
    """By default as many jobs wait as there are."""
    admit_wait: Annotated[Duration, POSITIVE] | None = None
    """Jobs that would have to wait longer are turned away; null: never."""
    route: Route = "nearest"
    """How a pool is chosen among those open with room: by distance, order or load; stale-least-loaded: by the
    load last reported; two-choices: the less loaded of two at random; data-local: where the data are, up to
    `spill`; package.module:function: asks Python."""
    spill: Annotated[float, Field(gt=0)] | None = None
    """data-local: jobs per server from which other sites are used; null: never."""
    payload: SourcedBytes | None = None
    """Data moved per job. By default the strain of its segments, or 1 MB for a candidate."""
    data: Literal["strain", "auxiliary"] | None = None
    """auxiliary: segments of the instrument's auxiliary channels are moved, shared among its shards; by default
    strain."""

    @property
    def instant(self) -> bool:
        """Whether it needs no server: a point where work forks or meets, or a timer."""
        return not self.on

    @property
    def ladder(self) -> tuple[Rung, ...]:
        """What it may run, its own workload first, then its fallbacks in their order; () without a workload."""
        if self.work is None:
            return ()
        own = Rung(work=self.work, runtime=self.runtime, memory=self.memory, load_time=self.load_time)
        return own, *(rung.model_copy(update=self._needs(rung)) for rung in self.fallback or ())

    def _needs(self, rung: Rung) -> dict[str, Any]:
        """How a fallback is run: what it says, what the stage says of its only one, or as the stage's own."""
        return {
            "runtime": rung.runtime or self.fallback_runtime or self.runtime,
            "memory": rung.memory or self.fallback_memory or self.memory,
            "load_time": rung.load_time or self.fallback_load_time or self.load_time,
        }
