"""Other pages of a run are worked out while one is looked at: one run at a time, of those that wait the last."""

from __future__ import annotations

import threading
import time

from dashboards.app import frame, security
from dashboards.app.ahead import Ahead
from dashboards.app.library import Library
from dashboards.app.server import create, prepared
from dashboards.app.url import Url
from tests.dashboards.app import finished
from tests.dashboards.app.test_requests import OWN, address, body


def test_of_those_that_wait_the_last_is_next_and_an_error_ends_nothing():
    goes_on, done, seen = threading.Event(), threading.Event(), []

    def prepare(id):
        seen.append(id)
        assert goes_on.wait(10)
        if id == "last":
            done.set()
        raise ValueError(id)

    ahead = Ahead(prepare)
    ahead.want("first")
    while not seen:
        time.sleep(0.001)
    for id in ("skipped", "last"):
        ahead.want(id)
    goes_on.set()
    assert done.wait(10)
    assert seen == ["first", "last"]


def test_what_is_prepared_is_not_made_again():
    library = Library(finished.folder())
    prepared(library, "small")
    kept = library.cache.bytes
    for path in ("/run/small", "/run/small/timeline", "/run/small/models"):
        frame.page(library, path, "")
    prepared(library, "small")
    assert library.cache.bytes == kept


def test_which_run_is_next():
    library = Library(finished.folder())
    assert frame.next_run(library, Url("/")) == "small"
    assert frame.next_run(library, Url("/run/x", {"id": "x"})) == "x"
    assert frame.next_run(library, Url("/jobs")) == ""


def test_a_page_of_a_run_has_the_others_made(monkeypatch):
    wanted = threading.Event()
    made = create(finished.folder(), example=False)
    client = made.app.server.test_client()
    client.get("/", headers=OWN)
    monkeypatch.setattr(made.library, "computed", _told(made.library.computed, wanted))
    answer = client.post(security.UPDATE, json=body(inputs=address("/run/small")), headers=OWN)
    assert answer.status_code == 200
    assert answer.get_data()
    answer.close()
    assert wanted.wait(10)


def _told(computed, wanted):
    def told(id, name, make):
        found = computed(id, name, make)
        if name == "prepared":
            wanted.set()
        return found

    return told
