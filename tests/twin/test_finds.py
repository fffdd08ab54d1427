"""A search of which only its efficiency is known reports as many signals as that says, and no glitch."""

import pytest

import twin
from twin.loader import loads
from twin.tree import ScenarioError

TEXT = """
schema_version: 1
name: searched
horizon: 2 d
replicas: 2
instrument: {detectors: [H1, L1, V1], site: caltech, calibration: 4 s}
sky:
  signals:
    bbh: {rate: 200 /h, snr: {min: 6, max: 100, index: -1}}
  glitches:
    rate: 1 /min
    mix: {blip: 1}
    snr: {min: 6, max: 100, index: -1}
sites:
  caltech: {latitude: 34.14 deg, longitude: -118.13 deg, pools: {cpu: {hardware: epyc-core, servers: 50}}}
stages:
  search:
    time: {law: lognormal, median: 9.3 s, p90: 14 s, standing: assumed, source: test}
    role: trigger
    finds: {share: 80 %, min_snr: 10, false_alarms: 2 /h, standing: assumed, source: test}
    on: [caltech.cpu]
  alert: {after: search, publishes: preliminary}
"""


@pytest.fixture(scope="module")
def record():
    return twin.run(loads(TEXT))


def test_of_loud_signals_its_share_is_found_and_of_others_none(record):
    signals = record.alerts[record.alerts["is_signal"]]
    loud = signals[signals["snr"] >= 10.0]
    assert not (signals[signals["snr"] < 10.0]["outcome"] == "published").any()
    found = (loud["outcome"] == "published").mean()
    assert found == pytest.approx(0.8, abs=4 * (0.16 / len(loud)) ** 0.5)
    assert (loud[loud["outcome"] != "published"]["outcome"] == "missed").all()


def test_noise_is_reported_at_the_stated_rate_and_no_glitch(record):
    false = record.alerts[~record.alerts["is_signal"]]
    assert set(false["cls"]) == {"noise"}
    quiet = 1.0 - (200 / 3600 + 3 / 60)  # of segments, those without any event, at most
    expected = 2 * 48 * 2.0
    assert 0.8 * quiet * expected < len(false) < 1.2 * expected


def test_its_time_follows_its_law(record):
    stage = record.stages.set_index("stage").loc[["search"]]
    assert stage["service_p50_s"].mean() == pytest.approx(9.3, rel=0.03)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    finds: {share: 80 %, min_snr: 10, false_alarms: 2 /h, standing: assumed, source: test}\n", "",
         "or 'finds' with an efficiency"),
        ("role: trigger\n", "role: plain\n", "is for a stage with 'role: trigger' and 'time'"),
        ("share: 80 %,", "share: 180 %,", "share"),
    ],
)  # fmt: skip
def test_without_sense_it_is_refused(old, new, told):
    with pytest.raises(ScenarioError, match=told):
        loads(TEXT.replace(old, new))
