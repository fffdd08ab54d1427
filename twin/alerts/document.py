"""Both parts of every notice of a replica, and their bytes. For twin.alerts.writing and accounts.

Brings together what was sent, which model said so and what is drawn for it; the sky map is made only where asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from twin import instrument
from twin.alerts import drawn, public
from twin.alerts.drawn import Draw
from twin.alerts.executed import Executed
from twin.alerts.extension import Facts, extension
from twin.alerts.gathered import gathered
from twin.alerts.models import CLASSES, SKY_MAP, Models
from twin.alerts.notices import EARLY, Notice, notices, of_kind, published
from twin.alerts.versions import Versions

if TYPE_CHECKING:
    from twin.record import Record
    from twin.schema_alerts import Alerts


@dataclass(frozen=True)
class Document:
    """One notice as JSON: the public part, and the extension where one is carried."""

    name: str
    public: dict[str, Any]
    extension: dict[str, Any] | None

    @property
    def text(self) -> bytes:
        """The bytes of the public part, whose digest is in the extension."""
        return as_bytes(self.public)

    @property
    def extension_text(self) -> bytes:
        """The bytes of the extension; none where nothing is carried."""
        return b"" if self.extension is None else as_bytes(self.extension)


def as_bytes(content: dict[str, Any]) -> bytes:
    """One line of JSON, always the same for the same content."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode() + b"\n"


def documents(
    record: Record,
    policy: Alerts,
    models: Models,
    replica: int,
    *,
    every: int = 1,
    most: int | None = None,
    only: str | None = None,
) -> Iterator[Document]:
    """Documents of a replica in the order of time: all, `every` n-th, the first `most`, or `only` one of KINDS."""
    sent = notices(record, policy, replica, most)[::every]
    sent = sent if only is None else of_kind(sent, only)
    up = _instruments(record, replica, [float(notice.row["event_time_s"]) for notice in sent])
    versions, ran, purity = Versions(record, replica), Executed(record, replica), _terrestrial(record)
    for notice, streams in zip(sent, up, strict=True):
        facts = _facts(record, models, versions, ran, replica, notice, streams, purity)
        skymap = _skymap(record, policy, replica, notice, facts)
        told = facts.classes, facts.terrestrial.value, skymap
        content = public.document(notice, policy, facts.model, streams, *told)
        more = None
        if policy.extends:
            more = extension(notice, policy, facts, sha256(as_bytes(content)).hexdigest())
        yield Document(notice.name, content, more)


def _facts(
    record: Record,
    models: Models,
    versions: Versions,
    ran: Executed,
    replica: int,
    notice: Notice,
    streams: tuple[str, ...],
    purity: dict[str, Draw],
) -> Facts:
    row = notice.row
    early = notice.type == EARLY or notice.created_s < float(row["event_time_s"])
    search, variant, cls = str(row["search"]), str(row["variant"]), str(row["cls"])
    model = models.searches[search, variant]
    judge = next(iter(models.flags.values()), None)

    def stream(purpose: str) -> np.random.Generator:
        return drawn.stream(record.seed, replica, int(row["event_id"]), purpose)

    by_then = gathered(record.scenario, row) if early else None
    glitch = Draw(None, "not simulated", "no stage flags")
    if judge is not None and judge.stage in record.scenario.live:
        glitch = Draw(None, "not simulated", "the class that was named is not kept")
    elif judge is not None and judge.profile is not None:
        glitch = drawn.glitch_class(judge.profile, cls, bool(row["dq_flag"]), stream("glitch"))
    return Facts(
        model=model,
        served=versions.at(search, variant, float(row["event_time_s"])),
        instruments=streams,
        classes=drawn.classes(models.classes, cls, early, stream("classes")),
        area=drawn.area_deg2(models.sky_map, float(row["snr"]), early, stream("area"), by_then),
        terrestrial=purity[search],
        glitch=glitch,
        judge=judge,
        score=ran.search(row),
        judged=None if judge is None else ran.stage(judge.stage, row),
        performed={"classes": CLASSES in models.performed, "sky_map": SKY_MAP in models.performed},
    )


def _terrestrial(record: Record) -> dict[str, Draw]:
    """By search, the share of what it published in this run that was no signal."""
    rows = published(record).drop_duplicates(["replica", "event_id", "search"])
    found = {}
    for search, own in rows.groupby(rows["search"].astype(str)):
        n, false = len(own), int((~own["is_signal"]).sum())
        told = f"{false} of {n} candidates of {search} that this run published were no signal (half a count added)"
        found[str(search)] = Draw(round((false + 0.5) / (n + 1.0), 6), "scaled", told)
    return found


def _instruments(record: Record, replica: int, times_s: list[float]) -> list[tuple[str, ...]]:
    """The streams that delivered the segment of each time."""
    scenario, names = record.scenario, record.scenario.instrument.detectors
    if not scenario.instrument.intermittent or not times_s:
        return [names] * len(times_s)
    there = instrument.observing(scenario, instrument.downtimes(scenario, record.seed, replica))
    last = int(scenario.horizon / scenario.instrument.stride) - 1
    segments = np.clip((np.asarray(times_s) / scenario.instrument.stride).astype(np.int64), 0, last)
    up = there.up(segments)
    return [tuple(name for k, name in enumerate(names) if up[k, i]) for i in range(len(times_s))]


def _skymap(record: Record, policy: Alerts, replica: int, notice: Notice, facts: Facts) -> str | None:
    if not policy.skymaps or notice.type == "RETRACTION":
        return None
    from twin.alerts.skymap import encoded

    rng = drawn.stream(record.seed, replica, int(notice.row["event_id"]), "place")
    return encoded(facts.area.value, rng, notice.superevent)
