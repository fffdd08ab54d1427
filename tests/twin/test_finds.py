"""A search of which only its efficiency is known reports as many signals as that says, and no glitch.

One that is stated to look ahead of mergers reports those that it says it sees by then.
"""

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


EARLY = {
    "time": "2 s",
    "role": "trigger",
    "finds": {
        "share": "80 %",
        "looks": [{"of": "bns", "ahead": "60 s", "min_snr": 30}, {"of": "bns", "ahead": "10 s", "min_snr": 15}],
        "false_alarms": "2 /h",
        "standing": "assumed",
        "source": "test",
    },
    "on": ["caltech.cpu"],
}
CHANGES = {
    "sky.signals.bns": {"rate": "200 /h", "snr": {"min": 8, "max": 100, "index": -1}},
    "stages.early": EARLY,
    "stages.warning": {"after": "early", "publishes": "early-warning"},
    "targets.warning": {"of": "bns", "ahead": "30 s", "share": "10 %"},
}


@pytest.fixture(scope="module")
def warned():
    return twin.run(loads(TEXT).with_(CHANGES))


def test_signals_are_warned_of_at_the_looks_that_see_them(warned):
    early = warned.alerts.query("search == 'early' and is_signal")
    assert set(early["cls"]) == {"bns"}
    soon = early[-early["frame_s"] > 55.0]
    late = early[-early["frame_s"] < 15.0]
    assert len(soon) + len(late) == len(early)
    merged = warned.alerts.query("cls == 'bns' and search != 'early'")
    for seen, least in ((soon, 30.0), (late, 15.0)):
        assert seen["snr"].min() >= least
        n = merged[merged["snr"] >= least].drop_duplicates(["replica", "event_id"]).shape[0]
        assert len(seen) / n == pytest.approx(0.8, abs=4 * (0.16 / n) ** 0.5 + 60 / (2 * 86400))
    told = next(row for row in warned.summary["targets"] if row["name"] == "warning")
    assert told["verdict"] == "met"


def test_false_warnings_come_at_the_stated_rate(warned):
    false = warned.alerts.query("search == 'early' and not is_signal")
    assert 0.75 * 192 < len(false) < 1.2 * 192


def _looks(*looks, **more):
    changes = CHANGES | {"stages.early": EARLY | {"finds": EARLY["finds"] | {"looks": list(looks)} | more}}
    return loads(TEXT).with_(changes)


LOOK = {"of": "bns", "ahead": "10 s", "min_snr": 15}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([LOOK | {"of": "nsbh"}], "looks.0.of: unknown class of signal of the sky 'nsbh'"),
        ([LOOK | {"of": "bbh"}], "looks.0.of: "),
        ([LOOK | {"ahead": "15 s"}], "0.ahead: 15 s; searches look 10, 20, 30, 45, 60, 90, 120, 180, 240, 300 s"),
        ([LOOK, LOOK], "looks.1.ahead: the one 10 s ahead of bns is there already"),
        ([LOOK, LOOK | {"ahead": "20 s", "min_snr": 14}], "1.min_snr: the one 10 s ahead and this one would see"),
        ([], "looks: "),
    ],
)  # fmt: skip
def test_looks_without_sense_are_refused(given, told):
    with pytest.raises(ScenarioError, match=told):
        _looks(*given)


def test_looks_have_snrs_of_their_own():
    with pytest.raises(ScenarioError, match=r"finds\.min_snr: each of the 'looks' has one of its own"):
        _looks(LOOK, min_snr=5)


def test_stated_looks_hang_on_no_low_frequency():
    with pytest.raises(ScenarioError, match="low_frequency: nothing hangs on it"):
        loads(TEXT).with_(CHANGES | {"instrument.low_frequency": "10 Hz"})
