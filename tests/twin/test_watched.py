"""A validation that is watched: what is told of the farm is what is so, and telling it changes nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dashboards import running
from tests.twin.test_farm import Ones, Scripted, Wall, busy
from tests.twin.trials import served
from twin import sofar
from twin.farm.driver import BREATHER_S, Farm
from twin.validation import course as courses
from twin.validation.cases import Arrivals, Case
from twin.validation.course import course
from twin.validation.foretold import observed, plan
from twin.validation.observed import Observed
from twin.validation.watched import PERIOD_S, Watched

CASE = Case("load 0.8", 0.8)
DEATH = Case("worker killed", 0.5, happens="death")


def farm_of(plan, wall=None, deaths=()):
    """A farm of scripted workers that has not begun, and its clock."""
    wall = wall or Wall()
    crew = Scripted(wall, np.random.default_rng(6).uniform(0.05, 0.15, 5000), deaths)
    return Farm(plan, crew, Ones(), wall, trace=True), wall


def test_looking_changes_nothing_and_happens_only_where_the_driver_would_wait():
    plan_ = busy(max_batch=3, max_wait_s=0.1)
    alone, _ = farm_of(plan_)
    alone.run(until=plan_.horizon_s)
    seen, wall = farm_of(plan_)
    waits = []

    def look():
        sofar.over_time(seen, seen.now)
        waits.append((seen._may_start(), seen._due_s() - wall()))

    seen.meanwhile = look
    seen.run(until=plan_.horizon_s)
    assert seen.traced().tobytes() == alone.traced().tobytes()
    assert seen.ended().tobytes() == alone.ended().tobytes()
    assert sum(not may_start for may_start, _ in waits) > 20
    assert all(not may_start or left_s > BREATHER_S for may_start, left_s in waits)


@pytest.fixture
def watch(tmp_path, monkeypatch):
    """Runs a case on a scripted farm while it is watched: the farm, what was written, what part was told."""

    def run(case, deaths=()):
        arrivals = case.arrivals(400, 5.0, np.random.default_rng(3))
        times_s = np.sort(np.concatenate(list(arrivals.times_s.values())))
        said = [served(times_s, np.random.default_rng(k).uniform(0.05, 0.15, 400)) for k in range(4)]
        contents, parts = [], []
        monkeypatch.setattr(sofar, "put", lambda path, text: contents.append(json.loads(text)))
        farm, wall = farm_of(plan(case, arrivals), deaths=deaths)
        with Watched(tmp_path / "now.json", wall) as watched:
            watched.begins("detector on onnxruntime", 2, 3)
            watched.foretold(case, arrivals, said)
            look = watched.repeat(1, parts.append)
            farm.meanwhile = lambda: look(farm)
            farm.run()
            watched.ended(farm)
            watched.judged([{"name": case.name, "verdict": "met", "reason": "", **ERRORS}])
        return farm, arrivals, contents, parts

    return run


ERRORS = {"p50_error": 0.012, "p95_error": None, "p99_error": -0.03, "figures": {}}


def test_what_is_told_of_a_repeat_is_what_it_showed(watch):
    farm, arrivals, contents, parts = watch(CASE)
    shown = observed(CASE, arrivals, farm.traced())
    first, last = contents[0], contents[-1]
    assert (first["published"], first["now_s"], first["so_far"], first["validation"]["done"]) == (0, 0.0, {}, [])
    assert (last["published"], last["jobs"], last["replica"], last["simulated"]) == (400, 400, 1, False)
    assert last["now_s"] == pytest.approx(shown.end_s.max())
    for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert last["so_far"][name] == pytest.approx(np.sort(shown.latency_s)[int(np.ceil(400 * q)) - 1], abs=1e-6)
    edges_s = np.append(last["time_s"], last["time_s"][-1] + last["bin_s"])
    queue, busy_ = last["pools"]["farm"]["queue"], last["pools"]["farm"]["busy"]
    np.testing.assert_allclose(queue, courses._means(shown.arrival_s, shown.start_s, edges_s), atol=1e-5)
    np.testing.assert_allclose(busy_, courses._means(shown.start_s, shown.end_s, edges_s), atol=1e-5)
    assert set(last["pools"]["farm"]["servers"]) == {1.0}
    assert last["alerts"]["latency_s"] == pytest.approx(sorted_by_end(shown), abs=1e-6)
    done = {key: value for key, value in ERRORS.items() if key != "figures"}
    assert last["validation"]["done"] == [{"name": "load 0.8", "verdict": "met", "reason": "", **done}]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


def sorted_by_end(shown):
    return shown.latency_s[np.argsort(shown.end_s)].tolist()


def test_it_is_told_now_and_then_on_the_way(watch):
    _, _, contents, _ = watch(CASE)
    looks = [content for content in contents if 0 < content["published"] < 400]
    times_s = [content["now_s"] for content in looks]
    assert len(looks) > 10
    assert (np.diff(times_s) >= PERIOD_S - 0.2).all()
    assert [content["published"] for content in looks] == sorted(content["published"] for content in looks)
    assert all(len(json.dumps(content)) < 200_000 for content in contents)


def test_a_worker_that_dies_is_on_the_timeline_while_there_is_none(watch):
    farm, _, contents, _ = watch(DEATH, deaths={25.0: (0, 0)})
    ((kind, _, from_s, until_s),) = contents[-1]["marks"]
    failed, repaired = farm.log.incidents
    assert (kind, from_s, until_s) == ("failures", failed.time_s, repaired.time_s)
    assert all(mark[2] <= content["now_s"] for content in contents for mark in content["marks"])


def test_it_is_drawn_on_the_timeline_of_runs_with_what_was_foretold(watch):
    _, _, contents, _ = watch(CASE)
    for content in (contents[0], contents[len(contents) // 2], contents[-1]):
        run = running.running(content)
        figure, table = running.timeline(run)
        assert "foretold" in {trace.name for trace in figure.data}
        assert "arrivals of load 0.8 on a farm" in figure.layout.meta["description"]
    assert set(table[table["quantity"].isin(("queue", "latency_s"))]["name"]) == {"farm", "foretold"}
    assert set(table[table["quantity"] == "arrivals_per_h"]["name"]) == {"jobs"}
    rows = {row["figure"]: row for row in run.validation.figures(run.now_s)}
    assert rows["ended"]["farm"] == 400.0
    assert rows["ended"]["foretold"] == pytest.approx(400.0, abs=5.0)
    assert rows["p50"]["difference"] == pytest.approx(rows["p50"]["foretold"] / rows["p50"]["farm"] - 1.0)


def test_a_course_tells_exact_numbers_where_the_runs_are_exact():
    arrival_s = np.arange(100.0)
    kind = np.zeros(100, int)
    quick = Observed(kind, arrival_s, arrival_s, arrival_s + 0.5)
    slow = Observed(kind, arrival_s, arrival_s + 0.25, arrival_s + 1.0)
    said = course([quick, slow], servers=2)
    assert said["end_s"] == 100.0
    assert said["bin_s"] * len(said["time_s"]) == pytest.approx(100.0)
    pairs = np.array(said["queue"]["high"]).reshape(-1, 2).mean(axis=1)
    np.testing.assert_allclose(pairs, 0.25)
    assert set(said["queue"]["low"]) == {0.0}
    np.testing.assert_allclose(np.reshape(said["use"]["value"], (-1, 2)).mean(axis=1), (0.5 + 0.75) / 4)
    assert {value for value in said["latency_s"]["low"] if value is not None} == {0.5}
    assert {value for value in said["latency_s"]["high"] if value is not None} == {1.0}
    assert said["latency_s"]["value"][1] is None
    assert (said["by_s"][-1], said["ended"][-1], said["p50"][-1], said["p99"][-1]) == (100.0, 100.0, 0.5, 1.0)


def test_a_batch_takes_one_server_and_what_never_ends_is_told():
    kind, arrival_s = np.zeros(4, int), np.array([0.0, 0.0, 1.0, 2.0])
    run = Observed(kind, arrival_s, np.array([1.0, 1.0, 1.0, np.inf]), np.array([3.0, 3.0, 3.0, np.inf]))
    said = course([run], servers=1)
    assert np.mean(said["use"]["value"]) == pytest.approx(2.0 / 3.0)
    assert np.mean(said["queue"]["value"]) == pytest.approx((1.0 + 1.0 + 0.0 + 1.0) / 3.0)
    assert (said["end_s"], said["ended"][-1]) == (3.0, 3.0)
    assert [value for value in said["latency_s"]["value"] if value is not None] == [3.0, 2.0]
    json.dumps(said, allow_nan=False)


def test_a_disk_that_is_full_does_not_end_a_validation(tmp_path):
    arrivals = Arrivals({"routine": np.arange(1.0, 20.0)}, 1.0, None)
    said = [served(arrivals.times_s["routine"], np.full(19, 0.1))]
    with Watched(tmp_path / "no such folder" / "now.json") as watched:
        watched.begins("detector on onnxruntime", 1, 1)
        watched.foretold(CASE, arrivals, said)
    assert not list(tmp_path.iterdir())
