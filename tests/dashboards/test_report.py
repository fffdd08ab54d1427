"""The report stands alone, escapes what it is given, and says what the summary says."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from dashboards import markup, report, shell, text
from dashboards.figures import FIGURES
from tests.records import DAY_S, Scenario, Targets, signals, week
from twin.metrics import summary

HOSTILE = """</script><script>alert(1)</script><img src=x onerror=alert(2)>'"&"""
LOADING = {"src", "srcset", "data", "action", "poster", "background"}
CHROMIUM = shutil.which("chromium")


class Page(HTMLParser):
    """Tags, attributes and words of a page, and what sits between script tags."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.words, self.scripts, self._inside = [], [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag):
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data):
        (self.scripts if self._inside else self.words).append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def record():
    return week()


@pytest.fixture(scope="module")
def source(record):
    return report.page(record)


@pytest.fixture(scope="module")
def page(source):
    return Page(source)


def test_nothing_is_loaded_from_elsewhere(page):
    for tag, attrs in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        assert not LOADING & set(attrs), (tag, attrs)
        assert attrs.get("href", "#").startswith(("#", "data:text/csv;base64,"))
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": shell.POLICY}) in page.tags


def test_plotly_is_embedded_once_and_the_file_is_small(source, tmp_path, record):
    assert source.count("plotly.js v") == 1
    assert report.write(record, tmp_path / "report.html").stat().st_size < 6_000_000


def test_the_page_is_the_same_every_time(source):
    assert source == report.page(week())


def test_every_verdict_is_in_words(page, record):
    found = summary(record)
    assert text.headline(found) in page.text
    for target in found["targets"]:
        assert target["text"] in page.text
        assert text.value(target["estimate"], target["unit"]) in page.text
    assert page.text.count("MISSED") == 2
    assert "SIMULATED" in page.text


def test_every_section_is_a_labelled_landmark(page):
    ids = {attrs.get("id") for _, attrs in page.tags}
    sections = [attrs for tag, attrs in page.tags if tag == "section"]
    assert len(sections) == 9
    assert all(attrs["aria-labelledby"] in ids for attrs in sections)
    links = [attrs["href"][1:] for tag, attrs in page.tags if tag == "a" and attrs["href"].startswith("#")]
    assert set(links) == {attrs["id"] for attrs in sections}


def test_every_figure_is_described_and_comes_with_its_numbers(page, record):
    pictures = [attrs["aria-label"] for _, attrs in page.tags if attrs.get("role") == "img"]
    assert len(pictures) == len(FIGURES)
    files = {a["download"]: a["href"] for tag, a in page.tags if tag == "a" and "download" in a}
    for name, (draw, tabulate) in FIGURES.items():
        assert draw(record).layout.meta["description"] in pictures
        content = base64.b64decode(files[f"{name}.csv"].split(",")[1])
        pd.testing.assert_frame_equal(
            pd.read_csv(io.BytesIO(content)), tabulate(record), check_dtype=False, check_column_type=False
        )


def test_inputs_scenario_and_origin_are_all_there(page, record):
    for column in ("key", "value", "source"):
        assert all(str(value) in page.text for value in record.inputs[column])
    chips = [attrs["class"] for _, attrs in page.tags if attrs.get("class", "").startswith("chip ")]
    assert chips.count("chip assumed") == 4 + 1
    for origin in (record.plan_digest, record.scenario.digest, "ettwin run first-light --seed 1", "2.4.6"):
        assert origin in page.text
    assert "horizon: 7 d" in page.text


def test_lists_of_signals_say_how_many_more(page):
    found = summary(week())
    lost = sum(n for key, n in found["signals"].items() if key.startswith("lost_"))
    assert f"{lost:,} in all replicas" in page.text
    assert f"{lost - report.SHOWN:,} more are not shown" in page.text


def test_hostile_text_is_shown_not_run():
    record = week(replicas=1, horizon_s=DAY_S)
    scenario = Scenario(name=HOSTILE, question=HOSTILE, horizon=DAY_S, text=HOSTILE)
    record = record.but(
        scenario=scenario,
        inputs=record.inputs.assign(key=HOSTILE, value=HOSTILE, source=HOSTILE),
        marks=pd.DataFrame({"kind": ["storm"], "name": [HOSTILE], "start_s": [0.0], "end_s": [9e3]}),
        pools=record.pools.assign(hardware=HOSTILE),
        manifest={"command": HOSTILE, HOSTILE: {HOSTILE: HOSTILE}},
    )
    clean = Page(report.page(week(replicas=1, horizon_s=DAY_S)))
    page = Page(report.page(record))
    assert HOSTILE.replace("\n", " ") in page.text
    assert not [tag for tag, attrs in page.tags if tag == "img" or "onerror" in attrs]
    assert sum(tag == "script" for tag, _ in page.tags) == sum(tag == "script" for tag, _ in clean.tags)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_a_spreadsheet_runs_no_formula(cell):
    link = markup.download(pd.DataFrame({"name": [cell], "number": [-1.5]}), "x")
    content = base64.b64decode(link.split("base64,")[1].split('"')[0]).decode()
    assert pd.read_csv(io.StringIO(content))["name"].iloc[0] == f"'{cell}"
    assert pd.read_csv(io.StringIO(content))["number"].iloc[0] == -1.5


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"command": "ettwin run a --seed 3"}, "gives the same numbers again: ettwin run a --seed 3"),
        ({}, "again, in the run directory: ettwin run resolved.yaml --seed 1 --replicas 1"),
    ],
)
def test_the_command_for_the_same_numbers_is_shown(manifest, said):
    record = week(1, horizon_s=DAY_S)
    assert said in Page(report.page(record.but(manifest=manifest))).text


def test_a_saturated_run_is_called_so():
    found = summary(week(replicas=1, horizon_s=DAY_S))
    found["saturated"] = [{"pool": "a.b", "waiting": 9.0, "text": "The queue of a.b still grows."}]
    assert text.headline(found).startswith("SATURATED: The queue of a.b still grows.")
    assert "SATURATED" in text.text(found)


def test_a_record_of_nothing_makes_a_page():
    record = week(replicas=1, horizon_s=DAY_S)
    scenario = replace(record.scenario, targets=Targets({}, None, None, None))
    empty = {name: getattr(record, name).iloc[:0] for name in ("alerts", "marks", "inputs")}
    page = Page(report.page(record.but(scenario=scenario, manifest={}, **empty)))
    assert "The scenario sets no targets, so there is no verdict." in page.text
    assert "No signal was published" in page.text


@pytest.mark.parametrize("record", [week(), week(1, horizon_s=DAY_S), week(1).but(alerts=signals([[1.0]]))])
def test_text_fits_a_terminal(record):
    told = text.text(summary(record))
    assert max(map(len, told.splitlines())) <= text.WIDTH
    for word in (
        "SIMULATED",
        "Latency",
        "Late",
        "Lost",
        "False",
        "Vetoed",
        "Dead time",
        "Pools",
        "Limited by",
        "Assumed",
    ):
        assert word in told


def test_links_and_products_are_told_where_there_is_something_to_tell(record):
    found = summary(record)
    assert "Links" not in text.text(found)
    assert "Products" not in text.text(found)
    found["links"][0]["use"] = 0.5
    found["products"] *= 2
    told = text.text(found)
    assert "Links       sos-enattos to cnaf 50 % busy" in told
    assert "Products    preliminary" in told


def test_text_comes_from_the_summary_file_alone(record):
    found = summary(record)
    assert text.text(json.loads(json.dumps(found))) == text.text(found)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_a_browser_draws_every_figure_without_complaint(record, tmp_path):
    path = report.write(record, tmp_path / "report.html")
    arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--enable-logging=stderr",
    ]
    arguments += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000", "--dump-dom"]
    run = subprocess.run(
        [CHROMIUM, *arguments, path.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert "CONSOLE" not in run.stderr, run.stderr
    drawn = Page(run.stdout)
    assert sum("main-svg" in attrs.get("class", "") for tag, attrs in drawn.tags if tag == "svg") >= len(FIGURES)
