"""What happened in a run is in its record: the same everywhere, or by chance in one replica; and what it cost."""

from __future__ import annotations

import pandas as pd
import pytest

import twin
from tests.records import week
from tests.twin.profiles import write_all
from twin import limits, marks, metrics

LAWS = {"time_to_failure": {"mean": "6 h"}, "time_to_repair": {"mean": "30 min"}}
TIMELINE = {
    "storm": None,
    "new-weights.at": "20 h",
    "crashes": {"kind": "failures", "target": ["cnaf.cpu.*", "cnaf.alerts"], **LAWS},
    "cut": {"kind": "outage", "target": "cnaf", "at": "4 h", "lasts": "30 min"},
    "late": {"kind": "outage", "target": "cnaf", "at": "13 h", "lasts": "30 min"},
    "cooling": {"kind": "maintenance", "target": "sos-enattos.cpu", "at": "2 h", "lasts": "1 h", "every": "4 h"},
    "shower": {"kind": "storm", "factor": 2.0, "at": "1 h", "lasts": "1 h"},
    "more": {
        "kind": "scaling",
        "pool": "cnaf.alerts",
        "every": "30 s",
        "track": 0.5,
        "min_servers": 1,
        "max_servers": 4,
        "start_up": "2 min",
    },
}


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")
    scenario = twin.load("first-light").with_({"horizon": "12 h", "drain": "10 min", "replicas": 2})
    scenario = scenario.with_({f"timeline.{name}": value for name, value in TIMELINE.items()})
    return twin.run(scenario, profiles=(folder,))


def test_what_is_set_is_marked_once_for_every_replica(record):
    common = record.marks[record.marks["replica"] == marks.EVERY]
    assert common[["kind", "name", "start_s", "end_s"]].values.tolist() == [
        ["storm", "shower", 3600.0, 7200.0],
        ["maintenance", "cooling", 7200.0, 10_800.0],
        ["outage", "cut", 14_400.0, 16_200.0],
        ["maintenance", "cooling", 21_600.0, 25_200.0],
        ["maintenance", "cooling", 36_000.0, 39_600.0],
    ]


def test_what_fails_by_chance_is_marked_in_its_replica(record):
    own = record.marks[record.marks["replica"] != marks.EVERY]
    assert set(own["kind"]) == {"failures"}
    assert set(own["replica"]) == {0, 1}
    assert set(own["name"]) == {"crashes cnaf.cpu.0", "crashes cnaf.cpu.1", "crashes cnaf.alerts"}
    first, second = (own.loc[own["replica"] == k, "start_s"].tolist() for k in (0, 1))
    assert first != second


def test_causes_are_told_by_entry_of_the_timeline(record):
    spans = {(group.kind, group.name): len(group.spans) for group in marks.groups(record.marks)}
    assert spans["maintenance", "cooling"] == 3
    assert spans["failures", "crashes"] == (record.marks["replica"] != marks.EVERY).sum()


def test_one_replica_saw_its_own_and_the_common_ones(record):
    assert set(marks.shown(record.marks, 1)["replica"]) == {marks.EVERY, 1}
    assert len(marks.shown(record.marks)) < len(record.marks)


def test_the_cost_is_in_server_seconds(record):
    pools = record.pools[record.pools["replica"] == 0].set_index("pool")
    maintained = 3 * 3600.0
    assert pools.loc["sos-enattos.cpu", "server_s"] == pytest.approx(12 * 3600.0 - maintained)
    timeline = record.timeline.query("replica == 0 and name == 'cnaf.alerts' and quantity == 'servers'")
    worked_s = (timeline["value"] * timeline["bin_s"])[timeline["time_s"] < 12 * 3600.0].sum()
    started_s = pools.loc["cnaf.alerts", "server_s"] - worked_s
    assert started_s > 0.0
    assert started_s % 120.0 == pytest.approx(0.0, abs=1e-3)


def test_late_alerts_are_put_down_to_the_failures_of_their_own_replica():
    record = week(replicas=3)
    outage = record.marks[record.marks["kind"] == "outage"]
    own = [outage.assign(kind="failures", name=f"crashes p.{k}", replica=k) for k in (0, 2)]
    (told,) = metrics.summary(record.but(marks=pd.concat(own)))["limit"]["marks"]
    late = limits.published_signals(record).query("late")
    assert (told["kind"], told["name"]) == ("failures", "crashes")
    assert 0 < told["late"] == late["replica"].isin((0, 2)).sum() < len(late)
    assert told["recovery_s"] == pytest.approx(3600.0)


def test_a_surge_of_signals_is_marked_once_for_all_classes_that_have_it():
    steps = {"steps": [{"at": "2 h", "factor": 50.0}, {"at": "3 h", "factor": 1.0}]}
    scenario = twin.load("et").with_(
        {"sky.signals.bbh.profile": steps, "sky.signals.bns.profile": steps, "horizon": "4 h", "replicas": 1}
    )
    found = marks.table(scenario, marks.of_replica(scenario, 1, 0, []))
    assert found.to_dict("records") == [
        {"replica": marks.EVERY, "kind": "surge", "name": "sky bbh bns", "start_s": 7200.0, "end_s": 10800.0}
    ]
