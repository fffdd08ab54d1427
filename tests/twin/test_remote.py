"""A farm whose workers join from other hosts: over TLS, through death and back. Every process is a real one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("distributed", reason="needs the extra 'cluster'")

from tests.dashboards.typed import ettwin
from tests.twin.hosts import KIND, PATIENCE_S, Hosts, awaited, certify, options
from tests.twin.profiles import write_all
from tests.twin.test_farm import Ones, flow, repeated
from twin.farm.crew import Crew, FarmError
from twin.farm.door import Door, Post, knock
from twin.farm.driver import Farm
from twin.farm.placed import Placed
from twin.farm.secure import AddressError, Certificates, Scheduler
from twin.kernel.state import LOST
from twin.record import OPTIONAL, TABLES

TAKEN, LEFT = r"has taken a server: process (\d+)", r"process (\d+) has left with code (-?\d+)"


@pytest.fixture
def hosts(tmp_path):
    with Hosts(tmp_path) as started:
        yield started


@contextlib.contextmanager
def remote(plan, hosts, lost=False, servers=1):
    """A farm that runs `plan` on servers of those hosts, and its crew."""
    from workloads import spec

    units = spec.get("witness").units(1, 3)[0]
    place = Placed(hosts.meeting(), {0: KIND})
    with Crew({0: [("witness", "onnxruntime", 1)]}, {0: servers}, place) as crew:
        crew.await_ready(PATIENCE_S)
        begun_s = time.monotonic()
        yield Farm(plan, crew, Ones(units), lambda: time.monotonic() - begun_s, lost=lost, trace=True), crew


def happens(farm, at_s, what):
    def process():
        yield farm.timeout(at_s)
        what()

    farm.process(process())


def balance(farm):
    """Offered, done, lost; and nothing is left in between."""
    stages = farm.world.stages[0]
    done, lost = int(stages["done"]), int(stages["ended"][LOST])
    assert done + lost == int(stages["offered"])
    return done, lost


def what(farm):
    return [incident.what for incident in farm.log.incidents]


def is_there(process):
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


# --- the whole, as a planner types it

SHORT = {
    "horizon": "6 s",
    "drain": "3 s",
    "timeline": "{}",
    "sky.signals.bbh.rate": "2 /s",
    "sky.signals.bbh.snr": "{min: 14, max: 40, index: -2}",
    "sites.cnaf.pools.cpu.hardware": "host",
    "stages.detect.on": "[cnaf.cpu]",
    "stages.detect.route": "nearest",
}


def planned(hosts):
    """`ettwin run` of data quality at one site and the detector at another, whose hardware is of another kind."""
    for kind in (KIND, "host"):
        write_all(hosts.folder / "profiles", hardware=kind)
    changes = [word for name, value in SHORT.items() for word in ("--set", f"{name}={value}")]
    return ["run", "first-light", "--live", "dq,detect", *changes, "--replicas", "1", "--profiles", "profiles"]


def test_two_hosts_run_one_farm_and_its_replay_gives_the_same_bytes(hosts):
    scheduler = hosts.scheduler()
    on_site = hosts.worker(hardware=KIND, host="127.0.0.2")
    tier_1 = hosts.worker("--servers", "2", hardware="host", host="127.0.0.3")
    run = planned(hosts)
    tls = options(hosts.certificates)
    twin = hosts.twin(*run, "--farm", hosts.address, *tls, "--log", "log", "--out", "farm")
    assert twin.leaves() == 0, twin.said()
    again = ettwin(*run, "--recorded", "farm", "--out", "again", cwd=hosts.folder)
    assert again.returncode == 0, again.stderr
    tables = [f"{name}.parquet" for name in (*TABLES, *OPTIONAL)]
    for name in [*tables, "summary.json", "resolved.yaml"]:
        same = (hosts.folder / "farm" / name).read_bytes() == (hosts.folder / "again" / name).read_bytes()
        assert same, name
    assert len(on_site.says(TAKEN)) == 1
    assert len(tier_1.says(TAKEN)) == 2
    for host, n in ((on_site, 1), (tier_1, 2)):
        assert [code for _, code in host.says(LEFT, n)] == ["0"] * n
    assert re.findall(r"Register worker addr: tls://(127.0.0.\d)", scheduler.said()) == ["127.0.0.2", "127.0.0.3"]
    manifest = json.loads((hosts.folder / "farm" / "manifest.json").read_text())
    assert manifest["workers"] == {pool: [socket.gethostname()] for pool in ("cnaf.cpu", "sos-enattos.cpu")}
    assert "--farm" not in manifest["command"]
    last = (hosts.folder / "log").read_text().splitlines()[-1]
    assert json.loads(last) == {"t": 9.0, "what": "over"}


def test_a_twin_that_is_killed_leaves_nobody_behind_and_the_next_is_served(hosts):
    hosts.scheduler()
    host = hosts.worker("--servers", "3")
    run = [*planned(hosts), "--set", f"sites.cnaf.pools.cpu.hardware={KIND}"]
    twin = hosts.twin(*run, "--farm", hosts.address, *options(hosts.certificates), "--log=log", "--out=first")
    taken = host.says(TAKEN, 3)
    awaited(hosts.folder / "log", '"what":"end"')
    twin.kill()
    assert sorted(process for process, _ in host.says(LEFT, 3)) == sorted(taken)
    assert not any(is_there(int(process)) for process in taken)
    assert not (hosts.folder / "first").exists()
    with remote(flow(1, 20, 1.0), hosts) as (farm, _):
        farm.run()
    assert balance(farm) == (20, 0)


def test_an_interrupt_lets_go_of_the_hosts_and_of_the_twins(hosts):
    hosts.scheduler()
    host = hosts.worker("--servers", "3")
    run = [*planned(hosts), "--set", f"sites.cnaf.pools.cpu.hardware={KIND}", "--set", "horizon=9 s"]
    twin = hosts.twin(*run, "--farm", hosts.address, *options(hosts.certificates), "--log=log", "--out=farm")
    awaited(hosts.folder / "log", '"what":"end"')
    twin.kill(signal.SIGINT)
    assert twin.leaves() == 130
    assert twin.said().endswith("interrupted; nothing was written\n")
    assert [code for _, code in host.says(LEFT, 3)] == ["0"] * 3
    host.kill(signal.SIGINT)
    assert host.leaves() == 130
    assert "Traceback" not in host.said() + twin.said()


# --- deaths


def crowd(servers):
    """More work than they can do while it comes: all are busy when somebody dies at 0.5 s."""
    return flow(servers, 4000 * servers, 1.0)


@pytest.mark.parametrize("lost", [False, True])
def test_a_worker_that_is_killed_is_replaced_and_its_batch_waits_again_or_is_lost(hosts, lost):
    hosts.scheduler()
    host = hosts.worker("--servers", "2")
    plan = crowd(2)
    with remote(plan, hosts, lost, servers=2) as (farm, crew):
        happens(farm, 0.5, lambda: os.kill(crew.process_id((0, 1)), signal.SIGKILL))
        farm.run()
    assert what(farm) == ["fail", "repair"]
    assert balance(farm) == (7999, 1) if lost else (8000, 0)
    assert repeated(plan, farm, lost).traced().tobytes() == farm.traced().tobytes()
    assert [code for _, code in host.says(LEFT, 3)].count("-9") == 1


def test_a_host_that_is_killed_takes_its_processes_with_it_and_another_host_takes_over(hosts):
    hosts.scheduler()
    by_name = {name: hosts.worker(host=name) for name in ("127.0.0.2", "127.0.0.3")}
    plan = crowd(1)
    with remote(plan, hosts) as (farm, crew):
        served = crew.process_id((0, 0))
        (first,) = [host for host in by_name.values() if f"process {served}\n" in host.said()]
        happens(farm, 0.5, first.kill)
        farm.run()
    (second,) = [host for host in by_name.values() if host is not first]
    assert len(second.says(TAKEN)) == 1
    assert what(farm) == ["fail", "repair"]
    assert balance(farm) == (4000, 0)
    assert not is_there(served)


def test_the_run_outlives_its_scheduler_and_who_dies_meanwhile_is_replaced_when_it_is_back(hosts, caplog):
    scheduler = hosts.scheduler()
    host = hosts.worker("--servers", "2")
    plan = flow(2, 400, 4.0)
    with remote(plan, hosts, servers=2) as (farm, crew):
        happens(farm, 0.3, scheduler.kill)
        happens(farm, 0.6, lambda: os.kill(crew.process_id((0, 0)), signal.SIGKILL))
        happens(farm, 2.0, hosts.scheduler)
        farm.run()
    assert what(farm) == ["fail", "repair"]
    assert balance(farm) == (400, 0)
    assert farm.log.incidents[1].time_s > 2.0
    assert f"the scheduler at {hosts.address} is gone: the run goes on, and who is lost is replaced" in caplog.text
    assert f"the scheduler at {hosts.address} is back" in caplog.text
    host.says(f"the scheduler at {hosts.address} is gone; servers that stay with their twins: ")
    host.says("joined .* × 1")  # the other serves still
    assert len(host.says(TAKEN)) == 3


def test_a_second_twin_takes_only_what_the_first_leaves(hosts):
    hosts.scheduler()
    hosts.worker("--servers", "2")
    plan = flow(1, 20, 1.0)
    with remote(plan, hosts) as (farm, _), remote(plan, hosts) as (second, _):
        place = Placed(hosts.meeting(0.5), {0: KIND})
        with (
            pytest.raises(FarmError, match="Needed: epyc-core × 1; there are: none"),
            Crew({0: []}, {0: 1}, place),
        ):
            pass
        second.run()
        farm.run()
    assert balance(farm) == balance(second) == (20, 0)


# --- who is turned away


def test_a_worker_and_a_twin_of_another_authority_are_refused(hosts):
    hosts.scheduler()
    foreign = certify(hosts.folder, "foreign")
    worker = hosts.worker(certificates=foreign)
    twin = hosts.twin(*planned(hosts), "--farm", hosts.address, *options(foreign), "--out", "farm")
    for refused in (worker, twin):
        assert refused.leaves() == 4
        assert f"{hosts.address}: the certificates do not fit: both sides need one that the same" in refused.said()
        assert "Traceback" not in refused.said()


@pytest.fixture
def door(tmp_path):
    """A twin's door, and the post of its only seat."""
    door = Door("127.0.0.1", certify(tmp_path, "farm"))
    yield door, door.expect((0, 0))
    door.close()


def of(folder, authority):
    return Certificates(*(str(folder / f"{authority}{end}") for end in ("-ca.pem", ".pem", ".key")))


def test_a_token_opens_the_door_once(door, tmp_path):
    opened, post = door
    assert opened.awaits(post)
    worker = knock(post, of(tmp_path, "farm"))
    ((seat, twin),) = opened.come()
    assert (seat, opened.awaits(post)) == ((0, 0), False)
    twin.send({"programs": []})
    assert worker.receive() == ({"programs": []}, [])
    with pytest.raises(FarmError, match=r"does not let this worker in"):
        knock(post, of(tmp_path, "farm"))
    assert opened.come() == []
    worker.close()
    twin.close()


@pytest.mark.parametrize("who", ["foreign", "plain", "guesses"])
def test_the_door_stays_shut_for_whom_it_does_not_know(door, tmp_path, who, caplog):
    opened, post = door
    foreign = certify(tmp_path, "foreign")
    guess = Post(post.host, post.port, "0" * 64)
    given = {"foreign": (post, foreign), "plain": (post, None), "guesses": (guess, of(tmp_path, "farm"))}
    with pytest.raises(FarmError, match=f"the twin at 127.0.0.1:{post.port} does not let this worker in"):
        knock(*given[who])
    deadline_s = time.monotonic() + PATIENCE_S
    while "turned away a visitor from 127.0.0.1" not in caplog.text:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    assert opened.come() == []
    assert opened.awaits(post)


def test_a_channel_over_tls_carries_both_ways_at_once(door, tmp_path):
    opened, post = door
    worker = knock(post, of(tmp_path, "farm"))
    ((_, twin),) = opened.come()
    block = np.arange(1 << 20, dtype=np.float64)
    received = []

    def answer():
        for _ in range(8):
            worker.send({"said": "much"}, [block])

    speaking = threading.Thread(target=answer)
    speaking.start()
    hearing = threading.Thread(target=lambda: received.extend(worker.receive() for _ in range(8)))
    hearing.start()
    for _ in range(8):
        twin.send({"said": "as much"}, [block])
        words, (array,) = twin.receive()
        assert words == {"said": "much"}
        assert array.tobytes() == block.tobytes()
    speaking.join()
    hearing.join()
    assert all(words == {"said": "as much"} and array.tobytes() == block.tobytes() for words, (array,) in received)
    assert len(received) == 8
    worker.close()
    twin.close()


# --- who is missing


def test_too_few_servers_are_told_with_the_command_that_helps(hosts):
    hosts.scheduler()
    hosts.worker()
    place = Placed(hosts.meeting(3.0), {0: KIND, 1: "a100"})
    told = (
        f"{hosts.address}: not enough servers are free after 3 s. Needed: a100 × 2, epyc-core × 1; there are: "
        f"epyc-core × 1. Start a worker: ettwin worker {hosts.address} --hardware a100 --servers 2"
    )
    with pytest.raises(FarmError, match=f"^{re.escape(told)}$"), Crew({0: [], 1: []}, {0: 1, 1: 2}, place):
        pass


def test_a_scheduler_that_is_not_there_is_told(hosts):
    told = f"no scheduler answers at {hosts.address} (.*): start one there, or correct the address"
    with (
        pytest.raises(FarmError, match=told),
        Crew({0: []}, {0: 1}, Placed(hosts.meeting(), {0: KIND})),
    ):
        pass


def test_a_host_waits_for_its_scheduler(hosts):
    host = hosts.start(
        *("dashboards.cli", "worker", hosts.address, "--hardware", KIND, *options(hosts.certificates))
    )
    host.says("no scheduler answers at .* yet")
    hosts.scheduler()
    host.says("joined")
    host.kill(signal.SIGINT)
    assert host.leaves() == 130
    assert "Traceback" not in host.said()


def test_a_program_that_a_host_cannot_load_is_told(hosts):
    hosts.scheduler()
    hosts.worker()
    place = Placed(hosts.meeting(), {0: KIND})
    with (
        pytest.raises(FarmError, match=r"\(0, 0\) ended while it loaded: .*'witness' has no runtime 'numpy'"),
        Crew({0: [("witness", "numpy", 1)]}, {0: 1}, place) as crew,
    ):
        crew.await_ready(PATIENCE_S)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("farm:8786", "'farm:8786' is no address of a scheduler: tls://HOST:PORT, or tcp://127.0.0.1:PORT"),
        ("tls://farm", "'tls://farm' is no address of a scheduler"),
        ("tcp://192.0.2.1:8786", "tcp://192.0.2.1:8786: what leaves this machine must be encrypted"),
        ("tls://farm:8786", "tls://farm:8786: TLS needs --ca, --cert and --key; docs/farm.md says how"),
    ],
)
def test_an_address_that_cannot_be_used_is_told(address, told):
    with pytest.raises(AddressError, match=f"^{re.escape(told)}"):
        Scheduler(address)


def test_certificates_that_cannot_be_used_are_told(tmp_path):
    good = certify(tmp_path, "farm")
    (tmp_path / "no.pem").write_text("no certificate")
    for name, told in (
        ("ca", "--ca .*no.pem: not a certificate in PEM"),
        ("key", "--key .*no.pem: not a certificate"),
    ):
        with pytest.raises(AddressError, match=told):
            Scheduler("tls://farm:8786", replace(good, **{name: str(tmp_path / "no.pem")}))
    with pytest.raises(AddressError, match="certificates are for tls://"):
        Scheduler("tcp://127.0.0.1:8786", good)
