"""A farm on this machine: strain, workers and kernel, from one scenario."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from twin.engine import Policy
from twin.farm.driver import Farm
from twin.farm.inputs import Prepared
from twin.plan import Plan
from twin.scenario import Scenario

LOADING_S = 300.0
"""What all workers together may take to load their programs."""


@contextmanager
def farmed(
    scenario: Scenario, plan: Plan, seed: int, replica: int, policy: Policy | None, say: Callable[[str], None]
) -> Iterator[Farm]:
    """A farm on this machine that runs `plan`, its clock at zero; its workers end with the context.

    ScenarioError for what a farm cannot do, FarmError when a worker does not come up.
    """
    say("making the strain")
    inputs = Prepared(scenario, plan, seed, replica)
    with inputs.crew(plan) as crew:
        crew.await_ready(LOADING_S, lambda ready, of: say(f"{ready} of {of} workers are ready"))
        begun_s = time.monotonic()
        yield Farm(plan, crew, inputs, lambda: time.monotonic() - begun_s, policy=policy)
