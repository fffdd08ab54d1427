"""Requests that no page of ours sends: each is told in a line, the log keeps clean, the server answers on."""

from __future__ import annotations

import gzip
import json
import logging

import pytest

from dashboards.app import security
from dashboards.app.server import create
from tests.dashboards.app import finished

OWN = {"Host": "127.0.0.1:8050"}
OUTPUT = "..content.children...nav.children...here.data...notice.children.."
OUTPUTS = [("content", "children"), ("nav", "children"), ("here", "data"), ("notice", "children")]
INPUTS = [("address", "pathname", "/jobs"), ("address", "search", ""), ("repaint", "data", None)]


def body(**other):
    """What a page posts when its address changes."""
    return {
        "output": OUTPUT,
        "outputs": [{"id": id, "property": name} for id, name in OUTPUTS],
        "inputs": [{"id": id, "property": name, "value": value} for id, name, value in INPUTS],
        "changedPropIds": ["address.pathname"],
    } | other


def address(pathname):
    return [{"id": "address", "property": "pathname", "value": pathname}, *body()["inputs"][1:]]


@pytest.fixture(scope="module")
def client():
    made = create(finished.folder(), example=False).app.server.test_client()
    made.get("/", headers=OWN)
    return made


def posted(client, text, headers=None):
    return client.post(
        security.UPDATE, data=text, content_type="application/json", headers={**OWN, **(headers or {})}
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON object"),
        ("{", "no JSON object"),
        ("[]", "no JSON object"),
        ("\xff", "no JSON object"),
        (b"\xff\xfe", "no JSON object"),
        ("[" * 200_000, "nested too deeply|no JSON object"),
        ('{"a": ' + "9" * 5000 + "}", "no JSON object"),
        ('{"output": "\\ud800"}', "surrogate"),
        (json.dumps(body(inputs=address("/jobs\udc80"))), "surrogate"),
        ("{}", "names no callback"),
        (json.dumps(body(output="nothing.children")), "names no callback"),
        (json.dumps(body(output=["a"])), "names no callback"),
        (json.dumps(body(output="synced.data")), "names no callback"),
        (json.dumps(body(inputs=[])), "'inputs' is not what"),
        (json.dumps(body(inputs="address")), "'inputs' is not what"),
        (json.dumps(body(inputs=[1, 2, 3])), "'inputs' is not what"),
        (json.dumps(body(state=[{"id": "a", "property": "b"}])), "'state' is not what"),
        (json.dumps(body(outputs={})), "'outputs' is not what"),
        (json.dumps(body(outputs=None)), "'outputs' is not what"),
        (json.dumps(body(changedPropIds=7)), "'changedPropIds'"),
        (json.dumps(body(changedPropIds=["address"])), "'changedPropIds'"),
        (json.dumps(body(inputs=address({"a": 1}))), "nothing that this dashboard's pages send"),
        (json.dumps(body(inputs=address(5))), "nothing that this dashboard's pages send"),
    ],
    ids=range(23),
)
def test_what_no_page_sends_is_told_and_leaves_no_traceback(client, caplog, text, told):
    with caplog.at_level(logging.DEBUG):
        found = posted(client, text)
    assert found.status_code == 400
    assert any(one in found.text for one in told.split("|"))
    assert found.text.count("\n") == 1
    assert not [one for one in caplog.records if one.exc_info]
    assert posted(client, json.dumps(body())).status_code == 200


def test_a_page_whose_callback_fails_is_told_and_the_log_says_where(client, caplog):
    found = posted(client, json.dumps(body(inputs=address(5))), {"Origin": "http://127.0.0.1:8050"})
    assert found.status_code in (200, 204)
    assert [one.exc_info[0] for one in caplog.records if one.exc_info] == [AttributeError]


def test_nothing_is_sent_elsewhere(client):
    for path in ("/", "/jobs", "/_dash-layout", "/file/small/resolved.yaml"):
        assert client.post(path, json={}, headers=OWN).status_code == 404


@pytest.mark.parametrize(
    "path", ["/nowhere", "/run", "/run/none", "/run/none/timeline", "/run/small/nothing", "/study/small", "/%ff"]
)
def test_an_address_without_a_page_is_not_found_and_says_so_in_the_browser(client, path):
    found = client.get(path, headers=OWN)
    assert (found.status_code, "_dash-config" in found.text) == (404, True)
    shown = posted(client, json.dumps(body(inputs=address(path))))
    assert "Nothing to show here" in shown.text


@pytest.mark.parametrize("path", ["/", "/new", "/jobs", "/run/small", "/run/small/events", "/job/1", "/live/mine"])
def test_an_address_with_a_page_is_found(client, path):
    assert client.get(path, headers=OWN).status_code == 200


def test_answers_are_compressed_for_who_can_read_it(client):
    packed = {**OWN, "Accept-Encoding": "gzip, br"}
    page = "http://127.0.0.1:8050"
    for path in ("/_dash-layout", "/_dash-dependencies", "/assets/app.js"):
        plain, small = (client.get(path, headers=one, buffered=True) for one in (OWN, packed))
        assert "Content-Encoding" not in plain.headers
        assert small.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.data) == plain.data
        assert int(small.headers["Content-Length"]) == len(small.data) < 0.6 * len(plain.data)
        assert "Accept-Encoding" in small.headers["Vary"]
    given = json.dumps(body(inputs=address("/run/small")))
    plain = posted(client, given, {"Origin": page})
    small = posted(client, given, {"Origin": page, "Accept-Encoding": "gzip"})
    assert json.loads(gzip.decompress(small.data)) == plain.json
    assert len(small.data) < 0.3 * len(plain.data)
    table = client.get("/file/small/alerts.parquet", headers=packed)
    assert "Content-Encoding" not in table.headers
    table.close()
