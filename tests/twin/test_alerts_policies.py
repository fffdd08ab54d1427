"""What alerts weigh under a policy, and what a scenario may say of them."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import twin
from tests.twin.alerted import EVERYTHING, made, record, scenario
from twin.alerts import accounts
from twin.alerts.models import AlertError, models
from twin.alerts.notices import policy_of
from twin.loader import ScenarioError, loads
from twin.schema_alerts import ARCHIVED, CARRIED, usual
from twin.units import YEAR_S
from workloads import card

HOUR_S = 3600.0


def side_by_side(name="et"):
    run = record(name)
    return accounts.side_by_side(accounts.table(run, every_policy=True)).set_index(["carries", "archives"])


def test_bytes_are_those_of_the_very_documents():
    (row,) = record("et").policies.to_dict("records")
    stated = 100_000
    sizes = [len(one.text) + len(one.extension_text) + stated for one in made("et")]
    assert row["alerts"] == row["weighed"] == len(sizes)
    assert row["bytes_mean"] == pytest.approx(sum(sizes) / len(sizes))
    assert row["bytes_max"] == max(sizes)
    assert row["publish_delay_s"] == pytest.approx(row["bytes_mean"] * 8 / 1e9)
    assert row["link_use"] == pytest.approx(sum(sizes) * 8 / 1e9 / (2 * HOUR_S))
    assert row["sent_gb"] == pytest.approx(sum(sizes) / 1e9)
    assert row["sent_gb_per_yr"] == pytest.approx(sum(sizes) * YEAR_S / (2 * HOUR_S) / 1e9)


def test_many_documents_are_weighed_by_a_part_of_them(monkeypatch):
    monkeypatch.setattr(accounts, "SAMPLE", 20)
    run = record("q13-premerger")
    (row,) = accounts.table(run, every_policy=False).to_dict("records")
    assert row["weighed"] <= 20 < row["alerts"] == len(made("q13-premerger"))
    sizes = [len(one.text) + len(one.extension_text) + 100_000 for one in made("q13-premerger")]
    assert row["bytes_mean"] == pytest.approx(sum(sizes) / len(sizes), rel=0.01)


def test_every_policy_stands_beside_the_others():
    table = side_by_side()
    assert len(table) == len(CARRIED) * len(ARCHIVED)
    by_carried = table.xs("digest", level="archives")["bytes_mean"]
    assert by_carried.is_monotonic_increasing
    assert by_carried.is_unique
    for carries in by_carried.index:
        assert table.loc[carries]["kept_gb"].is_monotonic_increasing
        assert table.loc[carries]["bytes_mean"].nunique() == 1


def test_what_each_archive_keeps():
    table = side_by_side().loc["standard"]
    run = record("et")
    weights = {use.profile.workload for use in run.programs.uses}
    size = sum((card.WEIGHTS / f"{name}.safetensors").stat().st_size for name in weights)
    digest, with_weights = table.loc["digest"], table.loc["weights"]
    assert digest["kept_gb_per_yr"] == pytest.approx(digest["sent_gb_per_yr"])
    assert digest["kept_gb"] == pytest.approx(2 * 50 * digest["kept_gb_per_yr"])
    assert with_weights["kept_once_gb"] == pytest.approx(size / 1e9)
    strain = table.loc["weights+strain"]["kept_gb_per_yr"] - with_weights["kept_gb_per_yr"]
    per_event = 64 * 3 * 2048 * 8
    assert strain == pytest.approx(per_event * digest["events"] * YEAR_S / (2 * HOUR_S) / 1e9)
    capsule = table.loc["capsule"]
    assert capsule["kept_once_gb"] == pytest.approx((size + 2e9 * len(weights)) / 1e9)


def test_weights_that_were_trained_anew_are_kept_too():
    table = {}
    for timeline in ({}, {"new": {"kind": "retraining", "of": "detect", "at": "30 min", "lasts": "10 min"}}):
        run = twin.run(scenario("first-light", {"timeline": timeline}, archives="weights", carries="standard"))
        (row,) = run.policies.to_dict("records")
        table[len(timeline)] = row["kept_gb_per_yr"] - row["sent_gb_per_yr"]
    assert table[0] == pytest.approx(0.0, abs=1e-12)
    assert table[1] > 0.0


def test_the_summary_tells_it_in_words():
    told = record("et").summary["alerts"]
    assert json.dumps(told)
    assert told["carries"] == "standard +likelihood +dq +calibration +samples"
    assert "after 50 yr in 2 copies" in told["text"]
    assert told["bytes_mean"] == pytest.approx(record("et").policies["bytes_mean"].mean())


def test_a_run_without_alerts_has_none():
    run = twin.run(twin.load("et").with_({"horizon": "10 min", "replicas": 1}))
    assert run.policies is None
    assert "alerts" not in run.summary
    assert "alerts:" not in run.scenario.resolved()


def test_the_scenario_loads_back_with_everything_written_out():
    made_of = scenario("work-graph", skymaps=True, carries=["+dq"], archives="capsule", copies=3)
    again = loads(made_of.resolved())
    assert again == made_of
    assert again.alerts.types == {"preliminary": "PRELIMINARY", "confirmation": "UPDATE", "update": "UPDATE"}
    assert "epoch: {value: 1735257618 s" in made_of.resolved()


def test_a_product_may_be_another_notice():
    run = scenario("work-graph", types={"confirmation": "INITIAL"})
    assert run.alerts.type_of("confirmation") == "INITIAL"
    assert run.alerts.type_of("update") == "UPDATE"


@pytest.mark.parametrize(
    ("alerts", "told"),
    [
        ({"types": {"news": "UPDATE"}}, "alerts.types.news: unknown product 'news'; known: preliminary"),
        ({"carries": ["+dq", "+dq"]}, r"alerts.carries.1: '\+dq' is listed twice"),
        ({"retracts": "flagged"}, "nothing is retracted without 'retract_after': give it, or leave this out"),
        ({"retention": "50"}, "alerts.retention: a duration needs a unit"),
        ({"carries": ["dq"]}, "alerts.carries.0"),
        ({"archives": "all"}, "alerts.archives"),
    ],
)
def test_a_wrong_policy_is_explained(alerts, told):
    with pytest.raises(ScenarioError, match=told):
        scenario("first-light", **alerts)


def test_a_product_without_a_kind_of_notice_is_asked_for():
    changes = {"stages.alert.publishes": "news", "targets.product": None}
    with pytest.raises(ScenarioError, match="'news' is published: say which notice that is"):
        scenario("first-light", changes)
    run = twin.run(twin.load("first-light").with_({"horizon": "10 min", "timeline": {}, "replicas": 1, **changes}))
    with pytest.raises(AlertError, match=r"--set alerts\.types\.news=UPDATE"):
        policy_of(run)


def test_profiles_that_are_not_those_of_the_run_are_refused(tmp_path):
    run = record("et")
    run.save(tmp_path / "run")
    again = twin.open(tmp_path / "run")
    pd.testing.assert_frame_equal(again.policies, run.policies)
    assert models(again).searches["search", "primary"].weights == models(run).searches["search", "primary"].weights
    again.manifest["profiles"]["epyc-core/detector-onnxruntime.json"] = "0" * 64
    with pytest.raises(AlertError, match="is not the one of the run: give the run's with --profiles DIR"):
        models(again)


def test_everything_is_what_can_be_carried():
    assert ["standard", *EVERYTHING] == list(CARRIED)


@pytest.mark.parametrize(
    ("product", "name"), [("update", "update"), ("preliminary-by-pycbc", "preliminary"), ("updates", ""), ("", "")]
)
def test_a_product_called_after_a_usual_alert_is_one(product, name):
    assert usual(product) == name
