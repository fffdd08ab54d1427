"""Which assumption decides the answer: known functions give the known answer, and chance is told apart from
effects."""

import numpy as np
import pytest
from pydantic import ValidationError
from SALib.sample import sobol as sampled

from tests.twin.study_fakes import Told, asked, queue
from twin.loader import loads
from twin.studies import sensitivity, sobol
from twin.studies.ranges import chosen, number, ranges
from twin.studies.sensitivity import Sensitivity
from twin.tree import ScenarioError

RATE, TIME, LAG = "sky.signals.bbh.rate", "stages.estimate.time.mean", "instrument.calibration"
TARGET = "50 % of alerts within 250 s"
LAW = "stages.estimate.time.law"
SPANS = {
    RATE: {"low": "1 /min", "high": "3 /min"},
    TIME: {"low": "100 s", "high": "300 s"},
    LAG: {"low": "1 us", "high": "3 us"},
}


def linear(changes):
    """1 per /min of rate, 0.03 per s of time, nothing of the lag."""
    return {"latency.p50": changes.get(RATE, 60.0) / 60.0 + 0.03 * changes.get(TIME, 200.0), "lost": 0.1}


def given(**more):
    return asked(Sensitivity(over=(RATE, TIME, LAG), ranges=SPANS, **more))


def test_a_tornado_has_the_differences_of_a_linear_function():
    found = sensitivity.drive(given(), Told(linear, noise=0.5, own=0.02, units={"lost": ""}))
    own = found.tables["tornado"].set_index("key")
    assert own.index.tolist() == [TIME, RATE, LAG]
    assert own.loc[TIME, "low_difference"] == pytest.approx(-3.0, abs=0.05)
    assert own.loc[TIME, "high_difference"] == pytest.approx(3.0, abs=0.05)
    assert own.loc[RATE, "swing"] == pytest.approx(2.0, abs=0.05)
    assert own["certain"].tolist() == [True, True, False]
    assert (own.loc[TIME, "at_low"], own.loc[TIME, "at_high"]) == ("100 s", "300 s")
    assert found.answer[0].startswith(f"Median latency of the alert: {TIME} decides most, ")
    assert " s at 100 s, " in found.answer[0]
    assert "Of 3 inputs, 1 cannot be told from chance" in found.answer[0]


def test_the_scenarios_own_range_goes_before_the_factor():
    found = sensitivity.drive(asked(Sensitivity(over=("instrument", TIME), factor=4)), Told(linear, own=0.01))
    own = found.tables["tornado"].set_index("key")
    assert (own.loc[LAG, "at_low"], own.loc[LAG, "at_high"], own.loc[LAG, "origin"]) == (
        "1 us",
        "2 us",
        "the scenario",
    )
    assert (own.loc[TIME, "at_low"], own.loc[TIME, "at_high"], own.loc[TIME, "origin"]) == (
        "50 s",
        "800 s",
        "a factor of 4",
    )


def test_what_is_assumed_is_varied_and_the_rest_is_told():
    scenario = queue()
    assumed = {i.key for i in chosen(scenario, ["assumed"], "sensitivity")}
    assert {RATE, TIME, LAG} <= assumed
    found = sensitivity.drive(asked(Sensitivity()), Told(linear, own=0.01))
    varied, left = set(found.keys), set(found.tables["left_out"]["key"])
    assert varied | left == assumed
    assert not varied & left
    assert LAW in left


def test_a_verdict_that_an_input_decides_is_named():
    class Judged(Told):
        def __call__(self, points, replicas):
            outcomes = super().__call__(points, replicas)
            for point, outcome in zip(points, outcomes, strict=True):
                late = point.changes.get(TIME) == "300 s"
                outcome.targets.append(
                    {"name": "alert_latency.p50", "text": TARGET, "verdict": "missed" if late else "met"}
                )
            return outcomes

    found = sensitivity.drive(given(), Judged(linear, own=0.01))
    flips = found.tables["tornado"].set_index("key")["flips"]
    assert flips[TIME] == f"{TARGET}: missed at the high end"
    assert flips[RATE] == ""
    assert f"{TIME} decides a verdict: {TARGET}: missed at the high end." in found.answer


def test_sobol_indices_of_the_ishigami_function_are_the_known_ones():
    """Ishigami and Homma 1990, a = 7, b = 0.1."""
    problem = {"num_vars": 3, "names": ["x", "y", "z"], "bounds": [[-np.pi, np.pi]] * 3}
    x = sampled.sample(problem, 1024, calc_second_order=False, seed=1)
    values = np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    noisy = values[:, None] + np.random.default_rng(1).normal(0.0, 0.1, (1, 8))
    first, total = sobol.estimated(problem, noisy, seed=1)
    assert first[:, 0] == pytest.approx([0.3139, 0.4424, 0.0], abs=0.04)
    assert total[:, 0] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.04)
    for index, known in ((first, [0.3139, 0.4424, 0.0]), (total, [0.5576, 0.4424, 0.2437])):
        assert (index[:, 1] <= known).all()
        assert (known <= index[:, 2]).all()


def test_sobol_indices_through_the_study_are_those_of_a_linear_function():
    found = sensitivity.drive(
        given(sobol={"samples": 128, "most": 2}), Told(linear, noise=0.3, own=0.05, units={"lost": ""})
    )
    own = found.tables["sobol"].set_index("key")
    assert set(own.index) == {TIME, RATE}  # the two that a tornado shows
    assert own.loc[TIME, "first"] == pytest.approx(36.0 / 40.0, abs=0.05)
    assert own.loc[RATE, "total"] == pytest.approx(4.0 / 40.0, abs=0.05)
    band = found.tables["band"].iloc[0]
    assert band["low"] == pytest.approx(8.0 - 2.75, abs=0.35)
    assert band["high"] == pytest.approx(8.0 + 2.75, abs=0.35)
    assert 0.0 < band["noise"] < 0.01
    assert abs(band["interactions"]) < 0.05
    assert found.answer[-1].startswith(f"Median latency of the alert: {TIME} causes ")
    assert " of its variance; it lies between 5." in found.answer[-1]
    assert set(own["text"]) == {"median latency of the alert"}


def test_indices_of_what_is_nothing_but_chance_are_not_certain():
    problem = {"num_vars": 2, "names": ["x", "y"], "bounds": [[0.0, 1.0]] * 2}
    rng = np.random.default_rng(2)
    values = rng.normal(size=(64 * 4, 5))
    first, _ = sobol.estimated(problem, values, seed=1)
    assert (first[:, 1] < 0.0).all()
    assert sobol.noise(values) == pytest.approx(1.0, abs=0.3)


def test_numbers_are_read_with_their_units():
    assert number("4 s") == (4.0, "s", False)
    assert number("1e5 /yr") == (1e5, "/yr", False)
    assert number("4") == (4.0, "", True)
    assert number("0.4") == (0.4, "", False)
    assert number("epyc-core") is None


def test_ends_may_have_another_unit_of_the_same_kind():
    scenario = queue()
    (entry,) = chosen(scenario, [TIME], "sensitivity")
    found, _ = ranges(scenario, [entry], Sensitivity(ranges={TIME: {"low": "1 min", "high": "1 h"}}).ranges, 2.0)
    assert (found[0].low, found[0].high) == (60.0, 3600.0)
    assert found[0].at(0.5) == "1830 s"


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"over": "stages.estimat"}, "unknown input 'stages.estimat'"),
        ({"ranges": {"sky.bbh": {"low": 1, "high": 2}}}, "unknown input 'sky.bbh'"),
        ({"ranges": {TIME: {"low": 1, "high": "2 s"}}}, "is no end of its range: write it as the value, '200 s'"),
        ({"ranges": {TIME: {"low": "3 s", "high": "2 s"}}}, "range without width"),
        ({"over": LAW, "ranges": {LAW: {"low": 1, "high": 2}}}, "is a choice"),
    ],
)  # fmt: skip
def test_inputs_and_ranges_that_make_no_sense_are_refused(section, told):
    with pytest.raises(ScenarioError, match=told):
        sensitivity.check(asked(Sensitivity(**section)))


def test_a_range_beside_a_value_holds_it():
    text = (
        "schema_version: 1\nname: mine\nbased_on: first-light\n"
        "instrument: {{calibration: {{value: 4 s, {}, standing: assumed, source: test}}}}\n"
        "stages: {{localise: {{time: {{value: 6 s, low: 1 s, high: 6 min, standing: assumed, source: test}}}}}}\n"
    )
    scenario = loads(text.format("low: 3 s, high: 5 s"))
    assert (scenario.instrument.calibration.low, scenario.instrument.calibration.high) == (3.0, 5.0)
    assert loads(scenario.resolved()) == scenario
    assert "instrument.calibration" in {i.key for i in scenario.inputs()}
    for wrong, told in (("low: 5 s, high: 6 s", "must lie between"), ("low: 3 s", "needs both 'low' and 'high'")):
        with pytest.raises(ScenarioError, match=told) as caught:
            loads(text.format(wrong))
        assert caught.value.problems[0].line == 4
    with pytest.raises(ScenarioError, match="must lie between"):
        loads(text.format("low: 3 s, high: 5 s").replace("value: 6 s", "value: 6 h"))


def test_sizes_that_do_not_balance_are_refused():
    with pytest.raises(ValidationError, match="power of 2"):
        Sensitivity(sobol={"samples": 100})
