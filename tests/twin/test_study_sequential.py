"""Replicas are added until results are as precise as asked, and what stops by itself tells the truth as often."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from benchmarks import coverage
from benchmarks.theory import exact
from tests.twin.study_fakes import Told, quantity
from twin.estimates import mean
from twin.studies.evaluation import Outcome
from twin.studies.sequential import Precision, reached, until, width
from twin.tree import ScenarioError

POINTS = [SimpleNamespace(name=name, changes={"x": text}) for name, text in (("a", "10"), ("b", "20"))]


def told(**more):
    return Told(lambda changes: {"latency.p50": changes["x"], "lost": 0.1}, units={"lost": ""}, **more)


def test_replicas_are_added_until_every_half_width_is_as_asked():
    evaluate = told(own=1.0)
    precision = Precision(to={"latency.p50": "0.3 s"}, at_most=400)
    outcomes = until(evaluate, POINTS, precision)
    table = reached(outcomes, precision)
    assert table["reached"].all()
    assert (table["half_width"] <= 0.3).all()
    assert table["replicas"].between(30, 90).all()  # about (2 x 1 s / 0.3 s) squared


def test_a_relative_width_is_of_the_value():
    evaluate = told(own=1.0)
    outcomes = until(evaluate, POINTS, Precision(to={"latency.p50": "3 %"}))
    n = {outcome.name: outcome.quantities[0].values.size for outcome in outcomes}
    assert n["a"] > n["b"]  # 0.3 s and 0.6 s


def test_what_needs_more_than_allowed_is_told_as_not_reached():
    precision = Precision(to={"latency.p50": "0.01 s", "lost": "1 %-points"}, at_most=30)
    table = reached(until(told(own=1.0), POINTS, precision), precision).set_index(["point", "quantity"])
    assert not table.loc[("a", "latency.p50"), "reached"]
    assert table.loc[("a", "latency.p50"), "replicas"] == 30


def test_differences_need_fewer_and_the_same_replicas_for_all():
    evaluate = told(noise=1.0, own=0.05)
    precision = Precision(to={"latency.p50": "0.1 s"}, of="differences")
    outcomes = until(evaluate, POINTS, precision)
    assert {outcome.quantities[0].values.size for outcome in outcomes} == {20}
    assert reached(outcomes, precision)["point"].tolist() == ["b"]


def test_more_replicas_are_not_wasted_on_what_they_cannot_help():
    evaluate = told(own=1.0, saturated=lambda changes: ["a.cpu"] if changes["x"] == 10 else [])
    precision = Precision(to={"latency.p50": "0.3 s"})
    table = reached(until(evaluate, POINTS, precision), precision).set_index("point")
    assert evaluate.replicas["a"] == 10
    assert "saturated" in table.loc["a", "reason"]
    assert table.loc["b", "reached"]


@pytest.mark.parametrize(
    ("text", "unit", "size", "relative"),
    [
        ("5 %", "s", 0.05, True),
        ("200 ms", "s", 0.2, False),
        ("0.2 %-points", "", 0.002, False),
        ("2 /d", "/d", 2.0, False),
    ],
)
def test_widths_have_the_unit_of_their_quantity(text, unit, size, relative):
    found = width(text, quantity("q", [1.0], unit))
    assert (found.size, found.relative) == (pytest.approx(size), relative)


def test_widths_that_mean_nothing_are_refused():
    with pytest.raises(ValidationError, match="a number above 0 with a unit"):
        Precision(to={"lost": "3"})
    with pytest.raises(ValidationError, match="at least 'at_least'"):
        Precision(to={"lost": "3 %"}, at_least=20, at_most=10)
    with pytest.raises(
        ScenarioError, match=r"'0\.5 s' is no half-width of lost; write '5 %' or such as '0\.2 %-points'"
    ):
        until(told(own=1.0), POINTS, Precision(to={"lost": "0.5 s"}))
    with pytest.raises(ScenarioError, match="did you mean 'lost'"):
        until(told(own=1.0), POINTS, Precision(to={"lots": "5 %"}))


@pytest.mark.parametrize("draw", ["normal", "exponential"])
def test_stopping_does_not_spoil_the_coverage(draw):
    """Of normal replicas, and of skewed ones such as the 99 % quantiles of short runs: means of four
    exponentials."""
    rng, truth = np.random.default_rng(12), 10.0
    values = {
        "normal": lambda n: rng.normal(truth, 2.0, n),
        "exponential": lambda n: truth - 2.0 + rng.exponential(0.5, (n, 16)).sum(axis=1) / 4.0,
    }[draw]
    held = 0
    for _ in range(600):
        drawn = values(300)

        def answer(points, replicas, drawn=drawn):
            return [Outcome("p", [quantity("q", drawn[: replicas.stop])], [], [], "")]

        (outcome,) = until(answer, [SimpleNamespace(name="p")], Precision(to={"q": "7 %"}, at_most=300))
        found = mean(outcome.quantities[0].values, 0)
        held += found.low <= truth <= found.high
    assert 0.92 < held / 600 < 0.98


def test_the_committed_coverage_holds_what_it_claims():
    """Intervals hold the truth in 93 to 97 % of studies, however they stop: as far as so many studies can tell."""
    kept = json.loads(coverage.RESULTS.read_text())
    rows = [row for row in kept["rows"] if row["study"] in ("10 replicas", "stops by itself")]
    assert {row["quantity"] for row in rows} == set(coverage.truths())
    assert min(row["studies"] for row in rows) >= 200
    assert all(row["low"] <= 0.97 and row["high"] >= 0.93 for row in rows), rows
    few = {row["quantity"]: row for row in kept["rows"] if row["study"].endswith("a tenth of the length")}
    assert few["p99 difference"]["high"] < 0.93  # what twin.studies.stated.WELL_BEYOND warns of
    assert f"<!-- measured: coverage -->\n{coverage.told(kept)}<!-- end -->" in coverage.PAGE.read_text()
    assert kept["truth"] == pytest.approx(coverage.truths())
    marked = {row["quantity"]: row["ratio"] for row in kept["pairing"] if "stages.alert.gate" in row["one"]}
    assert min(marked[name] for name in ("latency.p50", "latency.p90", "published")) >= 10.0, marked


def test_the_truth_is_theorys_and_a_small_bank_agrees():
    truth = coverage.truths()
    assert truth["mean"] == pytest.approx(exact.mmc_sojourn_s(coverage.RATE_HZ, 1.0, coverage.SERVERS))
    known = coverage.bank(40, jobs=1500)
    for name in ("mean", "p90"):
        found = mean(known[name], 0)
        assert abs(found.value - truth[name]) < 3.0 * (found.high - found.low) / 2.0
        paired = mean(known[f"{name} difference"], 0)
        assert abs(paired.value - truth[f"{name} difference"]) < 3.0 * (paired.high - paired.low) / 2.0
    assert math.isclose(
        coverage.quantile_s(coverage.RATE_HZ, 60, 0.9), -math.log(0.1), rel_tol=1e-6
    )  # nobody waits
