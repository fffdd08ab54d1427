"""Detectors that do not always observe, data that come in frames and versions, channels beside the strain."""

from __future__ import annotations

from itertools import pairwise
from math import comb

import numpy as np
import pandas as pd
import pytest

import twin
from tests.twin.profiles import write_all
from tests.twin.small import endings, run, stage
from tests.twin.wrong import SMALL
from twin import instrument, marks, sources
from twin.assembly import assemble
from twin.instrument import Observing
from twin.loader import loads
from twin.plan import Awaits, Geography, PoolSpec, StageSpec, Stream
from twin.record import open_record
from twin.studies.quantities import quantities
from twin.tree import ScenarioError
from workloads.sky import CLASSES, DETAILED, EVENT
from workloads.spec import LOOKAHEAD_S

DUTY = {"up": "5.4 h", "down": "1.6 h", "standing": "assumed", "source": "digest of arXiv:2606.19201"}
NONE = np.zeros((0, 2), np.int64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")


@pytest.fixture(scope="module")
def light():
    short = {"horizon": "12 h", "drain": "10 min", "replicas": 3, "timeline": {}}
    return twin.load("first-light").with_(short)


@pytest.fixture(scope="module")
def with_duty(light, folder):
    return twin.run(light.with_({"instrument.duty": DUTY}), profiles=(folder,))


# --- who observes ----------------------------------------------------------------------------------------


def drawn(scenario, replica=0):
    return instrument.observing(scenario, instrument.downtimes(scenario, 1, replica))


def test_duty_cycles_are_binomial(light):
    """u = up / (up + down); n of three detectors observe for comb(3, n) u^n (1 - u)^(3 - n) of the time."""
    year = light.with_({"instrument.duty": DUTY, "horizon": "2 yr"})
    shares = [
        instrument.observed(year, instrument.downtimes(year, 1, k), k).groupby("up")["share"].sum().to_numpy()
        for k in range(8)
    ]
    u = 5.4 / 7.0
    exact = np.array([comb(3, n) * u**n * (1 - u) ** (3 - n) for n in range(4)])
    error = np.std(shares, axis=0, ddof=1) / np.sqrt(len(shares))
    assert (np.abs(np.mean(shares, axis=0) - exact) < 4 * error).all()
    assert error.max() < 0.004
    assert np.sum(shares, axis=1) == pytest.approx(1.0)


def test_each_detector_has_a_stream_of_its_own(light):
    both = drawn(light.with_({"instrument.duty": DUTY}))
    other = light.with_({"instrument.duty": DUTY, "instrument.detectors": ["E2", "E1", "E3"]})
    again = drawn(other)
    for k, j in ((0, 1), (1, 0), (2, 2)):
        assert np.array_equal(both.down[k], again.down[j])
    assert not np.array_equal(both.down[0], both.down[1])


def test_maintenance_rotates(light):
    plan = {"every": "6 h", "lasts": "1 h"}
    there = drawn(light.with_({"instrument.maintenance": plan}))
    assert [down.tolist() for down in there.down] == [
        [[3600, 7200], [25200, 28800]], [[10800, 14400], [32400, 36000]], [[18000, 21600], [39600, 43200]],
    ]  # fmt: skip
    assert not there.absent().size
    table = there.table(1.0)
    assert table.loc[table["up"] == 2, "time_s"].tolist() == [7200.0] * 3
    at_once = light.with_({"instrument.maintenance": {**plan, "rotating": False}})
    assert drawn(at_once).absent().tolist() == [[10800, 14400], [32400, 36000]]


def test_sets_of_detectors_and_what_is_absent():
    down = (np.array([[2, 6], [8, 9]]), np.array([[4, 9]]))
    there = Observing(("E1", "E2"), 10, down)
    assert there.absent().tolist() == [[4, 6], [8, 9]]
    rows = there.table(2.0).set_index("detectors")["time_s"].to_dict()
    assert rows == {"": 6.0, "E1": 4.0, "E2": 4.0, "E1 E2": 6.0}


# --- what is heard ---------------------------------------------------------------------------------------


def events(*rows):
    made = np.zeros(len(rows), EVENT)
    for event, (time_s, cls, snr, detector) in zip(made, rows, strict=True):
        event["time_s"], event["cls"], event["snr"], event["detector"] = time_s, CLASSES.index(cls), snr, detector
    return made


def test_a_signal_is_as_loud_as_the_streams_that_are_up_hear_it():
    there = Observing(("E1", "E2", "E3"), 10, (np.array([[2, 6]]), np.array([[4, 8]]), np.array([[5, 6]])))
    given = events((0.5, "bbh", 30, -1), (2.5, "bbh", 30, -1), (4.5, "bbh", 30, -1), (5.5, "bbh", 30, -1))
    reached = instrument.heard(given, given["time_s"].astype(np.int64), there, 20.0)
    assert reached.all()
    assert given["snr"] == pytest.approx([30.0, 30 * np.sqrt(2 / 3), 30 / np.sqrt(3), 0.0])
    assert given["u_trigger"].tolist() == [0.0, 0.0, 1.0, 1.0]  # fainter than any that was measured


def test_a_glitch_reaches_its_own_detector_only():
    there = Observing(("E1", "E2"), 10, (np.array([[2, 6]]), NONE))
    given = events((3.5, "blip", 10, 0), (3.5, "blip", 10, 1), (7.5, "blip", 10, 0))
    reached = instrument.heard(given, given["time_s"].astype(np.int64), there, 6.0)
    assert reached.tolist() == [False, True, True]
    assert given["snr"].tolist() == [10.0] * 3


def test_segments_without_data_never_come_and_are_no_dead_time(with_duty, light):
    segments = with_duty.counts.groupby("replica")["segments"].max()
    absent = with_duty.instrument.query("up == 0").set_index("replica")["time_s"]
    assert (absent > 0.0).any()
    assert (segments + absent == light.horizon).all()
    assert with_duty.counts["unsearched"].eq(0).all()
    offered = with_duty.counts.query("work == 'dq'").set_index("replica")["offered"]
    assert (offered == segments).all()


def test_times_without_a_detector_are_marks_and_agree_with_what_was_observed(light, folder):
    """A detector's marks, laid on top of each other, take just the segments away that it did not deliver."""
    plan = {"every": "6 h", "lasts": "1 h"}
    record = twin.run(light.with_({"instrument.duty": DUTY, "instrument.maintenance": plan}), profiles=(folder,))
    for replica in range(3):
        seen = marks.shown(record.marks, replica)
        assert set(seen["kind"]) == set(marks.OBSERVING)
        assert (seen["end_s"] <= light.horizon).all()
        there = drawn(record.scenario, replica)
        for k, name in enumerate(light.instrument.detectors):
            own = seen[seen["name"] == f"instrument {name}"]
            gone = np.zeros(there.segments, bool)
            for start_s, end_s in own[["start_s", "end_s"]].to_numpy():
                gone[int(np.floor(start_s)) : int(np.ceil(end_s))] = True
            assert np.array_equal(gone, ~there.up(np.arange(there.segments))[k])
    worked_on = record.marks[record.marks["kind"] == marks.WORKED_ON]
    assert set(worked_on["replica"]) == {marks.EVERY}
    assert len(worked_on) == 6
    first, second = (record.marks.query(f"replica == {k}")["start_s"].tolist() for k in (0, 1))
    assert first != second


def test_nothing_is_put_down_to_a_detector_that_was_down(with_duty):
    assert set(with_duty.marks["kind"]) == {marks.LOCK_LOSS}
    assert marks.groups(with_duty.marks) == []
    assert with_duty.summary["limit"]["marks"] == []
    assert "recovery" not in {quantity.name for quantity in quantities(with_duty)}


def test_a_run_draws_when_detectors_are_down_once(light, folder, monkeypatch):
    asked = []
    kept = instrument.downtimes

    def counted(scenario, seed, replica):
        asked.append(replica)
        return kept(scenario, seed, replica)

    monkeypatch.setattr(instrument, "downtimes", counted)
    twin.run(light.with_({"instrument.duty": DUTY, "horizon": "1 h"}), profiles=(folder,))
    assert asked == [0, 1, 2]


def test_what_was_observed_is_in_record_and_summary(with_duty, tmp_path):
    again = open_record(with_duty.save(tmp_path / "run"))
    pd.testing.assert_frame_equal(again.instrument, with_duty.instrument)
    told = with_duty.summary["observing"]["up"]
    assert sum(told[n]["value"] for n in "0123") == pytest.approx(1.0)
    assert told["3"]["low"] < told["3"]["value"] < told["3"]["high"]


def test_fewer_signals_are_found_where_detectors_are_down(with_duty, light, folder):
    always = twin.run(light, profiles=(folder,))
    assert always.instrument is None
    assert "observing" not in always.summary
    found = [
        r.alerts.query("is_signal and outcome == 'published'").groupby("replica").size()
        for r in (always, with_duty)
    ]
    assert (found[1] < found[0]).all()
    merged = [r.alerts.query("is_signal").groupby("replica")["event_id"].nunique() for r in (always, with_duty)]
    assert (merged[1] == merged[0]).all()


def test_a_run_with_duty_is_the_same_again(with_duty, folder):
    again = twin.run(with_duty.scenario, profiles=(folder,))
    pd.testing.assert_frame_equal(again.alerts, with_duty.alerts)
    assert again.plan_digest == with_duty.plan_digest


# --- how data come ---------------------------------------------------------------------------------------


def arriving(count=8, **stream):
    """When the segments of a stream come: they are published at once."""
    plan = assemble(
        geography=Geography(("here",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("p", 0, 1)],
        stages=[StageSpec("point", publishes="alert", span=stream.get("span", 1))],
        streams=[Stream("point", count, phase_s=1.0, stride_s=1.0, **stream)],
        horizon_s=100.0,
    )
    return [(row[2], row[3]) for row in endings(run(plan))]


def test_segments_come_when_their_frame_is_over():
    assert [t for _, t in arriving(frame_s=4.0, lag_s=0.5)] == [4.5] * 4 + [8.5] * 4
    assert [t for _, t in arriving(frame_s=1.0, lag_s=3.0)] == [4.0 + k for k in range(8)]


def test_gaps_are_jumped_over():
    assert arriving(breaks=((2, 5, 0.0), (7, 8, 0.0))) == [(0, 1.0), (1, 2.0), (5, 6.0), (6, 7.0)]
    assert arriving(count=3, span=4, breaks=((0, 1, 0.0),)) == [(4, 2.0), (8, 3.0)]


def test_a_faster_calibration_does_not_overtake():
    came = arriving(lag_s=4.0, breaks=((3, 3, 1.0),))
    assert [t for _, t in came] == [5.0, 6.0, 7.0, 7.0, 7.0, 7.0, 8.0, 9.0]


def test_nobody_waits_for_the_verdict_on_a_segment_that_never_comes():
    stages = [
        stage("dq", "q", 1.0, False, role="flag"),
        stage("detect", "p", 1.0, True, role="trigger"),
        StageSpec("alert", after=("detect",), awaits=Awaits("dq", span=3), publishes="alert"),
    ]
    gap = ((1, 3, 0.0),)
    plan = assemble(
        geography=Geography(("here",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("p", 0, 1), PoolSpec("q", 0, 1)],
        stages=stages,
        streams=[Stream(name, 6, phase_s=1.0, stride_s=1.0, breaks=gap) for name in ("dq", "detect")],
        absent=np.array([[1, 3]]),
        horizon_s=100.0,
    )
    environment = run(plan)
    assert [(row[2], row[3]) for row in endings(environment)] == [(-1, 2.0), (-4, 5.0), (-5, 6.0), (-6, 7.0)]
    assert environment.ended()["missing"].tolist() == [0, 1, 1, 0]


def test_versions_of_the_calibration_change_latencies_and_are_told(light, folder):
    versions = [
        {"name": "v2", "at": "4 h", "latency": "9 s"},
        {"name": "v3", "at": "8 h", "latency": {"value": "2 s", "standing": "assumed", "source": "a hope"}},
    ]
    changes = {
        "instrument.calibration_versions": versions,
        "instrument.delivery": "1.5 s",
        "instrument.frame": "1 s",
    }
    scenario = light.with_(changes)
    assert loads(scenario.resolved()) == scenario
    alerts = twin.run(scenario, profiles=(folder,)).alerts.query(
        "outcome == 'published' and event_time_s % 3600 > 60"
    )
    waited = alerts.groupby("calibration")["calibration_s"]
    for name, latency_s in (("", 4.0), ("v2", 9.0), ("v3", 2.0)):
        assert waited.get_group(name).to_numpy() == pytest.approx(latency_s + 1.5 + 1.0 - LOOKAHEAD_S)


def test_auxiliary_channels_are_moved(light):
    channels = {"groups": 40, "rate": {"value": "20 MB/s", "standing": "assumed", "source": "recalled"}}
    witness = {"time": "1 s", "on": ["cnaf.cpu"], "data": "auxiliary", "shards": {"channel_groups": 40}}
    scenario = light.with_({"instrument.auxiliary": channels, "stages.witness": witness})
    assert scenario.stages["witness"].payload.value == 20e6 / 40
    assert loads(scenario.resolved()) == scenario


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"instrument.maintenance": {"every": "6 h", "lasts": "3 h"}},
            "lasts: must be less than the 3 h that each of 2",
        ),
        (
            {"instrument.calibration_versions": [{"name": "a", "at": "2 h", "latency": "1 s"}] * 2},
            "calibration_versions.1.at: is not later than the version before",
        ),
        ({"instrument.auxiliary": {"groups": 4, "rate": "1 MB/s"}}, "auxiliary: no stage takes it: give a stage"),
        ({"stages.dq.data": "auxiliary"}, "dq.data: the instrument has no auxiliary channels"),
        ({"instrument.duty": {"up": "5 h", "down": "0 s"}}, "duty.down: must be more than 0"),
        ({"instrument.low_frequency": "10 Hz"}, "low_frequency: nothing hangs on it"),
        (
            {"targets.warning": {"of": "bbh", "ahead": "30 s", "share": "50 %"}},
            "targets.warning: nothing warns: give a stage",
        ),
    ],
)
def test_an_instrument_that_cannot_be_is_refused(changes, said):
    with pytest.raises(ScenarioError) as caught:
        loads(SMALL).with_(changes)
    assert any(said in str(problem) for problem in caught.value.problems)


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_knows_when_jobs_come(seed):
    """As its streams deliver them: with frames, lags and breaks of any kind."""
    rng = np.random.default_rng(seed)
    count, span = int(rng.integers(1, 30)), int(rng.integers(1, 4))
    cuts = np.unique(rng.integers(0, count + 1, 4)).tolist()
    rows = pairwise(cuts)
    broken = tuple((a, int(rng.integers(a, b + 1)), float(rng.choice([0.0, 0.7, 3.0]))) for a, b in rows)
    stream = Stream(
        "point",
        count,
        phase_s=1.0,
        stride_s=float(rng.choice([0.5, 1.0, 1.3])),
        span=span,
        frame_s=float(rng.choice([0.0, 0.5, 4.0])),
        lag_s=float(rng.choice([0.0, 2.0])),
        breaks=broken,
    )
    plan = assemble(
        geography=Geography(("here",), np.zeros((1, 1)), np.ones((1, 1))),
        pools=[PoolSpec("p", 0, 1)],
        stages=[StageSpec("point", publishes="alert", span=span)],
        streams=[stream],
        horizon_s=200.0,
    )
    numbers, times_s = plan.comes(0)
    assert [(row[2], row[3]) for row in endings(run(plan))] == list(zip(numbers * span, times_s, strict=True))


def test_auxiliary_channels_load_links(light, folder):
    channels = {"groups": 4, "rate": "40 MB/s"}
    witness = {"time": "100 ms", "on": ["cnaf.cpu"], "data": "auxiliary", "shards": {"channel_groups": 4}}
    short = light.with_({"horizon": "10 min", "replicas": 1})
    plain = twin.run(short, profiles=(folder,))
    moved = twin.run(
        short.with_({"instrument.auxiliary": channels, "stages.witness": witness}), profiles=(folder,)
    )
    to_cnaf = [record.links.query("target == 'cnaf'")["bytes"].sum() for record in (plain, moved)]
    assert to_cnaf[1] - to_cnaf[0] == 600 * 40_000_000


def test_a_class_of_glitches_may_appear_one_day(light):
    steps = {"classes": ["whistle"], "steps": [{"at": "0 s", "factor": 0}, {"at": "6 h", "factor": 1}]}
    events = sources.events(light.with_({"sky.glitches.profile": steps}), 1, 0)
    whistles = events[events["cls"] == CLASSES.index("whistle")]
    assert whistles.size > 30
    assert whistles["time_s"].min() >= 6 * 3600.0


def test_a_merger_is_as_loud_as_its_own_streams_say():
    there = Observing(("E1", "E2", "E3"), 10, (np.array([[2, 6]]), NONE, NONE))
    given = np.zeros(2, DETAILED)
    given["time_s"], given["snr"], given["detector"], given["snr_stream"] = [2.5, 7.5], 13.0, -1, [3.0, 4.0, 12.0]
    assert instrument.heard(given, given["time_s"].astype(np.int64), there, 6.0).all()
    assert given["snr"] == pytest.approx([np.sqrt(160.0), 13.0])
