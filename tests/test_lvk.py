"""Today's network: calibrated once, and foretelling other pipelines and warnings without being tuned again."""

import json
from datetime import datetime

import pandas as pd
import pytest

from benchmarks import looks
from benchmarks.studies import HERE, PAGE
from dashboards.cli import main
from twin.loader import load
from twin.runner import run
from twin.studies import cases

SHORT = {"horizon": "2 d", "drain": "10 min", "replicas": 2}
TEXT = " ".join(PAGE.read_text().split())


@pytest.fixture(scope="module")
def offered():
    return {case.name: case.scenario for case in cases.chosen("lvk-o4")}


@pytest.fixture(scope="module")
def found():
    """Values of the study, by case and quantity."""
    result = json.loads((HERE / "lvk-o4.json").read_text())
    return {(row["case"], row["quantity"]): row for row in result["table"]}


@pytest.fixture(scope="module")
def base():
    return run(load("lvk-o4").with_(SHORT))


@pytest.fixture(scope="module")
def warned(offered):
    return run(offered["early-warning"].with_(SHORT))


def test_the_median_is_the_published_one(found):
    row = found["challenge", "latency.p50"]
    assert row["low"] <= 29.5 <= row["high"]


def test_no_prediction_touches_what_was_calibrated(offered):
    settled = load("lvk-o4").stages["gstlal-event"].wait
    for name, scenario in offered.items():
        waits = {stage.wait.value for stage in scenario.stages.values() if stage.wait is not None}
        assert (waits == {settled.value}) == (name != "swift-settling")


def test_black_holes_are_found_and_told_of_as_ever_where_something_warns_of_neutron_stars(base, warned):
    """By the same searches; their times are drawn anew, so that the median is the same within its error."""
    own = ["replica", "event_time_s", "search", "product", "outcome"]
    seen = [record.alerts[record.alerts["cls"] == "bbh"] for record in (base, warned)]
    plain, beside = (rows[own].sort_values(own).reset_index(drop=True) for rows in seen)
    pd.testing.assert_frame_equal(plain, beside)
    first = [rows.groupby(["replica", "event_time_s"])["latency_s"].min().dropna() for rows in seen]
    error_s = 1.25 * first[0].std() * (2 / len(first[0])) ** 0.5
    assert first[0].median() == pytest.approx(first[1].median(), abs=4 * error_s)


def test_neutron_stars_are_warned_of_before_they_merge(warned):
    early = warned.alerts.query("product == 'early-warning'")
    assert set(early["cls"]) == {"bns"}
    assert early["snr"].min() >= 13.2
    assert early["latency_s"].between(-60.0, 30.0).all()
    assert (early["latency_s"] < 0.0).mean() > 0.4


def test_looks_are_those_that_the_curve_gives(offered):
    stated = offered["early-warning"].stages["early"].finds.looks
    assert {look.ahead: look.min_snr for look in stated} == looks.least_snr()
    assert looks.gathered(30.0) == pytest.approx(11 / 32, abs=0.02)  # the user guide's example
    seen = {detected: [final * looks.gathered(f) for f, (final, d) in looks.GUIDE.items() if d == detected]
            for detected in (True, False)}  # fmt: skip
    assert f"had {min(seen[True]):.1f} to {max(seen[True]):.1f} by this reckoning" in TEXT
    assert f"those that were not yet {max(seen[False]):.1f} and less" in TEXT


def test_the_page_says_when_warnings_are_sent(found):
    row = found["early-warning", "early-warning.p50"]
    low, high = -row["high"], -row["low"]
    told = f"sent {-row['value']:.1f} s ({low:.1f} s to {high:.1f} s) before the merger"
    assert told in TEXT
    assert f"the median would come {row['value'] + 10.3:.1f} s after the merger" in TEXT


def test_its_alerts_are_valid_documents(tmp_path, capsys):
    short = [word for key, value in SHORT.items() for word in ("--set", f"{key}={value}")]
    out = tmp_path / "run"
    told = ["run", "lvk-o4", "--case", "early-warning", "--alerts", "all", "--quiet", "--out", str(out), *short]
    for command in (told, ["alerts", str(out)]):
        with pytest.raises(SystemExit) as left:
            main(command)
        assert not left.value.code
    assert "0 of them wrong" in capsys.readouterr().out
    sent = [json.loads(p.read_text()) for p in (out / "alerts").glob("*.json") if ".ext." not in p.name]
    early = [alert for alert in sent if alert["alert_type"] == "EARLYWARNING"]
    assert len(early) > 20
    assert all(_time(alert["time_created"]) < _time(alert["event"]["time"]) for alert in early)


def _time(text):
    return datetime.fromisoformat(text)
