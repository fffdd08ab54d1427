"""A timeline in YAML becomes the controls it speaks of; traces of failures are read strictly."""

from __future__ import annotations

from math import inf

import pandas as pd
import pytest

from tests.twin.wrong import SMALL
from twin import places
from twin.controls import (
    CommonCause,
    Degradation,
    Failover,
    Failures,
    Law,
    Maintenance,
    Outage,
    Retraining,
    Target,
    ThresholdScaling,
    Trace,
    TrackingScaling,
)
from twin.kernel.chance import stream_key
from twin.kernel.state import DRAIN, LOSE, REQUEUE
from twin.loader import ScenarioError, load, loads
from twin.schedule import controls

BOTH_WAYS = ((0, 1), (1, 0))
CPU = Target("cnaf.cpu", (1,))


@pytest.fixture(scope="module")
def small():
    return loads(SMALL)


def made(small, **entry):
    """The controls of small.yaml with only this entry in its timeline."""
    entry = {key: value for key, value in entry.items() if value is not None}
    return controls(small.with_({"timeline": {}}).with_({"timeline.x": entry}), 1, 0)


def test_entries_become_controls_in_their_order(small):
    training, outage = controls(small, 1, 0)
    assert training == Retraining(name="weights", at_s=7200.0, lasts_s=1800.0, stage=1, pool=1, takes=4)
    assert outage == Outage(name="outage", targets=(CPU,), at_s=43200.0, lasts_s=1200.0)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("cnaf.cpu", CPU),
        ("cnaf.cpu.3", Target("cnaf.cpu.3", (1,), server=3)),
        ("cnaf", Target("cnaf", (1,), ((1, 0), (0, 1)))),
        ("cnaf--sos-enattos", Target("cnaf--sos-enattos", links=((1, 0), (0, 1)))),
    ],
)
def test_a_target_is_what_its_text_says(small, text, target):
    entry = {"kind": "outage", "at": "1 h", "lasts": "1 h", "target": text}
    (outage,) = made(small, **entry)
    assert outage.targets == (target,)
    assert outage.mode == DRAIN


def test_failover_is_read(small):
    failover = {"detect": "10 s", "fail_back": "1 min", "evacuate": True}
    (outage,) = made(small, kind="outage", at="1 h", lasts="1 h", pool="cnaf.cpu", mode="lose", failover=failover)
    assert (outage.mode, outage.failover) == (LOSE, Failover(10.0, 60.0, evacuate=True))


LAWS = {
    "time_to_failure": {"law": "weibull", "mean": "10 d", "shape": 0.7},
    "time_to_repair": {"mean": {"value": "4 h", "standing": "published", "source": "a log"}},
}


def test_servers_fail_each_by_itself(small):
    (failures,) = made(small, kind="failures", target="cnaf.cpu.*", **LAWS)
    assert isinstance(failures, Failures)
    assert failures.targets == tuple(Target(f"cnaf.cpu.{k}", (1,), server=k) for k in range(8))
    assert failures.up == Law("weibull", 864_000.0, 0.7)
    assert failures.down == Law("exponential", 14_400.0)
    assert (failures.mode, failures.until_s) == (REQUEUE, 86_400.0)
    assert failures.key == stream_key(1, 0, "failures/x")


def test_servers_that_a_policy_may_add_fail_too(small):
    elastic = {"kind": "scaling", "pool": "cnaf.cpu", "every": "1 min", "min_servers": 2, "max_servers": 20}
    scenario = small.with_({"timeline.more": elastic | {"track": 1.0}})
    assert len(places.targets(scenario, "cnaf.cpu.*")) == 20


def test_a_common_cause(small):
    (cause,) = made(
        small, kind="failures", target=["cnaf.cpu", "cnaf"], together="30 %", at="1 h", lasts="2 h", **LAWS
    )
    assert isinstance(cause, CommonCause)
    assert (cause.probability, cause.from_s, cause.until_s) == (0.3, 3600.0, 10_800.0)
    assert [target.name for target in cause.targets] == ["cnaf.cpu", "cnaf"]


def test_replicas_fail_at_other_times(small):
    entry = {"kind": "failures", "target": "cnaf.cpu", **LAWS}
    scenario = small.with_({"timeline": {}}).with_({"timeline.x": entry})
    assert controls(scenario, 1, 0)[0].key != controls(scenario, 1, 1)[0].key


def test_maintenance_and_degradation(small):
    (window,) = made(
        small, kind="maintenance", target="cnaf.cpu", at="2 h", lasts="1 h", every="6 h", lead="10 min"
    )
    assert window == Maintenance(name="x", target=CPU, at_s=7200.0, lasts_s=3600.0, every_s=21_600.0, lead_s=600.0)
    (once,) = made(small, kind="maintenance", target="cnaf.cpu", at="2 h", lasts="1 h")
    assert once.every_s == inf
    (slow,) = made(small, kind="degradation", target="cnaf", at="2 h", lasts="1 h", slowness=3.0)
    assert slow == Degradation(name="x", target=Target("cnaf", (1,)), at_s=7200.0, lasts_s=3600.0, factor=3.0)
    (narrow,) = made(small, kind="degradation", target="sos-enattos--cnaf", at="2 h", lasts="1 h", share="10 %")
    assert narrow.target.links == BOTH_WAYS
    assert narrow.factor == 0.1


def test_policies(small):
    common = {"kind": "scaling", "pool": "cnaf.cpu", "every": "1 min", "min_servers": 2, "max_servers": 20}
    (steps,) = made(
        small, **common, start_up="2 min", cool_down="5 min", threshold={"up": 3.0, "down": 0.5, "step": 2}
    )
    where = {"name": "x", "pool": 1, "every_s": 60.0, "least": 2, "most": 20}
    assert steps == ThresholdScaling(**where, startup_s=120.0, cooldown_s=300.0, up=3.0, down=0.5, step=2)
    (tracking,) = made(small, **common, track=1.5)
    assert tracking == TrackingScaling(**where, track=1.5)


def test_what_was_said_is_said_again_with_every_default(small):
    entry = {"kind": "failures", "target": ["cnaf.cpu", "cnaf"], "together": "30 %", **LAWS}
    scenario = small.with_({"timeline.x": entry})
    assert loads(scenario.resolved()) == scenario
    assert "law: exponential" in scenario.resolved()
    keys = {given.key: given for given in scenario.inputs()}
    assert keys["timeline.x.time_to_repair.mean"].standing == "published"


# --- traces ---


def traced(tmp_path, text, **entry):
    """The control of a trace with this text, in a scenario beside it."""
    (tmp_path / "trace.csv").write_text(text)
    return _trace(tmp_path, {"kind": "failure-trace", "file": "trace.csv", **entry})


def _trace(tmp_path, entry):
    listed = ", ".join(f"{key}: {value}" for key, value in entry.items())
    text = SMALL.replace("{kind: outage, pool: cnaf.cpu, at: 12 h, lasts: 20 min}", f"{{{listed}}}")
    (tmp_path / "s.yaml").write_text(text)
    return controls(load(tmp_path / "s.yaml"), 1, 0)[-1]


def test_a_trace_is_read_in_any_order(tmp_path):
    text = (
        "target, duration_s, time_s, mode\ncnaf.cpu.1, 30, 500, lose\ncnaf, 10.5, 100,\ncnaf.cpu.1, 1, 99999999,\n"
    )
    trace = traced(tmp_path, text, at="1 min", mode="drain")
    assert isinstance(trace, Trace)
    assert [target.name for target in trace.targets] == ["cnaf.cpu.1", "cnaf"]
    assert trace.entries == ((560.0, 30.0, 0, LOSE), (160.0, 10.5, 1, DRAIN))


def test_a_trace_of_servers_by_themselves_hits_each(tmp_path):
    trace = traced(tmp_path, "time_s,duration_s,target\n1,2,cnaf.cpu.*\n5,2,cnaf\n")
    assert [k for _, _, k, _ in trace.entries] == [*range(8), 8]
    assert {mode for *_, mode in trace.entries} == {REQUEUE}


def test_a_trace_in_parquet(tmp_path):
    frame = pd.DataFrame({"time_s": [1.0], "duration_s": [2.0], "target": ["cnaf"], "mode": [None]})
    frame.to_parquet(tmp_path / "trace.parquet")
    trace = _trace(tmp_path, {"kind": "failure-trace", "file": "trace.parquet"})
    assert trace.entries == ((1.0, 2.0, 0, REQUEUE),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time_s,target\n1,cnaf\n", r"lacks the column duration_s; it has: time_s, target"),
        ("time_s,duration_s,target\n1,2,cnaf\n-1,2,cnaf\n", r"row 2: time_s -1\S* must be at least 0"),
        ("time_s,duration_s,target\n1,0,cnaf\n", r"row 1: duration_s 0\S* must be more than 0"),
        ("time_s,duration_s,target\nsoon,1,cnaf\n", r"row 1: time_s soon is not a finite number"),
        ("time_s,duration_s,target\n1,,cnaf\n", r"row 1: duration_s nan is not a finite number"),
        ("time_s,duration_s,target\n1,inf,cnaf\n", r"row 1: duration_s inf is not a finite number"),
        ("time_s,duration_s,target\n1,1,cnav\n", r"row 1: target cnav is not known: unknown site 'cnav'"),
        ("time_s,duration_s,target\n1,1,\n", r"row 1: target nan is missing: name what failed"),
        (
            "time_s,duration_s,target,mode\n1,1,cnaf,kill\n",
            r"row 1: mode kill is not allowed: write drain, requeue",
        ),
        ("", r"is no table: No columns to parse"),
        ('a,b\n"1,2\n', r"is no table: .*EOF inside string"),
    ],
)
def test_a_wrong_trace_is_explained(tmp_path, text, said):
    where = r"s\.yaml:43:39: error: timeline\.outage\.file: .*trace\.csv' "
    with pytest.raises(ScenarioError, match=where + said):
        traced(tmp_path, text)


def test_a_trace_that_is_not_there(tmp_path):
    with pytest.raises(ScenarioError, match=r"timeline\.outage\.file: .*gone\.csv' cannot be read: no such file"):
        _trace(tmp_path, {"kind": "failure-trace", "file": "gone.csv"})


def test_a_trace_that_is_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr("twin.tracefile.MOST_ROWS", 1)
    with pytest.raises(ScenarioError, match=r"has 2 rows, more than 1: cut it into parts"):
        traced(tmp_path, "time_s,duration_s,target\n1,1,cnaf\n2,1,cnaf\n")


def test_a_trace_that_is_no_parquet(tmp_path):
    (tmp_path / "trace.parquet").write_text("no")
    with pytest.raises(ScenarioError, match=r"trace\.parquet' is no table: "):
        _trace(tmp_path, {"kind": "failure-trace", "file": "trace.parquet"})
