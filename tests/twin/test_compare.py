"""Cases held against each other: paired by the same sky, the same on any number of workers, honest where blind."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from tests import records
from twin.loader import bundled, load, loads
from twin.studies import cases, kept
from twin.studies.compare import Case, Comparison, Outcome, compare, is_certain
from twin.studies.quantities import Quantity, quantities
from twin.tree import ScenarioError

SHORT = {"horizon": "6 h", "drain": "10 min", "replicas": 3, "timeline.new-weights": None, "timeline.storm": None}


@pytest.fixture(scope="module")
def found():
    return compare(cases.chosen("first-light", ["as-is", "mark"], set_=SHORT))


def test_every_case_sees_the_same_sky_and_differences_are_taken_replica_by_replica(found):
    table = found.table.set_index(["case", "quantity"])
    values = found.replica_table.pivot_table(index="replica", columns=["case", "quantity"], values="value")
    apart = values["mark"]["published"] - values["as-is"]["published"]
    assert table.loc[("mark", "published"), "difference"] == pytest.approx(apart.mean())
    assert (values["mark"]["lost"] <= values["as-is"]["lost"]).all()
    paired = table.loc[("mark", "published")]
    assert paired["difference_high"] - paired["difference_low"] < paired["high"] - paired["low"]


def test_any_number_of_workers_gives_the_same_table(found):
    again = compare(cases.chosen("first-light", ["as-is", "mark"], set_=SHORT), workers=2)
    pd.testing.assert_frame_equal(found.replica_table, again.replica_table)
    assert [o.plan_digest for o in found.outcomes] == [o.plan_digest for o in again.outcomes]


def test_only_what_differs_is_listed(found):
    assert found.changes() == {"mark": {"stages.alert.gate": ("veto", "-")}}


def test_what_is_kept_is_json_and_appears_whole(found, tmp_path):
    folder = kept.save(found, tmp_path / "c", "ettwin compare first-light", also=lambda beside: None)
    told = json.loads((folder / kept.FILE).read_text())
    assert [case["name"] for case in told["cases"]] == ["as-is", "mark"]
    assert len(pd.read_parquet(folder / "values.parquet")) == len(found.replica_table)
    assert load(folder / "mark.yaml") == found.cases[1].scenario
    with pytest.raises(FileExistsError, match="exists already"):
        kept.save(found, folder, "", also=lambda beside: None)

    def broken(beside):
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        kept.save(found, tmp_path / "d", "", also=broken)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c"]


def test_a_saturated_case_states_no_latency():
    calm = Outcome("calm", [Quantity("latency.p50", "median", "s", np.array([1.0, 2.0, 3.0]), 90)], [], [], "")
    slow = Quantity("latency.p50", "median", "s", np.array([5.0, 9.0, 7.0]), 90)
    full = Outcome("full", [slow], [], ["a.cpu"], "")
    table = Comparison((), (calm, full), 1, 3).table.set_index("case")
    assert table.loc["calm", "value"] == 2.0
    assert np.isnan(table.loc["full", "value"])
    assert "a.cpu still grows" in table.loc["full", "reason"]
    assert np.isnan(table.loc["full", "difference"])


def test_a_quantile_of_too_few_events_is_withheld():
    q = Quantity("latency.p99", "99 %", "s", np.array([1.0, np.nan]), 3)
    row = Comparison((), (Outcome("a", [q], [], [], ""),), 1, 2).table.iloc[0]
    assert np.isnan(row["value"])
    assert row["reason"] == "too few events in 1 of 2 replicas"


def test_a_difference_is_certain_when_its_interval_leaves_out_zero():
    assert is_certain(0.1, 0.3)
    assert is_certain(-0.3, -0.1)
    assert not is_certain(-0.1, 0.3)
    assert not is_certain(None, None)
    assert not is_certain(float("nan"), float("nan"))


def test_quantities_count_what_the_tables_hold():
    record = records.week(replicas=3)
    record = record.but(pools=record.pools.assign(server_s=record.pools["servers"] * record.scenario.horizon))
    by = {q.name: q for q in quantities(record)}
    alerts = record.alerts[record.alerts["is_signal"] & (record.alerts["outcome"] == "published")]
    assert by["published"].n == len(alerts)
    assert by["published"].values.sum() * 7 == pytest.approx(len(alerts))
    assert by["there.host"].values.tolist() == [16.0, 16.0, 16.0]
    assert by["traffic"].values[0] == pytest.approx(604_800 * 49_152 / 1e9 / 7)
    assert by["recovery"].values.min() > 0.0


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["mark"], "alone cannot be compared"),
        (["mark", "clam"], "did you mean 'calm'"),
        (["as-is", "mark+clam"], "did you mean 'calm'"),
    ],
)
def test_a_case_that_there_is_not_is_refused(names, told):
    with pytest.raises(ScenarioError, match=told):
        cases.chosen("first-light", names)


def test_a_file_that_lists_no_cases_offers_its_own_overrides(tmp_path):
    text = "schema_version: 1\nname: mine\nbased_on: first-light\noverrides: {hurry: {drain: 5 min}, calm: null}\n"
    (tmp_path / "mine.yaml").write_text(text)
    assert [case.name for case in cases.chosen(tmp_path / "mine.yaml")] == ["as-is", "hurry"]
    (tmp_path / "like.yaml").write_text("schema_version: 1\nname: like\nbased_on: mine.yaml\n")
    assert [case.name for case in cases.chosen(tmp_path / "like.yaml")] == ["as-is", "hurry"]
    assert cases.chosen(tmp_path / "like.yaml", ["as-is", "mark"])[1].scenario.stages["alert"].gate is None


@pytest.mark.parametrize("name", ["work-graph", "restless-sky", "faulty-farm"])
def test_a_shipped_scenario_with_a_base_compares_what_is_its_own(name):
    own = yaml.safe_load(bundled()[name].read_text())["overrides"]
    assert list(load(name).case_overrides) == ["as-is", *own]


@pytest.mark.parametrize("name", ["q03-training", "q12-projection"])
def test_what_offers_nothing_says_what_may_be_named(name):
    with pytest.raises(ScenarioError, match="nothing to compare: name two or more with --case, of as-is, matched"):
        cases.chosen(name)
    assert [case.name for case in cases.chosen(name, ["as-is", "hybrid"])] == ["as-is", "hybrid"]


def test_a_scenario_may_say_what_is_to_be_compared(tmp_path):
    text = "schema_version: 1\nname: mine\nbased_on: first-light\ncases: {both: [mark, calm], plain: []}\n"
    (tmp_path / "mine.yaml").write_text(text)
    both, plain = cases.chosen(tmp_path / "mine.yaml")
    assert (both.name, plain.name) == ("both", "plain")
    assert both.scenario.timeline.keys() == {"new-weights"}
    assert plain.scenario.digest == loads(text.replace("both: [mark, calm], ", "")).digest


def test_a_case_of_an_unknown_override_is_refused_where_it_stands():
    text = "schema_version: 1\nname: mine\nbased_on: first-light\ncases:\n  both: [mark, clam]\n"
    with pytest.raises(ScenarioError, match="did you mean 'calm'") as caught:
        loads(text)
    assert (caught.value.problems[0].line, caught.value.problems[0].path) == (5, "cases.both")


def test_equal_names_one_case_and_live_stages_are_refused():
    case = Case("a", load("first-light"))
    with pytest.raises(ValueError, match="two cases or more"):
        compare([case])
    with pytest.raises(ValueError, match="names of their own"):
        compare([case, case])
    live = SimpleNamespace(live=("dq",), seed=1, replicas=1)
    with pytest.raises(ValueError, match="live stages"):
        compare([case, Case("b", live)])


def test_cases_of_a_scenario_replace_those_of_its_base(tmp_path):
    head = "schema_version: 1\nname: {}\nbased_on: {}\n"
    (tmp_path / "base.yaml").write_text(head.format("base", "first-light") + "cases: {a: [mark], b: []}\n")
    (tmp_path / "over.yaml").write_text(head.format("over", "base.yaml") + "cases: {c: [calm], d: []}\n")
    assert [case.name for case in cases.chosen(tmp_path / "over.yaml")] == ["c", "d"]
    (tmp_path / "like.yaml").write_text(head.format("like", "base.yaml"))
    assert [case.name for case in cases.chosen(tmp_path / "like.yaml")] == ["a", "b"]


def test_cases_of_a_base_go_with_the_overrides_they_need(tmp_path):
    text = "schema_version: 1\nname: mine\nbased_on: first-light\noverrides: {calm: null}\n"
    (tmp_path / "mine.yaml").write_text(text)
    assert [case.name for case in cases.chosen(tmp_path / "mine.yaml")] == ["as-is", "mark", "outage"]


def test_cases_may_be_joined_and_named_once():
    joint = cases.chosen("first-light", ["as-is", "mark+calm"])[1]
    assert joint.scenario == load("first-light", with_=["mark", "calm"])
    assert cases.chosen("et", ["full-ml+hybrid", "mixed"])[0].scenario == load("et", with_=["hybrid"])
    with pytest.raises(ScenarioError, match="is given twice"):
        cases.chosen("first-light", ["mark", "mark"])


@pytest.mark.parametrize("change", ["seed: 7", "replicas: 9", "horizon: 1 d"])
def test_cases_with_a_chance_or_a_length_of_their_own_are_refused(change, tmp_path):
    text = f"schema_version: 1\nname: mine\nbased_on: first-light\noverrides: {{own: {{{change}}}}}\n"
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ScenarioError, match="differs in case 'own' from 'as-is'"):
        cases.chosen(tmp_path / "mine.yaml", ["as-is", "own"])


def test_a_share_is_no_more_than_all():
    q = Quantity("late", "late", "", np.array([0.9, 1.0, 0.4]), 30)
    row = Comparison((), (Outcome("a", [q], [], [], ""),), 1, 3).table.iloc[0]
    assert row["high"] == 1.0
