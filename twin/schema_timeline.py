"""The words of a scenario's timeline: what is made to happen, and what happens by chance. Part of twin.schema.

A target is written 'site', 'site.pool', 'site.pool.3' (a server, counted from 0), 'site.pool.*' (every server by
itself) or 'site--site' (a link, both ways). The text under a field is its help. Knows no file and no other
section: what refers to what is in twin.checks_timeline.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from twin.schema_ageing import Policy
from twin.schema_sky import Classes, Factor
from twin.sections import Name, Section, Sourced, Standing, Texts
from twin.units import POSITIVE, Duration, Fraction

Mode = Literal["drain", "requeue", "lose"]
SourcedSpan = Sourced[Annotated[Duration, POSITIVE]]
SHAPED = ("weibull", "lognormal", "gamma")
"""Laws that need a shape."""
Servers = Annotated[int, Field(ge=1, le=100_000)]


class Takes(Section):
    """Servers that something occupies."""

    pool: str
    """As 'site.pool'."""
    servers: Annotated[int, Field(ge=1)]


class Law(Section):
    """A duration that varies."""

    law: Literal["exponential", "weibull", "lognormal", "gamma", "fixed"] = "exponential"
    """exponential: no memory. weibull with a shape below 1: early failures; above 1: wear."""
    mean: SourcedSpan
    """On average."""
    shape: Annotated[float, Field(ge=0.1, le=10)] | None = None
    """Of weibull and gamma their k; of lognormal the sigma of its logarithm. The others have none."""
    standing: Standing | None = None
    """How far the law and its shape can be trusted; null: nobody says. The mean has its own."""
    source: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Where they come from, in words."""

    @model_validator(mode="after")
    def _both(self) -> Law:
        if (self.standing is None) != (self.source is None):
            raise PydanticCustomError("law", "needs both 'standing' and 'source', or neither")
        return self


class Failover(Section):
    """What is done when a pool, site or link is down. Routes then choose what else their stage may run on."""

    detect: Duration
    """Time until it is noticed; work is still sent there before."""
    fail_back: Duration = 0.0
    """Time after it works again until it is used again."""
    evacuate: bool = False
    """Whether what waits at a pool then moves, where its stage has another one."""


class Entry(Section):
    """Something that happens at a set time."""

    kind: str
    at: Duration
    """Start, from the beginning of the run."""
    lasts: Annotated[Duration, POSITIVE]


class Retraining(Policy):
    """A stage's model is trained anew, once or by a policy; a fallback runs instead, or the old one goes on."""

    kind: Literal["retraining"]
    at: Duration | None = None
    """Start, from the beginning of the run; of a policy, from when on it holds."""
    lasts: Annotated[Duration, POSITIVE] | None = None
    """How long training takes; null: as long as it took on the machine that the model's card names."""
    of: Name
    """Stage whose workload is retrained."""
    takes: Takes | None = None
    """Servers the training occupies; fewer when not so many are left."""


class Withdrawal(Entry):
    """A model is out of service: found wrong, its runtime broken, its licence gone. What it has begun goes on."""

    kind: Literal["withdrawal"]
    of: Name
    """Stage that may run it. Its first fallback that is there takes over; without any it stands still."""
    model: str
    """Workload, the stage's own or one of its fallbacks."""
    runtime: str | None = None
    """Only as this runtime executes it; null: whatever does."""


class Storm(Entry):
    """Glitches come more often, or less."""

    kind: Literal["storm"]
    factor: Factor
    """Multiplies their rate. Above 1, storms that overlap add their excess; below, they multiply."""
    classes: Classes | None = None
    """Only these; by default all of the mix."""


class Outage(Entry):
    """A target starts nothing new; on a link, transfers stall and go on afterwards."""

    kind: Literal["outage"]
    target: str | None = None
    """Site, pool, server or link."""
    pool: str | None = None
    """The same, for a pool: 'site.pool'."""
    mode: Mode = "drain"
    """What becomes of running work: it finishes (drain), waits again (requeue) or is lost."""
    failover: Failover | None = None
    """null: nobody notices, work is still sent there."""


class Failures(Section):
    """Targets fail and are repaired by chance, again and again; new at the start."""

    kind: Literal["failures"]
    target: Texts
    """What fails, each of them by itself."""
    at: Duration = 0.0
    """Start, from the beginning of the run."""
    lasts: Annotated[Duration, POSITIVE] | None = None
    """How long failures begin; null: to the end."""
    time_to_failure: Law
    """From the start or a repair to the next failure."""
    time_to_repair: Law
    together: Fraction | None = None
    """A common cause instead: each target is taken down with this probability, all at once and as long."""
    mode: Mode = "requeue"
    """What becomes of running work: it finishes (drain), waits again (requeue) or is lost."""
    failover: Failover | None = None
    """null: nobody notices, work is still sent there."""


class FailureTrace(Section):
    """Recorded outages are replayed from a table with columns time_s, duration_s, target and maybe mode."""

    kind: Literal["failure-trace"]
    file: str
    """CSV or Parquet beside this file."""
    at: Duration = 0.0
    """When its time zero is, from the beginning of the run."""
    mode: Mode = "requeue"
    """What becomes of running work where the table does not say."""
    failover: Failover | None = None
    """null: nobody notices, work is still sent there."""


class Maintenance(Entry):
    """A target is taken down on purpose, once or regularly."""

    kind: Literal["maintenance"]
    target: str
    """Site, pool or link."""
    every: Annotated[Duration, POSITIVE] | None = None
    """From one start to the next; null: once."""
    lead: Duration = 0.0
    """So long before, routes avoid it already and it works off what waits."""
    mode: Mode = "drain"
    """What becomes of work that still runs: it finishes (drain), waits again (requeue) or is lost."""


class Degradation(Entry):
    """Something works, but worse; degradations that overlap multiply."""

    kind: Literal["degradation"]
    target: str
    """Site, pool or link."""
    slowness: Annotated[float, Field(gt=0, le=1e4)] | None = None
    """For a pool, or those of a site: work started in it takes so many times as long."""
    share: Fraction | None = None
    """For a link: what is left of its bandwidth."""


class Threshold(Section):
    """Steps up and down at limits of the load: jobs waiting, running and on their way, per server."""

    up: Annotated[float, Field(gt=0, le=1e6)]
    """Servers are added above this load."""
    down: Annotated[float, Field(ge=0, le=1e6)]
    """Servers are taken away below this load."""
    step: Servers = 1
    """So many at once."""


class Scaling(Section):
    """A pool gets servers when it is loaded, and gives them back."""

    kind: Literal["scaling"]
    pool: str
    """As 'site.pool'."""
    at: Duration = 0.0
    """Start, from the beginning of the run."""
    every: Annotated[Duration, POSITIVE]
    """How often its load is looked at."""
    threshold: Threshold | None = None
    """Either this …"""
    track: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """… or a load per server to keep to, within 10 %."""
    min_servers: Servers
    max_servers: Servers
    start_up: Duration = 0.0
    """From the order to the first work; it is paid for."""
    cool_down: Duration = 0.0
    """No other change for so long after one."""


_KINDS = (
    "retraining",
    "withdrawal",
    "storm",
    "outage",
    "failures",
    "failure-trace",
    "maintenance",
    "degradation",
    "scaling",
)


def _kind_given(given: Any) -> Any:
    if isinstance(given, dict) and "kind" not in given:
        raise PydanticCustomError("kind", "needs a 'kind': {kinds}", {"kinds": ", ".join(_KINDS)})
    return given


Event = Annotated[
    Retraining | Withdrawal | Storm | Outage | Failures | FailureTrace | Maintenance | Degradation | Scaling,
    Field(discriminator="kind"),
    BeforeValidator(_kind_given),
]
"""An entry of the timeline, told apart by its kind."""
