"""An alert's archived models are asked again from its page, by a job; whatever comes of it is told there."""

from __future__ import annotations

import shutil
import time

import pytest

from dashboards.app import orders, replays
from dashboards.app.jobs import Jobs, RefusedError
from dashboards.app.library import Library
from dashboards.app.pages import alert
from dashboards.app.rows import Asked, page
from dashboards.app.url import Url
from tests.dashboards.app import asked, finished
from tests.dashboards.app.test_run_pages import every, words_of
from twin.alerts import kept


@pytest.fixture
def library(tmp_path):
    shutil.copytree(asked.folder() / "kept", tmp_path / "kept")
    found = Library(tmp_path)
    found.jobs = Jobs(tmp_path, most=1)
    yield found
    found.jobs.close()


@pytest.fixture
def event(library):
    return page(library, "kept", Asked(view="late", sort="latency_s", down=True), 0, 1).rows[0]["event"]


def shown(library, event, run="kept"):
    return alert.layout(library, Url(alert.PATH, {"id": run, "event": event}, {}))


def asks(component):
    """Whether there is a button that asks, and whether it can be pressed."""
    found = [one for one in every(component) if getattr(one, "id", None) == "replay-ask"]
    return bool(found) and not found[0].disabled


def ended(library, one):
    end_s = time.monotonic() + 60.0
    while not library.jobs.job(one.id).ended:
        assert time.monotonic() < end_s, "it took too long"
        library.jobs.tick()
        time.sleep(0.05)
    return library.jobs.job(one.id)


def test_an_alert_is_asked_again_by_a_job_and_its_page_tells_the_verdict(library, event):
    assert asks(shown(library, event))
    one = orders.replay(library, "kept", event)
    assert not asks(shown(library, event))
    assert orders.replay(library, "kept", event).id == one.id  # one at a time
    found = ended(library, one)
    assert (found.state, found.asked.kind) == ("finished", "replay")
    answer = replays.answer(found)
    assert (answer["alert"], answer["verdict"]) == (event, "agrees")
    told = words_of(shown(library, event))
    assert "Asked again, the alert agrees." in told
    for one in answer["answers"]:
        assert one["why"] in told
    assert asks(shown(library, event))


def test_an_alert_that_was_changed_gets_no_verdict(library, event):
    path = replays.asked_with(library, "kept", event)
    path.write_text(path.read_text().replace("2035", "2036"))
    found = ended(library, orders.replay(library, "kept", event))
    assert (found.state, replays.answer(found)) == ("failed", None)
    told = words_of(shown(library, event))
    assert "No verdict" in told
    assert "was changed" in told


def test_an_alert_that_lacks_a_part_cannot_be_checked(library, event):
    kept.extension_of(replays.asked_with(library, "kept", event)).unlink()
    found = ended(library, orders.replay(library, "kept", event))
    assert replays.answer(found)["verdict"] == "cannot be checked"
    assert "It cannot be checked." in words_of(shown(library, event))


def test_without_capsules_nothing_is_asked(library, event, tmp_path):
    shutil.rmtree(tmp_path / "kept" / "archive")
    assert "ettwin archive capsule" in words_of(shown(library, event))
    with pytest.raises(RefusedError, match="keeps no capsules"):
        orders.replay(library, "kept", event)
    shutil.copytree(finished.folder() / "small", tmp_path / "small")
    with pytest.raises(RefusedError, match="keeps no capsules"):
        orders.replay(library, "small", "r0-e0")
    assert library.jobs.all() == []


def test_no_address_leads_to_another_file(library):
    assert len(kept.files(library.folder / "kept")) > 3
    for event in ("../r0-e0", "r0-e99999", "r7-e0", ""):
        with pytest.raises(RefusedError):
            orders.replay(library, "kept", event)
