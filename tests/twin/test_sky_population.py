"""A sky of mergers from the universe: its words, its events, what programs make of them, what the record says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import twin
from tests.twin.profiles import write_all
from tests.twin.wrong import SMALL
from twin import sources
from twin.loader import loads
from twin.programs import programs
from twin.tree import ScenarioError
from workloads import sky
from workloads.cosmos import network
from workloads.sky import ARRIVING, CLASSES, DETAILED, EVENT, SOURCE

ROOT = Path(__file__).parents[2]
DAY_S = 86_400.0
FULL = SMALL.replace("[E1, E2]", "[E1, E2, E3]").replace(
    "    bbh: {rate: 1e5 /yr, snr: {min: 8, max: 100}}\n",
    "    bbh: {rate: 1e5 /yr, population: {}}\n"
    "    bns: {rate: 7e4 /yr, population: {low_frequency: 10 Hz}, found_as: bbh, source: nobody measured}\n"
    "    nsbh: {rate: 3e4 /yr, population: {}, found_as: bbh}\n"
    "    burst: {rate: 100 /yr, snr: {min: 8, max: 50}, found_as: bbh}\n",
)


@pytest.fixture(scope="module")
def full():
    return loads(FULL)


def test_the_old_classes_keep_their_numbers():
    assert ARRIVING[: len(CLASSES)] == CLASSES
    assert CLASSES[0] == "bbh"
    assert len(set(ARRIVING)) == len(ARRIVING)


def test_words_survive_being_written(full):
    text = full.resolved()
    assert loads(text) == full
    for said in ("network: triangle", "min_snr: 8", "found_as: bbh", "largest: 10", "Madau & Dickinson"):
        assert said in text
    assert "multiplicity" not in text
    rows = {row.key: (row.value, row.standing) for row in full.inputs()}
    assert rows["sky.signals.bbh.population.low_frequency"] == ("5 Hz", "assumed")
    assert rows["sky.signals.bns.population.low_frequency"] == ("10 Hz", "assumed")
    assert rows["sky.signals.bns.found_as"] == ("bbh", "assumed")


def test_a_plain_sky_has_plain_events():
    assert sources.events(loads(SMALL), 1, 0).dtype == EVENT
    plain, details = sky.split(sources.events(loads(SMALL), 1, 0))
    assert plain.dtype == EVENT
    assert details is None


def test_events_come_as_often_as_their_rates_say_with_what_they_are(full):
    counts = np.zeros((40, len(ARRIVING)))
    for k in range(len(counts)):
        events = sources.events(full, 1, k)
        assert events.dtype == DETAILED
        assert (np.diff(events["time_s"]) >= 0).all()
        counts[k] = np.bincount(events["cls"], minlength=len(ARRIVING))
    for cls, per_year in {"bbh": 1e5, "bns": 7e4, "nsbh": 3e4, "burst": 100}.items():
        own, wanted = counts[:, ARRIVING.index(cls)], per_year / 365.25
        assert own.mean() == pytest.approx(wanted, abs=4 * np.sqrt(wanted / len(own)))
        if wanted > 10:
            assert own.var(ddof=1) / own.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / len(own)))
    merger = np.isin(events["cls"], [ARRIVING.index(c) for c in sky.MERGERS])
    for name in SOURCE.names:
        assert np.isfinite(events[name][merger]).all()
        assert np.isnan(events[name][~merger]).all()
    assert np.sqrt((events["snr_stream"][merger] ** 2).sum(axis=1)) == pytest.approx(events["snr"][merger])
    plain, details = sky.split(events)
    assert plain.dtype == EVENT
    assert details.dtype == SOURCE
    assert plain["snr"].tolist() == events["snr"].tolist()


def test_the_number_in_band_is_rate_times_duration_up_to_the_end(full):
    """Signals that merge after the horizon are in band before it: the last hours hold as many as the first."""
    only = full.with_({"sky.signals.bbh": None, "sky.signals.nsbh": None, "sky.glitches": None, "timeline": {}})
    only = only.with_({"sky.signals.bns.population.low_frequency": "5 Hz", "sky.signals.bns.rate": "2e6 /yr"})
    events = sources.events(only, 3, 0)
    own = events[events["cls"] == ARRIVING.index("bns")]
    wanted = 2e6 / (365.25 * DAY_S) * own["duration_s"].mean()
    assert own["overlaps"].mean() == pytest.approx(wanted, rel=0.03)
    last = own["time_s"] > 0.97 * DAY_S
    assert own["overlaps"][last].mean() == pytest.approx(wanted, rel=0.15)


def test_a_surge_keeps_every_signal_that_there_is_without_it(full):
    once, more = (sources.events(full.with_({"sky.multiplicity": m}), 1, 0) for m in (None, 30))
    signals = [events[np.isin(events["cls"], [0, *range(len(CLASSES), len(ARRIVING))])] for events in (once, more)]
    names = [name for name in DETAILED.names if name not in ("overlaps", "snr_stream")]
    rows = [
        {tuple(np.nan_to_num(e[names].item()[k], nan=-1) for k in range(len(names))) for e in s} for s in signals
    ]
    assert rows[0] <= rows[1]
    expected = 30 * 200_100 / 365.25
    assert len(rows[1]) == pytest.approx(expected, abs=5 * np.sqrt(expected))
    glitches = [events[np.isin(events["cls"], range(1, len(CLASSES)))] for events in (once, more)]
    assert glitches[0]["time_s"].tolist() == glitches[1]["time_s"].tolist()
    assert sources.expected(full.with_({"sky.multiplicity": 30})) == pytest.approx(
        sources.expected(full) + 29 * 200_100 / 365.25, rel=1e-6
    )


def test_another_class_stands_in_and_loud_signals_count_as_the_loudest_measured(full, tmp_path):
    known = programs(full, (write_all(tmp_path),))
    decision = next(use.program.decision for use in known.uses if use.stage == "detect")
    for cls in ("bns", "nsbh", "burst"):
        assert decision.responses[ARRIVING.index(cls)].tolist() == decision.responses[0].tolist()
    assert decision.responses.shape[0] == len(ARRIVING)
    small = loads(SMALL).with_({"instrument.detectors": ["E1", "E2", "E3"]})
    plain = programs(small, (write_all(tmp_path / "again"),))
    assert next(u.program.decision for u in plain.uses if u.stage == "detect").responses.shape[0] == len(CLASSES)


def test_a_class_that_nothing_stands_in_for_is_refused(full, tmp_path):
    alone = full.with_({"sky.signals.bns.found_as": None})
    with pytest.raises(ScenarioError, match=r"for class 'bns'; measured: bbh.*'sky\.signals\.bns\.found_as: bbh'"):
        programs(alone, (write_all(tmp_path),))
    faint = full.with_({"sky.signals.bbh.population.min_snr": 5})
    with pytest.raises(ScenarioError, match="class 'bbh' has SNR from 5 to 100; measured: 6 to 100"):
        programs(faint, (write_all(tmp_path),))


def test_a_run_tells_what_its_signals_were(full, tmp_path):
    scenario = full.with_({"horizon": "12 h", "replicas": 2, "timeline": {}, "sky.glitches": None})
    record = twin.run(scenario, profiles=(write_all(tmp_path),))
    alerts = record.alerts
    for cls in ("bbh", "bns", "nsbh"):
        own = alerts[alerts["cls"] == cls]
        assert own["is_signal"].all()
        assert (own["outcome"] == "published").mean() > 0.5
        assert own[["redshift", "chirp_mass_msun", "duration_s", "overlaps"]].notna().all(axis=None)
    assert alerts.loc[alerts["cls"] == "bns", "redshift"].median() < 2.0
    assert (alerts["snr"] > 100).any(), "louder than what was measured, and found as that"
    told = record.summary["overlaps"]
    rate_hz = (alerts["duration_s"].notna() & ~alerts.duplicated(["replica", "event_id"])).sum() / DAY_S
    assert told["in_band"]["value"] == pytest.approx(rate_hz * alerts["duration_s"].mean(), rel=1e-6)
    assert told["in_band_at_mergers"]["value"] == pytest.approx(told["in_band"]["value"], rel=0.5)
    assert "mergers in band at once" in told["text"]
    assert set(told["pairs_per_day"]) == {"0.5", "1", "2", "5"}
    keys = dict(zip(record.inputs["key"], record.inputs["standing"], strict=True))
    assert keys["sky.signals.bns.population masses"] == "assumed"
    assert keys["sky.signals.bbh.population noise curve"] == "published"
    assert keys["sky.signals.bbh.population decisions on louder signals"] == "assumed"


def test_a_plain_run_tells_none_of_it(tmp_path):
    small = loads(SMALL).with_({"instrument.detectors": ["E1", "E2", "E3"], "horizon": "2 h", "timeline": {}})
    record = twin.run(small, profiles=(write_all(tmp_path),))
    assert "overlaps" not in record.summary
    assert not {"redshift", "duration_s", "overlaps"} & set(record.alerts.columns)


WRONG = {
    "neither": (
        "bbh: {rate: 1e5 /yr, population: {}}",
        "bbh: {rate: 1e5 /yr}",
        "sky.signals.bbh: needs 'snr' or 'population'",
    ),
    "both": (
        "bbh: {rate: 1e5 /yr, population: {}}",
        "bbh: {rate: 1e5 /yr, population: {}, snr: {min: 8, max: 100}}",
        "sky.signals.bbh: has both 'snr' and 'population': give one, and null for one that a base gives",
    ),
    "no merger": (
        "burst: {rate: 100 /yr, snr: {min: 8, max: 50}",
        "burst: {rate: 100 /yr, population: {}",
        "sky.signals.burst.population: 'burst' is no merger (bbh, bns, nsbh): give 'snr' instead",
    ),
    "an edge where nobody knows the noise": (
        "population: {low_frequency: 10 Hz}",
        "population: {low_frequency: 0.1 Hz}",
        "sky.signals.bns.population.low_frequency: 0.1 Hz: signals may begin between",
    ),
    "an edge without unit": (
        "population: {low_frequency: 10 Hz}",
        "population: {low_frequency: 10}",
        "sky.signals.bns.population.low_frequency: a frequency needs a unit: write '10 Hz' or '10 kHz'",
    ),
    "another number of streams": (
        "nsbh: {rate: 3e4 /yr, population: {}",
        "nsbh: {rate: 3e4 /yr, population: {network: 2l}",
        "sky.signals.nsbh.population.network: '2l' has 2 streams, and 'instrument.detectors' names 3",
    ),
    "stands for itself": (
        "bbh: {rate: 1e5 /yr, population: {}}",
        "bbh: {rate: 1e5 /yr, population: {}, found_as: bbh}",
        "sky.signals.bbh.found_as: programs were measured on 'bbh' itself: leave it away",
    ),
    "another that nobody measured": (
        "found_as: bbh, source: nobody measured",
        "found_as: nsbh, source: nobody measured",
        "sky.signals.bns.found_as: unknown measured class of signal 'nsbh'; known: bbh",
    ),
    "a misspelt class": (
        "    burst: {",
        "    bursts: {",
        "unknown class of signal 'bursts'; did you mean 'burst'?",
    ),
    "live": (
        "profiles: [profiles]",
        "live: [detect]\nprofiles: [profiles]",
        "sky.signals.bns: live stages see strain, and there is none with 'bns' in it (but with bbh): leave",
    ),
    "a multiple of nothing": (
        "sky:\n",
        "sky:\n  multiplicity: 0\n",
        "sky.multiplicity: 0 must be more than 0",
    ),
    "more than can be in band": (
        "population: {low_frequency: 10 Hz}",
        "population: {low_frequency: 1 Hz}, profile: {steps: [{at: 0 s, factor: 6000}]}",
        "sky.signals: about 1e+07 mergers after the horizon have signals that may be in band before it",
    ),
    "more than can be kept": (
        "sky:\n",
        "sky:\n  multiplicity: 1e6\n",
        "sky.multiplicity: makes about 5.5e+08 events, more than 50,000,000: lower it or shorten the horizon",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_sky_is_told_at_its_line(name):
    old, new, said = WRONG[name]
    assert old in FULL
    with pytest.raises(ScenarioError) as caught:
        loads(FULL.replace(old, new, 1), "bad.yaml")
    line = FULL[: FULL.index(old)].count("\n") + 1
    first = str(caught.value).splitlines()[0]
    assert said in first
    if name not in ("live", "more than can be in band"):
        assert f"bad.yaml:{line}:" in first or f"bad.yaml:{line + 1}:" in first


def test_the_sky_of_the_documentation_runs(tmp_path):
    page = (ROOT / "docs" / "sky.md").read_text()
    (tmp_path / "et-sky.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0])
    scenario = twin.load(tmp_path / "et-sky.yaml")
    assert "surge" in scenario.override_names
    record = twin.run(scenario.with_({"horizon": "6 h", "replicas": 1, "timeline": {}}))
    assert set(record.alerts["cls"]) >= {"bbh", "bns", "nsbh", "blip"}
    assert record.summary["overlaps"]["in_band"]["value"] > 1.0
    surge = twin.load(tmp_path / "et-sky.yaml", with_=["surge"])
    assert sources.expected(surge) == pytest.approx(1000 * 200_100 * 0.25 / 365.25, rel=0.01)


def test_what_a_stream_that_is_down_would_have_heard_is_not_heard(full):
    """The duty of the instrument takes the SNR of the streams that are up from the drawn ones."""
    from twin.instrument import downtimes, heard, observing

    often = full.with_(
        {"instrument.duty": {"up": "1 h", "down": "2 h", "standing": "assumed", "source": "a test"}}
    )
    there, events = observing(often, downtimes(often, 1, 0)), sources.events(often, 1, 0)
    whole, segment = events["snr"].copy(), np.floor(events["time_s"]).astype(np.int64)
    heard(events, segment, there, 6.0)
    drawn = np.isfinite(events["duration_s"])
    up = there.up(segment).T
    left = network.network_snr(events["snr_stream"][drawn], up[drawn])
    some = up[drawn].any(axis=1)
    assert events["snr"][drawn][some] == pytest.approx(left[some])
    assert (events["snr"][drawn][some] < whole[drawn][some]).mean() > 0.5
