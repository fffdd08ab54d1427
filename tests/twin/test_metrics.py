"""Metrics of records made by hand: known answers, verdicts, what is withheld, what is named."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.records import DAY_S, PARTS, Scenario, Targets, signals, week
from twin import limits, metrics, verdicts
from twin.estimates import Estimate
from twin.harvest import KEPT


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
    rest = [name for name in record.counts if name in KEPT or name.startswith("dropped_")]
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


def test_dead_time_is_the_share_of_segments_never_searched():
    rows = [(r, work, 100, 4 + 2 * r) for r in (0, 1) for work in ("dq", "detect", "candidate")]
    counts = pd.DataFrame(rows, columns=["replica", "work", "segments", "unsearched"])
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
    assert verdicts.verdict(Estimate(2.0, low, high, 5), 3.0) == expected


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


@pytest.mark.parametrize(
    ("part", "column", "said"),
    [
        ("load_s", "swaps", "100 % of it loading models, with the most loading at cnaf.cpu"),
        ("outage_s", "down_s", "100 % of it outages, with the longest outage at cnaf.cpu"),
        ("join_s", "swaps", "100 % of it waiting for data quality. "),
        ("batch_s", "swaps", "100 % of it filling batches. "),
    ],
)
def test_the_part_that_dominates_late_alerts_is_named(part, column, said):
    alerts = signals([[10.0] * 9 + [100.0], [10.0] * 9 + [100.0]])
    alerts.loc[alerts["late"], [part, "compute_s"]] = [90.0, 10.0]
    record = few(alerts=alerts, marks=week().marks.iloc[:0])
    pools = record.pools.assign(down_s=0.0)
    pools[column] = np.where(pools["pool"] == "cnaf.cpu", 7, 0)
    assert said in limits.why_late(record.but(pools=pools))["sentence"]


def test_the_latency_may_be_that_of_a_product():
    alerts = signals([[10.0] * 20, [20.0] * 20])
    later = alerts.assign(
        product="update", latency_s=500.0, published_s=alerts["event_time_s"] + 500.0, compute_s=500.0, late=True
    )
    both = pd.concat([later, alerts], ignore_index=True)
    first, update = (
        few(alerts=both, scenario=Scenario(horizon=DAY_S, targets=Targets(product=product)))
        for product in (None, "update")
    )
    assert metrics.latency_quantile(first, 0.5).value == 15.0
    assert (metrics.latency_quantile(update, 0.5).value, metrics.latency_quantile(update, 0.5).n) == (500.0, 40)
    assert metrics.parts(update)["all_s"].sum() == 500.0
    assert [metrics.late(record).value for record in (first, update)] == [0.0, 0.0]
    assert metrics.summary(update)["targets"][0]["text"] == "50 % of update alerts within 30 s"


def test_work_given_up_is_told_by_reason(record):
    counts = record.counts.assign(dropped_rejected=0, dropped_failed=0)
    counts.loc[counts["work"] == "detect", ["dropped_rejected", "dropped_failed"]] = [1000, 10]
    told = limits.shedding(record.but(counts=counts))
    assert "was turned away by a full queue" in told
    assert "was given up after failed attempts" in told
    assert "vetoed" not in told
    assert limits.shedding(record.but(counts=record.counts.assign(dropped_stale=0))) == ""


def test_interruptions_are_told_only_when_there_were_any(record):
    assert limits.interruptions(record) == ""
    pools = record.pools.assign(preempted=(record.pools["pool"] == "cnaf.cpu") * 12)
    assert limits.interruptions(record.but(pools=pools)) == (
        "In each replica, 12 batches made way for others (most at cnaf.cpu)."
    )


def test_alerts_without_a_verdict_are_counted():
    alerts = signals([[10.0] * 3, [10.0]])
    assert limits.unjudged(few(alerts=alerts)) == ""
    alerts.loc[[0, 3], "dq_missing"] = True
    assert limits.unjudged(few(alerts=alerts)) == "Of 4 first alerts, 2 did not wait for data quality."


def test_a_signal_vetoed_in_two_branches_is_listed_once():
    alerts = signals([[10.0], [10.0]]).assign(outcome="vetoed")
    twice = pd.concat([alerts, alerts], ignore_index=True)
    assert len(metrics.vetoed_signals(few(alerts=twice))) == 2


def test_links_are_summed_over_replicas(record):
    link = metrics.links(record).iloc[0]
    assert link["transfers"] == record.links["transfers"].sum()
    assert link["use"] == pytest.approx(24.0 / record.scenario.horizon)


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
