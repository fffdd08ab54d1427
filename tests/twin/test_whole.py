"""Shards that become stale together: a search that is a little short of servers keeps what it has servers for."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from tests.twin.profiles import write_all
from tests.twin.small import completions, endings, run, stage, system
from tests.twin.test_overload import accounted
from tests.twin.test_work_graph import RUNNABLE
from twin.kernel.state import DRAIN, LOSE
from twin.loader import loads
from twin.plan import StageSpec
from twin.planner import plan
from twin.programs import programs

SERVERS, SHARDS, SHELF_S = 92, 100, 20.0


def searched(whole, n=600):
    """What becomes of a segment a second in 100 shards of a second on 92 servers."""
    rules = {"shards": SHARDS, "shelf_life_s": SHELF_S, "whole": whole, "publishes": "alert"}
    times_s = np.arange(n, dtype=float)
    environment = run(
        system({"p": SERVERS}, [stage("search", "p", 1.0, **rules)], {"search": times_s}, horizon_s=n + 100.0)
    )
    assert accounted(environment)
    return environment


def test_eight_per_cent_too_few_servers_lose_eight_per_cent_of_the_segments():
    published = [e for e in endings(searched(whole=True)) if e[0] == "published"]
    assert len(published) == pytest.approx((600 + SHELF_S) * SERVERS / SHARDS, rel=0.01)  # what waited comes after
    latency_s = [end_s - entity for _, _, entity, end_s in published]
    assert max(latency_s) <= SHELF_S + 3.0  # begun in time, and all of it done


def test_shards_that_become_stale_one_by_one_lose_nearly_all_of_them():
    published = [e for e in endings(searched(whole=False)) if e[0] == "published"]
    late = [entity for _, _, entity, _ in published if entity > 300]
    assert len(late) < 0.05 * 300


def test_no_server_works_on_what_is_given_up():
    environment = searched(whole=True)
    published = {entity for what, _, entity, _ in endings(environment) if what == "published"}
    worked = {entity for _, entity, *_ in completions(environment)}
    assert worked == published


def small(arrivals, servers=1, horizon_s=100.0, **rules):
    shards = {"shards": 2, "shelf_life_s": 1.0, "whole": True}
    return system({"p": servers}, [stage("a", "p", 3.0, **shards | rules)], {"a": arrivals}, horizon_s=horizon_s)


def test_what_has_begun_goes_on_and_what_has_not_ends_as_a_whole():
    environment = run(small([0.0, 0.5]))
    assert completions(environment) == [("a", 0, 0, 0.0, 3.0), ("a", 0, 1, 3.0, 6.0)]
    assert endings(environment) == [("stale", "a", 1, 3.0)] * 2


def test_a_deadline_still_ends_what_has_begun():
    environment = run(small([0.0], deadline_s=2.0))
    assert endings(environment) == [("expired", "a", 0, 3.0)] * 2
    assert completions(environment) == []


def test_a_shard_that_is_lost_takes_the_waiting_ones_with_it():
    environment = run(small([0.0], shelf_life_s=50.0), [(1.0, "down", 0, LOSE), (2.0, "restore", 0)])
    assert endings(environment) == [("lost", "a", 0, 1.0), ("lost", "a", 0, 2.0)]
    assert completions(environment) == []


def test_an_outage_does_not_end_what_has_begun():
    environment = run(small([0.0]), [(1.0, "down", 0, DRAIN), (20.0, "restore", 0)])
    assert completions(environment) == [("a", 0, 0, 0.0, 3.0), ("a", 0, 1, 20.0, 23.0)]


def test_each_pool_judges_what_comes_to_it():
    """A pool that has not begun a job drops it when it is too old, whatever another pool has begun."""
    one, two = (stage("a", "p", seconds).on["p"] for seconds in (2.0, 2.0))
    spec = StageSpec("a", {"p": one, "q": two}, shards=3, shelf_life_s=1.0, whole=True, route="least-loaded")
    environment = run(system({"p": 1, "q": 1}, [spec], {"a": [0.0]}), [(0.0, "down", 1)])
    # shards 0 and 2 go to p, which begins; shard 1 waits at q, which is down
    assert [(c[2], c[3]) for c in completions(environment)] == [(0, 0.0), (2, 2.0)]
    environment = run(system({"p": 1, "q": 1}, [spec], {"a": [0.0]}), [(0.0, "down", 1), (1.5, "restore", 1)])
    # q drops shard 1 when it works again; p then does not begin another one
    assert [(c[2], c[3]) for c in completions(environment)] == [(0, 0.0)]
    assert endings(environment) == [("stale", "a", 0, 1.5), ("stale", "a", 0, 2.0)]


# --- in a scenario ---------------------------------------------------------------------------------------


def test_a_scenario_says_so_and_says_nothing_else(tmp_path_factory):
    folder = write_all(tmp_path_factory.mktemp("profiles"))
    plain = loads(RUNNABLE).with_({"stages.detect.shards": 3})
    whole = plain.with_({"stages.detect.stale": "whole"})
    assert "stale" not in plain.resolved()
    assert loads(whole.resolved()) == whole
    rows = [plan(s, programs(s, (folder,)), 1, 0).stages["whole"].tolist() for s in (plain, whole)]
    assert rows[0] == [0] * len(rows[0])
    assert sum(rows[1]) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, r"stages.detect.stale: there is one job for each piece of work: give 'shards' too"),
        (
            {"stages.detect.shards": 2, "stages.detect.shelf_life": None},
            r"stages.detect.stale: nothing becomes stale: give 'shelf_life' too",
        ),
    ],
)
def test_it_needs_shards_and_a_shelf_life(changes, said):
    with pytest.raises(twin.ScenarioError, match=said):
        loads(RUNNABLE).with_({"stages.detect.stale": "whole", **changes})


def test_more_pools_than_bits_are_refused():
    pools = {f"p{k}": 1 for k in range(63)}
    with pytest.raises(ValueError, match="stage a: shards that become stale together run on at most 62 pools"):
        system(pools, [stage("a", [*pools], 1.0, shards=2, shelf_life_s=1.0, whole=True)], {"a": [0.0]})
