"""Early warnings: looks ahead of mergers, what was measured of them, and how alerts tell of them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import twin
from twin import ahead, premerger
from twin.tree import ScenarioError
from workloads.premerger import examples, sources, window
from workloads.profile import SHIPPED
from workloads.sky import ARRIVING, EVENT
from workloads.waveform import chirp_mass

QUALITY = json.loads((SHIPPED / "epyc-core" / "early-warning-filter-numpy.json").read_text())["quality"]
FULL = {"12": [0, 10, 0, 0], "20": [10, 10, 0, 1], "32": [10, 10, 0, 1]}
EARLY = {
    "work": "early-warning-filter", "runtime": "numpy", "role": "trigger", "on": ["cnaf.cpu"], "stride": "16 s",
}  # fmt: skip
WARN = {"time": "1.5 s", "after": "early", "on": ["cnaf.alerts"], "publishes": "early-warning"}
SKY = {
    "bns": {"rate": "7e4 /yr", "snr": {"min": 8, "max": 100}, "found_as": "bbh"},
    "bbh": {"rate": "1e5 /yr", "snr": {"min": 8, "max": 100}},
}


@pytest.fixture(scope="module")
def scenario():
    changes = {
        "horizon": "2 d",
        "drain": "10 min",
        "replicas": 3,
        "timeline": {},
        "sky.signals": SKY,
        "stages.early": EARLY,
        "stages.warn": WARN,
    }
    return twin.load("first-light").with_(changes)


@pytest.fixture(scope="module")
def record(scenario):
    return twin.run(scenario)


def events(*rows):
    made = np.zeros(len(rows), EVENT)
    for k, (time_s, cls, snr, luck) in enumerate(rows):
        made["time_s"][k], made["cls"][k], made["snr"][k] = time_s, ARRIVING.index(cls), snr
        made["u_trigger"][k], made["detector"][k] = luck, -1
    return made


# --- what was measured -----------------------------------------------------------------------------------


def test_the_numbers_are_those_of_the_measurement():
    assert premerger.MEASURED_S == examples.AHEAD_S
    assert set(premerger.MEASURED_S) <= set(premerger.AHEAD_S)
    assert tuple(sources.CLASSES) == premerger.KINDS
    assert premerger.STRIDE_S == window.STRIDE_S
    assert window.BAND_HZ[0] == premerger.LOW_FREQUENCY_HZ
    for kind, (low, high) in premerger.CHIRP_MASSES_MSUN.items():
        (lightest, heaviest), *_ = sources.CLASSES[kind]
        assert (low, high) == pytest.approx(
            (chirp_mass(lightest, lightest), chirp_mass(heaviest, heaviest)), rel=2e-3
        )


def test_looks_are_found_as_often_as_was_measured():
    decision = premerger.decision(QUALITY)
    assert decision.noise == QUALITY["false_alarm_per_unit"]
    for kind, cells in QUALITY["warned"].items():
        for ahead_s, row in cells.items():
            responses = decision.responses[len(ARRIVING) + premerger.LOOKS.index(f"{kind}@{ahead_s}")]
            for snr, (count, n, *_) in row.items():
                bin_ = np.searchsorted(decision.edges, float(snr) * 1.0001, side="right") - 1
                assert max(responses[bin_], 0.0) == pytest.approx(
                    count / n, abs=0.06
                )  # a bin is 1/40 of what is measured
    assert (decision.responses[: len(ARRIVING)] == -1.0).all()


def test_between_and_outside_measured_snrs_the_rule_is_as_stated():
    decision = premerger.decision({"warned": {"bns": {"60": FULL}}, "false_alarm_per_unit": 0.001})
    row = decision.responses[len(ARRIVING) + premerger.LOOKS.index("bns@60")]
    middle = np.sqrt(decision.edges[1:-2] * decision.edges[2:-1])
    np.testing.assert_allclose(row[1:-1], np.interp(np.log(middle), np.log([12, 20, 32]), [0, 1, 1]))
    assert (row[0], row[-1]) == (-1.0, 1.0)
    assert (np.diff(row) >= 0.0).all()
    others = np.delete(decision.responses, len(ARRIVING) + premerger.LOOKS.index("bns@60"), axis=0)
    assert (others == -1.0).all()


# --- looks -----------------------------------------------------------------------------------------------


def test_looks_have_the_luck_and_loudness_of_their_signal():
    given = events((50.0, "bns", 20, 0.3), (400.0, "bns", 30, 0.7), (500.0, "blip", 9, 0.1))
    every, of = premerger.with_looks(given)
    assert (np.diff(every["time_s"]) >= 0.0).all()
    merged = every[of]
    for name in ("snr", "u_trigger", "detector"):
        assert np.array_equal(every[name], merged[name])
    looks = every["cls"] >= len(ARRIVING)
    assert np.array_equal(of[~looks], np.flatnonzero(~looks))
    told = {(float(m), float(m - t)) for m, t in zip(merged["time_s"][looks], every["time_s"][looks], strict=True)}
    early = (a for a in premerger.AHEAD_S if a <= 50.0)
    assert told == {*((50.0, a) for a in early), *((400.0, a) for a in premerger.AHEAD_S)}


def test_what_is_left_away_takes_its_looks_along():
    every, of = premerger.with_looks(events((350.0, "bns", 20, 0.3), (400.0, "bns", 30, 0.7)))
    kept = of == of[every["time_s"] == 400.0][0]
    again = premerger.renumbered(of, kept)
    assert (every[kept]["time_s"][again] == 400.0).all()


# --- runs ------------------------------------------------------------------------------------------------


def test_warnings_come_before_the_merger_under_its_own_name(record):
    alerts = record.alerts
    early = alerts[(alerts["search"] == "early") & (alerts["outcome"] == "published") & alerts["is_signal"]]
    assert len(early) > 100
    assert set(early["cls"]) == {"bns"}
    assert set(early["product"]) == {"early-warning"}
    assert (early["latency_s"] < 0.0).mean() > 0.6  # the last look, 10 s ahead, mostly comes too late
    merged = alerts[alerts["is_signal"] & (alerts["search"] != "early")].drop_duplicates(["replica", "event_id"])
    both = early.merge(merged, on=["replica", "event_id"], suffixes=("", "_merged"))
    assert len(both) == len(early)
    assert (both["event_time_s"] == both["event_time_s_merged"]).all()


def test_parts_of_a_negative_latency_add_up(record):
    from twin.limits import PARTS

    early = record.alerts.query("search == 'early' and outcome == 'published'")
    np.testing.assert_allclose(early[list(PARTS)].sum(axis=1), early["latency_s"], atol=1e-6)


def test_every_signal_still_has_one_fate_after_its_merger(record, scenario):
    without = twin.run(scenario.with_({"stages.early": None, "stages.warn": None}))
    names = ["cls", "event_time_s", "outcome", "product"]
    after = record.alerts[record.alerts["is_signal"] & (record.alerts["search"] != "early")]
    plain = without.alerts[without.alerts["is_signal"]]
    key = ["replica", "event_time_s"]
    pd.testing.assert_frame_equal(
        after.sort_values(key)[names].reset_index(drop=True), plain.sort_values(key)[names].reset_index(drop=True)
    )


def test_the_share_that_is_warned_of_is_the_measured_one(record):
    """Of signals of p(rho) ~ rho^-4 from SNR 12 on, on average over the luck of each."""
    decision = premerger.decision(QUALITY)
    row = decision.responses[len(ARRIVING) + premerger.LOOKS.index("bns@120")]
    u = (np.arange(200_000) + 0.5) / 200_000
    snr = (12.0**-3 + u * (100.0**-3 - 12.0**-3)) ** (-1 / 3)
    exact = np.maximum(row, 0.0)[np.searchsorted(decision.edges, snr, side="right") - 1].mean()
    alerts = record.alerts
    at_120 = alerts[(alerts["search"] == "early") & alerts["is_signal"] & alerts["detectable"]]
    at_120 = at_120[(-at_120["frame_s"] > 103.0) & (-at_120["frame_s"] < 121.0)]
    n = alerts[(alerts["cls"] == "bns") & alerts["detectable"]].drop_duplicates(["replica", "event_id"]).shape[0]
    assert len(at_120) / n == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / n))


def test_a_signal_that_is_warned_of_early_is_warned_of_again(record):
    early = record.alerts.query("search == 'early' and is_signal and outcome == 'published'")
    by = early.groupby(["replica", "event_id"])["frame_s"].agg(["min", "size"])
    far = by[by["min"] < -283.0]  # found 300 s ahead, and so at every later look
    assert len(far) > 5
    assert (far["size"] == len(premerger.AHEAD_S)).all()


def test_false_warnings_come_at_the_measured_rate(record):
    false = record.alerts.query("search == 'early' and not is_signal")
    strides = 3 * 2 * 86400 / 16
    assert (false["cls"] == "noise").all()
    assert len(false) == pytest.approx(0.001 * strides, abs=5 * np.sqrt(0.001 * strides))


def test_the_summary_tells_shares_and_times(record):
    told = record.summary["warnings"]
    bns = next(row for row in told["classes"] if row["cls"] == "bns")
    shares = [bns["share"][f"{a:g}"]["value"] for a in ahead.AHEAD_S]
    assert shares == sorted(shares, reverse=True)
    assert 0.0 < shares[-1] < shares[0] < 1.0
    assert 30.0 < bns["ahead_s"]["p50"]["value"] < 300.0
    assert told["false_per_day"]["value"] > 0.0


def test_a_target_on_warnings_is_judged_from_below(record, scenario):
    share = ahead.share(record, "bns", 30.0)
    for wanted, verdict in ((share.low - 0.02, "met"), (share.high + 0.02, "missed"), (share.value, "undecided")):
        target = {"of": "bns", "ahead": "30 s", "share": f"{100 * wanted} %"}
        run = twin.run(scenario.with_({"targets.warning": target}))
        (row,) = (t for t in run.summary["targets"] if t["name"] == "warning")
        assert row["verdict"] == verdict


def test_early_warning_wants_the_stride_it_was_measured_on(scenario):
    with pytest.raises(
        ScenarioError, match=r"stages\.early\.stride: early-warning-filter was measured on a stride of"
    ):
        twin.run(scenario.with_({"stages.early.stride": "8 s"}))
    with pytest.raises(ScenarioError, match=r"stages\.detect\.stride: detector was measured on a stride of 1 s"):
        twin.run(scenario.with_({"stages.dq.stride": "4 s"}))


def test_early_warning_wants_the_band_it_was_measured_in(scenario):
    scenario.with_({"instrument.low_frequency": "5 Hz"})
    with pytest.raises(
        ScenarioError, match=r"low_frequency: 10 Hz; early warning was measured on strain from 5 Hz"
    ):
        scenario.with_({"instrument.low_frequency": "10 Hz"})


def test_detectors_that_are_down_cannot_warn(scenario):
    duty = {"instrument.duty": {"up": "2 h", "down": "2 h"}}
    run = twin.run(scenario.with_(duty))
    early = run.alerts.query("search == 'early' and is_signal and outcome == 'published'")
    assert len(early) > 0
    gone = run.instrument.query("up == 0")["share"].mean()
    strides = run.counts.query("work == 'early'")["offered"].mean()
    assert strides == pytest.approx((1 - gone) * 2 * 86400 / 16, rel=0.01)
