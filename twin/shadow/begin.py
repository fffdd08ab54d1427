"""From a scenario and the first line of a farm's log to what follows that farm. Knows no command."""

from __future__ import annotations

from pathlib import Path

from twin import policies
from twin.farm.journal import Line, sky
from twin.planner import plan
from twin.programs import programs
from twin.record import RecordError
from twin.scenario import Scenario
from twin.shadow.follower import Follower
from workloads.spec import LOOKAHEAD_S


def follower(
    scenario: Scenario, header: Line, profiles: tuple[Path, ...] = (), seed: int | None = None
) -> Follower:
    """What follows the log of `header`; the seed of the sky is the log's, unless given.

    Raises ScenarioError when a profile or a live stage of the log is missing, RecordError when the log counts the
    events of another sky.
    """
    scenario = scenario.with_({"live": header["live"]})
    seed = header.get("seed", scenario.seed) if seed is None else seed
    known = programs(scenario, (*profiles, *scenario.profile_folders))
    planned = plan(scenario, known, seed, header.get("replica", 0))
    if header.get("sky", sky(planned)) != sky(planned):
        raise RecordError(
            "the log counts events of another sky than the scenario has: it was written with another scenario, "
            f"horizon or seed (here: {seed})"
        )
    return Follower(planned, header["lost"], policies.policy(planned, policies.functions(scenario)))


def late_s(scenario: Scenario) -> float:
    """How long after its segment came a product is late by the scenario's target, for a merger in mid-segment."""
    if scenario.targets.late is None:
        return float("inf")
    instrument = scenario.instrument
    return scenario.targets.late - instrument.stride / 2.0 - LOOKAHEAD_S - instrument.calibration.value
