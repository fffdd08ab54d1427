"""The engine of studies: pieces give the whole, answers survive, failures stay alone, killed workers cost a
replica."""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256

import numpy as np
import pytest

import twin
from tests.twin import studied
from tests.twin.profiles import write_all
from twin.limits import saturated
from twin.metrics import targets
from twin.runner import run, singly
from twin.studies import processes
from twin.studies.answers import FILE, Answers, AnswersError, Damage, remove
from twin.studies.engine import Engine
from twin.studies.evaluation import Point
from twin.studies.identity import Identity
from twin.studies.pieces import Piece, merged, piece, read, written
from twin.studies.processes import Processes
from twin.studies.quantities import quantities
from twin.studies.tasks import Failed, Here, PointError, Task, Told

KEY = "c0" * 32
"""Of answers that nobody asked for."""
AT = {"timeline.storm.at": "30 min", "timeline.storm.lasts": "20 min", "timeline.new-weights.at": "40 min"}
SHORT = {"horizon": "2 h", "drain": "10 min", "replicas": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")


@pytest.fixture(scope="module")
def scenario():
    return twin.load("first-light").with_(SHORT | AT)


@pytest.fixture(scope="module")
def pieces(scenario, folder):
    return [piece(record) for record in singly(scenario, range(3), profiles=(folder,))]


def engine(answers=None, executor=None, seed=1, **more):
    return Engine(executor or Here(), Answers() if answers is None else answers, seed=seed, **more)


def equal(a, b):
    """Outcomes, to the bit."""
    assert [(q.name, q.text, q.unit, q.n) for q in a.quantities] == [
        (q.name, q.text, q.unit, q.n) for q in b.quantities
    ]
    for one, other in zip(a.quantities, b.quantities, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    assert (a.targets, a.saturated, a.plan_digest) == (b.targets, b.saturated, b.plan_digest)


def test_replicas_that_were_run_apart_give_the_whole_run_to_the_bit(scenario, folder, pieces):
    whole = run(scenario, profiles=(folder,))
    outcome = merged("it", [read(written(one)) for one in pieces], scenario.targets)
    found = quantities(whole)
    assert [(q.name, q.text, q.unit, q.n) for q in outcome.quantities] == [
        (q.name, q.text, q.unit, q.n) for q in found
    ]
    for one, other in zip(outcome.quantities, found, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    assert outcome.targets == targets(whole)
    assert outcome.saturated == [pool["pool"] for pool in saturated(whole)]
    assert outcome.plan_digest == whole.plan_digest
    for name in ("alerts", "stages", "pools", "links", "timeline", "counts"):
        of_last = getattr(whole, name).query("replica == 2").reset_index(drop=True)
        (own,) = singly(scenario, range(2, 3), profiles=(folder,))
        assert getattr(own, name).to_csv() == of_last.to_csv()


def test_a_lone_replica_is_judged_by_its_ranks(scenario, folder, pieces):
    alone = run(scenario.with_({"replicas": 1}), profiles=(folder,))
    assert merged("it", pieces[:1], scenario.targets).targets == targets(alone)


def test_a_quantity_that_some_replicas_lack_stands_where_it_would_in_all():
    def made(*names):
        told = tuple((name, name, "", 1.0, 2, None) for name in names)
        return Piece("d", told, {}, ("a.cpu",) if "late" in names else ())

    wanted = twin.load("first-light").targets.model_copy(
        update={"alert_latency": {}, "lost": None, "dead_time": None}
    )
    parts = [
        made("late", "warned.bns.0", "there.x"),
        made("late", "warned.bbh.0", "there.x", "traffic"),
        made("recovery", "there.x"),
    ]
    outcome = merged("it", parts, wanted)
    by = {q.name: q for q in outcome.quantities}
    assert [*by] == ["late", "recovery", "warned.bbh.0", "warned.bns.0", "there.x", "traffic"]
    np.testing.assert_array_equal(by["warned.bns.0"].values, [1.0, np.nan, np.nan])
    assert by["traffic"].values.tolist() == [0.0, 1.0, 0.0]
    assert (by["recovery"].n, by["warned.bns.0"].n) == (4, 2)
    assert outcome.saturated == ["a.cpu"]


def test_what_decides_a_result_decides_its_name(scenario, folder, tmp_path):
    name = Identity((folder,))
    assert name(scenario) == name(scenario.with_({"name": "other", "question": "Why?", "replicas": 9}))
    others = [scenario.with_(change) for change in ({"seed": 2}, {"drain": "11 min"}, {"stages.alert.gate": None})]
    assert len({name(one) for one in (scenario, *others)}) == 4
    assert Identity(())(scenario) != name(scenario)
    write_all(tmp_path, hardware="epyc-core")
    assert Identity((tmp_path,))(scenario) == name(scenario)
    (tmp_path / "epyc-core" / "detector-torch.json").write_text("{}")
    assert Identity((tmp_path,))(scenario) != name(scenario)


def test_what_is_known_is_not_run_again(scenario, folder):
    points = [
        Point("a", scenario, {}),
        Point("b", scenario, {}),
        Point("c", scenario.with_({"drain": "9 min"}), {}),
    ]
    ask = engine(profiles=(folder,))
    first = ask(points, range(1))
    assert ask.computed == 2
    again = ask(points[:1], range(3))
    assert ask.computed == 4
    assert [o.name for o in first] == ["a", "b", "c"]
    assert first[0].quantities[0].values[0] == again[0].quantities[0].values[0] or np.isnan(
        first[0].quantities[0].values[0]
    )
    with pytest.raises(ValueError, match="two different points are called 'a'"):
        ask([points[0], Point("a", points[2].scenario, {})], range(1))
    with pytest.raises(ValueError, match="numbered from 0"):
        ask(points, range(0))


def test_a_point_that_fails_does_so_alone(scenario, folder):
    lost = scenario.with_({"stages.dq.work": "detector", "stages.dq.role": "flag"})
    ask = engine(profiles=(folder,))
    good, bad = ask([Point("good", scenario, {}), Point("bad", lost, {})], range(1))
    assert good.failure is None
    assert bad.failure is not None
    assert "stages.dq" in bad.failure
    assert isinstance(ask.errors["bad"], twin.ScenarioError)


def test_an_interrupted_study_goes_on_where_it_was(scenario, folder, tmp_path):
    points = [Point("a", scenario, {}), Point("b", scenario.with_({"drain": "9 min"}), {})]
    whole = engine(profiles=(folder,))(points, range(2))
    kept, told = Answers(tmp_path / "kept"), []

    def stop(fraction, text):
        told.append(fraction)
        if text.startswith("2 of 4"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine(kept, profiles=(folder,), progress=stop)(points, range(2))
    kept.close()
    assert told == sorted(told)
    with (tmp_path / "kept" / FILE).open("ab") as file:
        file.write(b"0123456789abcdef half a li")
    again = Answers(tmp_path / "kept")
    ask = engine(again, profiles=(folder,))
    for one, other in zip(ask(points, range(2)), whole, strict=True):
        equal(one, other)
    assert (ask.computed, [one.line for one in again.damaged]) == (2, [3])
    assert ask.damaged == [f"{FILE}, line 3: damaged or not finished; it held a replica that cannot be told"]
    again.close()
    assert len(Answers(tmp_path / "kept")) == 4


def test_damaged_answers_are_left_out_and_one_study_at_a_time_has_them(tmp_path):
    kept = Answers(tmp_path / "kept")
    for replica in range(3):
        kept.keep(KEY, replica, f'{{"value": {replica}}}')
    with pytest.raises(AnswersError, match="in use by another study"):
        Answers(tmp_path / "kept")
    kept.close()
    path = tmp_path / "kept" / FILE
    path.write_bytes(path.read_bytes().replace(b'"value": 1', b'"value": 7'))
    again = Answers(tmp_path / "kept")
    assert [again.get(KEY, replica) for replica in range(4)] == ['{"value": 0}', None, '{"value": 2}', None]
    assert again.damaged == [Damage(2, KEY, 1)]
    again.close()
    remove(tmp_path / "kept")
    assert list(tmp_path.iterdir()) == []
    Answers(tmp_path / "empty").close()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(AnswersError, match="is a file, and no folder that answers"):
        Answers(tmp_path / "file")


def test_an_answer_that_is_damaged_is_named_and_computed_again(scenario, folder, pieces, tmp_path):
    key, kept = Identity((folder,))(scenario.with_({"seed": 1})), Answers(tmp_path / "kept")
    for replica in range(2):
        kept.keep(key, replica, written(pieces[replica]))
    kept.close()
    path = tmp_path / "kept" / FILE
    whole, damaged = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(whole + damaged.replace(b'"growing"', b'"growinG"'))
    ask = engine(Answers(tmp_path / "kept"), profiles=(folder,))
    ask([Point("it", scenario, {})], range(2))
    assert ask.computed == 1
    assert ask.damaged == [f"{FILE}, line 2: damaged or not finished; it held replica 2 of it"]


def tasks(*names, replicas=4):
    return [Task(sha256(name.encode()).hexdigest(), name, None, range(replicas), ()) for name in names]


def test_a_killed_process_costs_a_replica_and_a_deadly_task_itself(tmp_path, monkeypatch):
    studied.stand_in(monkeypatch)
    monkeypatch.setattr(processes, "MOST_KILLS", 2)
    crew = Processes(2)
    given = tasks("fine", f"once {tmp_path / 'flag'}", "deadly", "wrong", "fine too")
    events = list(crew.run(given, lambda task: True, lambda part, text: None))
    told = Counter(event.task.name.split()[0] for event in events if isinstance(event, Told))
    assert told == {"fine": 8, "once": 4, "wrong": 1}
    assert {e.answer for e in events if isinstance(e, Told) and e.task.name == "fine"} == {
        f"fine {r}" for r in range(4)
    }
    failed = {event.task.name: event.error for event in events if isinstance(event, Failed)}
    assert failed.keys() == {"deadly", "wrong"}
    assert isinstance(failed["deadly"], PointError)
    assert "poisoned: its process ended 2 times in replica 1, the last time with signal 9" in str(failed["deadly"])
    assert str(failed["wrong"]) == "ValueError: no such thing"
    assert list(crew.run(tasks("fine"), lambda task: False, lambda part, text: None)) == []
    assert len(list(crew.run(tasks("fine"), lambda task: True, lambda part, text: None))) == 4
    pids = crew.pids
    crew.close()
    assert pids
    assert crew.pids == []


def test_workers_that_cannot_start_are_told(monkeypatch):
    monkeypatch.setattr(processes, "_BEGIN", "raise SystemExit(7)  # {path} {file}")
    crew = Processes(1)
    with pytest.raises(processes.WorkersError, match=r"leave before they are ready \(exit code 7\)"):
        list(crew.run(tasks("fine"), lambda task: True, lambda part, text: None))
    crew.close()


def test_a_piece_is_one_line_and_comes_back_equal(pieces):
    for one in pieces:
        line = written(one)
        assert "\n" not in line
        assert json.dumps(json.loads(line)) == json.dumps(json.loads(written(read(line))))


def test_studies_and_comparisons_are_asked_for_in_python(scenario, folder):
    key = "sites.cnaf.pools.alerts.servers"
    found = twin.study(scenario, vary={key: [1, 2]}, replicas=2, report=["lost"], workers=1, profiles=(folder,))
    assert found.report == ("lost",)
    assert found.table["point"].unique().tolist() == ["servers=1", "servers=2"]
    assert (found.table["replicas"] == 2).all()
    other = scenario.with_({"name": "two", key: 2})
    held = twin.compare(scenario, other, replicas=2, profiles=(folder,))
    for name in ("lost", "published", "busy.epyc-core"):
        wide = found.table[found.table["quantity"] == name]["value"].tolist()
        assert held.table[held.table["quantity"] == name]["value"].tolist() == wide
    with pytest.raises(TypeError, match="says itself what is in report"):
        twin.study("servers-for-rates", report=["lost"])
