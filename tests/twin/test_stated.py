"""What is stated of a quantity: no certainty from a few replicas that agree, a word on quantiles of few events."""

import numpy as np
import pytest

from tests.twin.study_fakes import quantity
from twin.studies import pairing, stated
from twin.studies.compare import Case, Comparison, is_certain
from twin.studies.evaluation import Outcome
from twin.studies.quantities import Quantity


def outcome(name, values, text="late"):
    targets = [{"name": text, "verdict": "met"}]
    return Outcome(name, [quantity(text, values, "/d")], targets, [], "")


def p99(n, replicas=2, level=0.99):
    return Quantity("latency.p99", "99 % latency", "s", np.arange(1.0, replicas + 1.0), n * replicas, level)


def test_an_equal_difference_of_a_few_replicas_has_no_interval_and_is_not_certain():
    found = stated.apart(quantity("q", [1.0, 5.0]), quantity("q", [3.0, 7.0]))
    assert (found.value, found.low, found.high) == (2.0, None, None)
    assert found.reason == "equal in all 2 replicas: no interval of so few"
    assert not is_certain(found.low, found.high)
    pair = tuple(outcome(name, values) for name, values in (("a", [1.0, 5.0]), ("b", [3.0, 7.0])))
    table = Comparison((Case("a", None), Case("b", None)), pair, 1, 2).table
    assert table["note"].tolist() == ["", "difference equal in all 2 replicas: no interval of so few"]
    (told,) = pairing.sentences(pair)
    assert told == "b has 2/d more than a in late, equal in all 2 replicas: no interval of so few."


def test_many_replicas_that_agree_keep_their_interval_and_no_difference_is_none():
    many = np.arange(10.0)
    found = stated.apart(quantity("q", many), quantity("q", many + 2.0))
    assert (found.low, found.high) == (2.0, 2.0)
    same = stated.apart(quantity("q", [1.0, 5.0]), quantity("q", [1.0, 5.0]))
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    (told,) = pairing.sentences([outcome("a", [1.0, 5.0]), outcome("b", [1.0, 5.0])])
    assert told == "b and a are the same in late, in all 2 replicas."


@pytest.mark.parametrize(
    ("n", "level", "beyond"),
    [(1000, 0.99, 10.0), (14_900, 0.99, 149.0), (15_000, 0.99, None), (1000, 0.9, 100.0), (100, 0.5, None)],
)
def test_a_tail_quantile_wants_so_many_events_beyond_it_in_each_replica(n, level, beyond):
    found = stated.few_beyond(p99(n, level=level))
    assert found == (None if beyond is None else pytest.approx(beyond))
    assert bool(stated.note(p99(n, level=level))) == (beyond is not None)


def test_what_rests_on_few_events_is_said_of_the_report_and_of_nothing_else():
    points = [[p99(1000)], [p99(20_000)]]
    (told,) = stated.cautions(points, ["latency.p99"])
    assert told.startswith(
        "99 % latency rests on few events at 1 of 2 points: 10 beyond it in a replica, 150 are wanted."
    )
    assert stated.cautions(points, ["lost"]) == []
    assert stated.cautions(points[1:], ["latency.p99"]) == []
    unknown = Quantity("latency.p99", "", "s", np.array([np.nan, 1.0]), 200, 0.99)
    assert stated.few_beyond(unknown) is None  # it is not told at all
