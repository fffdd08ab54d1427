"""What every stage runs on every pool: measured profiles and assumed times, as programs. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin import beside, outshone, premerger, sources, words
from twin.checks_graph import stride_of
from twin.kernel.state import VARIANTS
from twin.plan import Decision, Ladder, Program
from twin.scenario import Scenario
from twin.schema_stages import Pool, Rung, Stage
from twin.times import quantiles_s
from twin.tree import Problem, ScenarioError
from twin.works import key_of, variants
from workloads.profile import Decisions, Profile, ProfileError, UnheardOfError, find
from workloads.sky import ARRIVING, BEYOND, EVERY_SIGNAL, SIGNALS
from workloads.spec import SEGMENT_S, STREAMS


@dataclass(frozen=True)
class Use:
    """A profile that decides a run: which stage uses it where, as which of its variants."""

    stage: str
    pool: str
    variant: str
    profile: Profile
    program: Program


@dataclass(frozen=True)
class Programs:
    """Per stage and pool the ladder of programs; and every profile that stands behind them."""

    on: dict[str, dict[str, Ladder]]
    uses: tuple[Use, ...]


def programs(scenario: Scenario, folders: tuple[Path, ...] = ()) -> Programs:
    """The programs of all stages.

    Raises ScenarioError naming every profile that is missing, was not measured for a batch size or SNR the
    scenario asks for, or decides something else than the stage's role needs.
    """
    on: dict[str, dict[str, Ladder]] = {}
    uses: list[Use] = []
    problems: list[Problem] = []
    for name, stage in scenario.stages.items():
        on[name] = {}
        for k, pool in enumerate(stage.on):
            found: list[Program | None] = []
            for variant, work, runtime in variants(stage):
                try:
                    use = _use(scenario, name, pool, variant, work, runtime, folders)
                except ProfileError as error:
                    key = _key(error, stage, variant, k)
                    problems.append(scenario.problem(f"stages.{name}.{key}", str(error)))
                    found.append(None)
                else:
                    uses.append(use)
                    found.append(use.program)
            primary, *fallbacks = found or [_fixed(scenario, name)]
            if primary is not None:
                on[name][pool] = (primary, *fallbacks)
    if problems:
        raise ScenarioError(dict.fromkeys(problems))
    return Programs(on, tuple(uses))


def tempo(scenario: Scenario, programs: Programs, pool: str) -> tuple[float, tuple[float, ...]]:
    """How the machines of `pool` wander, as far as it was measured: (s, factors that each hold so long).

    That of its first program that knows.
    """
    if {"occupancy", "tempo"} <= set(scenario.profile_terms):
        for use in programs.uses:
            if use.pool == pool and use.profile.occupancy is not None:
                return use.profile.occupancy.tempo_s, use.profile.occupancy.tempo
    return 1.0, ()


def pool_spec(scenario: Scenario, name: str) -> Pool:
    """The pool called 'site.pool'."""
    site, _, pool = name.partition(".")
    return scenario.sites[site].pools[pool]


def _fixed(scenario: Scenario, name: str) -> Program:
    """A stage without a workload takes as long for a batch as for one job."""
    stage = scenario.stages[name]
    if stage.time is None:
        raise ValueError("a stage needs either 'work' or 'time'")
    table = np.tile(quantiles_s(stage.time), (stage.max_batch, 1))
    return Program(table, _stated(scenario, name), *_resident(stage))


def _stated(scenario: Scenario, name: str) -> Decision | None:
    """What a search decides of which only its efficiency is known."""
    finds = scenario.stages[name].finds
    if finds is None:
        return None
    noise = min(1.0, finds.false_alarms * stride_of(scenario, name))
    if finds.looks is not None:
        return _wider(scenario, premerger.stated(finds, noise))
    responses = np.zeros((_class_count(scenario), 2))
    for arrival in sources.classes(scenario):
        if arrival.cls in EVERY_SIGNAL:
            responses[ARRIVING.index(arrival.cls), 1] = finds.share
    if premerger.warns(scenario):
        responses = premerger.blind(responses)
    return _wider(scenario, Decision(np.array([0.0, finds.min_snr, np.inf]), responses, noise))


def _resident(of: Stage | Rung) -> tuple[float, float]:
    """Bytes that a program takes of a server, and seconds to make it ready there."""
    memory, load = of.memory, of.load_time
    return 0.0 if memory is None else memory.value, 0.0 if load is None else load.value


def _use(
    scenario: Scenario, name: str, pool: str, variant: int, work: str, runtime: str, folders: tuple[Path, ...]
) -> Use:
    stage = scenario.stages[name]
    spec = pool_spec(scenario, pool)
    profile = find(work, runtime, spec.hardware, folders, spec.threads, _streams(scenario, work))
    decision = None
    if stage.role != "plain":
        decision = _decision(scenario, name, profile)
    terms, known = set(scenario.profile_terms), profile.occupancy
    table = profile.occupancy_table(stage.max_batch, terms)
    program = Program(
        table,
        decision,
        *_resident(stage.ladder[variant]),
        warmth=known.warmth if known and {"occupancy", "warmth"} <= terms else (),
        crowding=known.crowding if known and {"occupancy", "crowding"} <= terms else (),
    )
    return Use(name, pool, VARIANTS[variant], profile, program)


def _streams(scenario: Scenario, work: str) -> int:
    """How many streams the profile of `work` is to be of: the instrument's, a triangle's where any number will do.

    ProfileError where it is not made for the instrument's.
    """
    number = len(scenario.instrument.detectors)
    if number == STREAMS:
        return STREAMS
    from workloads import card, spec

    if work not in spec.names() or spec.streams(spec.get(work)) is None:
        return STREAMS
    try:
        spec.of_streams(spec.get(work), number)
    except ValueError as error:
        spent = words.duration(float(card.read(work)["cost"]["wall_s"]))
        raise ProfileError(f"{error}; the shipped one took {spent} to make") from None
    return number


def _decision(scenario: Scenario, name: str, profile: Profile) -> Decision:
    """What the profile decides, as a table; a stage's role is the outcome its profile has to hold."""
    stage, decisions = scenario.stages[name], profile.decisions
    if decisions is None and profile.quality and premerger.measured(stage):
        _check_stride(scenario, name, profile.workload, premerger.STRIDE_S)
        return _wider(scenario, premerger.decision(profile.quality), profile)
    if decisions is None or decisions.outcome != ("flag" if stage.role == "guard" else stage.role):
        what = "no decisions" if decisions is None else f"decisions that {decisions.outcome}"
        raise ProfileError(f"stage {name} has role {stage.role}; the profile of {profile.workload} holds {what}")
    _check_stride(scenario, name, profile.workload, SEGMENT_S)
    responses = np.zeros((_class_count(scenario), len(decisions.snr_edges) - 1))
    for arrival in sources.classes(scenario):
        _refuse_unmeasured(decisions, arrival)
        response = decisions.classes[arrival.found_as]
        responses[ARRIVING.index(arrival.cls)] = np.asarray(response.count) / np.asarray(response.n)
    if premerger.warns(scenario):
        responses = premerger.blind(responses)
    found = Decision(np.asarray(decisions.snr_edges), responses, decisions.noise_probability)
    return _wider(scenario, found, profile if stage.role == "trigger" else None)


def _class_count(scenario: Scenario) -> int:
    """How many classes of events decisions are about, looks not counted."""
    every = premerger.warns(scenario) or beside.counted(scenario)
    return len(ARRIVING) if every else sources.class_count(scenario)


def _wider(scenario: Scenario, decision: Decision, profile: Profile | None = None) -> Decision:
    """`decision`, with what the measured `profile` finds of signals and looks beside others where these count."""
    if not beside.counted(scenario):
        return decision
    decision = beside.widened(decision, profile)
    return outshone.widened(decision, profile) if premerger.warns(scenario) else decision


def _refuse_unmeasured(decisions: Decisions, arrival: sources.Arrival) -> None:
    """Raise ProfileError for a class or an SNR on which nobody knows the decisions."""
    top = decisions.snr_edges[-1] if arrival.snr_max is None else arrival.snr_max
    try:
        decisions.probability(arrival.found_as, np.array([min(arrival.snr_min, top), top]))
    except ProfileError as error:
        if arrival.found_as in SIGNALS or arrival.cls not in BEYOND:
            raise
        remedy = f"Let one of these stand for it: 'sky.signals.{arrival.cls}.found_as: {SIGNALS[0]}'"
        raise ProfileError(f"{error}. {remedy}") from None


def _check_stride(scenario: Scenario, name: str, work: str, measured_s: float) -> None:
    given_s = stride_of(scenario, name)
    if given_s != measured_s:
        raise ProfileError(
            f"{work} was measured on a stride of {measured_s:g} s; {given_s:g} s were asked for. "
            f"Give 'stride: {measured_s:g} s' where its segments come in"
        )


def _key(error: ProfileError, stage: Stage, variant: int, pool: int) -> str:
    """What of a stage a profile's refusal is about, on its pool number `pool`."""
    if isinstance(error, UnheardOfError):
        return key_of(error, stage, variant)
    if "a batch of" in str(error):
        return "max_batch"
    if "streams of a triangle" in str(error) or "no strain of" in str(error):
        return "work"
    return "stride" if "a stride of" in str(error) else f"on.{pool}"
