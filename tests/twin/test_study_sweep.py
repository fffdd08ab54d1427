"""What a study varies, and how it is asked for: values with lines, grids and samples, one kind, strict YAML."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import twin
from twin import tree
from twin.loader import bundled
from twin.scenario import ScenarioError
from twin.studies import request, saved, sweep, tables
from twin.studies.axes import axes, option
from twin.studies.evaluation import Outcome
from twin.studies.quantities import Quantity
from twin.studies.registry import KINDS
from twin.studies.schema import json_schema
from twin.studies.shipped import studies
from twin.studies.study import Study
from twin.studies.sweep import Sample

SERVERS, RATE = "sites.cnaf.pools.alerts.servers", "sky.signals.bbh.rate"
HEAD = "schema_version: 1\nname: mine\nscenario: first-light\n"


@pytest.fixture(scope="module")
def scenario():
    return twin.load("first-light")


def vary(text):
    return tree.parse(f"vary: {text}", "study.yaml").child("vary")


def values(text):
    return {axis.name: [[sweep.given(n) for n in own] for own in axis.settings] for axis in axes(vary(text))}


def study_file(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD + text)
    return path


def answered(asked):
    """A study whose every point has made-up quantities: its number, and what is NaN at the first."""
    points = KINDS[asked.kind].check(asked.asked)
    outcomes = [
        Outcome(
            point.name,
            [
                Quantity("latency.p50", "median latency", "s", np.array([k, k + 1.0]), 50),
                Quantity("lost", "lost", "", np.array([np.nan if k == 0 else 0.1, 0.1]), 9),
            ],
            [],
            [],
            f"plan {k}",
        )
        for k, point in enumerate(points)
    ]
    found = KINDS[asked.kind].drive(asked.asked, lambda points, replicas: outcomes)
    return Study(asked, found, {"scenario": "first-light"})


def test_lists_ranges_and_keys_that_vary_together():
    assert values("{a.b: [1, 2 s, {work: x, on: [y]}]}") == {"a.b": [["1"], ["2 s"], ["{work: x, on: [y]}"]]}
    assert values("{a.b: {from: 1, to: 9, steps: 5}}")["a.b"] == [["1"], ["3"], ["5"], ["7"], ["9"]]
    assert values("{a.b: {from: 1, to: 4, steps: 9}}")["a.b"] == [["1"], ["2"], ["3"], ["4"]]
    logs = values("{a.b: {from: 1e5 /yr, to: 1e6 /yr, steps: 3, scale: log}}")["a.b"]
    assert logs == [["100000 /yr"], ["316228 /yr"], ["1e+06 /yr"]]
    assert values("{both: {a.b: [1, 2], c.d: [x, y]}}") == {"both": [["1", "x"], ["2", "y"]]}
    assert values("{a.b: {from: 0.5, to: 0.25, steps: 2}}")["a.b"] == [["0.5"], ["0.25"]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "varies nothing"),
        ("{a.b: 3}", "give a list of values, a range"),
        ("{a.b: []}", "is empty"),
        ("{a.b: [1, 2, 1]}", "1 is given twice"),
        ("{a.b: {from: 1, too: 2}}", "unknown key of a range 'too'; did you mean 'to'"),
        ("{a.b: {from: 1}}", "a range needs 'to'"),
        ("{a.b: {from: 1 s, to: 2 min, steps: 3}}", "is in min, but 'from' in s"),
        ("{a.b: {from: 1, to: 1}}", "is the same as 'from'"),
        ("{a.b: {from: 0, to: 1, steps: 2, scale: log}}", "needs ends of more than 0"),
        ("{a.b: {from: 1, to: 2, steps: 1}}", "a whole number from 2 to 10,000"),
        ("{a.b: {from: 1, to: 2, scale: lag}}", "unknown scale 'lag'; did you mean 'log'"),
        ("{a.b: {from: x, to: 2}}", "a number is needed, with its unit"),
        ("{g: {a.b: [1, 2], c.d: [1]}}", "a.b has 2, c.d has 1"),
        ("{g: {a.b: 1}}", "have lists of values of equal length"),
        ("{a.b: [1], g: {a.b: [1]}}", "varies 'a.b' twice"),
    ],
)
def test_what_cannot_be_varied_is_told_at_its_line(text, told):
    with pytest.raises(ScenarioError, match=told) as caught:
        axes(vary(text))
    assert all(problem.line == 1 for problem in caught.value.problems)


def test_options_say_the_same():
    key, node = option("a.b=1,2 s,[x, y]")
    assert (key, node.plain()) == ("a.b", (1, "2 s", ("x", "y")))
    assert option("a.b=1:16:log5")[1].plain() == {"from": 1, "to": 16, "steps": 5, "scale": "log"}
    assert option("a.b=1e5 /yr:1e6 /yr:3")[1].plain() == {"from": "1e5 /yr", "to": "1e6 /yr", "steps": 3}
    with pytest.raises(ScenarioError, match="write it as KEY=A,B,C"):
        option("a.b")


def test_a_grid_combines_all_values_and_names_points_by_them(scenario):
    found = sweep.points(
        scenario, vary(f"{{{SERVERS}: [1, 2], {RATE}: [1e5 /yr, 2e5 /yr, 3e5 /yr]}}"), Sample(), 1
    )
    assert [p.name for p in found[:2]] == ["servers=1, rate=1e5 /yr", "servers=1, rate=2e5 /yr"]
    assert [p.scenario.sites["cnaf"].pools["alerts"].servers for p in found] == [1, 1, 1, 2, 2, 2]
    assert found[5].changes == {SERVERS: "2", RATE: "3e5 /yr"}
    pair = "{sites.cnaf.pools.cpu.servers: [1, 2], sites.cnaf.pools.alerts.servers: [1]}"
    assert sweep.points(scenario, vary(pair), Sample(), 1)[0].name == "cpu.servers=1, alerts.servers=1"


def test_a_whole_section_may_be_varied(scenario):
    text = "{timeline.storm: [null, {kind: storm, factor: 2, at: 1 d, lasts: 1 h}]}"
    without, with_ = sweep.points(scenario, vary(text), Sample(), 1)
    assert (without.name, with_.name) == ("storm=null", "storm=#2")
    assert "storm" not in without.scenario.timeline
    assert with_.scenario.timeline["storm"].factor == 2


def test_every_wrong_value_is_told_at_once_at_its_line(tmp_path):
    path = study_file(tmp_path, f"vary:\n  {SERVERS}: [1, -2]\n  {RATE}: [1e5 /yr, 3]\n")
    with pytest.raises(ScenarioError) as caught:
        request.load(path)
    assert [(p.line, p.path) for p in caught.value.problems] == [(5, SERVERS), (6, RATE)]
    path.write_text(path.read_text() + "  sites.cnav.pools.x: [1]\n")
    with pytest.raises(ScenarioError, match="did you mean 'cnaf'") as caught:
        request.load(path)
    assert [p.line for p in caught.value.problems] == [7]


def test_samples_are_spread_by_the_seed_alone(scenario):
    spans = vary(
        f"{{{SERVERS}: {{from: 1, to: 8}}, {RATE}: {{from: 1e5 /yr, to: 1e6 /yr, scale: log}}, drain: [1 h, 2 h]}}"
    )
    found = sweep.points(scenario, spans, Sample(method="sobol", points=16), 7)
    again = sweep.points(scenario, spans, Sample(method="sobol", points=16), 7)
    assert [p.changes for p in found] == [p.changes for p in again]
    assert [p.changes for p in found] != [
        p.changes for p in sweep.points(scenario, spans, Sample(method="sobol", points=16), 8)
    ]
    assert [p.name for p in found[:2]] == ["p01", "p02"]
    servers = [p.scenario.sites["cnaf"].pools["alerts"].servers for p in found]
    assert min(servers) >= 1
    assert max(servers) <= 8
    assert sum(p.changes["drain"] == "1 h" for p in found) == 8
    latin = sweep.points(scenario, spans, Sample(method="latin-hypercube", points=10), 7)
    rates = sorted(p.scenario.sky.signals["bbh"].rate.value for p in latin)
    assert len(rates) == len(set(rates)) == 10


@pytest.mark.parametrize(
    ("sample", "spans", "told"),
    [
        ({"method": "sobol", "points": 12}, "{from: 1, to: 8}", "come in powers of two, such as 8 or 16"),
        ({"method": "sobol"}, "{from: 1, to: 8}", "needs its number of points"),
        ({"points": 12}, "[1, 2]", "leave 'points' away"),
        ({}, "{from: 1, to: 8}", "needs 'steps' on a grid"),
    ],
)
def test_a_sample_that_cannot_be_drawn_is_refused(scenario, sample, spans, told):
    with pytest.raises(ScenarioError, match=told):
        sweep.points(scenario, vary(f"{{{SERVERS}: {spans}}}"), Sample(**sample), 1)


@pytest.mark.parametrize(
    ("text", "told", "line"),
    [
        ("replicas: 2\n", "does not say what to do: give one of vary, compare", 1),
        ("vary: {drain: [1 h]}\ncompare: {}\n", "beside vary: a study is of one kind", 5),
        ("compare: {}\nsample: {method: sobol, points: 8}\n", "goes with vary, not with compare", 5),
        ("vary: {drain: [1 h]}\nreplcas: 3\n", "unknown key 'replcas'; did you mean 'replicas'", 5),
        ("vary: {drain: [1 h]}\nreplicas: 0\n", "0 must be at least 1", 5),
        ("vary: {drain: [1 h]}\nset: {drian: 1 h}\n", "did you mean 'drain'", 5),
        ("vary: {drain: [1 h]}\nwith: clam\n", "did you mean 'calm'", 0),
        ("vary: {drain: [1 h]}\nset: {live: [dq]}\n", "live stages are executed in real time", 5),
    ],
)
def test_a_wrong_study_is_refused_at_its_line(tmp_path, text, told, line):
    with pytest.raises(ScenarioError, match=told) as caught:
        request.load(study_file(tmp_path, text))
    assert caught.value.problems[0].line == line


def test_where_the_scenario_of_a_study_may_be(tmp_path):
    path = study_file(tmp_path, "vary: {drain: [1 h]}\n")
    (tmp_path / "own.yaml").write_text("schema_version: 1\nname: own\nbased_on: first-light\n")
    path.write_text(path.read_text().replace("scenario: first-light", "scenario: own.yaml"))
    assert request.load(path).asked.scenario.name == "own"
    for given, told in (("../own.yaml", "leads out"), ("gone.yaml", "no file"), ("first-lihgt", "did you mean")):
        path.write_text(HEAD.replace("first-light", given) + "vary: {drain: [1 h]}\n")
        with pytest.raises(ScenarioError, match=told):
            request.load(path)
    with pytest.raises(ScenarioError, match="is a scenario, not a study"):
        request.load(bundled()["first-light"])
    with pytest.raises(ScenarioError, match="unknown study 'servers-for-rate'; did you mean 'servers-for-rates'"):
        request.load("servers-for-rate")


@pytest.mark.parametrize("name", studies())
def test_a_shipped_study_is_valid_and_loads_back_equal(name, tmp_path):
    asked = request.load(name)
    assert asked.name == name
    assert asked.question
    (tmp_path / "resolved.yaml").write_text(asked.resolved())
    again = request.load(tmp_path / "resolved.yaml")
    assert again.resolved() == asked.resolved()
    assert again.asked.scenario == asked.asked.scenario
    if asked.kind == "vary":
        one, other = (KINDS["vary"].check(r.asked) for r in (asked, again))
        assert [(p.name, p.changes, p.scenario.digest) for p in one] == [
            (p.name, p.changes, p.scenario.digest) for p in other
        ]


def test_the_command_line_goes_before_the_file(tmp_path):
    path = study_file(tmp_path, "replicas: 2\nset: {drain: 2 h}\nvary: {horizon: [1 d]}\n")
    asked = request.load(path, with_=["calm"], set_=["drain=3 h"], seed=5, replicas=4).asked
    assert (asked.seed, asked.replicas, asked.scenario.drain, "storm" in asked.scenario.timeline) == (
        5,
        4,
        10_800.0,
        False,
    )
    given = request.of_options("first-light", [f"{SERVERS}=1,2"], "latin-hypercube:9", ["lost"], seed=3)
    assert (given.name, given.asked.sample.points, given.asked.report) == ("first-light-varied", 9, ("lost",))
    path.write_text(given.text)
    assert request.load(path).resolved() == given.resolved()


def test_tables_say_values_in_si_and_as_given(tmp_path):
    asked = request.load(study_file(tmp_path, f"vary:\n  {SERVERS}: [1, 2]\n  {RATE}: [1e5 /yr, 2e5 /yr]\n"))
    study = answered(asked)
    table = study.table
    assert len(table) == 8
    assert table[SERVERS].tolist() == [1.0] * 4 + [2.0] * 4
    assert table[RATE].iloc[2] == pytest.approx(2e5 / (365.25 * 86400))
    assert table[f"{RATE} (given)"].iloc[2] == "2e5 /yr"
    assert table["reason"].iloc[1] == "too few events in 1 of 2 replicas"
    assert study.report == ("latency.p50", "lost")
    assert len(study.values) == 16
    array = study.to_xarray()
    assert array["value"].dims == ("quantity", SERVERS, RATE)
    assert array["value"].sel(quantity="latency.p50").to_numpy().tolist() == [[0.5, 1.5], [2.5, 3.5]]
    assert float(array["value"].sel({"quantity": "latency.p50", SERVERS: 2})[1]) == 3.5
    assert np.isnan(array["value"].sel(quantity="lost").to_numpy()[0, 0])
    folder = saved.save(study, tmp_path / "out", "ettwin study mine.yaml", also=lambda beside: None)
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "table.parquet"), table)
    resolved = request.load(folder / "resolved.yaml")
    assert [p.scenario.digest for p in KINDS["vary"].check(resolved.asked)] == [
        p.scenario.digest for p in study.found.points
    ]
    told = saved.as_dict(study, "")
    assert json.loads(json.dumps(told, allow_nan=False))["table"][1]["value"] is None


def test_a_text_is_no_number_and_a_failure_no_row(tmp_path):
    asked = request.load(study_file(tmp_path, "vary:\n  stages.alert.gate: [veto, null]\n"))
    points = KINDS["vary"].check(asked.asked)
    bad = Outcome(points[1].name, [], [], [], "", "no such thing")
    good = answered(asked).found.outcomes[0]
    found = KINDS["vary"].drive(asked.asked, lambda points, replicas: [good, bad])
    assert tables.table(found)["stages.alert.gate"].tolist() == ["veto", "veto"]
    assert tables.failures(found) == {points[1].name: "no such thing"}
    assert found.answer[0].endswith("1 point failed.")


def test_the_schema_of_studies_knows_every_kind():
    schema = json_schema()
    assert {"with", "set", "scenario", *KINDS} <= schema["properties"].keys()
    assert {"required": ["vary"]} in schema["oneOf"]
    assert schema["properties"]["vary"]["anyOf"][0]["additionalProperties"]["anyOf"][1]["required"] == [
        "from",
        "to",
    ]
