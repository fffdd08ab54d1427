"""What is told of a run that goes on is what is so, and telling it changes nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

import twin
from dashboards import running
from twin.sofar import ALERTS, SoFar, _few

SHORT = {"horizon": "4 h", "replicas": 2, "timeline": {}, "sky.signals.bbh.rate": "1 /min"}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A run, everything that was written of it on the way, and the same run without a look at it."""
    path = tmp_path_factory.mktemp("sofar") / "run.now.json"
    scenario = twin.load("first-light", set_=SHORT)
    ticks = iter(range(10_000))
    seen, contents = SoFar(path, scenario, clock=lambda: next(ticks)), []

    def keep(fraction, text):
        if path.is_file():
            contents.append(json.loads(path.read_text()))

    record = twin.run(scenario, start=seen.start, progress=seen.told(keep))
    contents.append(json.loads(path.read_text()))
    return record, contents, twin.run(scenario)


def test_looking_changes_nothing(told):
    record, _, alone = told
    for name in ("alerts", "pools", "timeline", "stages", "counts"):
        assert getattr(record, name).equals(getattr(alone, name)), name


def test_the_end_is_the_records(told):
    record, contents, _ = told
    last = contents[-1]
    assert last["replica"] == 1
    assert last["now_s"] == last["horizon_s"] == 4 * 3600.0
    own = record.alerts[(record.alerts["replica"] == 1) & record.alerts["is_signal"]]
    published = own[own["outcome"] == "published"]
    assert last["published"] == published["event_id"].nunique()
    assert len(last["signals"]["time_s"]) * last["signals"]["each"] == own["event_id"].nunique()
    first = published.groupby("event_id")["latency_s"].min()
    assert sorted(last["alerts"]["latency_s"]) == pytest.approx(sorted(first))
    table = record.timeline[(record.timeline["replica"] == 1) & (record.timeline["time_s"] < 4 * 3600.0)]
    for name, pool in last["pools"].items():
        for quantity in ("queue", "busy", "servers"):
            values = table[(table["name"] == name) & (table["quantity"] == quantity)]["value"].to_numpy()
            assert len(pool[quantity]) == len(last["time_s"]) <= 400
            assert np.mean(pool[quantity]) == pytest.approx(values.mean(), rel=1e-5, abs=1e-5)


def test_the_way_there_is_a_beginning_of_the_end(told):
    _, contents, _ = told
    own = [c for c in contents if c["replica"] == 1 and 0.0 < c["now_s"] < 4 * 3600.0]
    assert len(own) > 5
    assert [c["now_s"] for c in own] == sorted(c["now_s"] for c in own)
    whole = {name: np.mean(pool["servers"]) for name, pool in contents[-1]["pools"].items()}
    for content in own:
        for name, pool in content["pools"].items():  # servers are all there, up to now, though nothing may happen
            if pool["servers"]:
                assert np.mean(pool["servers"]) == pytest.approx(whole[name])


def test_it_is_drawn_on_the_timeline_of_all_runs(told):
    _, contents, _ = told
    for content in (contents[0], contents[len(contents) // 2], contents[-1]):
        run = running.running(content)
        figure, table = running.timeline(run)
        assert "first-light" in figure.to_json()
        assert len(table) > 0 or content["now_s"] == 0.0


def test_late_ones_are_never_left_out_for_others():
    late = np.zeros(50_000, bool)
    late[::1000] = True
    chosen = _few(late)
    assert set(np.flatnonzero(late)) <= set(chosen.tolist())
    assert len(chosen) <= ALERTS
    assert (np.diff(chosen) > 0).all()


def test_a_disk_that_is_full_does_not_end_the_run(tmp_path):
    scenario = twin.load("first-light", set_={**SHORT, "horizon": "10 min", "replicas": 1})
    seen = SoFar(tmp_path / "no such folder" / "now.json", scenario)
    assert len(twin.run(scenario, start=seen.start, progress=seen.told(lambda f, t: None)).alerts) >= 0


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 1, "late_s": []}']
)
def test_what_is_no_run_is_said(tmp_path, content):
    path = tmp_path / "now.json"
    assert running.read(path) is None
    path.write_text(content)
    with pytest.raises(running.NotReadableError):
        running.read(path)


def test_the_present_is_plain_json(told):
    _, contents, _ = told
    assert all(len(json.dumps(content)) < 400_000 for content in contents)
