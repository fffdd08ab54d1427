"""Who vets what: the first pass from measured confusion, hours of people, and no real signal removed unnoticed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

import twin
from dashboards import report, text
from tests import records
from twin import metrics
from twin.alerts import drawn
from twin.loader import ScenarioError, loads
from twin.programs import programs
from twin.shifts import first_pass, load
from twin.shifts.first_pass import PASSED, PERSON, REJECTED
from twin.studies.quantities import quantities

SHORT = {"horizon": "8 h", "replicas": 2}


@cache
def run(case):
    overrides = {"veto": [], "mark": ["mark"], "unjudged": ["unjudged"]}[case]
    return twin.run(twin.load("q09-data-quality", with_=overrides).with_(SHORT))


def with_sure(record, sure):
    """The same run, vetted by another threshold."""
    scenario = record.scenario.with_({"shifts.sure": sure})
    rows = first_pass.table(record, programs(scenario), scenario.shifts)
    return replace(record, scenario=scenario, vetting=rows)


def published(record):
    rows = record.alerts[(record.alerts["outcome"] == "published") & (record.alerts["product"] == "preliminary")]
    return rows.drop_duplicates(["replica", "event_id"])


@pytest.mark.parametrize("case", ["veto", "mark", "unjudged"])
def test_every_published_candidate_has_a_verdict_once(case):
    rows, wanted = run(case).vetting, published(run(case))
    assert len(rows) == len(wanted) > 100
    assert set(zip(rows["replica"], rows["event_id"], strict=True)) == set(
        zip(wanted["replica"], wanted["event_id"], strict=True)
    )
    assert set(rows["first_pass"]) <= {PASSED, REJECTED, PERSON}


def test_without_data_quality_a_person_looks_at_everything():
    record = run("unjudged")
    assert set(record.vetting["first_pass"]) == {PERSON}
    assert record.vetting["p_signal"].isna().all()
    hours = load.hours_per_week(record)
    assert hours.value == pytest.approx(len(record.vetting) * (20 / 60) / (2 * 8 / 168))
    assert hours.low < hours.value < hours.high


def test_data_quality_spares_people():
    hours = {case: load.hours_per_week(run(case)).value for case in ("veto", "mark", "unjudged")}
    assert hours["veto"] < 0.8 * hours["unjudged"]
    assert hours["mark"] < 0.8 * hours["unjudged"]


def test_the_probability_is_what_the_run_bears_out():
    """Of those that the first pass gives some probability, so many are signals."""
    rows = run("mark").vetting
    for _, own in rows.groupby("p_signal"):
        if len(own) >= 20:
            p, n = float(own["p_signal"].iloc[0]), len(own)
            assert abs(own["is_signal"].sum() - n * p) < 4.0 * np.sqrt(n * p * (1.0 - p)) + 2.0
    assert rows["p_signal"].nunique() >= 4


def test_verdicts_follow_the_threshold():
    rows = run("mark").vetting
    sure = rows["p_signal"] >= 0.95
    assert (rows.loc[sure, "first_pass"] == PASSED).all()
    assert (rows.loc[rows["p_signal"] <= 0.05, "first_pass"] == REJECTED).all()
    timid = with_sure(run("mark"), "99.9 %").vetting
    assert (timid["first_pass"] == PERSON).sum() > (rows["first_pass"] == PERSON).sum()
    bold = with_sure(run("mark"), "70 %").vetting
    assert (bold["first_pass"] == PERSON).sum() < (rows["first_pass"] == PERSON).sum()
    pd.testing.assert_series_equal(bold["named"], rows["named"])


def test_names_are_drawn_as_the_program_was_measured_to_confuse():
    record = run("mark")
    rows = record.vetting[record.vetting["is_signal"] & ~record.vetting["dq_flag"]]
    known = next(use.profile for use in programs(record.scenario).uses if use.stage == "dq")
    names, counts = known.decisions.confusion["classes"], known.decisions.confusion["counts"][1]
    quiet = {name: n for name, n in zip(names, counts, strict=True) if drawn.is_quiet(name)}
    share = (rows["named"] == "bbh").mean()
    wanted = quiet["bbh"] / sum(quiet.values())
    assert share == pytest.approx(wanted, abs=4.0 * np.sqrt(wanted * (1 - wanted) / len(rows)))
    flagged = record.vetting[record.vetting["dq_flag"]]
    assert not {"none", "bbh"} & set(flagged["named"])


def test_no_real_signal_is_rejected_unnoticed():
    record = with_sure(run("mark"), "60 %")
    rejected = load.rejected_signals(record)
    assert len(rejected) > 0
    told = record.summary["shifts"]["rejected_signals"]
    assert told["n"] == len(rejected)
    assert [(row["replica"], row["event_id"], row["cls"]) for row in told["rows"]] == list(
        rejected[["replica", "event_id", "cls"]].itertuples(index=False, name=None)
    )
    assert f"{len(rejected)} real signal" in record.summary["shifts"]["text"]
    assert "Real signals rejected by the first pass" in report.page(record)


def test_no_real_signal_is_vetoed_unnoticed(monkeypatch):
    """Whatever is vetoed stands in the summary by id and class, however many there are."""
    record = run("veto")
    rows = record.alerts[record.alerts["is_signal"] & (record.alerts["outcome"] == "vetoed")]
    vetoed = set(rows[["replica", "event_id", "cls"]].itertuples(index=False, name=None))
    assert len(vetoed) > 2
    for listed in (metrics.LISTED, 3, 0):
        monkeypatch.setattr(metrics, "LISTED", listed)
        told = metrics._vetoed(record)
        by_name = {(row["replica"], row["event_id"], row["cls"]) for row in told["rows"]}
        assert by_name | {tuple(name) for name in told.get("beyond", [])} == vetoed
        assert (told["n"], "beyond" in told) == (len(vetoed), listed < len(vetoed))
    monkeypatch.undo()
    assert record.summary["vetoed_signals"] == metrics._vetoed(record)
    shown = text.vetoed(record.summary)
    assert f"{len(vetoed)} real signals taken for glitches" in shown


def test_hours_are_told_in_words_and_compared():
    record = run("veto")
    told = record.summary["shifts"]
    shown = " ".join(text.text(record.summary).split())
    assert f"Vetting {told['text']}" in shown
    assert "20 s each" not in told["text"]
    assert "20.0 min each, assumed" in told["text"] or "20 min each, assumed" in told["text"]
    found = {q.name: q for q in quantities(record)}
    hours = found["shift_hours"]
    assert (hours.unit, hours.values.mean()) == ("h/wk", pytest.approx(told["hours_per_week"]["value"]))
    assert hours.n == (record.vetting["first_pass"] == PERSON).sum()
    assert found["shift_share"].values.max() <= 1.0


def test_the_table_is_kept(tmp_path):
    record = run("veto")
    record.save(tmp_path / "run")
    again = twin.open(tmp_path / "run")
    assert again.vetting["first_pass"].tolist() == record.vetting["first_pass"].tolist()
    assert again.summary["shifts"] == record.summary["shifts"]


def test_a_run_without_shifts_has_none():
    record = twin.run(twin.load("first-light").with_({"horizon": "10 min", "timeline": {}, "replicas": 1}))
    assert record.vetting is None
    assert "shifts" not in record.summary
    assert "shifts" not in record.scenario.resolved()
    assert "shifts" not in metrics.summary(records.week(2))


def test_alerts_that_did_not_wait_for_a_verdict_go_to_a_person():
    hasty = {"stages.alert.awaits.timeout": "0 s", "stages.dq.max_batch": 8, "stages.dq.max_wait": "20 s"}
    scenario = twin.load("q09-data-quality", with_=["beside", "mark"])
    record = twin.run(scenario.with_(SHORT | hasty | {"horizon": "2 h"}))
    missing = record.alerts[(record.alerts["outcome"] == "published") & record.alerts["dq_missing"]]
    rows = record.vetting.set_index(["replica", "event_id"])
    named = [pair for pair in zip(missing["replica"], missing["event_id"], strict=True) if pair in rows.index]
    assert named
    assert (rows.loc[named, "first_pass"] == PERSON).all()


def test_the_scenario_loads_back():
    scenario = twin.load("q09-data-quality")
    assert loads(scenario.resolved()) == scenario
    assert "shifts:" in scenario.resolved()


@pytest.mark.parametrize(
    ("shifts", "told"),
    [
        ({"of": "news"}, "shifts.of: unknown product 'news'; known: preliminary, early-warning"),
        ({"of": ["preliminary", "preliminary"]}, "'preliminary' is listed twice"),
        ({"sure": "50 %"}, "shifts.sure: .* must be more than 0.5"),
        ({"vetting": "20"}, "shifts.vetting: a duration needs a unit"),
    ],
)
def test_wrong_shifts_are_explained(shifts, told):
    with pytest.raises(ScenarioError, match=told):
        twin.load("q09-data-quality").with_({"shifts": shifts})


def test_hours_are_of_the_time_that_is_told():
    record = run("veto")
    late = replace(record, scenario=record.scenario.with_({"warm_up": f"{record.scenario.horizon / 2.0} s"}))
    assert load.hours_per_week(late).value == pytest.approx(2.0 * load.hours_per_week(record).value)
