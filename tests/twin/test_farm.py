"""The kernel in wall-clock: with a crew that answers on a script, and with real worker processes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import time
from collections import deque

import numpy as np
import pytest

from dashboards import text
from tests.twin.profiles import write_all
from tests.twin.small import stage, system
from twin.engine import LiveResult, TwinEnvironment
from twin.farm.channel import Channel, ChannelError
from twin.farm.crew import Answer, Crew, FarmError, Gone, Ready
from twin.farm.driver import Farm
from twin.farm.log import Again, incidents, lasting_s
from twin.live import Playback
from twin.record import OPTIONAL, TABLES

NOTHING = np.zeros(0)


class Wall:
    """A clock that a script moves on."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


class Scripted:
    """Workers whose every batch takes the next of `seconds`, and that die at the `deaths` {time: seat}."""

    def __init__(self, wall, seconds, deaths=(), restart_s=0.5):
        self.wall, self.seconds, self.restart_s = wall, deque(seconds), restart_s
        self.coming = [(at_s, 0, Gone(seat)) for at_s, seat in dict(deaths).items()]
        self.dead = set()

    def send(self, seat, batch, program, units):
        if seat in self.dead:
            return False
        answer = Answer(seat, batch, 0.1, {})
        self.coming.append((self.wall() + self.seconds.popleft(), batch, answer))
        return True

    def wait(self, timeout_s):
        self.coming.sort(key=lambda one: one[:2])
        if not self.coming or self.coming[0][0] > self.wall.now_s + timeout_s:
            self.wall.now_s += max(timeout_s, 1e-6)
            return []
        at_s, _, news = self.coming.pop(0)
        self.wall.now_s = max(self.wall.now_s, at_s) + 1e-5
        if isinstance(news, Gone):
            self.dead.add(news.seat)
            self._forget(news.seat)
        return [news]

    def start(self, seat):
        self.dead.discard(seat)
        self.coming.append((self.wall() + self.restart_s, 0, Ready(seat)))

    def replace(self, seat):
        self._forget(seat)
        self.start(seat)

    def _forget(self, seat):
        self.coming = [one for one in self.coming if one[2].seat != seat or isinstance(one[2], Gone)]


class Ones:
    """Every job is the same."""

    def __init__(self, units=NOTHING):
        self._units = units

    def program(self, batch):
        return 0

    def units(self, batch):
        return np.stack([self._units] * len(batch.entities))

    def result(self, batch, service_s, answer):
        return LiveResult(service_s, (0,) * len(batch.entities), {})


def busy(servers=2, jobs=400, **rules):
    rng = np.random.default_rng(5)
    times = np.sort(rng.uniform(0.0, 40.0, jobs))
    stages = [stage("work", "pool", live=True, **rules), stage("after", "other", 0.05, after=("work",))]
    return system({"pool": servers, "other": 1}, stages, {"work": times}, horizon_s=100.0)


def driven(plan, deaths=(), lost=False, service_s=0.15):
    wall = Wall()
    rng = np.random.default_rng(6)
    crew = Scripted(wall, rng.uniform(0.5, 1.5, 5000) * service_s, deaths)
    farm = Farm(plan, crew, Ones(), wall, lost=lost, trace=True)
    farm.run(until=plan.horizon_s)
    return farm


def repeated(plan, farm, lost=False):
    """The same kernel, in its own time, with the answers of the log."""
    tables = farm.written().tables(plan, 0)
    environment = TwinEnvironment(plan, Playback(plan, 0, tables["live"]), trace=True)
    environment.controls.append(Again(incidents(tables["incidents"], plan, 0), lost))
    environment.run(until=plan.horizon_s)
    return environment


def test_a_run_is_repeated_from_its_log_to_the_bit():
    plan = busy(max_batch=3, max_wait_s=0.1)
    farm = driven(plan)
    again = repeated(plan, farm)
    assert len(farm.traced()) == 800
    assert farm.traced().tobytes() == again.traced().tobytes()
    assert farm.ended().tobytes() == again.ended().tobytes()
    assert farm.now == again.now == plan.horizon_s


@pytest.mark.parametrize("lost", [False, True])
def test_so_is_one_whose_workers_die(lost):
    plan = busy()
    deaths = {5.0: (0, 0), 11.0: (0, 1), 11.1: (0, 0), 30.0: (0, 1)}
    farm = driven(plan, deaths, lost)
    again = repeated(plan, farm, lost)
    assert [i.what for i in farm.log.incidents].count("fail") == 4
    assert farm.traced().tobytes() == again.traced().tobytes()
    assert farm.ended().tobytes() == again.ended().tobytes()
    taken = [executed for executed in farm.log.batches if executed.end_s == np.inf]
    assert 1 <= len(taken) <= 4
    done = int(farm.world.stages["done"][0])
    assert done == 400 - (len(taken) if lost else 0)


def test_what_the_kernel_is_told_lies_in_its_order_in_time():
    farm = driven(busy(servers=8), service_s=0.5)
    ends_s = [executed.end_s for executed in farm.log.batches]
    assert ends_s == sorted(set(ends_s))
    assert all(e.start_s <= e.sent_s < e.end_s for e in farm.log.batches)


def test_a_batch_that_the_scenario_takes_away_costs_its_worker():
    """The pool goes down while a worker computes; when it is up again that worker is a new one."""
    plan = busy(servers=1, jobs=40)
    wall = Wall()
    crew = Scripted(wall, [20.0] + [0.1] * 100)
    replaced = []
    crew.replace = lambda seat, replace=crew.replace: (replaced.append(seat), replace(seat))
    farm = Farm(plan, crew, Ones(), wall, trace=True)

    def maintenance():
        from twin.kernel.state import REQUEUE

        yield farm.timeout(8.0)
        farm.down(0, REQUEUE)
        yield farm.timeout(1.0)
        farm.restore(0)

    farm.process(maintenance())
    farm.run(until=plan.horizon_s)
    assert replaced == [(0, 0)]
    assert int(farm.world.stages["done"][0]) == 40
    assert [executed.end_s for executed in farm.log.batches].count(np.inf) == 1


def test_nothing_left_to_happen_takes_no_time():
    plan = busy(jobs=3)
    wall = Wall()
    farm = Farm(plan, Scripted(wall, [0.1] * 3), Ones(), wall)
    farm.run(until=plan.horizon_s)
    assert farm.now == plan.horizon_s
    assert wall() < 45.0


def test_a_duration_leads_from_start_to_end_to_the_bit():
    rng = np.random.default_rng(7)
    for start_s, spell_s in zip(rng.uniform(0, 1e6, 2000), 10 ** rng.uniform(-6, 3, 2000), strict=True):
        end_s = float(np.nextafter(start_s + spell_s, np.inf))
        assert start_s + lasting_s(start_s, end_s) == end_s


# --- channels


@pytest.fixture
def ends():
    """Both ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_message_arrives_whole(ends):
    ours, theirs = map(Channel, ends)
    arrays = [np.arange(6.0).reshape(2, 3), np.zeros((0, 4), np.float32), np.array([True, False])]
    ours.send({"batch": 7, "text": "ö"}, arrays)
    words, received = theirs.receive()
    assert words == {"batch": 7, "text": "ö"}
    for array, other in zip(arrays, received, strict=True):
        assert array.dtype == other.dtype
        assert np.array_equal(array, other)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"GET / HTTP/1.1", "a message of 1195725856 bytes; allowed: 1048576"),
        (b"\0\0\0\4oops", "not a message: Expecting value"),
        (b"\0\0\0\x10" + b'[{}, [["|O", 1]]', "not a message"),
        (b"\0\0\0\x11" + b'[{}, [["|O", 1]]]', "not a message: array of |O and shape"),
        (b"\0\0\0\x1b" + b'[{}, [["<f8", 99999999999]]]'[:27], "not a message"),
        (b"\0\0\0\x1c" + b'[{}, [["<f8", 99999999999]]]', "not a message: array of <f8 and shape"),
    ],
)
def test_nonsense_is_refused(ends, said, told):
    ours, theirs = ends
    theirs.sendall(said)
    with pytest.raises(ChannelError, match=re.escape(told)):
        Channel(ours).receive()


def test_an_end_in_the_middle_is_an_end(ends):
    ours, theirs = ends
    theirs.sendall(b"\0\0\0\x20[")
    theirs.close()
    with pytest.raises(EOFError, match="hung up"):
        Channel(ours).receive()


# --- real workers


@contextlib.contextmanager
def hired(plan, servers, named=("witness", "onnxruntime", 1)):
    from workloads import spec

    units = spec.get("witness").units(1, 3)[0]
    with Crew({0: [named]}, {0: servers}) as crew:
        crew.await_ready(120.0)
        begun_s = time.monotonic()
        yield Farm(plan, crew, Ones(units), lambda: time.monotonic() - begun_s, trace=True), crew


def flow(servers, jobs, over_s, **rules):
    times = np.linspace(0.0, over_s, jobs)
    stages = [stage("work", "pool", live=True, **rules)]
    return system({"pool": servers}, stages, {"work": times}, horizon_s=600.0)


def test_real_workers_execute_the_real_program():
    plan = flow(2, 200, 0.1, max_batch=4)
    with hired(plan, 2) as (farm, _):
        farm.run(until=plan.horizon_s)
    assert int(farm.world.stages["done"][0]) == 200
    assert {executed.server for executed in farm.log.batches} == {0, 1}
    assert all(0 < executed.program_s < executed.end_s - executed.sent_s for executed in farm.log.batches)
    assert repeated(plan, farm).traced().tobytes() == farm.traced().tobytes()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_dies_or_falls_silent_is_replaced_and_nothing_is_lost(number, monkeypatch):
    if number == signal.SIGSTOP:  # one that dies hangs up; on a busy machine a beat may be seconds late
        monkeypatch.setattr("twin.farm.crew.SILENCE_S", 4.0)
    plan = flow(1, 200, 5.0)
    with hired(plan, 1) as (farm, crew):

        def strike():
            yield farm.timeout(1.0)
            os.kill(crew.process_id((0, 0)), number)

        farm.process(strike())
        farm.run(until=plan.horizon_s)
    assert [incident.what for incident in farm.log.incidents] == ["fail", "repair"]
    assert int(farm.world.stages["done"][0]) == 200
    assert repeated(plan, farm).traced().tobytes() == farm.traced().tobytes()


def test_a_worker_that_cannot_load_says_so(capfd):
    with (
        pytest.raises(FarmError, match=r"the worker of server \(0, 0\) ended while it loaded"),
        hired(flow(1, 1, 1.0), 1, ("witness", "numpy", 1)),
    ):
        pass
    assert "'witness' has no runtime 'numpy'" in capfd.readouterr().err


def test_input_that_a_program_refuses_ends_the_run_in_its_words():
    plan = flow(1, 2, 0.1)
    with hired(plan, 1) as (farm, _):
        farm._inputs = Ones(np.full((3, 3), np.nan))
        with pytest.raises(FarmError, match="could not execute a batch: BadInputError: witness"):
            farm.run(until=plan.horizon_s)


@pytest.mark.parametrize("when", ["while it is told", "before it is told"])
def test_a_program_that_kills_its_workers_ends_the_run(when):
    plan = flow(1, 2, 0.1)
    with hired(plan, 1) as (farm, crew):
        send = crew.send

        def deadly(seat, *rest):
            process = crew.process_id(seat)
            os.kill(process, signal.SIGKILL)
            if when == "before it is told":
                os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
            return send(seat, *rest)

        crew.send = deadly
        with pytest.raises(FarmError, match=r"server 0 of pool 'pool' ended 5 times in a row before any answer"):
            farm.run(until=plan.horizon_s)


def test_servers_that_are_hired_meanwhile_get_workers():
    """However long that takes: four jobs come at once, again and again, until both servers have had some."""
    stages = [stage("work", "pool", live=True)]
    plan = system({"pool": 1}, stages, {"work": np.repeat(np.arange(0.5, 58.0, 0.5), 4)}, horizon_s=60.0)
    with hired(plan, 1) as (farm, _):

        def hire():
            yield farm.timeout(0.5)
            farm.scale(0, 1)

        farm.process(hire())
        while {executed.server for executed in farm.log.batches} < {0, 1} and farm.now < 58.0:
            farm.run(until=farm.now + 0.5)
    assert {executed.server for executed in farm.log.batches} == {0, 1}
    assert int(farm.world.stages["done"][0]) >= 4 * (int(farm.now / 0.5) - 1)


def test_a_scenario_on_a_farm_is_replayed_to_the_same_bytes(tmp_path):
    import twin

    folder = write_all(tmp_path / "profiles", hardware="epyc-core")
    scenario = twin.load("first-light").with_(
        {
            "horizon": "6 s",
            "drain": "9 s",
            "replicas": 1,
            "timeline": {},
            "sky.signals.bbh.rate": "20 /min",
            "sky.signals.bbh.snr": {"min": 14, "max": 40, "index": -2},
            "live": ["dq", "detect"],
        }
    )
    record = twin.run(scenario, profiles=(folder,), farm=True)
    record.save(tmp_path / "farm")
    again = twin.run(scenario, profiles=(folder,), recorded=twin.open(tmp_path / "farm"))
    again.save(tmp_path / "again")
    for name in [*(f"{t}.parquet" for t in (*TABLES, *OPTIONAL)), "summary.json", "resolved.yaml"]:
        assert (tmp_path / "farm" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    assert sorted(k for row in record.live.loc[record.live["stage"] == "dq", "segments"] for k in row) == [
        *range(6)
    ]
    assert (record.farm["end_s"] > record.farm["sent_s"]).all()
    assert record.incidents.empty
    assert record.summary["farm"] == {"batches": len(record.farm), "unanswered": 0, "incidents": []}
    told = text.text(record.summary)
    assert told.startswith("FARM RUN  first-light: 6 s in 1 replica, seed 1; executed: dq and detect\n")
    assert f"{len(record.farm)} batches of dq and detect on real workers, the rest" in told


def test_workers_that_were_lost_are_told():
    incidents = [{"time_s": 2.0, "what": "fail", "pool": "cnaf.cpu", "server": 1}] * 7
    said = text.farm(
        {"scenario": {"live": ["dq"]}, "farm": {"batches": 1, "unanswered": 2, "incidents": incidents}}
    )
    assert said.startswith(
        "1 batch of dq on real workers, the rest simulated; the worker of server 1 of cnaf.cpu "
    )
    assert "was lost after 2 s; " in said
    assert said.endswith("2 more such incidents are in table incidents; 2 batches never answered")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"live": []}, "live: no stage is live: a farm has nothing to execute"),
        ({"stages.dq.attempts": {"timeout": "5 s"}}, "stages.dq.attempts: 'dq' runs on real workers"),
        ({"horizon": "4 d", "live": ["dq"]}, "GB of strain to keep ready for a farm; allowed: 4 GB"),
    ],
)
def test_what_a_farm_cannot_do_is_said_before_it_begins(change, told, tmp_path):
    import twin

    folder = write_all(tmp_path / "profiles", hardware="epyc-core")
    usual = {"horizon": "6 s", "drain": "0 s", "replicas": 1, "timeline": {}, "live": ["dq"]}
    with pytest.raises(twin.ScenarioError, match=re.escape(told)):
        twin.run(twin.load("first-light").with_(usual | change), profiles=(folder,), farm=True)


def crashes(mode, pool="sos-enattos.cpu"):
    """An entry of a timeline, under which nothing fails for a very long time."""
    law = {"law": "exponential", "mean": "1000 yr"}
    return {"kind": "failures", "target": f"{pool}.*", "time_to_failure": law, "time_to_repair": law, "mode": mode}


@pytest.mark.parametrize(
    ("timeline", "told"),
    [
        ({}, False),
        ({"crashes": crashes("requeue")}, False),
        ({"crashes": crashes("lose")}, True),
        ({"crashes": crashes("lose", "cnaf.alerts")}, False),  # no stage is live there
        ({"crashes": crashes("drain")}, "timeline.crashes.mode: a worker that dies finishes nothing"),
        (
            {"crashes": crashes("lose"), "more": crashes("requeue", "cnaf.cpu")},
            "timeline.more.mode: 'requeue', but 'crashes' says otherwise",
        ),
    ],
)
def test_what_becomes_of_a_dead_workers_batch_is_what_the_scenario_says_of_failures(timeline, told):
    import twin
    from twin.farm.losses import loses

    scenario = twin.load("first-light").with_({"timeline": timeline, "live": ["dq", "detect"]})
    if isinstance(told, bool):
        assert loses(scenario) is told
    else:
        with pytest.raises(twin.ScenarioError, match=re.escape(told)):
            loses(scenario)


def test_a_scenario_that_loses_a_dead_workers_batch_is_replayed_to_the_same_bytes(tmp_path):
    import twin

    folder = write_all(tmp_path / "profiles", hardware="epyc-core")
    changes = {"horizon": "3 s", "drain": "9 s", "replicas": 1, "timeline": {"crashes": crashes("lose")}}
    scenario = twin.load("first-light").with_({**changes, "live": ["dq"]})

    def kill_at_the_second_batch(farm):
        send = farm._crew.send

        def deadly(seat, batch, *rest):
            if len(farm.log.batches) == 1 and not farm.log.incidents:
                os.kill(farm._crew.process_id(seat), signal.SIGKILL)
            return send(seat, batch, *rest)

        farm._crew.send = deadly

    record = twin.run(scenario, profiles=(folder,), farm=True, start=kill_at_the_second_batch)
    record.save(tmp_path / "farm")
    again = twin.run(scenario, profiles=(folder,), recorded=twin.open(tmp_path / "farm"))
    again.save(tmp_path / "again")
    assert record.incidents["what"].tolist() == ["fail", "repair"]
    dq = record.counts.set_index("work").loc["dq"]
    assert (dq["offered"], dq["done"], dq["dropped_lost"]) == (3, 2, 1)
    for name in [*(f"{t}.parquet" for t in (*TABLES, *OPTIONAL)), "summary.json"]:
        assert (tmp_path / "farm" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    assert record.manifest["workers"] == {"sos-enattos.cpu": [socket.gethostname()]}


def test_workers_leave_with_the_twin():
    with hired(flow(1, 1, 1.0), 1) as (_, crew):
        number = crew.process_id((0, 0))
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
