"""A scenario's work graph becomes the right plan, runs, and its alerts say what became of every candidate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

import twin
from tests.twin.profiles import write_all
from tests.twin.small import stage, system
from tests.twin.wrong import SMALL
from twin import specs
from twin.checks_graph import ordered, upstream
from twin.engine import TwinEnvironment
from twin.fates import unsearched
from twin.harvest import KEPT
from twin.kernel.state import KEPT as NOT_PREEMPTED
from twin.kernel.state import OLDEST, RESTARTED, RESUMED, ROUTES
from twin.limits import PARTS
from twin.loader import loads
from twin.planner import plan
from twin.programs import programs
from twin.schema_stages import Attempts, Awaits, Pool, Queue, Shards, Stage

TEXT = Path(__file__).with_name("graph.yaml").read_text()
RUNNABLE = SMALL.replace("[E1, E2]", "[E1, E2, E3]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"))


@pytest.fixture(scope="module")
def scenario():
    return loads(TEXT)


@pytest.fixture(scope="module")
def record(scenario, folder):
    return twin.run(scenario, profiles=(folder,))


@pytest.fixture(scope="module")
def planned(scenario, folder):
    return plan(scenario, programs(scenario, (folder,)), seed=1, replica=0)


def row(planned, name):
    return planned.stages[planned.stage_names.index(name)]


def queue(planned, stage_name, pool):
    s, p = planned.stage_names.index(stage_name), planned.pool_names.index(pool)
    return planned.queues[(planned.queues["stage"] == s) & (planned.queues["pool"] == p)][0]


# --- the scenario ---


def test_the_scenario_uses_every_key_there_is():
    given = yaml.safe_load(TEXT)
    stages, pools = given["stages"].values(), [p for s in given["sites"].values() for p in s["pools"].values()]
    used = {
        # see test_finds, test_guard, test_whole
        Stage: {"finds", "guard", "stale", *("on" if key is True else key for s in stages for key in s)},
        Pool: {key for pool in pools for key in pool},
        Awaits: {key for s in stages for key in s.get("awaits", {})},
        Attempts: {key for s in stages for key in s.get("attempts", {})},
        Queue: {key for s in stages for key in s.get("queue", {})},
        Shards: {"count", "standing", "source", *(key for s in stages for key in s.get("shards", {}))},
    }
    for model, keys in used.items():
        assert set(model.model_fields) == keys, model


def test_it_comes_back_from_what_show_prints(scenario):
    assert loads(scenario.resolved()) == scenario
    assert "start: {stride: 1 s}\n" in scenario.resolved()
    assert "shards: {per: detector}" in scenario.resolved()


def test_null_stands_for_nothing_said():
    changed = loads(SMALL).with_(
        {"stages.detect.after": None, "stages.detect.shards": None, "stages.alert.gate": None}
    )
    assert (changed.stages["detect"].after, changed.stages["detect"].shards) == ((), Shards(count=1))


def test_stages_are_ordered_by_what_they_need_and_else_as_written(scenario):
    assert ordered(scenario.stages) == [
        "start", "dq", "lines", "whiten", "detect", "bank", "confirm", "localise", "classify", "alert", "first",
        "parameters",
    ]  # fmt: skip


def test_upstream_is_nearest_first_and_may_include_what_is_awaited(scenario):
    before = ["localise", "classify", "detect", "dq", "whiten", "start"]
    assert upstream(scenario.stages, "alert") == before
    assert set(upstream(scenario.stages, "alert", awaited=True)) == {*before, "lines"}


def test_a_program_that_no_server_has_room_for_is_refused():
    roomy = {"sites.cnaf.pools.cpu.memory": "2 GB", "stages.detect.memory": "1 GB"}
    assert loads(SMALL).with_(roomy).stages["detect"].fallback_memory.value == 1e9
    with pytest.raises(twin.ScenarioError, match=r"memory: 3 GB is too much: a server of cnaf\.cpu has 2 GB"):
        loads(SMALL).with_({**roomy, "stages.detect.memory": "3 GB"})


def test_a_real_program_runs_whole():
    with pytest.raises(twin.ScenarioError, match="'detect' has several 'shards'; a real program runs whole"):
        loads(SMALL).with_({"live": ["detect"], "stages.detect.shards": {"per": "detector"}})


# --- the plan ---


def test_stages_become_what_was_written(planned):
    alert = row(planned, "alert")
    assert (alert["needs"], alert["any"], alert["gate"], alert["publishes"]) == (2, 0, 1, 1)
    assert planned.stage_names[alert["awaits"]] == "lines"
    assert (alert["await_timeout_s"], alert["await_span"]) == (5.0, 2)
    assert (alert["queue_limit"], alert["admit_wait_s"], alert["deadline_s"]) == (50, 60.0, 300.0)
    assert row(planned, "first")["any"] == 1
    assert [row(planned, s)["shards"] for s in ("whiten", "lines", "bank", "detect")] == [3, 4, 7, 1]
    bank = row(planned, "bank")
    assert (bank["preempt"], bank["when_full"], bank["retries"]) == (RESTARTED, OLDEST, 1)
    assert (bank["timeout_s"], bank["failure"], bank["backoff_s"]) == (10.0, 0.01, 1.0)
    assert [row(planned, s)["preempt"] for s in ("parameters", "alert")] == [RESUMED, NOT_PREEMPTED]
    routes = [ROUTES[row(planned, s)["route"]] for s in ("alert", "detect", "localise", "classify", "bank")]
    assert routes == ["two-choices", "data-local", "stale-least-loaded", "python", "nearest"]
    assert (row(planned, "detect")["spill"], planned.report_s) == (3.0, 7.0)


def test_instant_stages_have_no_queue_and_only_roots_have_streams(planned):
    instant = [
        n for n, s in zip(planned.stage_names, planned.stages, strict=True) if s["queue_start"] == s["queue_stop"]
    ]
    assert instant == ["start", "first", "product.initial", "product.update"]
    assert [planned.stage_names[m["stage"]] for m in planned.streams] == ["start"]


def test_products_are_published_by_stages_after_those_they_need(planned):
    named = dict(zip(planned.stage_names, planned.products, strict=True))
    assert {name: product for name, product in named.items() if product} == {
        "alert": "preliminary",
        "first": "notice",
        "confirm": "confirmation",
        "product.initial": "initial",
        "product.update": "update",
    }
    assert [row(planned, f"product.{name}")["needs"] for name in ("initial", "update")] == [1, 2]


def test_memory_and_load_times_reach_pools_and_queues(planned):
    detect = queue(planned, "detect", "sos-enattos.cpu")
    assert detect["memory_bytes"].tolist() == [5e9, 4e9]
    assert detect["load_time_s"].tolist() == [0.2, 0.3]
    home = planned.pools[planned.pool_names.index("sos-enattos.cpu")]
    assert (home["memory_bytes"], home["keep_warm_s"], home["resident"]) == (8e9, 30.0, 1)


def test_a_fallback_takes_what_the_program_takes_unless_told(folder):
    changes = {"stages.detect.memory": "1 GB", "stages.detect.load_time": "2 s"}
    small = loads(SMALL).with_({**changes, "instrument.detectors": ["E1", "E2", "E3"]})
    spec = next(s for s in specs.stages(small, programs(small, (folder,)), 1, 0) if s.name == "detect")
    assert [(p.memory_bytes, p.load_s) for p in spec.on["cnaf.cpu"]] == [(1e9, 2.0), (1e9, 2.0)]


# --- the run ---


def test_the_parts_add_up_to_the_latency(record):
    published = record.alerts[record.alerts["outcome"] == "published"]
    assert np.allclose(published[list(PARTS)].sum(axis=1), published["latency_s"], atol=1e-6)
    assert (published[list(PARTS)] >= 0.0).all(axis=None)
    for part in ("join_s", "queue_s", "batch_s", "outage_s", "load_s", "transfer_s", "timer_s"):
        assert (published[part] > 0.0).any(), part


def test_all_work_is_accounted_for_and_listed_as_written(record, scenario):
    counts = record.counts
    fates = [name for name in counts if name in KEPT or name.startswith("dropped_")]
    assert (counts["offered"] == counts[fates].sum(axis=1)).all()
    assert counts["work"].tolist() == [*scenario.stages, "product.initial", "product.update"]
    stages = [name for name in scenario.stages if scenario.stages[name].on]
    assert record.stages.drop_duplicates("stage")["stage"].tolist() == stages


def test_the_stage_that_is_retrained_is_the_one_named(record):
    fallback = record.stages[record.stages["variant"] == "fallback"]
    assert fallback["stage"].tolist() == ["detect"]
    assert 290 <= fallback["done"].item() <= 310


def test_a_candidate_has_a_row_for_every_product(record):
    rows = record.alerts[(record.alerts["outcome"] == "published") & (record.alerts["search"] == "detect")]
    by = rows.pivot_table(index="event_id", columns="product", values="published_s", aggfunc="size", fill_value=0)
    assert (by <= 1).all(axis=None)
    assert (by["preliminary"] == by["initial"]).all()
    assert (by["update"] <= by["initial"]).all()
    assert (by["notice"] >= by["preliminary"]).all()
    assert by["update"].sum() > 50
    at = rows.pivot_table(index="event_id", columns="product", values="published_s").dropna()
    assert (at["notice"] <= at["preliminary"]).all()
    assert (at["initial"] == at["preliminary"]).all()
    assert (at["update"] >= at["initial"] + 6.0 - 1e-9).all()
    found = record.alerts[record.alerts["product"] == "confirmation"]
    assert set(found["search"]) == {"bank"}


def test_a_fork_that_meets_costs_the_longer_branch(record):
    rows = record.alerts[record.alerts["product"] == "notice"]
    assert (
        rows["compute_s"].min()
        < 2.0
        < record.alerts.loc[record.alerts["product"] == "preliminary", "compute_s"].min()
    )


def test_the_summary_tells_of_products_and_what_was_interrupted(record):
    summary = record.summary
    told = {row["product"]: row for row in summary["products"]}
    assert list(told) == ["confirmation", "preliminary", "notice", "initial", "update"]
    update = record.alerts[record.alerts["is_signal"] & (record.alerts["product"] == "update")]
    assert summary["latency_s"]["p50"] == told["update"]["latency_s"]["p50"]
    assert summary["latency_s"]["p50"]["n"] == told["update"]["published"] == len(update)
    assert len(record.latency) == len(update)
    assert summary["targets"][0]["text"] == "50 % of update alerts within 20 s"
    first = record.alerts[record.alerts["is_signal"] & (record.alerts["outcome"] == "published")]
    assert summary["late"]["n"] == first["event_id"].nunique()
    pools = {pool["pool"]: pool for pool in summary["pools"]}
    assert pools["cnaf.cpu"]["preempted"] > 0
    assert pools["sos-enattos.cpu"]["swaps"] > 0
    for word in ("made way for others", "a model was loaded"):
        assert word in summary["limit"]["interruptions"]
    assert "turned away by a full queue" in summary["limit"]["shedding"]
    assert summary["links"][0]["use"] > 0.0


def test_an_alert_counts_as_false_once_whatever_was_published(record):
    alerts = record.alerts
    false = alerts[~alerts["is_signal"] & (alerts["outcome"] == "published")]
    assert false["event_id"].nunique() < len(false)
    per_day = false["event_id"].nunique() * 86400.0 / record.scenario.horizon
    assert record.summary["false_alerts_per_day"]["value"] == pytest.approx(per_day)


def test_report_and_text_show_it(record):
    pytest.importorskip("plotly")
    from dashboards import report, text

    page, told = report.page(record), text.text(record.summary)
    for word in ("Products: first of its kind", "batches preempted", "models loaded", "Links: what went over"):
        assert word in page
    assert "Products    confirmation" in told
    assert "From merger to update alert" in page


# --- dead time ---


def ended(stages, seconds=1.0):
    """After segments 0 to 9, one a second, have gone through `stages`, all with servers of their own."""
    pools = {s.name: 1 for s in stages}
    environment = TwinEnvironment(system(pools, stages, {s.name: range(10) for s in stages if not s.after}))
    environment.run(until=100.0)
    return environment


def slow(name, **more):
    """A stage that loses every segment but the first few: two seconds each, of one second's work."""
    return stage(name, name, 2.0, shelf_life_s=0.5, **more)


def test_a_segment_is_dead_when_every_search_lost_it():
    lossy = slow("a", decides=False, role="trigger")
    whole = stage("b", "b", 0.1, False, role="trigger")
    assert unsearched(ended([lossy])).tolist() == [1, 3, 5, 7, 9]
    assert unsearched(ended([lossy, whole])).size == 0
    assert unsearched(ended([lossy, slow("b", decides=False, role="trigger")])).tolist() == [1, 3, 5, 7, 9]


@pytest.mark.parametrize(("any_", "dead"), [(False, [1, 3, 5, 7, 9]), (True, [])])
def test_a_branch_that_lost_a_segment_matters_unless_any_will_do(any_, dead):
    search = stage("c", "c", 0.1, False, role="trigger", after=("a", "b"), any=any_)
    assert unsearched(ended([slow("a"), stage("b", "b", 0.1), search])).tolist() == dead


# --- routes in Python ---


def asking(function, **more):
    text = RUNNABLE.replace("    shelf_life: 60 s\n", f"    shelf_life: 60 s\n    route: {function}\n")
    return loads(text).with_({"horizon": "2 min", "timeline": {}, **more})


def test_a_function_chooses_pools_by_name(folder):
    record = twin.run(asking("tests.twin.asked:to_cnaf"), profiles=(folder,))
    detect = record.counts[record.counts["work"] == "detect"].iloc[0]
    assert (detect["done"], record.links["transfers"].iloc[0]) == (120, 120)
    assert set(record.manifest["routes"]) == {"detect"}


def test_a_function_may_turn_work_away(folder):
    record = twin.run(asking("tests.twin.asked:nowhere"), profiles=(folder,))
    detect = record.counts[record.counts["work"] == "detect"].iloc[0]
    assert (detect["dropped_shed"], detect["unsearched"]) == (120, 120)
    assert record.summary["dead_time"]["value"] == 1.0


def test_a_function_beside_the_scenario_is_found(folder, tmp_path):
    (tmp_path / "beside_it.py").write_text("def choose(question):\n    return question.pools[-1]\n")
    file = tmp_path / "mine.yaml"
    file.write_text(RUNNABLE.replace("    shelf_life: 60 s\n", "    route: beside_it:choose\n"))
    record = twin.run(twin.load(file).with_({"horizon": "1 min", "timeline": {}}), profiles=(folder,))
    assert record.links["transfers"].iloc[0] == 60


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            "no_such_module:f",
            "there is no Python module 'no_such_module': install it, or put it beside the scenario",
        ),
        ("tests.twin.no_such:f", r"there is no Python module 'tests\.twin\.no_such'"),
        ("tests.twin.asked:in_trun", r"module 'tests\.twin\.asked' has no function 'in_trun'"),
        ("tests.twin.asked:NUMBER", r"module 'tests\.twin\.asked' has no function 'NUMBER'"),
    ],
)
def test_a_function_that_is_not_there_is_named_with_its_line(folder, function, said):
    with pytest.raises(twin.ScenarioError, match=rf"scenario:33:12: error: stages\.detect\.route: {said}"):
        twin.run(asking(function), profiles=(folder,))


def test_a_module_that_breaks_is_named(folder, tmp_path):
    (tmp_path / "broken_route.py").write_text("1 / 0\n")
    file = tmp_path / "mine.yaml"
    file.write_text(RUNNABLE.replace("    shelf_life: 60 s\n", "    route: broken_route:choose\n"))
    with pytest.raises(twin.ScenarioError, match=r"'broken_route' cannot be imported: ZeroDivisionError"):
        twin.run(twin.load(file), profiles=(folder,))


def test_a_pool_that_does_not_exist_stops_the_run(folder):
    with pytest.raises(
        ValueError, match=r"stage 'detect': its route chose pool 'cnaf\.gpu'; allowed: sos-enattos"
    ):
        twin.run(asking("tests.twin.asked:astray"), profiles=(folder,))


def test_a_checkpoint_does_not_hold_a_function(folder, tmp_path):
    with pytest.raises(ValueError, match="neither live stages nor Python routes"):
        twin.run(asking("tests.twin.asked:to_cnaf"), profiles=(folder,), checkpoint=tmp_path / "kept")
