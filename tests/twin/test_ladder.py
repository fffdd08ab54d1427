"""Ladders of fallbacks in the kernel: the first rung that is there serves, none lets the stage stand still."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.twin.small import completions, constant, endings, run, stage, system
from tests.twin.test_guard import events, guard, served
from twin.controls import Retraining, Withdrawal
from twin.engine import TwinEnvironment
from twin.kernel.queue_rows import queue_row
from twin.kernel.state import VARIANTS
from twin.plan import StageSpec
from twin.schema_stages import MOST_FALLBACKS

RUNGS = (1.0, 2.0, 3.0)
"""How long each of three rungs takes."""


def ladder(*seconds, on="p", **rules):
    n = rules.get("max_batch", 1)
    return StageSpec("work", {on: tuple(constant(s, n) for s in seconds)}, **rules)


def withdrawal(at_s, lasts_s, *variants):
    return Withdrawal(name=f"w{at_s:g}", at_s=at_s, lasts_s=lasts_s, stage=0, variants=variants)


def variants(environment):
    return environment.traced()["variant"].tolist()


def test_a_stage_climbs_down_and_back():
    """A job every ten seconds; the primary is gone from 5 to 45 s, the first fallback from 15 to 35 s."""
    trained = Retraining(name="r", at_s=5.0, lasts_s=40.0, stage=0)
    controls = [trained, withdrawal(15.0, 20.0, 1)]
    arrivals = {"work": np.arange(0.0, 60.0, 10.0)}
    environment = run(system({"p": 1}, [ladder(*RUNGS)], arrivals, controls=controls))
    assert variants(environment) == [0, 1, 2, 2, 1, 0]
    assert [end_s - start_s for *_, start_s, end_s in completions(environment)] == [1.0, 2.0, 3.0, 3.0, 2.0, 1.0]
    assert environment.served == [(5.0, 0, 1), (15.0, 0, 2), (35.0, 0, 1), (45.0, 0, 0)]
    assert environment.causes == {}


def test_whatever_ends_first_does_not_bring_back_what_is_still_out():
    controls = [Retraining(name="r", at_s=5.0, lasts_s=20.0, stage=0), withdrawal(15.0, 30.0, 0)]
    arrivals = {"work": [0.0, 10.0, 20.0, 30.0, 50.0]}
    environment = run(system({"p": 1}, [ladder(*RUNGS)], arrivals, controls=controls))
    assert variants(environment) == [0, 1, 1, 1, 0]


def test_without_any_rung_a_stage_stands_still_and_its_jobs_wait_as_in_an_outage():
    controls = [withdrawal(5.0, 10.0, 0, 1)]
    other = stage("other", "p", 1.0)
    plan = system({"p": 1}, [ladder(1.0, 2.0), other], {"work": [4.5, 6.0], "other": [6.0]}, controls=controls)
    environment = run(plan)
    assert completions(environment) == [
        ("work", 0, 0, 4.5, 5.5),  # what has begun goes on
        ("other", 0, 0, 6.0, 7.0),  # the pool is there for others
        ("work", 1, 0, 15.0, 16.0),
    ]
    assert environment.served == [(5.0, 0, 1), (5.0, 0, -1), (15.0, 0, 0)]
    assert environment.down_s.tolist() == [0.0]


def parts(environment):
    """Of every published job, the time in an outage, in queues, and for a batch to fill, in s."""
    rows = environment.ended()
    return list(zip(rows["outage_s"].tolist(), rows["queue_s"].tolist(), rows["batch_s"].tolist(), strict=True))


def test_standing_still_counts_as_an_outage_once_also_while_the_pool_is_down():
    work = ladder(1.0, publishes="alert")
    plan = system({"p": 1}, [work], {"work": [6.0]}, controls=[withdrawal(5.0, 10.0, 0)])
    assert parts(run(plan)) == [(9.0, 0.0, 0.0)]
    assert parts(run(plan, [(8.0, "down", 0), (12.0, "restore", 0)])) == [(9.0, 0.0, 0.0)]
    assert parts(run(plan, [(8.0, "down", 0), (20.0, "restore", 0)])) == [(14.0, 0.0, 0.0)]
    assert parts(run(plan, [(2.0, "down", 0), (9.0, "restore", 0)])) == [(9.0, 0.0, 0.0)]


def test_no_server_is_held_for_a_batch_that_no_rung_could_do():
    """Two jobs make a batch, or one that has waited ten seconds; from 5 to 9 s nothing is there to do it."""
    work = ladder(1.0, max_batch=2, max_wait_s=10.0, publishes="alert")
    plan = system({"p": 1}, [work], {"work": [3.0]}, controls=[withdrawal(5.0, 4.0, 0)])
    environment = run(plan)
    assert [start_s for *_, start_s, _ in completions(environment)] == [13.0]
    assert parts(environment) == [(4.0, 0.0, 6.0)]


def test_jobs_age_while_their_stage_stands_still():
    work = ladder(1.0, shelf_life_s=3.0)
    arrivals = {"work": [6.0, 7.0, 13.0]}
    environment = run(system({"p": 1}, [work], arrivals, controls=[withdrawal(5.0, 10.0, 0)]))
    assert endings(environment) == [("stale", "work", 0, 13.0), ("stale", "work", 1, 13.0)]
    assert completions(environment) == [("work", 2, 0, 15.0, 16.0)]


def test_what_was_interrupted_goes_on_though_its_rung_is_gone():
    work = replace(ladder(4.0, 1.0), preempt="resume", priority=2)
    urgent = stage("urgent", "p", 1.0, priority=0)
    plan = system({"p": 1}, [work, urgent], {"work": [0.0], "urgent": [1.0]}, controls=[withdrawal(1.5, 50.0, 0)])
    environment = run(plan)
    assert completions(environment) == [("urgent", 0, 0, 1.0, 2.0), ("work", 0, 0, 2.0, 5.0)]
    assert variants(environment) == [0, 0]


def guarded(*actions):
    """A guarded stage with two fallbacks under `actions`: variant by segment, and how many counted as outside."""
    search = StageSpec("search", {"q": tuple(map(constant, RUNGS))}, after=("guard",), guarded=True)
    plan = system({"p": 9, "q": 9}, [guard(), search], {"guard": np.arange(6.0)}, **events())
    environment = run(plan, actions)
    return {entity: variant for entity, variant, *_ in served(environment)}, environment.world.stages[1]["outside"]


def test_what_is_outside_goes_to_the_first_fallback_that_is_there():
    """Segments 1, 2 and 5 are outside."""
    assert guarded() == ({0: 0, 1: 1, 2: 1, 3: 0, 4: 0, 5: 1}, 3)
    gone = (1.5, "withdraw", 1, 1)
    assert guarded(gone) == ({0: 0, 1: 1, 2: 2, 3: 0, 4: 0, 5: 2}, 3)
    assert guarded(gone, (4.5, "reinstate", 1, 1)) == ({0: 0, 1: 1, 2: 2, 3: 0, 4: 0, 5: 1}, 3)


def test_without_a_fallback_the_model_itself_does_what_is_outside():
    gone = [(1.5, "withdraw", 1, 1), (1.5, "withdraw", 1, 2)]
    assert guarded(*gone) == (dict.fromkeys(range(6), 0) | {1: 1}, 1)
    assert guarded(*gone, (3.5, "withdraw", 1, 0), (4.5, "reinstate", 1, 2)) == (
        {0: 0, 1: 1, 2: 0, 3: 0, 4: 2, 5: 2},
        2,
    )


def test_a_copy_of_a_run_knows_what_is_out():
    controls = [withdrawal(5.0, 10.0, 0), withdrawal(8.0, 10.0, 1)]
    plan = system({"p": 1}, [ladder(*RUNGS)], {"work": np.arange(0.0, 40.0, 5.0)}, controls=controls)
    first = TwinEnvironment(plan, trace=True)
    first.run(until=9.0)
    second = first.fork()
    for environment in (first, second):
        environment.run(until=100.0)
    assert first.traced().tobytes() == second.traced().tobytes()
    assert first.served == second.served == [(5.0, 0, 1), (8.0, 0, 2), (15.0, 0, 0)]


def test_programs_of_every_rung_take_memory():
    """A server has room for one of three programs: each that takes over is loaded anew."""
    programs = tuple(constant(1.0, memory_bytes=6.0, load_s=load_s) for load_s in (1.0, 2.0, 3.0))
    controls = [withdrawal(5.0, 20.0, 0), withdrawal(15.0, 10.0, 1)]
    work = StageSpec("work", {"p": programs})
    plan = system({"p": 1}, [work], {"work": [0.0, 10.0, 20.0, 30.0]}, controls=controls, p={"memory_bytes": 10.0})
    environment = run(plan)
    assert [end_s - start_s for *_, start_s, end_s in completions(environment)] == [2.0, 3.0, 4.0, 2.0]
    assert environment.world.pools["swaps"].tolist() == [4]


def test_a_plan_with_one_fallback_is_written_as_narrowly_as_ever():
    narrow = system({"p": 1}, [ladder(1.0, 2.0)], {"work": [0.0]})
    assert narrow.queues.dtype == system({"p": 1}, [ladder(1.0)], {"work": [0.0]}).queues.dtype == queue_row(2)
    assert system({"p": 1}, [ladder(*RUNGS)], {"work": [0.0]}).queues.dtype == queue_row(3)


def test_there_are_as_many_rungs_as_the_kernel_knows():
    assert len(VARIANTS) == 1 + MOST_FALLBACKS
    with pytest.raises(ValueError, match="stage work: has up to 3 fallbacks, and as many on each of its pools"):
        system({"p": 1}, [ladder(*range(1, 6))], {"work": [0.0]})
    uneven = StageSpec("work", {"p": (constant(1.0), constant(1.0)), "q": (constant(1.0),)})
    with pytest.raises(ValueError, match="and as many on each of its pools"):
        system({"p": 1, "q": 1}, [uneven], {"work": [0.0]})
