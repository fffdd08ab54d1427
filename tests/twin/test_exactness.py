"""Kernel and SimPy reference agree to the bit; nothing is ever lost."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings

from tests.twin.plans import plans
from tests.twin.reference import Reference
from twin.control import process
from twin.engine import TwinEnvironment

FATES = ("transit", "queued", "running", "done", "vetoed", "stale")


def run_kernel(plan):
    environment = TwinEnvironment(plan, trace=True)
    for control in plan.controls:
        environment.process(process(environment, control))
    environment.run(until=plan.horizon_s)
    return environment


def run_reference(plan):
    reference = Reference(plan)
    for control in plan.controls:
        reference.process(process(reference, control))
    reference.run(until=plan.horizon_s)
    return reference


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans())
def test_kernel_and_reference_agree_bit_for_bit(plan):
    environment, reference = run_kernel(plan), run_reference(plan)
    assert environment.traced().tolist() == reference.trace
    assert environment.ended().tolist() == reference.rows
    for s, stage in enumerate(environment.stages):
        for fate in ("offered", *FATES):
            assert stage[fate] == reference.counts[fate, s], (fate, s)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans())
def test_offered_work_is_accounted_for(plan):
    stages = run_kernel(plan).stages
    assert np.array_equal(stages["offered"], sum(stages[fate] for fate in FATES))
