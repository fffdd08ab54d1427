"""Metrics of records made by hand: known answers, verdicts, what is withheld, what is named."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.records import DAY_S, PARTS, Scenario, Targets, signals, week
from twin import limits, metrics
from twin.estimates import Estimate


@pytest.fixture(scope="module")
def record():
    return week()


def few(**changes):
    return week(replicas=2, horizon_s=DAY_S).but(**changes)


def steady(level=0.3, growth=0.0, busy=8.0, replicas=2, horizon_s=DAY_S):
    """A timeline of one pool of 8 servers whose queue grows by `growth` jobs in each of 144 bins."""
    time_s = np.arange(0.0, horizon_s, 600.0)
    values = {"queue": level + growth * np.arange(time_s.size), "busy": np.full(time_s.size, busy)}
    values["servers"] = np.full(time_s.size, 8.0)
    frames = [
        pd.DataFrame(
            {"replica": r, "time_s": time_s, "bin_s": 600.0, "quantity": q, "name": "cnaf.cpu", "value": v}
        )
        for r in range(replicas)
        for q, v in values.items()
    ]
    return pd.concat(frames, ignore_index=True)


def test_the_fixture_keeps_the_contract(record):
    published = record.alerts[record.alerts["outcome"] == "published"]
    assert published[PARTS].sum(axis=1).to_numpy() == pytest.approx(published["latency_s"].to_numpy())
    rest = ["done", "queued", "running", "transit", "dropped_stale", "dropped_vetoed"]
    assert (record.counts[rest].sum(axis=1) == record.counts["offered"]).all()


def test_latency_is_that_of_published_signals_only():
    alerts = signals([[10.0] * 20, [20.0] * 20])
    noise = alerts.assign(is_signal=False, event_id=-5, latency_s=1e6)
    estimate = metrics.latency_quantile(few(alerts=pd.concat([alerts, noise])), 0.5)
    assert (estimate.value, estimate.n) == (15.0, 40)


def test_a_second_alert_of_a_signal_does_not_count():
    alerts = signals([[10.0] * 20, [10.0] * 20])
    later = alerts.assign(latency_s=500.0, published_s=alerts["published_s"] + 490.0, late=True)
    record = few(alerts=pd.concat([later, alerts], ignore_index=True))
    assert metrics.latency_quantile(record, 0.5).value == 10.0
    assert metrics.late(record).value == 0.0
    assert metrics.late(record).n == 40


def test_late_lost_and_false_known_answers():
    alerts = signals([[10.0, 10.0, 10.0, 90.0], [10.0, 10.0, 10.0, 10.0]])
    alerts["outcome"] = alerts["outcome"].astype(str)
    alerts.loc[0, "outcome"] = "vetoed"
    alerts.loc[1, ["outcome", "detectable"]] = ["missed", False]
    alerts.loc[7, ["is_signal", "detectable"]] = [False, False]
    record = few(alerts=alerts)
    assert metrics.late(record).value == pytest.approx(1 / 5)
    assert metrics.lost(record).value == pytest.approx(1 / 6)
    assert metrics.false_alerts_per_day(record).value == pytest.approx(1 / 2)
    assert metrics.vetoed_signals(record)[["replica", "event_id"]].to_numpy().tolist() == [[0, 0]]


def test_a_signal_lost_once_but_published_once_is_not_lost():
    alerts = signals([[10.0], [10.0]])
    again = alerts.assign(outcome="stale", latency_s=np.nan)
    assert metrics.lost(few(alerts=pd.concat([again, alerts], ignore_index=True))).value == 0.0


def test_dead_time_counts_every_segment_stage_once():
    rows = [(r, *row) for r in (0, 1) for row in (("dq", 100, 2), ("detect", 98, 3), ("candidate", 50, 50))]
    counts = pd.DataFrame(rows, columns=["replica", "work", "offered", "dropped_stale"])
    assert metrics.dead_time(few(counts=counts)).value == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.0, 2.0, "met"),
        (1.0, 3.0, "met"),
        (3.5, 4.0, "missed"),
        (2.9, 3.1, "undecided"),
        (None, None, "undecided"),
    ],
)
def test_verdict_needs_the_whole_interval_on_one_side(low, high, expected):
    assert metrics.verdict(Estimate(2.0, low, high, 5), 3.0) == expected


def test_p99_of_a_day_is_withheld_and_its_target_undecided():
    summary = metrics.summary(few())
    assert summary["latency_s"]["p99"]["value"] is None
    assert "99 % needs 1000" in summary["latency_s"]["p99"]["reason"]
    verdicts = {target["name"]: target["verdict"] for target in summary["targets"]}
    assert verdicts["alert_latency.p99"] == "undecided"
    assert verdicts["alert_latency.p50"] == "met"


def test_a_week_misses_its_tail_because_of_the_outage(record):
    summary = metrics.summary(record)
    verdicts = {target["name"]: target["verdict"] for target in summary["targets"]}
    assert verdicts == {
        "alert_latency.p50": "met",
        "alert_latency.p99": "missed",
        "lost": "missed",
        "dead_time": "met",
    }
    assert summary["verdict"] == "missed"
    limit = summary["limit"]
    assert limit["pool"] == "cnaf.cpu"
    assert limit["shares"]["queueing"] > 0.99
    assert {mark["name"]: mark["late"] for mark in limit["marks"]} == {
        "new-weights": 0,
        "storm": 0,
        "cnaf-down": limit["late"],
    }
    assert "queueing, with the longest queue at cnaf.cpu" in limit["sentence"]
    assert "the outage 'cnaf-down' or its backlog" in limit["sentence"]


def test_the_backlog_ends_when_the_queue_is_usual_again(record):
    end_s = record.marks["end_s"].iloc[2]
    assert limits.recovery_s(record, "cnaf.cpu", end_s) == pytest.approx(3600.0)
    assert limits.recovery_s(record, "sos-enattos.cpu", end_s) == 0.0


def test_slow_computing_is_not_called_queueing():
    alerts = signals([[10.0] * 9 + [100.0], [10.0] * 9 + [100.0]])
    limit = limits.why_late(few(alerts=alerts))
    assert limit["shares"]["computing"] == 1.0
    assert limit["pool"] is None
    assert limit["sentence"].startswith("Late alerts (2) were slower than those on time by 90 s")


def test_no_late_alert_is_said():
    limit = limits.why_late(few(alerts=signals([[10.0], [10.0]])))
    assert limit["sentence"] == "No alert was late. On average 100 % of the latency is computing."


def test_a_growing_queue_is_named_instead_of_a_latency():
    summary = metrics.summary(few(timeline=steady(growth=5.0)))
    assert [pool["pool"] for pool in summary["saturated"]] == ["cnaf.cpu"]
    assert summary["saturated"][0]["waiting"] == pytest.approx(0.3 + 5.0 * 143)
    assert summary["latency_s"]["p50"]["value"] is None
    assert summary["latency_s"]["p50"]["reason"].startswith("saturated")
    assert {t["verdict"] for t in summary["targets"] if t["name"].startswith("alert")} == {"missed"}


@pytest.mark.parametrize(
    "timeline",
    [steady(), steady(level=500.0), steady(growth=5.0, busy=4.0), steady(level=800.0, growth=-5.0)],
    ids=["short", "long but steady", "growing beside idle servers", "shrinking"],
)
def test_other_queues_are_not_saturated(timeline):
    assert limits.saturated(few(timeline=timeline)) == []


def test_vetoed_signals_are_all_counted(record):
    alerts = record.alerts
    wanted = int((alerts["is_signal"] & (alerts["outcome"] == "vetoed")).sum())
    listed = metrics.summary(record)["vetoed_signals"]
    assert listed["n"] == wanted == len(listed["rows"])


def test_parts_add_up_to_the_latency(record):
    table = metrics.parts(record)
    assert table["all_s"].sum() == pytest.approx(limits.published_signals(record)["latency_s"].mean())
    assert table.attrs["slowest"] == pytest.approx(0.01 * table.attrs["all"], abs=1)


def test_summary_is_json_and_repeats_itself(record):
    once = json.dumps(metrics.summary(record), allow_nan=False)
    assert json.loads(once)["schema_version"] == 1
    assert once == json.dumps(metrics.summary(week()), allow_nan=False)


def test_without_signals_or_targets_nothing_is_claimed():
    scenario = Scenario(horizon=DAY_S, targets=Targets({}, None, None, None))
    alerts = signals([[10.0], [10.0]]).iloc[:0]
    summary = metrics.summary(few(alerts=alerts, scenario=scenario))
    assert (summary["verdict"], summary["targets"]) == ("no targets", [])
    assert summary["latency_s"]["p50"]["value"] is None
    assert summary["limit"]["sentence"] == "No signal was published, so no alert could be late."
    json.dumps(summary, allow_nan=False)


def test_late_defaults_to_the_largest_quantile_target():
    scenario = Scenario(targets=Targets({"p50": 30.0, "p99": 50.0}, late=None))
    assert metrics.late_limit_s(few(scenario=scenario)) == 50.0
