"""Pages of a run: they say what the summary says, draw their figures, and answer to any address."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest
from dash.development.base_component import Component
from plotly.io.json import to_json_plotly

import twin
from dashboards import history, markup, programs, tables, text
from dashboards.app import alerted, drawn
from dashboards.app.library import Library, LibraryError, UnknownError
from dashboards.app.pages import alert, events, models, sites, summary
from dashboards.app.pages import history as timeline
from dashboards.app.url import Url
from tests.dashboards.app.finished import folder, library


@pytest.fixture(scope="module")
def there():
    return library()


def url(module, event="", **query):
    return Url(module.PATH, {"id": "small", "event": event}, {key: [value] for key, value in query.items()})


def every(component):
    """The component and everything in it."""
    if isinstance(component, Component):
        yield component
        for name in ("children", "control", "actions"):
            yield from every(getattr(component, name, None))
    elif isinstance(component, list | tuple):
        for one in component:
            yield from every(one)


def words_of(component):
    found = []

    def walk(part):
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, Component):
            walk(getattr(part, "children", None))
        elif isinstance(part, list | tuple):
            for one in part:
                walk(one)

    walk(component)
    return " ".join(found)


def figures(component):
    ids = [getattr(one, "id", None) for one in every(component)]
    return {name["figure"] for name in ids if isinstance(name, dict) and "figure" in name}


def graph(component, name):
    return next(one for one in every(component) if getattr(one, "id", None) == {"figure": name}).figure


PAGES = {
    summary: {"waterfall", "latency", "pools", "stages"},
    timeline: {"timeline"},
    sites: {"sites", "pools", "energy"},
    models: {"stages", "service", "program-quality", "program-drift", "fates"},
    events: set(),
}


@pytest.mark.parametrize("module", PAGES, ids=lambda m: m.NAME)
def test_a_page_draws_its_figures_and_can_be_sent(there, module):
    page = module.layout(there, url(module))
    assert PAGES[module] - {"program-drift"} <= figures(page)
    sent = to_json_plotly(page)
    assert len(sent) < 3_000_000
    for one in every(page):
        if getattr(one, "className", None) == "drawn":
            assert len(getattr(one, "aria-label")) > 20


@pytest.mark.parametrize("module", [*PAGES, alert], ids=lambda m: m.PATH)
def test_what_is_not_there_is_said(there, module):
    with pytest.raises(LibraryError) as told:
        module.layout(there, Url(module.PATH, {"id": "../small", "event": "r0-e1"}, {}))
    assert isinstance(told.value, UnknownError)


@pytest.mark.parametrize(
    ("module", "query"),
    [
        (summary, {"class": "<script>"}),
        (timeline, {"start": "nan", "end": "-1e9", "t": "inf"}),
        (timeline, {"start": "7", "end": "3"}),
        (models, {"program": "../../etc/passwd", "replica": "-3"}),
        (models, {"replica": "999999"}),
        (events, {"view": "x", "since": "nan", "sort": "__class__", "event": "%00"}),
    ],
)
def test_a_page_answers_to_any_query(there, module, query):
    assert isinstance(module.layout(there, url(module, **query)), Component)


def test_the_summary_says_what_the_commands_say(there):
    told = words_of(summary.layout(there, url(summary)))
    found = there.summary("small")
    assert text.headline(found) in told
    assert found["limit"]["sentence"] in told
    for target in found["targets"]:
        assert target["text"] in told


def test_the_curve_is_the_one_of_the_report(there):
    from dashboards.curves import latency

    record = twin.open(folder() / "small")
    shown = graph(summary.layout(there, url(summary)), "latency")
    assert shown.to_json() == latency(record).to_json()


def test_the_waterfall_is_the_one_of_the_report(there):
    from dashboards.figures import waterfall

    record = twin.open(folder() / "small")
    shown = graph(summary.layout(there, url(summary)), "waterfall")
    assert shown.to_json() == waterfall(record).to_json()


def test_a_window_is_read_in_finer_bins(there):
    whole = timeline.layout(there, url(timeline))
    window = timeline.layout(there, url(timeline, start="2", end="4"))
    assert graph(window, "timeline").layout.xaxis.range == (2.0, 4.0)
    queue = next(t for t in graph(window, "timeline").data if t.name == "cnaf.cpu")
    assert min(queue.x) >= 2.0
    assert max(queue.x) < 4.0
    assert graph(whole, "timeline").layout.xaxis.range == (0.0, 8.0)


def test_the_states_of_the_browser_are_those_of_the_figure(there):
    page = timeline.layout(there, url(timeline))
    state = next(one for one in every(page) if getattr(one, "id", None) == "timeline-state").data
    record = there.record("small")
    table = history.timeline_table(record)
    queue = table[(table["quantity"] == "queue") & (table["name"] == "cnaf.alerts")]
    assert state["pools"][0]["queue"] == pytest.approx(queue["value"].round(3).tolist())
    assert len(state["time"]) == len(queue)


def test_time_counts_from_nothing_on_axes_and_in_tables_alike(there):
    assert markup.moment(0.0) == "0 d 00:00:00"
    assert markup.moment(4 * 86400.0 + 7530.2) == "4 d 02:05:30"
    page = timeline.layout(there, url(timeline))
    bar = next(one for one in graph(page, "timeline").data if one.type == "bar")
    assert list(bar.customdata) == ["tier-1"]
    assert list(bar.base) == [3.0]
    assert "0 d 03:00:00" in words_of(page)
    assert re.search(r"\bday \d", words_of(page)) is None


def test_a_class_of_signals(there):
    classes = drawn.classes(there, "small")
    assert classes == ["bbh"]
    one = drawn.signals(there, "small", "bbh")
    assert len(one.judged) == len(drawn.signals(there, "small").judged)


@pytest.fixture(scope="module")
def late(there):
    from dashboards.app import rows

    return rows.page(there, "small", rows.Asked(view="late", sort="latency_s", down=True), 0, 1).rows[0]


def test_an_alert_tells_where_its_time_went(there, late):
    page = alert.layout(there, url(alert, late["event"]))
    assert "trace" in figures(page)
    bars = graph(page, "trace").data
    assert sum(bar.x[0] for bar in bars) == pytest.approx(late["latency_s"], abs=1e-6)
    told = words_of(page)
    assert "late (late after 60 s)" in told
    assert "This run wrote no documents" in told
    assert "No program was executed in this run" in told


@pytest.mark.parametrize("name", ["r0-e99999999", "x", "r0-e1; rm", "r0-n1"])
def test_an_event_that_is_not_there(there, name):
    with pytest.raises(UnknownError, match="has no event"):
        alert.layout(there, url(alert, name))


def test_a_signal_that_was_not_found_has_no_trace(there):
    from dashboards.app import rows

    lost = rows.page(there, "small", rows.Asked(view="lost"), 0, 1).rows[0]
    page = alert.layout(there, url(alert, lost["event"]))
    assert "trace" not in figures(page)
    assert "Nothing was published" in words_of(page)


def test_a_run_without_energy_figures_says_so(there, monkeypatch):
    from dashboards import energy
    from twin.requirements.pools import RequirementsError

    def unknown(record):
        raise RequirementsError("nothing is known of what hardware 'abacus' has")

    monkeypatch.setattr(energy, "energy", unknown)
    page = sites.layout(Library(folder()), url(sites))
    assert "nothing is known of what hardware 'abacus' has" in words_of(page)


def test_a_profile_that_changed_since_is_not_shown(there):
    from dashboards import programs

    record = there.record("small")
    named = dict.fromkeys(record.manifest["profiles"], "0" * 64)
    changed = replace(record.entry, about={**record.entry.about, "profiles": named})
    from dashboards.app.stored import Stored

    found = programs.used(Stored(there, changed))
    assert found
    assert all(one.profile is None and "another one here" in one.why for one in found)


@pytest.mark.parametrize("span", [None, (3600.0, 9000.0)])
def test_what_pages_share_draws_what_a_whole_record_draws(there, span):
    record = twin.open(folder() / "small")
    known = drawn.signals(there, "small")
    shared = tables.timeline_table(record, span, known, drawn.course(there, "small"))
    pd.testing.assert_frame_equal(shared, tables.timeline_table(record, span))
    pd.testing.assert_frame_equal(tables.latency_table(record, known), tables.latency_table(record))
    fates = programs.fates_table(alerted.shared(there.record("small")), alerted.first(there, "small"))
    pd.testing.assert_frame_equal(
        fates.reset_index(drop=True), programs.fates_table(record).reset_index(drop=True)
    )


def test_a_run_in_which_nothing_was_late_or_lost_says_so(tmp_path):
    record = twin.open(folder() / "small")
    good = record.alerts[(record.alerts["outcome"] == "published") & ~record.alerts["late"]]
    replace(record, alerts=good).save(tmp_path / "good")
    page = words_of(summary.layout(Library(tmp_path), Url(summary.PATH, {"id": "good"}, {})))
    assert page.count("None.") == 2
