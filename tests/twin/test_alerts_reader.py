"""Somebody else's alerts: every problem in words, and whatever is in the file, no crash."""

from __future__ import annotations

import base64
import io
import json
import random
import string

import fastavro
import pytest

from tests.twin.alerted import made
from twin.alerts import official, reader
from twin.alerts.document import as_bytes
from twin.alerts.models import AlertError

MUTATIONS = 800
STRANGE = [None, True, -1, 0, 1e308, 10**400, "", "MS", "\x00", "\ud800", [], {}, [[]], {"a": {}}, "9" * 300]


def an_alert(kind="PRELIMINARY"):
    return next(one for one in made("et") if one.public["alert_type"] == kind)


def changed(**event):
    public = an_alert().public
    return as_bytes({**public, "event": {**public["event"], **event}})


def problems(content):
    return list(reader.understood(content).problems)


@pytest.mark.parametrize("kind", ["EARLYWARNING", "PRELIMINARY", "INITIAL", "RETRACTION"])
def test_our_own_alerts_are_read_without_problems(kind):
    one = an_alert(kind)
    for content in (one.text, official.to_avro(one.public)):
        found = reader.understood(content)
        assert found.problems == ()
        assert found.simulated
        assert found.document["superevent_id"] == one.public["superevent_id"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (changed(far=-1.0), "event.far: -1.0 is no rate"),
        (
            changed(classification={"BBH": 0.5, "BNS": 0.2}),
            "event.classification: probabilities add up to 0.7, not 1",
        ),
        (changed(properties={"HasNS": 2.0}), "event.properties.HasNS: 2.0 is no probability"),
        (changed(instruments=[]), "event.instruments: names none: nobody has seen the event"),
        (changed(instruments=["E1", "E1"]), "event.instruments: names one twice"),
        (
            changed(time="yesterday"),
            "event.time: 'yesterday' is no time with a zone, such as 2035-01-01T00:00:12Z",
        ),
        (changed(time="2035-01-01T00:00:00"), "event.time: '2035-01-01T00:00:00' is no time with a zone"),
        (changed(skymap="%%%"), "event.skymap: is no base64"),
        (changed(skymap="AAAA"), "event.skymap: holds no FITS file"),
        (changed(search="AllSky"), "superevent_id, search: one says that the event is a mock one"),
        (changed(significant="yes"), 'event.significant: "yes" is not boolean'),
        (b"[1]", "holds a list, an alert is an object"),
        (b"{", "is no JSON: "),
        (b'{"a": NaN}', "is no JSON: NaN is no number of JSON"),
        (b'{"a": 1e999}', "is no JSON: 1e999 is too large a number"),
        (b'{"a": 1' + b"0" * 400 + b"}", "is no JSON: 10000000000000000000 is too large a number"),
        (b'{"a": 1, "a": 2}', "is no JSON: 'a' is given twice"),
        (b"\xff\xfe", "is neither Avro nor UTF-8 text: byte 0 is wrong"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"", "is no JSON"),
        (b"Obj\x01", "is damaged Avro: its head cannot be read"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_every_problem_is_told(content, told):
    assert any(problem.startswith(told) for problem in problems(content)), problems(content)


def test_all_problems_are_told_at_once():
    public = {k: v for k, v in an_alert().public.items() if k != "urls"} | {"alert_type": "NEWS"}
    found = problems(as_bytes(public))
    assert "lacks urls" in found
    assert any(told.startswith('alert_type: "NEWS" is none of EARLYWARNING') for told in found)


def test_a_retraction_with_an_event_and_a_notice_without():
    assert problems(as_bytes({**an_alert().public, "alert_type": "RETRACTION"})) == [
        "event: belongs in no RETRACTION"
    ]
    assert problems(as_bytes({**an_alert().public, "event": None})) == [
        "event: is missing from a notice of type PRELIMINARY"
    ]


def test_a_real_alert_is_no_simulated_one():
    public = {**an_alert().public, "superevent_id": "S230518h"}
    public["event"] = {**public["event"], "search": "AllSky"}
    found = reader.understood(as_bytes(public))
    assert found.problems == ()
    assert not found.simulated


def test_avro_of_another_schema_is_refused_before_it_is_read():
    file = io.BytesIO()
    other = {
        "type": "record",
        "name": "Alert",
        "fields": [{"name": "x", "type": {"type": "array", "items": "null"}}],
    }
    fastavro.writer(file, fastavro.parse_schema(other), [{"x": [None] * 3}])
    assert problems(file.getvalue()) == ["is Avro of another schema than igwn.alerts.Alert of igwn-gwalert-schema"]
    file = io.BytesIO()
    fastavro.writer(file, official.avro_schema(), [an_alert("RETRACTION").public] * 2)
    assert problems(file.getvalue()) == ["holds 2 records, an alert is one"]
    file = io.BytesIO()
    fastavro.writer(file, official.avro_schema(), [an_alert("RETRACTION").public], codec="deflate")
    assert problems(file.getvalue()) == ["is packed Avro (deflate): unpack it first"]


def test_an_extension_must_be_that_of_its_document(tmp_path):
    one = an_alert()
    path, beside = tmp_path / f"{one.name}.json", tmp_path / f"{one.name}.ext.json"
    path.write_bytes(one.text)
    beside.write_bytes(one.extension_text)
    assert reader.read(path).problems == ()
    path.write_bytes(one.text.replace(b"E1", b"E2", 1) if b"E1" in one.text else one.text + b" ")
    (told,) = [p for p in reader.read(path).problems if p.startswith("extension")]
    assert told == "extension: document.sha256: is not that of the public document: one of the two was changed"
    path.write_bytes(one.text)
    late = {**one.extension, "latency": {**one.extension["latency"], "latency_s": 1e6}}
    beside.write_bytes(as_bytes(late))
    assert "the parts add up to" in reader.read(path).problems[0]
    beside.write_bytes(as_bytes({**one.extension, "simulated": False}))
    assert reader.read(path).problems == ("extension: simulated: false is none of True",)


def test_a_file_that_cannot_be_read_is_explained(tmp_path, monkeypatch):
    with pytest.raises(AlertError, match="cannot be read"):
        reader.read(tmp_path / "nothing.json")
    monkeypatch.setattr(reader, "LARGEST_BYTES", 10)
    (tmp_path / "large.json").write_bytes(b"x" * 11)
    with pytest.raises(AlertError, match="too large for an alert"):
        reader.read(tmp_path / "large.json")


def _paths(content, path=()):
    yield path
    items = (
        content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    )
    for key, inner in items:
        yield from _paths(inner, (*path, key))


def _placed(content, path, new):
    if not path:
        return new
    copy = dict(content) if isinstance(content, dict) else list(content)
    copy[path[0]] = _placed(copy[path[0]], path[1:], new)
    return copy


def _mutated(public, rng):
    """A document with one to three values replaced, dropped, doubled or renamed."""
    for _ in range(rng.randint(1, 3)):
        path = rng.choice(list(_paths(public)))
        public = _placed(public, path, rng.choice(STRANGE))
        if isinstance(public, dict) and public and rng.random() < 0.3:
            public = dict(public)
            public["".join(rng.choices(string.printable, k=5))] = public.pop(rng.choice(list(public)))
        if not isinstance(public, dict | list):
            break
    return public


def _damaged(content, rng):
    """Bytes with some flipped, cut out, doubled or replaced."""
    content = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        at, how = rng.randrange(len(content)), rng.randrange(4)
        if how == 0:
            content[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            del content[at : at + rng.randrange(1, 40)]
        elif how == 2:
            content[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 12)))
        else:
            content[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"NaN", b"1e999"])
        content = content or bytearray(b" ")
    return bytes(content)


def _told_or_fine(content):
    found = reader.understood(content)
    assert all(isinstance(told, str) and told for told in found.problems)
    assert found.document is not None or found.problems
    return found


def test_mutated_documents_never_crash_the_reader():
    rng, wrong = random.Random(1), 0
    sources = [an_alert(kind).public for kind in ("PRELIMINARY", "EARLYWARNING", "RETRACTION")]
    for _ in range(MUTATIONS):
        wrong += bool(_told_or_fine(json.dumps(_mutated(rng.choice(sources), rng)).encode()).problems)
    assert wrong > 0.7 * MUTATIONS


def test_damaged_json_never_crashes_the_reader():
    rng, wrong = random.Random(2), 0
    for _ in range(MUTATIONS):
        wrong += bool(_told_or_fine(_damaged(an_alert().text, rng)).problems)
    assert wrong > 0.5 * MUTATIONS


def test_damaged_avro_never_crashes_the_reader():
    rng, wrong = random.Random(3), 0
    content = official.to_avro(an_alert().public)
    for _ in range(MUTATIONS):
        damaged = _damaged(content[-400:], rng)
        wrong += bool(_told_or_fine(content[:-400] + damaged).problems)
        _told_or_fine(b"Obj\x01" + _damaged(content[4:], rng))
    assert wrong > 0.5 * MUTATIONS


def test_damaged_extensions_never_crash_the_reader():
    rng, one, wrong = random.Random(4), an_alert(), 0
    for _ in range(MUTATIONS):
        wrong += bool(reader.extension_problems(_damaged(one.extension_text, rng), one.text))
        mutated = json.dumps(_mutated(one.extension, rng)).encode()
        assert all(isinstance(told, str) for told in reader.extension_problems(mutated, one.text))
    assert wrong > 0.5 * MUTATIONS


def test_sky_maps_pass_through_avro():
    fits = b"SIMPLE  =" + b" " * 100
    public = json.loads(changed(skymap=base64.b64encode(fits).decode()))
    assert problems(official.to_avro(public)) == []
