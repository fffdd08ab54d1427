"""A farm: strain, workers here or elsewhere, and the kernel, from one scenario."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from twin.engine import Policy
from twin.farm.crew import LOADING_S
from twin.farm.driver import Farm
from twin.farm.inputs import Prepared
from twin.farm.losses import loses
from twin.farm.place import Here, Place
from twin.farm.secure import Scheduler
from twin.farm.steady import steady
from twin.plan import Plan
from twin.programs import pool_spec
from twin.scenario import Scenario


@dataclass
class Ground:
    """Where workers come up: on this machine, or on servers that have joined `scheduler`.

    `hosts` tells after a run, by pool, the names of the hosts on which its workers were.
    """

    scheduler: Scheduler | None = None
    hosts: dict[str, set[str]] = field(default_factory=dict)


@contextmanager
def farmed(
    scenario: Scenario,
    plan: Plan,
    seed: int,
    replica: int,
    policy: Policy | None,
    say: Callable[[str], None],
    ground: Ground,
) -> Iterator[Farm]:
    """A farm that runs `plan`, its clock at zero; its workers end with the context.

    Each is of the hardware kind of its pool, wherever on the `ground` it is. What runs on a worker that dies waits
    again or is lost, as the scenario says of failures.

    ScenarioError for what a farm cannot do, FarmError when a worker does not come up.
    """
    lost = loses(scenario)
    say("making the strain")
    inputs = Prepared(scenario, plan, seed, replica)
    with inputs.crew(plan, _place(scenario, plan, ground.scheduler)) as crew:
        crew.await_ready(LOADING_S, lambda ready, of: say(f"{ready} of {of} workers are ready"))
        with steady():
            begun_s = time.monotonic()
            yield Farm(plan, crew, inputs, lambda: time.monotonic() - begun_s, lost, policy=policy)
        for (pool, _), host in crew.been:
            ground.hosts.setdefault(plan.pool_names[pool], set()).add(host)


def _place(scenario: Scenario, plan: Plan, scheduler: Scheduler | None) -> Place:
    if scheduler is None:
        return Here()
    from twin.farm.placed import Placed

    return Placed(scheduler, {p: pool_spec(scenario, name).hardware for p, name in enumerate(plan.pool_names)})
