"""Strangers are kept out: other hosts' names, other sites' pages, other methods, too much at once."""

from __future__ import annotations

import json

import pytest

from dashboards.app import security
from dashboards.app.server import create
from tests.dashboards.app import finished

OWN = {"Host": "127.0.0.1:8050"}


class Client:
    """A client that reads every answer to its end."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        return lambda *given, **more: getattr(self._client, name)(*given, **more, buffered=True)


@pytest.fixture(scope="module")
def client():
    return Client(create(finished.folder(), example=False).app.server.test_client())


def callback(client, **headers):
    body = {
        "output": "..content.children...nav.children...here.data...notice.children..",
        "outputs": [
            {"id": id, "property": name}
            for id, name in (
                ("content", "children"),
                ("nav", "children"),
                ("here", "data"),
                ("notice", "children"),
            )
        ],
        "inputs": [
            {"id": "address", "property": "pathname", "value": "/jobs"},
            {"id": "address", "property": "search", "value": ""},
            {"id": "repaint", "property": "data", "value": None},
        ],
        "changedPropIds": ["address.pathname"],
    }
    return client.post(security.UPDATE, data=json.dumps(body), content_type="application/json", headers=headers)


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost", "localhost:9999", "[::1]:8050", "LOCALHOST:1"])
def test_this_machine_is_let_in(client, host):
    assert client.get("/healthy", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.2", "", "[::1", "localhost.:1"]
)
def test_another_name_is_refused(client, host):
    for path in ("/healthy", "/", "/file/small/resolved.yaml", "/_dash-layout"):
        found = client.get(path, headers={"Host": host})
        assert found.status_code in (400, 421)
        assert "scenario" not in found.text


def test_a_page_of_ours_may_ask(client):
    assert callback(client, **OWN).status_code == 200
    own = {**OWN, "Origin": "http://127.0.0.1:8050", "Sec-Fetch-Site": "same-origin"}
    assert callback(client, **own).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8050", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_may_not(client, headers):
    found = callback(client, **OWN, **headers)
    assert found.status_code == 403
    assert "another site" in found.text


def test_another_site_may_link_here_but_not_embed(client):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/run/small", headers={**OWN, **link}).status_code == 200
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/file/small/resolved.yaml", headers={**OWN, **embedded}).status_code == 403


def test_a_form_of_another_page_is_refused(client):
    found = client.post(security.UPDATE, data={"a": "b"}, headers=OWN)
    assert found.status_code == 415
    assert client.put("/", headers=OWN).status_code == 405
    assert client.delete("/", headers=OWN).status_code == 405


def test_too_much_is_said_on_the_page(client):
    huge = b'{"a": "' + b"x" * security.LARGEST_BYTES + b'"}'
    page = {**OWN, "Origin": "http://127.0.0.1:8050"}
    found = client.post(security.UPDATE, data=huge, content_type="application/json", headers=page)
    assert found.status_code == 200
    assert "at most 8 MB" in found.json["sideUpdate"]["notice"]["children"]
    by_hand = client.post(security.UPDATE, data=huge, content_type="application/json", headers=OWN)
    assert (by_hand.status_code, "at most 8 MB" in by_hand.text) == (413, True)
    assert client.get("/healthy", headers=OWN).status_code == 200


def test_every_answer_says_what_a_page_may_do(client):
    for path in ("/", "/healthy", "/nothing-here", "/_dash-layout", "/file/small/resolved.yaml"):
        headers = client.get(path, headers=OWN).headers
        rules = dict(rule.strip().partition(" ")[::2] for rule in headers["Content-Security-Policy"].split(";"))
        assert rules["default-src"] == "'none'"
        assert "unsafe" not in rules["script-src"]
        assert rules["connect-src"] == "'self'"
        assert rules["frame-ancestors"] == "'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    ["/assets/../server.py", "/assets/%2e%2e/server.py", "/assets/..%2fserver.py", "/file/..%2f..%2fetc/passwd",
     "/file/small/..%2f..%2fpyproject.toml", "/file/%2e%2e/small", "/_mcp", "/_dash-mcp"],
)  # fmt: skip
def test_no_path_leads_out(client, path):
    found = client.get(path, headers=OWN)
    assert found.status_code == 404 or "_dash-config" in found.text
    assert "def create" not in found.text
    assert "root:" not in found.text


def test_files_are_saved_not_shown(client):
    found = client.get("/file/small/resolved.yaml", headers=OWN)
    assert found.headers["Content-Disposition"].startswith("attachment")
    report = client.get("/file/small/report.html", headers=OWN)
    assert report.headers["Content-Disposition"] == 'attachment; filename="small-report.html"'
    assert b"<h1>first-light</h1>" in report.data
    gone = client.get("/file/nothing/report.html", headers=OWN)
    assert (gone.status_code, "There is no result 'nothing'" in gone.text) == (404, True)


def test_debugging_is_off(client):
    config = client.get("/", headers=OWN).text
    assert '"hot_reload"' not in config
    assert '"ui":true' not in config.replace(" ", "")
