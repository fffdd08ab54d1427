"""A search finds what theory says is the least, says how sure it is, and notices where more is not better."""

from itertools import product

import numpy as np
import pytest
from pydantic import ValidationError

from benchmarks import coverage
from benchmarks.theory.services import exponential
from benchmarks.theory.system import System, observe, stage
from tests.twin.study_fakes import KEY, OTHER, Told, asked, quantity, queue
from twin.plan import PoolSpec
from twin.studies import registry, search
from twin.studies.asking import made
from twin.studies.costs import cost
from twin.studies.evaluation import Outcome
from twin.studies.pareto import membership, undominated
from twin.studies.quantities import quantities
from twin.studies.search import Search
from twin.tree import ScenarioError


class Kernel:
    """Answers with runs of the kernel: an M/M/c queue with as many servers as the point has at KEY."""

    def __init__(self, rate_hz, jobs):
        self.rate_hz, self.jobs = rate_hz, jobs

    def __call__(self, points, replicas):
        return [self._outcome(point, int(point.changes[KEY]), replicas) for point in points]

    def _outcome(self, point, servers, replicas):
        values = []
        for k in replicas:
            system = System(
                name="M/M/c",
                pools=(PoolSpec("pool", 0, servers),),
                stages=(stage("work", "pool", exponential(), publishes="done"),),
                rates={"work": self.rate_hz},
                quantities=(),
            )
            rows = observe(system, k, self.jobs).born("work")
            values.append(float(np.quantile(rows["end_s"] - rows["born_s"], 0.9, method="median_unbiased")))
        return Outcome(point.name, [quantity("latency.p90", values)], [], [], "")


class Runs:
    """Answers with real runs."""

    def __call__(self, points, replicas):
        from twin.metrics import targets
        from twin.runner import run

        found = []
        for point in points:
            try:
                record = run(point.scenario, seed=1, replicas=replicas.stop)
            except ScenarioError as error:
                found.append(Outcome(point.name, [], [], [], "", str(error)))
                continue
            found.append(Outcome(point.name, quantities(record), targets(record), [], record.plan_digest))
        return found


def with_target(**limits):
    return queue().with_({"targets.alert_latency": {key: f"{limit_s:.9g} s" for key, limit_s in limits.items()}})


@pytest.mark.parametrize(("rate_hz", "least"), [(3.3, 6), (7.0, 9), (14.0, 17)])
def test_bisection_finds_the_least_of_erlangs_formula(rate_hz, least):
    here, below = (coverage.quantile_s(rate_hz, servers, 0.9) for servers in (least, least - 1))
    section = Search(over={KEY: {"least": int(rate_hz) + 1, "most": int(rate_hz) + 17}}, at_most=160)
    given = asked(section, with_target(p90=(here * below) ** 0.5))
    found = search.drive(given, Kernel(rate_hz, 2500))
    table = found.tables["candidates"].set_index(KEY)
    assert table.index[table["answer"]].tolist() == [least]
    assert table.loc[least - 1, "verdict"] == "missed"
    assert f"{KEY}={least} meets the targets with 95 % confidence" in " ".join(found.answer)
    assert len(table) <= 6  # of 17 numbers


def test_a_scenario_that_is_an_erlang_queue_has_the_least_of_the_formula():
    """One estimate a minute, 200 s long: four servers wait, five hardly; times in units of the service."""
    rate_hz = 200.0 / 60.0
    five, four = (200.0 * coverage.quantile_s(rate_hz, servers, 0.5) for servers in (5, 4))
    scenario = with_target(p50=(five * four) ** 0.5).with_({"horizon": "1 d"})
    section = Search(over={KEY: {"least": 4, "most": 8}}, at_most=40)
    found = search.drive(asked(section, scenario), Runs())
    table = found.tables["candidates"].set_index(KEY)
    assert table.index[table["answer"]].tolist() == [5]


def two_pools(changes):
    return {"latency.p50": 100.0 / changes[KEY] + 60.0 / changes[OTHER]}


OVER = {KEY: {"least": 1, "most": 12}, OTHER: {"least": 1, "most": 12}}


def test_of_two_numbers_the_cheapest_pair_is_found_and_none_smaller_does():
    limit_s = 42.0
    given = asked(Search(over=OVER, trials=64), with_target(p50=limit_s))
    found = search.drive(given, Told(two_pools, noise=0.3, own=0.01))
    best = min(a + b for a, b in product(range(1, 13), repeat=2) if 100.0 / a + 60.0 / b <= limit_s)
    answer = found.tables["candidates"].query("answer").iloc[0]
    assert answer[KEY] + answer[OTHER] == best
    assert answer["servers"] == best + 50
    below = found.tables["candidates"].set_index([KEY, OTHER])["verdict"]
    assert below[(answer[KEY] - 1, answer[OTHER])] == below[(answer[KEY], answer[OTHER] - 1)] == "missed"


def test_the_same_seed_asks_the_same():
    given = asked(Search(over=OVER, trials=24), with_target(p50=40.05))
    first, again = (search.drive(given, Told(two_pools, noise=0.3, own=0.01)) for _ in range(2))
    assert [p.name for p in first.points] == [p.name for p in again.points]
    assert first.tables["candidates"].equals(again.tables["candidates"])


def test_where_more_is_worse_it_is_noticed_and_every_number_is_tried():
    at = {1: 20.0, 2: 45.0, 3: 60.0, 4: 30.0, 5: 29.0, 6: 28.0, 7: 10.0}
    given = asked(Search(over={KEY: {"least": 1, "most": 7}}), with_target(p50=40.0))
    found = search.drive(given, Told(lambda changes: {"latency.p50": at[int(changes[KEY])]}, own=0.5))
    assert found.answer[0].startswith("More is not better here: median latency of the alert is worse for")
    assert found.tables["candidates"].query("answer")[KEY].tolist() == [1]


def test_what_cannot_be_decided_is_not_said_to_do():
    given = asked(Search(over={KEY: {"least": 1, "most": 4}}, at_most=40), with_target(p50=50.0))
    found = search.drive(given, Told(lambda changes: {"latency.p50": 100.0 / changes[KEY]}, own=1.0))
    table = found.tables["candidates"].set_index(KEY)
    assert table.loc[2, "verdict"] == "undecided"  # its mean is the limit itself
    assert table.loc[3, "answer"]
    assert "is undecided after 40 replicas, in median latency of the alert: it may do" in " ".join(found.answer)


def test_nothing_that_meets_the_targets_is_told():
    given = asked(Search(over={KEY: {"least": 1, "most": 4}}), with_target(p50=1.0))
    found = search.drive(given, Told(lambda changes: {"latency.p50": 9.0}, own=0.1))
    assert found.answer == (f"Nothing up to {KEY} = 4 is shown to meet the targets with 95 % confidence.",)
    assert not found.tables["candidates"]["answer"].any()


def test_verdicts_are_wrong_as_seldom_as_they_say():
    """At the limit itself, where it is hardest, what is met half of the time by chance is hardly ever said to
    be."""
    from twin.studies.asking import Ledger
    from twin.studies.judge import Bound, judged, looks

    rng, said = np.random.default_rng(4), 0
    point = made(queue(), {})
    for _ in range(400):
        drawn = rng.normal(10.0, 1.0, 160)

        def told(points, replicas, drawn=drawn):
            return [Outcome("as-is", [quantity("latency.p50", drawn[: replicas.stop])], [], [], "")]

        (verdict,) = judged(Ledger(told), [point], [Bound("latency.p50", 10.0)], 0.05, looks(10, 160))
        said += verdict.verdict == "met"
    assert said / 400 <= 0.05


def test_the_front_of_known_functions_is_found():
    given = asked(Search(over=OVER, minimise=("servers", "latency.p50"), trials=96), queue(), replicas=5)
    found = search.drive(given, Told(two_pools))
    front = found.tables["front"]
    known = {(a, b): (a + b + 50, 100.0 / a + 60.0 / b) for a, b in product(range(1, 13), repeat=2)}
    best = undominated(np.array(list(known.values())))
    true = {pair for pair, one in zip(known, best, strict=True) if one}
    told = {(row[KEY], row[OTHER]) for _, row in front[front["on_front"] > 0.5].iterrows()}
    assert all(front[front["on_front"] > 0.5]["latency.p50"].diff().dropna() < 0.0)
    assert len(told & true) >= 0.7 * len(true)
    assert len(told & true) >= 0.7 * len(told)


def test_membership_says_how_sure_a_place_on_the_front_is():
    rng = np.random.default_rng(3)
    clear = np.stack([np.full(20, 1.0), np.full(20, 5.0)])
    behind = np.stack([np.full(20, 2.0), 9.0 + rng.normal(0.0, 0.1, 20)])
    close = np.stack([np.full(20, 2.0), 5.0 + rng.normal(0.0, 1.0, 20)])
    sure = membership(np.stack([clear, behind, close]), seed=1)
    assert sure[0] == 1.0
    assert sure[1] == 0.0
    assert 0.05 < sure[2] < 0.95


def test_costs_are_those_of_the_catalogue():
    scenario = queue()
    price = cost(scenario, "cost")
    assert price.unit == "EUR/yr"
    assert price.value == pytest.approx(56 * 0.02 * 8766.0)
    assert price.low < price.value < price.high
    assert cost(scenario, "cost", ranged=False).value == price.value
    assert cost(scenario, "servers").value == 56


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"over": {"sites.cnaf.pools.cpux.servers": {"least": 1, "most": 4}}}, "did you mean 'cpu'"),
        ({"over": {KEY: {"least": 0, "most": 4}}}, "must be at least 1"),
        ({"over": {KEY: {"least": 1, "most": 4}}, "minimise": "latency.p50"}, "unknown aim 'latency.p50'"),
    ],
)
def test_what_cannot_be_searched_is_refused(section, told):
    with pytest.raises(ScenarioError, match=told):
        search.check(asked(Search(**section)))


def test_a_search_without_targets_or_order_is_refused():
    with pytest.raises(ScenarioError, match="has no targets to meet"):
        search.check(asked(Search(over=OVER), queue().with_({"targets.alert_latency": {}})))
    with pytest.raises(ValidationError, match="'most' must be more than 'least'"):
        Search(over={KEY: {"least": 4, "most": 4}})


def test_every_kind_of_study_is_registered():
    assert {"search", "sensitivity", "resilience", "influence"} <= registry.KINDS.keys()


@pytest.mark.parametrize("key", ["seed", "replicas", "name"])
def test_what_all_points_share_is_not_varied_by_any_kind(key):
    with pytest.raises(ScenarioError, match=f"{key}: error: is not varied: "):
        made(queue(), {key: "3"})
