"""From a scenario's drifts and retrainings to the controls that carry them out in one replica. Knows no kernel."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from twin import places
from twin.ageing import unlearned
from twin.ageing.course import Course, course
from twin.ageing.measured import models
from twin.ageing.policy import Policy
from twin.ageing.unlearned import NOTHING, Heard, answers
from twin.checks_ageing import policies
from twin.checks_graph import ordered
from twin.controls.ageing import Ageing
from twin.kernel.chance import stream_key
from twin.kernel.state import PRIMARY
from twin.programs import Programs
from twin.scenario import Scenario
from twin.schema_timeline import Retraining
from twin.tree import ScenarioError
from workloads import card
from workloads.sky import ARRIVING


def controls(
    scenario: Scenario, programs: Programs, seed: int, replica: int, heard: Heard = NOTHING
) -> list[Ageing]:
    """One control for every stage whose models age or that a policy retrains, in the order of the stages.

    `heard` is what classifiers see whose answers are counted. ScenarioError for a trigger that could never be
    pulled, or a training whose time nobody knows.
    """
    appears_s = unlearned.appears_s(scenario)
    path = course(scenario.drifts, scenario.horizon, seed, replica, appears_s)
    found = []
    for number, name in enumerate(ordered(scenario.stages)):
        own = models(scenario, programs, name)
        entries = policies(scenario, name)
        if entries or any(model.curves for model in own):
            control = Ageing(
                name=f"ageing/{name}",
                stage=number,
                course=path,
                models=own,
                policies=tuple(
                    _policy(scenario, programs, entry, path, seed, replica, heard) for entry in entries
                ),
                until_s=scenario.horizon,
            )
            _check(scenario, entries, control)
            found.append(control)
    return found


def lasts(scenario: Scenario, name: str) -> tuple[float, str]:
    """How long a training of timeline entry `name` takes in s, and where that comes from.

    As the model's card says, where the scenario does not: in s on the wall of the machine that trained it.
    """
    entry = scenario.timeline[name]
    assert isinstance(entry, Retraining)
    if entry.lasts is not None:
        return entry.lasts, ""
    work = scenario.stages[entry.of].work or ""
    try:
        about = card.read(work)
        return float(about["cost"]["wall_s"]), f"model card of {work}, {about['date']}"
    except (card.WeightsError, KeyError, TypeError):
        message = f"nobody knows how long a training of '{work}' takes: its card does not say. Give 'lasts'"
        raise ScenarioError([scenario.problem(f"timeline.{name}.lasts", message)]) from None


def told(scenario: Scenario) -> Iterator[tuple[str, str, str, str]]:
    """Key, value, standing and source of every duration that is a model card's."""
    for name, entry in scenario.timeline.items():
        if isinstance(entry, Retraining) and entry.lasts is None:
            seconds, source = lasts(scenario, name)
            yield f"timeline.{name}.lasts", f"{seconds:g} s", "measured", source


def _policy(
    scenario: Scenario, programs: Programs, name: str, path: Course, seed: int, replica: int, heard: Heard
) -> Policy:
    entry = scenario.timeline[name]
    assert isinstance(entry, Retraining)
    loss, gate, takes, guard = entry.efficiency, entry.gate, entry.takes, entry.guard
    watching = () if guard is None else models(scenario, programs, guard.stage)
    return Policy(
        name=name,
        at_s=entry.every if entry.at is None and entry.every is not None else entry.at or 0.0,
        lasts_s=lasts(scenario, name)[0],
        every_s=entry.every or inf,
        drift=tuple((path.kinds.index(kind), amount) for kind, amount in (entry.drift or {}).items()),
        below=0.0 if loss is None else loss.below,
        cls=-1 if loss is None else ARRIVING.index(loss.cls),
        snr=0.0 if loss is None else loss.snr,
        false_alarms=entry.false_alarms or inf,
        outside=inf if guard is None else guard.above,
        guards=tuple(model for model in watching if model.variant == PRIMARY),
        answers=None if entry.glitch_class is None else answers(scenario, programs, name, heard, seed, replica),
        pool=-1 if takes is None else places.pool_names(scenario).index(takes.pool),
        takes=0 if takes is None else takes.servers,
        hold_s=0.0 if gate is None else gate.hold,
        passes=1.0 if gate is None else gate.passes.value,
        again_s=inf if gate is None else gate.again or inf,
        key=stream_key(seed, replica, f"retraining/{name}"),
        blue_green=entry.swap == "blue-green",
        regains=1.0 if entry.regains is None else entry.regains.value,
    )


def _check(scenario: Scenario, entries: tuple[str, ...], control: Ageing) -> None:
    """Refuse triggers on what does not age: nothing is known that could ever pull them."""
    primary = [model for model in control.models if model.variant == PRIMARY]
    for name, policy in zip(entries, control.policies, strict=True):
        entry = scenario.timeline[name]
        assert isinstance(entry, Retraining)
        watched, stage = primary, entry.of
        if entry.guard is not None:
            key, watched, stage = "guard", list(policy.guards), entry.guard.stage
        elif entry.efficiency is not None:
            key = "efficiency"
        elif entry.false_alarms is not None:
            key = "false_alarms"
        else:
            continue
        if not any(model.curves for model in watched):
            message = (
                f"stage '{stage}' does not age: no decisions of its program were measured under what drifts "
                "here. Run 'ettwin measure … --drift', or trigger by 'every' or 'drift'"
            )
            raise ScenarioError([scenario.problem(f"timeline.{name}.{key}", message)])
