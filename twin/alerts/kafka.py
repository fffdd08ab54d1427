"""Sends simulated alerts to a Kafka broker and waits until each is confirmed. Needs the extra 'kafka'.

Nothing is sent that does not say in every place there is that it is simulated, and nothing to another machine
unless that is allowed: neither to the brokers that were named nor to those that these name in turn.
Knows no run directory.
"""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from twin.alerts import kept, official
from twin.alerts.models import AlertError

SCHEME = "kafka://"
Form = Literal["json", "avro"]
EXTENSIONS = ".ext"
"""Added to the topic of the alerts: that of what goes along with them."""
ANSWER_S = 5.0
"""For a broker to answer."""
TIMEOUT_S = 30.0
"""For an alert to be confirmed."""
_STEP_S = 0.2
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_FORM = f"write {SCHEME}HOST:PORT/TOPIC, such as {SCHEME}127.0.0.1:9092/gw-alerts"
Progress = Callable[[float, str], None]


class TargetError(ValueError):
    """An address is none, or one that nothing may be sent to."""


class BrokerError(ValueError):
    """No broker answers, or it would have alerts go where they may not."""


@dataclass(frozen=True)
class Target:
    """Brokers as (host, port), and the topic."""

    brokers: tuple[tuple[str, int], ...]
    topic: str

    @property
    def servers(self) -> str:
        """As Kafka's clients write it."""
        return ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.brokers)


@dataclass(frozen=True)
class Message:
    """What is sent of a file `name`: to a topic, under a key, so that a superevent's messages keep their order."""

    name: str
    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Delivery:
    """How many messages were confirmed; of the others, by name, why not."""

    confirmed: int
    failed: Mapping[str, str]


def target(address: str, allow_remote: bool = False) -> Target:
    """The brokers and the topic of 'kafka://HOST:PORT[,HOST:PORT]/TOPIC'.

    TargetError unless it is one, and on this machine or allowed to be elsewhere.
    """
    if not address.startswith(SCHEME):
        raise TargetError(f"{address}: is no address of a Kafka topic: {_FORM}")
    hosts, _, topic = address.removeprefix(SCHEME).partition("/")
    if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
        raise TargetError(
            f"{address}: '{topic[:40]}' is no name of a topic (letters, digits, '.', '_', '-'): {_FORM}"
        )
    brokers = tuple(_broker(address, one) for one in hosts.split(","))
    for host, _ in brokers:
        if not allow_remote and not is_here(host):
            raise TargetError(
                f"{address}: {host} is not this machine: simulated alerts go to 127.0.0.1, ::1 or localhost only, "
                "unless --allow-remote is given"
            )
    return Target(brokers, topic)


def is_here(host: str) -> bool:
    """Whether a host is this machine by its loopback address; no name but localhost is looked up."""
    if host == "localhost":
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
        return bool(found) and all(ip_address(one.partition("%")[0]).is_loopback for one in found)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def messages(paths: Sequence[Path], to: Target, form: Form, extensions: bool) -> list[Message]:
    """What is to be sent of these alerts, in the order of time; AlertError unless each is valid and simulated.

    As JSON the very bytes of the file, as Avro a file of one record, as brokers of the LVK's alerts carry.
    """
    found: list[tuple[str, str, int, Message]] = []
    for path in paths:
        reading = kept.read(path)
        if reading.document is None or reading.problems:
            raise AlertError(f"{path}: is not a valid alert ({reading.problems[0]}); nothing was sent")
        if not reading.simulated:
            raise AlertError(f"{path}: does not say in every place that it is simulated; nothing was sent")
        document = reading.document
        order = str(document["time_created"]), str(document["superevent_id"])
        value = path.read_bytes() if reading.form == form == "json" else _turned(document, form)
        key = str(document["superevent_id"]).encode()
        found.append((*order, 0, Message(str(path), to.topic, key, value, _headers(form))))
        beside = kept.extension_of(path)
        if extensions and beside.is_file():
            topic = to.topic + EXTENSIONS
            found.append((*order, 1, Message(str(beside), topic, key, beside.read_bytes(), _headers("json"))))
    return [message for *_, message in sorted(found, key=lambda one: (*one[:3], one[3].name))]


def connected(
    to: Target,
    allow_remote: bool = False,
    timeout_s: float = TIMEOUT_S,
    answer_s: float = ANSWER_S,
    progress: Progress = lambda fraction, text: None,
) -> Any:
    """A client of the brokers there, which gives up on a message after `timeout_s`.

    BrokerError when no broker answers within `answer_s`, or one names another machine.
    """
    heard: list[str] = []
    producer = _producer(to, timeout_s, heard)
    _check_brokers(_brokers(producer, to, answer_s, heard, progress), to, allow_remote)
    return producer


def send(
    given: Sequence[Message],
    producer: Any,
    timeout_s: float = TIMEOUT_S,
    progress: Progress = lambda fraction, text: None,
) -> Delivery:
    """Send messages by a `connected` client and wait for the word on each, at most `timeout_s` after the last."""
    failed: dict[str, str] = {}
    done: set[str] = set()

    def told(name: str, error: Any, message: Any) -> None:
        if error is None:
            done.add(name)
        else:
            failed[name] = error.str()

    for message in given:
        about = {"key": message.key, "value": message.value, "headers": list(message.headers)}
        _produce(producer, message, about, partial(told, message.name), failed)
        progress(len(done) / len(given), f"{len(done):,} of {len(given):,} confirmed")
    end_s = time.monotonic() + timeout_s
    while producer.flush(_STEP_S) and time.monotonic() < end_s:
        progress(len(done) / len(given), f"{len(done):,} of {len(given):,} confirmed")
    for message in given:
        if message.name not in failed and message.name not in done:
            failed[message.name] = f"was not confirmed within {timeout_s:g} s"
    return Delivery(len(done), failed)


def _produce(
    producer: Any, message: Message, about: Mapping[str, Any], told: Callable[..., None], failed: dict[str, str]
) -> None:
    from confluent_kafka import KafkaException

    while True:
        try:
            producer.produce(message.topic, on_delivery=told, **about)
            producer.poll(0)
            return
        except BufferError:  # as many as it holds are on their way
            producer.poll(_STEP_S)
        except KafkaException as error:
            failed[message.name] = error.args[0].str()
            return


def _producer(to: Target, timeout_s: float, heard: list[str]) -> Any:
    """A client that adds what it has to complain of to `heard`."""
    from confluent_kafka import Producer

    quiet = logging.getLogger("ettwin.kafka")  # the library would write to standard error
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    settings = {
        "bootstrap.servers": to.servers,
        "client.id": "ettwin",
        "acks": "all",
        "enable.idempotence": True,
        "message.timeout.ms": int(1e3 * timeout_s),
        "error_cb": lambda error: heard.append(error.str()),
    }
    return Producer(settings, logger=quiet)


def _check_brokers(brokers: Sequence[Any], to: Target, allow_remote: bool) -> None:
    away = sorted(f"{broker.host}:{broker.port}" for broker in brokers if not is_here(broker.host))
    if away and not allow_remote:
        raise BrokerError(
            f"the broker at {to.servers} says that alerts go to {', '.join(away)}, which is not this machine: "
            "nothing was sent. Have it announce itself as 127.0.0.1, or give --allow-remote"
        )


def _brokers(producer: Any, to: Target, answer_s: float, heard: Sequence[str], progress: Progress) -> list[Any]:
    """Who is there; asked in short steps, between which an interrupt is heard."""
    from confluent_kafka import KafkaException

    end_s = time.monotonic() + answer_s
    while True:
        progress(0.0, f"waiting for {to.servers}")
        try:
            return list(producer.list_topics(timeout=_STEP_S).brokers.values())
        except KafkaException as error:
            producer.poll(0)
            if time.monotonic() >= end_s:
                why = (heard or [error.args[0].str()])[0]
                raise BrokerError(
                    f"no broker answers at {to.servers} within {answer_s:g} s ({why}): nothing was sent. "
                    "Start one there, or give the address of one that runs"
                ) from error


def _broker(address: str, text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536) or "@" in host:
        raise TargetError(f"{address}: '{text[:60]}' is no HOST:PORT: {_FORM}")
    return host, int(port)


def _turned(document: Mapping[str, Any], form: Form) -> bytes:
    from twin.alerts.document import as_bytes

    return official.to_avro(document) if form == "avro" else as_bytes(dict(document))


def _headers(form: Form) -> tuple[tuple[str, bytes], ...]:
    return ("simulated", b"true"), ("_format", form.encode())
