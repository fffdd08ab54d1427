"""The scenario: everything a planner decides, checked and complete. For the plan and for what shows it.

Made by twin.loader; changed only by copying (`with_`). Knows no profile, no plan and no result.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, StringConstraints, ValidationError

from sites import catalogue, network
from twin import checks, checks_graph, overrides, phrases
from twin.schema import Instrument, Link, Site, Targets
from twin.schema_ageing import Drift
from twin.schema_alerts import Alerts
from twin.schema_shifts import Shifts
from twin.schema_sky import Sky
from twin.schema_stages import Stage
from twin.schema_timeline import Event, FailureTrace
from twin.sections import Name, Names, PayloadKind, Section, SourcedBandwidth, SourcedBytes, SourcedDuration
from twin.tree import Node, Problem, ScenarioError, Spot
from twin.units import DURATION, POSITIVE, Duration
from twin.written import text as written
from workloads.occupancy import TERMS, Term

__all__ = ["Input", "Problem", "Scenario", "ScenarioError"]

DEFAULT_BANDWIDTH = "10 Gbit/s"
"""Between two sites of which nothing is said."""

CANDIDATE_PAYLOAD = "1 MB"
"""Moved for one candidate when nothing is said."""


@dataclass(frozen=True)
class Origin:
    """Where a scenario came from; two scenarios that say the same are equal whatever it is."""

    tree: Node = field(default_factory=lambda: Node({}, Spot()), compare=False)
    undone: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Input:
    """One number or choice that went in: dotted path, text with unit, standing, source."""

    key: str
    value: str
    standing: str
    source: str


class Scenario(Section):
    """A scenario of the Einstein Telescope's low-latency computing."""

    schema_version: Literal[1]
    """Version of this format."""
    name: Name
    """Lower-case letters, digits and '-'."""
    question: Annotated[str, StringConstraints(strip_whitespace=True)] = ""
    """What it answers, in a planner's words."""
    based_on: str | None = None
    """Scenario that this one changes: a file beside it, or a shipped one. Mappings merge, lists are replaced."""
    horizon: Annotated[Duration, POSITIVE]
    """Time that is simulated."""
    drain: Duration = 3600.0
    """How long work may still finish after the horizon before it counts as unfinished."""
    warm_up: Duration = 0.0
    """What merges before this time is left out of alerts, losses and rates: queues are empty at the beginning
    (docs/studying.md)."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Chance: the same seed gives the same run."""
    replicas: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Independent repetitions, for confidence intervals."""
    instrument: Instrument
    sky: Sky
    sites: Annotated[dict[Name, Site], Field(min_length=1)]
    """By name; those in sites/known bring their coordinates."""
    links: dict[str, Link] = Field(default_factory=dict)
    """By 'site--site'; a pair that is missing is modelled from the distance."""
    stages: Annotated[dict[Name, Stage], Field(min_length=1)]
    """The pipeline, by name of stage."""
    products: dict[Name, Names] = Field(default_factory=dict)
    """Alerts by name: each is published for a candidate when all the stages listed are done with it."""
    load_reports: Annotated[Duration, POSITIVE] = 10.0
    """How often pools report their load to the route stale-least-loaded."""
    drifts: dict[Name, Drift] = Field(default_factory=dict)
    """How the data move away from those that the models were made for, by name: models age (docs/ageing.md)."""
    timeline: dict[Name, Event] = Field(default_factory=dict)
    """What happens to the computing and the sky, by name."""
    alerts: Alerts | None = None
    """Alerts as documents, and what is carried and kept (docs/alerts.md); null: alerts are rows of a table."""
    shifts: Shifts | None = None
    """People who vet candidates after data quality's first pass (docs/alerts.md); null: nobody is counted."""
    targets: Targets = Targets()
    overrides: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Named sets of changes by dotted path, chosen with --with; --set comes after them. Empty once loaded: see
    `override_names`."""
    cases: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    """What 'ettwin compare' holds against each other: the overrides of each, none for the scenario as it stands.
    By default that and each override of this file; a file without overrides has the cases of what it is based on.
    Given, they replace those; {} offers nothing. Empty once loaded: see `case_overrides`."""
    profiles: tuple[str, ...] = ()
    """Folders with measured profiles beside this file, searched before the shipped ones."""
    profile_terms: tuple[Term, ...] = TERMS
    """What profiles know beside a program's own time, and is used: leave a term out to see what it is worth."""
    live: tuple[Name, ...] = ()
    """Stages that are executed for real."""

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @classmethod
    def from_tree(cls, tree: Node, undone: tuple[str, ...] = ()) -> Scenario:
        """The scenario in `tree`; ScenarioError with every problem in it. `undone` is what it tells as such."""
        try:
            given = cls.model_validate(tree.plain())
        except ValidationError as error:
            details = error.errors(include_url=False)
            raise ScenarioError(phrases.problems(tree, cls, details)) from None
        given._origin = Origin(tree)
        if found := checks.all_of(given, tree):
            raise ScenarioError(found)
        complete = given.model_copy(update=_defaults(given))
        complete._origin = Origin(tree, undone)
        return complete

    def __reduce__(self) -> tuple[Any, ...]:
        """To other processes it goes as the tree it was made of."""
        return Scenario.from_tree, (self._origin.tree,)

    def with_(self, changes: Mapping[str, object]) -> Scenario:
        """A copy with values at dotted paths changed, checked again: `s.with_({"drain": "2 h"})`."""
        tree = self._origin.tree
        return Scenario.from_tree(overrides.applied(tree, Scenario, overrides.from_options(changes)))

    def resolved(self) -> str:
        """The scenario as YAML with every default written out; it loads back to an equal scenario."""
        return written(self._plain())

    @property
    def told_s(self) -> float:
        """The time that alerts, losses and rates are about: the horizon without the warm-up."""
        return self.horizon - self.warm_up

    @property
    def never(self) -> tuple[str, ...]:
        """Entries of the timeline that start after the horizon: they do not happen."""
        return tuple(n for n, e in self.timeline.items() if e.at is not None and e.at >= self.horizon)

    @property
    def undone(self) -> tuple[str, ...]:
        """What the last change of all, --set, took back of the overrides that were chosen, in words."""
        return self._origin.undone

    @property
    def override_names(self) -> tuple[str, ...]:
        """The named sets of changes that its file offers."""
        return overrides.names(self._origin.tree)

    @property
    def case_overrides(self) -> dict[str, tuple[str, ...]]:
        """The cases that its file offers for comparison: the overrides of each."""
        return overrides.cases(self._origin.tree)

    @property
    def digest(self) -> str:
        """SHA-256 of what the scenario says, defaults included."""
        return sha256(json.dumps(self._plain(), sort_keys=True).encode()).hexdigest()

    @property
    def profile_folders(self) -> tuple[Path, ...]:
        """The folders of `profiles`, relative to the file that lists them."""
        home = self._home("profiles")
        return tuple(home / folder for folder in self.profiles)

    @property
    def replay_file(self) -> Path | None:
        """The file of `sky.replay`, relative to the one that names it."""
        replay = self.sky.replay
        return None if replay is None else self._home("sky", "replay", "file") / replay.file

    def trace_file(self, name: str) -> Path:
        """The file of the timeline's failure trace `name`, relative to the one that names it."""
        entry = self.timeline[name]
        assert isinstance(entry, FailureTrace)
        return self._home("timeline", name, "file") / entry.file

    @property
    def files(self) -> dict[str, Path]:
        """Every file beside the scenario that decides a run, by the dotted path of what names it."""
        traces = [name for name, entry in self.timeline.items() if isinstance(entry, FailureTrace)]
        replay = {} if self.replay_file is None else {"sky.replay.file": self.replay_file}
        return replay | {f"timeline.{name}.file": self.trace_file(name) for name in traces}

    def _home(self, *path: str) -> Path:
        """The folder of the file in which what is at `path` was given."""
        node, _, missing = phrases.located(self._origin.tree, path)
        return Path(node.spot.file).parent if not missing and node.spot.line else Path()

    def where(self, path: str) -> str:
        """'file:line:column' of a dotted path, or of the part of it that was given."""
        return str(self.problem(path, "").spot)

    def problem(self, path: str, message: str) -> Problem:
        """A problem that was found later on (by the plan), pointing at its line."""
        return phrases.problem(self._origin.tree, tuple(path.split(".")), message)

    def work_of(self, stage: str) -> PayloadKind:
        """'candidate' when a trigger lies before the stage, 'segment' otherwise."""
        return checks_graph.work_of(self.stages, stage)

    def link(self, a: str, b: str) -> Link:
        """The link between two sites, in either order."""
        return self.links[f"{a}--{b}"] if f"{a}--{b}" in self.links else self.links[f"{b}--{a}"]

    def inputs(self) -> list[Input]:
        """Every number and choice that went in, in the order of the file."""
        skipped = ("schema_version", "name", "question", "profiles")
        plain = {key: value for key, value in self._plain().items() if key not in skipped}
        return list(_inputs((), plain))

    def _plain(self) -> dict[str, Any]:
        plain = self.model_dump(mode="json", exclude_none=True, exclude={"overrides", "cases"})
        plain["stages"] = {name: _said(stage) for name, stage in plain["stages"].items()}
        if not plain["drifts"]:
            del plain["drifts"]  # a scenario without them is named as ever
        if not self.warm_up:
            del plain["warm_up"]
        return plain


def _said(stage: dict[str, Any]) -> dict[str, Any]:
    """What means something for this kind of stage."""
    after = stage["after"]
    idle = {"join"} if isinstance(after, str) else set() if after else {"after", "join"}
    if not stage["on"]:
        idle |= stage.keys() - checks_graph.INSTANT
    elif "work" not in stage:
        idle.add("runtime")
    return {key: value for key, value in stage.items() if key not in idle}


def _defaults(scenario: Scenario) -> dict[str, Any]:
    """What the scenario left open and another part of it, or the catalogue, decides."""
    places = {name: _placed(name, site) for name, site in scenario.sites.items()}
    late = scenario.targets.late or max(scenario.targets.alert_latency.values(), default=None)
    return {
        "based_on": None,
        "overrides": {},
        "cases": {},
        "sites": places,
        "links": _links(places, scenario.links),
        "stages": {name: _staged(scenario, name) for name in scenario.stages},
        "targets": scenario.targets.model_copy(update={"late": late}),
        "alerts": _noticed(scenario),
    }


def _noticed(scenario: Scenario) -> Alerts | None:
    """The alerts with the kind of notice of every product written out."""
    if scenario.alerts is None:
        return None
    types = {product: scenario.alerts.type_of(product) for product in checks_graph.publishing(scenario)}
    return scenario.alerts.model_copy(update={"types": types})


def _placed(name: str, site: Site) -> Site:
    if site.latitude is not None:
        return site
    known = catalogue.sites()[name]
    return site.model_copy(update={"latitude": known.latitude_deg, "longitude": known.longitude_deg})


def _links(places: Mapping[str, Site], given: Mapping[str, Link]) -> dict[str, Link]:
    links: dict[str, Link] = {}
    for a, b in combinations(places, 2):
        name = f"{b}--{a}" if f"{b}--{a}" in given else f"{a}--{b}"
        link = given.get(name, Link())
        latency = link.latency or SourcedDuration.model_validate(
            _assumed(DURATION.format(_modelled_latency_s(places[a], places[b])), network.SOURCE)
        )
        bandwidth = link.bandwidth or SourcedBandwidth.model_validate(
            _assumed(DEFAULT_BANDWIDTH, "default between sites")
        )
        links[name] = link.model_copy(update={"latency": latency, "bandwidth": bandwidth})
    return links


def _modelled_latency_s(a: Site, b: Site) -> float:
    """One way in s, to the microsecond: the model knows no more."""
    coordinates = [x for x in (a.latitude, a.longitude, b.latitude, b.longitude) if x is not None]
    return round(network.latency_s(network.great_circle_km(*coordinates)), 6)


def _staged(scenario: Scenario, name: str) -> Stage:
    stage = scenario.stages[name]
    if stage.instant:
        return stage
    update: dict[str, Any] = {"payload": stage.payload or _payload(scenario, name)}
    if stage.fallback is not None and len(stage.fallback) == 1 and stage.fallback[0].bare:
        update["fallback_runtime"] = stage.fallback_runtime or stage.runtime
        update["fallback_memory"] = stage.fallback_memory or stage.memory
        update["fallback_load_time"] = stage.fallback_load_time or stage.load_time
    elif stage.fallback is not None:
        update["fallback"] = stage.ladder[1:]
    return stage.model_copy(update=update)


def _payload(scenario: Scenario, name: str) -> SourcedBytes:
    instrument, stage = scenario.instrument, scenario.stages[name]
    if checks_graph.work_of(scenario.stages, name) == "candidate":
        return SourcedBytes.model_validate(_assumed(CANDIDATE_PAYLOAD, "default for a candidate"))
    stride_s = checks_graph.stride_of(scenario, name)
    if stage.data == "auxiliary" and instrument.auxiliary is not None:
        rate, shards = instrument.auxiliary.rate, stage.shards.number(len(instrument.detectors))
        size, told = round(rate.value * stride_s / shards), f"auxiliary rate x stride / shards; {rate.source}"
        return SourcedBytes.model_validate({"value": f"{size} B", "standing": rate.standing, "source": told})
    size = round(len(instrument.detectors) * instrument.sample_rate * stride_s * 8)
    return SourcedBytes.model_validate(_assumed(f"{size} B", "detectors x sample rate x stride x 8 B"))


def _assumed(value: str, source: str) -> dict[str, str]:
    return {"value": value, "standing": "assumed", "source": source}


def _inputs(path: tuple[str, ...], value: Any, standing: str = "scenario", source: str = "") -> Iterator[Input]:
    """Numbers with their own standing, then what stands beside one, then plain choices."""
    if isinstance(value, dict) and "standing" in value:
        standing, source = value["standing"], value["source"]
        value = {k: v for k, v in value.items() if k not in ("standing", "source")}
        value = value.get("value", value)
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _inputs((*path, name), item, standing, source)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for k, item in enumerate(value):
            yield from _inputs((*path, str(k)), item, standing, source)
    else:
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield Input(".".join(path), shown, standing, source)
