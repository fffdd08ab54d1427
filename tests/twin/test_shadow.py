"""The twin beside a farm: it repeats the farm's log to the bit, foretells, and says when it was wrong."""

from __future__ import annotations

import json
import os
import re

import numpy as np
import pytest

from tests.twin.scripted import flow, logged
from tests.twin.small import run, stage, system
from tests.twin.test_farm import Ones, Scripted, Wall, hired
from tests.twin.test_farm import flow as real_flow
from twin.engine import LiveResult, TwinEnvironment
from twin.farm.driver import Farm
from twin.farm.journal import Journal
from twin.farm.log import Incident
from twin.plan import Program, StageSpec
from twin.record import RecordError
from twin.shadow.band import LEAST_ERRORS, band
from twin.shadow.follower import Follower, Running
from twin.shadow.forecast import forecast, lasts_s
from twin.shadow.tail import Tail
from twin.shadow.times import profile_s
from twin.shadow.watch import Settings, Shadow, watch

DEATHS = {5.0: (0, 0), 11.0: (0, 1), 11.1: (0, 0), 30.0: (0, 1)}


def followed(plan, path, lost=False):
    """The log at `path`, repeated."""
    follower = Follower(plan, lost)
    with Tail(path) as tail:
        follower.follow(tail.read(), tail.known_s)
    return follower


def never():
    """There is no more to wait for."""
    return False


# --- the log, and the kernel that repeats it


@pytest.mark.parametrize(
    ("rules", "happening"),
    [
        ({"max_batch": 3, "max_wait_s": 0.1}, {}),
        ({}, {"deaths": DEATHS}),
        ({}, {"deaths": DEATHS, "lost": True}),
    ],
)
def test_the_kernel_repeats_the_log_to_the_bit_whatever_the_plan_says_of_arrivals(rules, happening, tmp_path):
    farm = logged(flow(10.0, 60.0, **rules), tmp_path / "log", **happening)
    follower = followed(flow(10.0, 60.0, seed=9, **rules), tmp_path / "log", happening.get("lost", False))
    trace, rows = follower.take()
    assert len(trace) > 1000
    assert trace.tobytes() == farm.traced().tobytes()
    assert rows.tobytes() == farm.ended().tobytes()
    assert len(follower.occupancies) == sum(executed.end_s < np.inf for executed in farm.log.batches)


def test_a_real_farm_writes_while_it_runs_and_is_repeated(tmp_path):
    plan = real_flow(2, 200, 3.0)
    sizes = []
    with hired(plan, 2) as (farm, _), Journal(tmp_path / "log", {}) as journal:
        journal.attach(farm)

        def look():
            yield farm.timeout(2.5)
            sizes.append((tmp_path / "log").stat().st_size)

        farm.process(look())
        farm.run(until=plan.horizon_s)
    assert sizes[0] > 10_000
    assert followed(plan, tmp_path / "log").take()[0].tobytes() == farm.traced().tobytes()


def test_a_log_read_as_it_grows_tells_the_same(tmp_path):
    plan = flow(10.0, 60.0)
    logged(plan, tmp_path / "log")
    whole = (tmp_path / "log").read_bytes()
    with Tail(tmp_path / "log") as tail:
        told, end_s = tail.read(), tail.known_s
    (tmp_path / "growing").write_bytes(b"")
    grown = []
    with (tmp_path / "growing").open("ab") as file, Tail(tmp_path / "growing") as tail:
        for part in range(0, len(whole), 997):  # lines are torn nearly everywhere
            file.write(whole[part : part + 997])
            file.flush()
            grown += tail.read()
            assert tail.known_s == (grown[-1]["t"] if grown else 0.0)
    assert grown == told
    assert (tail.over, tail.known_s) == (True, end_s)


def test_a_journal_is_that_of_one_farm(tmp_path):
    plan = flow(1.0, 5.0)
    with Journal(tmp_path / "log", {}) as journal, pytest.raises(ValueError, match="not of simulated time"):
        journal.attach(TwinEnvironment(plan))
    with pytest.raises(FileExistsError):
        Journal(tmp_path / "log", {})


def test_what_happens_while_the_journal_writes_stays_in_the_order_of_time(tmp_path):
    plan = system({"pool": 1}, [stage("work", "pool")], {"work": [1.0, 2.2, 3.0]})
    farm = Farm(plan, Scripted(Wall(), []), Ones(), Wall())
    with Journal(tmp_path / "log", {}) as journal:
        journal.attach(farm)
        farm.catch_up(2.0)
        farm.world.record["now_s"] = 2.5  # the kernel is ahead of what is known to be over
        farm.tell(Incident(2.5, "fail", 0, 0))
        journal._tell_until(None, "now")
        farm.catch_up(4.0)
    with Tail(tmp_path / "log") as tail:
        told = [(line["t"], line["what"]) for line in tail.read()]
    events = [(1.0, "arrival"), (2.0, "now"), (2.2, "arrival"), (2.5, "fail"), (3.0, "arrival"), (4.0, "over")]
    assert [one for one in told if one != (4.0, "now")] == events


def test_a_full_disk_ends_the_log_and_not_the_farm(tmp_path):
    plan = flow(1.0, 5.0)
    farm = Farm(plan, Scripted(Wall(), [0.1] * 9), Ones(), Wall())
    with Journal(tmp_path / "log", {}) as journal:
        journal.attach(farm)
        journal._file = os.open("/dev/full", os.O_WRONLY)
        farm.catch_up(5.0)
    assert journal.failure.strerror == "No space left on device"
    assert followed(plan, tmp_path / "log").now == 0.0


HEADER = {"schema_version": 1, "live": ["work"], "lost": False}
ARRIVAL = {"t": 1.0, "what": "arrival", "stage": "work", "segment": 0}
START = {"t": 1.0, "what": "start", "batch": 0, "stage": "work", "entities": [0]}
END = {"t": 1.1, "what": "end", "batch": 0, "extra": [0], "found": {}}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([[]], "log:1: is not an object"),
        ([{**HEADER, "schema_version": 2}], "log:1: has schema_version 2; readable: 1"),
        ([{**HEADER, "lost": 1}], "log:1: needs 'lost' of type bool, and has 1"),
        ([HEADER, {"t": 1.0, "what": "dance"}], "log:2: says what: 'dance'; allowed: arrival, start, end"),
        ([HEADER, {"t": 1.0, "what": "now"}, {"t": 0.5, "what": "now"}], "log:3: has t: 0.5; lines come in order"),
        ([HEADER, {**END, "extra": 1}], "log:2: needs 'extra' of type list, and has 1"),
        ([HEADER, {**ARRIVAL, "stage": "walk"}], "names stage 'walk' at 1.0 s; the scenario has: work, after"),
        ([HEADER, {**ARRIVAL, "stage": "after"}], "an arrival at stage 'after', which is not a first one"),
        ([HEADER, {**ARRIVAL, "segment": 4}], "segment 4 of work arrives at 1.0 s; 0 is the next"),
        ([HEADER, ARRIVAL, END], "says of batch 0 at 1.1 s what it never said started"),
        ([HEADER, {**START, "entities": ["a"]}], "has ['a'] at 1.0 s where whole numbers are wanted"),
        ([HEADER, ARRIVAL, {**START, "entities": [7]}, END], "has work of [7] under way at 1.1 s, which by the"),
        ([HEADER, ARRIVAL, START, {**END, "extra": [0, 1]}], "has 2 results for 1 jobs at 1.1 s"),
        ([HEADER, ARRIVAL, START, {**END, "found": {"3": True}}], "finds events at 1.1 s that the scenario's sky"),
        ([HEADER, ARRIVAL, START, {**END, "found": {"x": True}}], "finds events at 1.1 s that the scenario's sky"),
        ([HEADER, {"t": 1.0, "what": "fail", "pool": "pool", "server": 2}], "server 2 of pool at 1.0 s, which is"),
    ],
)
def test_what_no_farm_of_this_scenario_says_is_refused(lines, told, tmp_path):
    (tmp_path / "log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(RecordError, match=re.escape(told)):
        followed(flow(1.0, 5.0), tmp_path / "log")


def test_a_log_that_is_not_there_or_has_not_begun_is_refused(tmp_path):
    with pytest.raises(RecordError, match="cannot be read"), Tail(tmp_path / "log"):
        pass
    (tmp_path / "log").write_text('{"schema_ver')
    with Tail(tmp_path / "log") as tail, pytest.raises(RecordError, match="holds no whole line yet"):
        tail.begin(never)


def test_the_profile_says_of_a_live_batch_what_the_kernel_would_have_drawn():
    """With constant times, live batches that take what `profile_s` says give the same run as none live."""
    idle = np.array([1.0, 1.1, 1.3, 1.4, 1.6, 1.8, 2.1, 2.5])[:, None, None] * np.array([0.1, 0.15])[:, None]
    program = Program(np.repeat(idle, 2, axis=2), warmth=(1.4, 1.2, 1.1, 1.0, 1.0), crowding=(1.0, 1.2, 1.5))
    times = np.cumsum(np.random.default_rng(3).exponential(0.1, 300))

    def plan(live):
        work = StageSpec("work", {"pool": (program, None)}, max_batch=2, live=live)
        slow = {"slowness": 1.1, "tempo": (1.0, 0.8, 1.3), "tempo_s": 2.0}
        return system({"pool": 3}, [work], {"work": times}, horizon_s=60.0, pool=slow)

    environment = TwinEnvironment(plan(True), trace=True)
    environment.execute = lambda batch: LiveResult(
        float(profile_s(environment.world, int(environment.world.record["live_batch"]))[0]),
        (0,) * len(batch.entities),
        {},
    )
    environment.run(until=60.0)
    drawn = run(plan(False)).traced()
    assert len(np.unique(drawn["end_s"] - drawn["start_s"])) > 30
    assert environment.traced().tobytes() == drawn.tobytes()


# --- what is foretold


def shadowed(plan, path, **settings):
    with Tail(path) as tail:
        shadow = Shadow(Follower(plan), Settings(20.0, **{"ahead_s": 20.0, "late_s": 1.0, "draws": 30} | settings))
        return list(watch(tail, shadow, never))


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    path = tmp_path_factory.mktemp("calm") / "log"
    logged(flow(6.0), path)
    return path


def test_nothing_is_said_when_nothing_changes(calm):
    windows = shadowed(flow(6.0), calm)
    assert [window.end_s for window in windows] == [*range(40, 301, 20)]
    assert [window.outside for window in windows] == [[]] * len(windows)
    assert all(0.9 < window.scales["pool"] < 1.1 for window in windows)
    assert all(window.judged("latency_p50_s") and window.judged("queue") for window in windows)


def test_reality_that_leaves_its_band_is_told_and_learnt(tmp_path):
    """All takes half as long again from 100 s on: said within two windows, foretold rightly from then on."""
    plan = flow(6.0)
    logged(plan, tmp_path / "log", slower=1.5, from_s=100.0)
    windows = {window.start_s: window for window in shadowed(plan, tmp_path / "log")}
    assert all(not window.outside for start_s, window in windows.items() if start_s < 100.0)
    assert "latency_p50_s" in windows[100.0].outside
    assert windows[100.0].scales["pool"] == pytest.approx(1.0, abs=0.1)
    assert windows[100.0].scales_after["pool"] == pytest.approx(1.5, abs=0.1)
    later = [window for start_s, window in windows.items() if start_s >= 140.0]
    assert len(later) == 8
    assert [window.outside for window in later] == [[]] * 8
    moved = later[0].bands["latency_p50_s"].median / windows[80.0].bands["latency_p50_s"].median
    assert moved > 1.3  # inside, because the band has moved and not only widened


def test_windows_may_overlap_and_chance_is_the_seeds(calm):
    windows = shadowed(flow(6.0), calm, ahead_s=60.0, draws=10)
    assert [(window.start_s, window.end_s) for window in windows[:2]] == [(20.0, 80.0), (40.0, 100.0)]
    assert windows == shadowed(flow(6.0), calm, ahead_s=60.0, draws=10)
    assert windows != shadowed(flow(6.0), calm, ahead_s=60.0, draws=10, seed=1)
    assert all(window.judged("latency_p95_s") for window in windows)


def test_a_backlog_is_part_of_what_is_foretold(tmp_path):
    plan = flow(30.0, 10.0)
    logged(plan, tmp_path / "log")
    follower = Follower(plan)
    with Tail(tmp_path / "log") as tail:
        follower.follow([line for line in tail.read() if line["t"] < 5.0], 5.0)
    follower.take()
    queued = int(follower.world.pools["queued"][0])
    assert queued > 50
    for scale in (1.0, 2.0):
        drawn = list(forecast(follower, np.full((10, 2), scale), 4.0, 5.0, 1.0, np.random.default_rng(1)))
        assert all(one.queue > queued for one in drawn)
        assert np.mean([one.throughput_per_s for one in drawn]) == pytest.approx(2 / 0.15 / scale, rel=0.05)
    assert follower.now == 5.0
    assert len(follower.running()) == 2


def test_what_is_under_way_does_not_end_before_now():
    one = Running(0, 0, 0, 10.0, np.array([0.1, 0.2]))
    rng = np.random.default_rng(1)
    soon, outlasted = ([lasts_s(one, elapsed_s, 1.0, rng) for _ in range(200)] for elapsed_s in (0.15, 0.5))
    assert 0.15 < min(soon) < 0.16
    assert 0.19 < max(soon) < 0.2
    assert 0.6 < min(outlasted) < max(outlasted) < 0.7


def test_steps_have_to_fit_into_what_is_foretold():
    with pytest.raises(ValueError, match="the next 50 s cannot be judged in steps of 20 s: take a whole number"):
        Settings(20.0, 50.0)


def test_a_band_is_the_widest_of_draws_errors_and_what_is_worth_telling():
    draws = np.linspace(1.0, 2.0, 101)
    assert band("queue", draws, []).high == pytest.approx(1.5 + 3.0 * 0.4)
    assert band("queue", draws, [2.0] * LEAST_ERRORS).high == pytest.approx(1.5 + 3.0 * 2.0)
    assert band("queue", draws, [2.0] * (LEAST_ERRORS - 1)) == band("queue", draws, [])
    assert band("queue", np.zeros(9), []).high == pytest.approx(0.1)
    assert band("late_share", draws / 2.0, []).high == 1.0
    assert band("queue", np.array([np.nan, 1.0]), []) is None
