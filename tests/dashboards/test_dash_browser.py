"""The dashboard in a real browser: from the first visit to a defended answer, and nothing asked of others."""

from __future__ import annotations

import json
import re
import shutil

import pandas as pd
import pytest

import twin
from dashboards.alerttrace import event_name
from dashboards.app import sidebyside
from dashboards.app.pages import PAGES
from dashboards.app.url import address
from dashboards.tables import timeline_table
from tests.dashboards import validated
from tests.dashboards.app import asked, finished, studied
from tests.dashboards.app.browser import ARGUMENTS, CHROMIUM, Served, settled, visited
from tests.dashboards.app.test_validation_pages import PRESENT
from twin.limits import published_signals

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
KNOBS = {"with": "mark", "set": ["horizon=2 h", "replicas=2", "sky.multiplicity=20"]}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "runs"
    folder.mkdir()
    shutil.copytree(finished.folder() / "small", folder / "small")
    shutil.copytree(folder / "small", folder / "again")
    result = {**sidebyside.result(finished.library(), ["small", "small"]), "command": "ettwin compare small"}
    (folder / "held").mkdir()
    (folder / "held" / "comparison.json").write_text(json.dumps(result))
    for name in ("swept", "torn"):
        shutil.copytree(studied.folder() / name, folder / name)
    (folder / "validated").mkdir()
    (folder / "validated" / "validation.json").write_text(json.dumps(validated.result()))
    found = Served(folder)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as p:
        found = p.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


def test_from_a_question_to_a_defended_answer(browser, served, tmp_path):
    with visited(browser, served) as page:
        page.goto(served.address)
        page.get_by_role("link", name="New run").first.click()
        page.get_by_role("heading", name="q01-capacity").wait_for()
        page.get_by_role("link", name="first-light", exact=True).click()
        page.get_by_label("Signals ×").fill("20")
        page.get_by_label("Simulated time").fill("2 h")
        page.get_by_label("Replicas").fill("2")
        page.get_by_text("3 inputs changed").wait_for()
        page.wait_for_url(re.compile("set=horizon"))
        link = page.url
        page.get_by_role("button", name="Run", exact=True).click()
        page.wait_for_url(re.compile(r"/job/\d+"))
        first = page.url
        page.get_by_role("link", name="Open the result").wait_for(timeout=60_000)

        # one that would take long is seen at work, and cancelled
        page.goto(link.replace("horizon%3D2+h", "horizon%3D200+d"))
        page.get_by_role("button", name="Run", exact=True).click()
        page.wait_for_url(re.compile(r"/job/\d+"))
        page.locator("progress").wait_for()
        page.reload()
        page.get_by_role("button", name=re.compile("Cancel")).click()
        page.get_by_role("heading", name="Cancelled").wait_for(timeout=20_000)

        page.goto(first)
        page.get_by_role("link", name="Open the result").click()
        page.wait_for_url(re.compile("/run/"))
        page.get_by_role("heading", name="first-light").wait_for()
        settled(page)

        # compared with the base; the link is all another browser needs
        page.get_by_role("link", name="Compare", exact=True).last.click()
        page.goto(f"{served.address}{address('/compare', {'run': ['small', 'first-light']})}")
        page.get_by_role("heading", name="What was changed").wait_for()
        settled(page)
        permalink = page.url

        page.goto(f"{served.address}/run/first-light")
        for name in ("Report, one HTML file", "Alerts, Parquet"):
            page.get_by_text("Export", exact=True).click()
            with page.expect_download() as download:
                page.get_by_role("link", name=name).click()
            download.value.save_as(tmp_path / download.value.suggested_filename)
        assert "<h1>first-light</h1>" in (tmp_path / "first-light-report.html").read_text()
        assert len(pd.read_parquet(tmp_path / "first-light-alerts.parquet")) > 100
    with visited(browser, served) as page:
        page.goto(permalink)
        page.get_by_role("heading", name="What was changed").wait_for()
        assert page.url == permalink


def test_from_a_late_alert_to_its_trace_and_its_verdict(browser, served):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    shutil.copytree(asked.folder() / "kept", served.folder / "kept")
    record = twin.open(served.folder / "kept")
    slowest = published_signals(record).sort_values("latency_s").iloc[-1]
    name = event_name(slowest["replica"], slowest["event_id"])
    assert slowest["late"]
    with visited(browser, served) as page:
        page.goto(f"{served.address}/run/kept")
        late = page.locator("div", has=page.get_by_role("heading", name="Late alerts, slowest first")).last
        late.get_by_role("link", name=name, exact=True).wait_for()
        late.get_by_role("link", name=re.compile("in the table of alerts")).click()
        page.wait_for_url(re.compile("view=late"))
        page.locator(".ag-row[row-index='0']").get_by_role("link", name=name, exact=True).click()
        page.get_by_role("heading", name=f"Event {name}").wait_for()
        page.get_by_text("late (late after 60 s)").wait_for()
        settled(page)
        bars = page.locator(".js-plotly-plot").first.evaluate(
            "one => one.calcdata.map((bar) => [bar[0].trace.name, bar[0].s])"
        )
        assert sum(length for _, length in bars) == pytest.approx(slowest["latency_s"], abs=1e-6)
        assert max(bars, key=lambda bar: bar[1])[0] == "queueing"

        # the models that judged it say the same again
        page.get_by_role("button", name="Ask the models again").click()
        page.get_by_text("Asked again, the alert agrees.").wait_for(timeout=60_000)
        assert page.locator("#replay-answer tbody tr").count() == 2
        settled(page)
        assert [one["id"] for one in axe.run(page).response["violations"]] == []
        page.get_by_role("link", name="The job", exact=True).click()
        page.get_by_role("link", name="Open the result").click()
        page.get_by_text("Asked again, the alert agrees.").wait_for()
        settled(page)


def test_the_moment_that_is_played_is_told_as_tables_tell_it(browser, served):
    with visited(browser, served) as page:
        page.goto(f"{served.address}/run/small/timeline?t=3")
        page.get_by_text("Moment: 0 d 03:00:00").wait_for()
        settled(page)
        line, tick = (
            page.locator(where).first.bounding_box() for where in ("#timeline-cursor", ".x5tick text:text-is('3')")
        )
        assert line["x"] == pytest.approx(tick["x"] + tick["width"] / 2.0, abs=1.5)
        assert line["height"] > 300.0


def test_numbers_of_a_figure_are_made_when_they_are_opened(browser, served):
    first = timeline_table(twin.open(served.folder / "small")).iloc[0]
    with visited(browser, served) as page:
        page.goto(f"{served.address}/run/small/timeline")
        settled(page)
        assert page.locator("figcaption table").count() == 0
        page.get_by_text("The numbers in this figure").click()
        assert "first 100 of" in page.locator("figcaption table caption").inner_text()
        cells = page.locator("figcaption tbody tr").first.locator("td").all_inner_texts()
        assert [cells[1], cells[2]] == [first["quantity"], first["name"]]
        assert [float(cells[k]) for k in (0, 3, 4, 5)] == pytest.approx(
            first[["time_s", "value", "low", "high"]].tolist(), rel=1e-5
        )
        assert page.locator("figcaption tbody tr").count() == 100

        # another window has other numbers, at once
        page.get_by_label("From, hours").fill("2")
        page.keyboard.press("Tab")
        page.wait_for_url(re.compile("start=2"))
        settled(page)
        if page.locator("figcaption table").count() == 0:  # folded with the figure that was there
            page.get_by_text("The numbers in this figure").click()
        page.wait_for_function("() => Number(document.querySelector('figcaption tbody td').textContent) >= 7200")


def test_the_program_that_draws_is_fetched_once(browser, served):
    fetched = "performance.getEntriesByType('resource').filter((one) => one.name.includes('plotly.min.js')).length"
    with visited(browser, served) as page:
        page.goto(served.address)
        page.get_by_role("link", name="small", exact=True).click()
        page.locator("#content .main-svg").first.wait_for()
        settled(page)
        assert page.evaluate(fetched) == 1
        page.goto(f"{served.address}/run/small")
        page.locator("#content .main-svg").first.wait_for()
        settled(page)
        assert page.evaluate(fetched) == 1


def test_mistakes_are_told_at_their_line_as_they_are_typed(browser, served):
    with visited(browser, served) as page:
        page.goto(f"{served.address}/new?from=first-light")
        text = page.locator("#yaml-text")
        text.wait_for()
        content = text.input_value()
        line = content[: content.index("stride: 1 s")].count("\n") + 1
        text.fill(content.replace("stride: 1 s", "stride: 1 sec"))
        page.get_by_role("button", name=f"line {line}, column 11").click()
        assert page.locator("#yaml-gutter .wrong").inner_text() == str(line)
        assert page.get_by_role("button", name="Run", exact=True).is_disabled()
        text.fill(content.replace("drain: 1 h", "drain: 2 h"))
        page.get_by_text("1 input changed").wait_for()
        page.wait_for_url(re.compile("text="))
        page.reload()
        page.get_by_text("1 input changed").wait_for()
        assert "drain: 2 h" in page.locator("#yaml-text").input_value()
        text.fill("name: x\n#" + "x" * 1_100_000)
        page.get_by_text("too large for a scenario").wait_for()
        assert page.get_by_role("heading", name="first-light").is_visible()


def test_a_run_that_is_removed_while_it_is_open(browser, served):
    shutil.copytree(served.folder / "small", served.folder / "doomed")
    with visited(browser, served) as page:
        page.goto(f"{served.address}/run/doomed/config")
        page.get_by_role("heading", name="Inputs").wait_for()
        settled(page)
        shutil.rmtree(served.folder / "doomed")
        page.get_by_placeholder("Find an input").fill("calibration")
        page.get_by_text("This result has been removed").wait_for()
        assert served.alive


def test_a_study_is_drawn_as_its_address_says(browser, served, tmp_path):
    shutil.copytree(served.folder / "swept", served.folder / "doomed-study")
    with visited(browser, served) as page:
        page.goto(f"{served.address}/studies")
        page.get_by_role("link", name="doomed-study").click()
        page.get_by_text("What failed").wait_for()
        settled(page)
        page.get_by_text("Map", exact=True).click()
        page.wait_for_url(re.compile("shape=map"))
        page.locator(".hm").first.wait_for(state="attached")
        page.get_by_text("Export", exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Every quantity of every point").click()
        download.value.save_as(tmp_path / "table.parquet")
        assert len(pd.read_parquet(tmp_path / "table.parquet")) == 10
        shutil.rmtree(served.folder / "doomed-study")
        page.get_by_text("Lines", exact=True).click()
        page.get_by_text("This result has been removed").wait_for()
        assert served.alive


WIDTHS_PX = (1024, 1920, 1280)
"""That no page is to be scrolled sideways at."""
RULES = {"light": None, "dark": {"runOnly": ["color-contrast"]}}
"""What axe looks at: everything once, and again what a theme changes."""


@pytest.mark.parametrize("theme", RULES)
def test_every_page_is_quiet_and_accessible(browser, served, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    shown = {"study": "swept", "validation": "validated"}
    paths = [
        address(module.PATH, id=shown.get(module.PATH.split("/")[1], "small"))
        for module in PAGES
        if not module.PATH.startswith(("/job/", "/comparison/")) and "{event}" not in module.PATH
    ]
    with visited(browser, served, theme) as page:
        more = ["/study/swept?shape=map", "/study/torn", "/new?from=first-light", "/comparison/held"]
        for path in [*paths, *more, "/compare?run=small&run=again", "/nothing", "/run/gone"]:
            page.goto(served.address + path)
            settled(page)
            assert page.locator("html").get_attribute("data-mantine-color-scheme") == theme
            found = axe.run(page, options=RULES[theme]).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], path
            for width in WIDTHS_PX:
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (path, width)


def test_a_validation_is_started_and_cancelled_and_one_elsewhere_is_watched(browser, served):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    (served.folder / "mine.now.json").write_text(json.dumps(PRESENT))
    with visited(browser, served) as page:
        page.goto(served.address)
        page.get_by_role("link", name="New run").first.click()
        page.get_by_role("link", name="Hold the twin against a farm of this machine").click()
        page.get_by_label("Cases").first.fill("load 0.3")
        page.get_by_role("option", name="load 0.3", exact=True).click()
        page.get_by_label("Jobs of each case").fill("99")
        page.get_by_role("button", name="Validate", exact=True).click()
        page.get_by_text("a whole number from 100 to 1,000,000 is needed").wait_for()
        page.get_by_label("Jobs of each case").fill("1000")
        page.get_by_role("button", name="Validate", exact=True).click()
        page.wait_for_url(re.compile(r"/job/\d+"))
        page.get_by_role("link", name="Watch").click()
        page.get_by_text("The profile is measured first").wait_for()
        page.get_by_role("link", name="The job", exact=True).click()
        page.get_by_role("button", name=re.compile("Cancel")).click()
        page.get_by_role("heading", name="Cancelled").wait_for(timeout=30_000)
        page.get_by_text("It was cancelled.").wait_for()

        page.goto(served.address + "/live/mine")
        page.get_by_text("of what has ended by now").wait_for()
        settled(page)
        drawn = page.locator(".js-plotly-plot").first.evaluate("one => one.data.map((trace) => trace.name)")
        assert {"farm", "foretold", "jobs"} <= set(drawn)
        assert [one["id"] for one in axe.run(page).response["violations"]] == []


def test_jobs_survive_reload_and_restart(browser, served):
    with visited(browser, served) as page:
        page.goto(served.address + address("/new", {"from": "first-light", "set": ["horizon=300 d"]}))
        page.get_by_role("button", name="Run", exact=True).click()
        page.wait_for_url(re.compile(r"/job/\d+"))
        page.locator("progress").wait_for()
        here = page.url
        page.goto("about:blank")
        served.restart()
        page.goto(here)
        page.locator("progress").wait_for()
        page.get_by_role("button", name=re.compile("Cancel")).click()
        page.get_by_role("heading", name="Cancelled").wait_for(timeout=20_000)
