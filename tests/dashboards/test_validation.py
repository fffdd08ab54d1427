"""The report of a validation stands alone, hides no failure, and has every number as data."""

from __future__ import annotations

import base64
import copy
import io
import json
import subprocess

import numpy as np
import pandas as pd
import pytest

from dashboards import shell, validation
from dashboards import validation_plots as plots
from dashboards import validation_text as text
from dashboards.validation_tables import (
    FIGURES,
    ablation_table,
    cases_table,
    distances_table,
    errors_table,
    in_system_table,
    latency_table,
    slugs,
    speeds_table,
    worths,
)
from tests.dashboards.test_report import CHROMIUM, LOADING, Page
from tests.dashboards.validated import result
from twin.validation.goals import MET, MISSED, UNFIT

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def found():
    return result()


@pytest.fixture(scope="module")
def source(found):
    return validation.page(found)


@pytest.fixture(scope="module")
def page(source):
    return Page(source)


def only(found, *names):
    """The same validation of these cases."""
    kept = [case for case in found["cases"] if case["name"] in names]
    ablation = [{**one, "cases": [c for c in one["cases"] if c["name"] in names]} for one in found["ablation"]]
    return {**found, "cases": kept, "ablation": ablation}


def drawn_files(page):
    return {a["download"]: a["href"] for tag, a in page.tags if tag == "a" and "download" in a}


def test_nothing_is_loaded_from_elsewhere(page, source):
    for tag, attrs in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        assert not LOADING & set(attrs), (tag, attrs)
        assert attrs.get("href", "#").startswith(("#", "data:text/csv;base64,"))
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": shell.POLICY}) in page.tags
    assert source.count("plotly.js v") == 1


def test_the_page_is_the_same_every_time_and_from_the_file_alone(found, source):
    assert validation.page(json.loads(json.dumps(found, allow_nan=False))) == source


def test_failures_are_on_top_and_in_words(found, page):
    assert text.headline(found) in page.text
    told = text.misses(found)
    assert all(miss in page.text for miss in told)
    assert page.text.index(told[-1]) < page.text.index("The goals")
    missed = [
        (case["name"], name)
        for case in found["cases"]
        for name, figure in case["figures"].items()
        for column in ("prediction", "model")
        if figure[f"{column}_error"]["verdict"] == MISSED
    ]
    assert len(told) == len(missed) + 1  # the crowded case has no verdict
    assert "crowded: not measurable here: other processes used 0.40 cores" in page.text


@pytest.mark.parametrize("case", range(5))
def test_every_case_is_there_with_all_that_is_known_of_it(case, found, page):
    row = found["cases"][case]
    for value in (
        row["name"],
        row["prediction"]["sha256"],
        row["verdict"].upper() if case < 3 else row["verdict"],
    ):
        assert value in page.text
    for name, figure in row["figures"].items():
        error = figure["prediction_error"]
        if error["value"] is None:
            assert error["reason"] in page.text
        else:
            assert text.percent(error["value"]) in page.text, name


def test_every_figure_is_described_and_comes_with_its_numbers(found, page):
    pictures = [attrs["aria-label"] for _, attrs in page.tags if attrs.get("role") == "img"]
    tables = {"errors": errors_table(found), "ablation": ablation_table(found)}
    tables |= {"cases": cases_table(found), "distances": distances_table(found), "speeds": speeds_table(found)}
    for case, name in zip(found["cases"], slugs(found), strict=True):
        tables[f"latency-{name}"] = latency_table(case)
        if "in_system" in case["curves"]:
            tables[f"in-system-{name}"] = in_system_table(case)
    files = drawn_files(page)
    assert files.keys() == {f"{name}.csv" for name in tables}
    assert len(pictures) == len(tables) - 3
    assert all(len(told) > 30 for told in pictures)
    for name, table in tables.items():
        content = base64.b64decode(files[f"{name}.csv"].split(",")[1])
        read = pd.read_csv(io.BytesIO(content), keep_default_na=False, na_values=[""])
        assert list(read.columns) == list(table.columns)
        assert len(read) == len(table)
        for column in table.select_dtypes("number").columns:
            assert np.allclose(read[column], table[column], equal_nan=True), column


def test_the_errors_table_is_the_result(found):
    table = errors_table(found)
    assert len(table) == len(found["cases"]) * len(FIGURES)
    row = table[(table["case"] == "load 0.8") & (table["figure"] == "p95")].iloc[0]
    figure = found["cases"][1]["figures"]["p95"]
    assert row["measured"] == np.median(figure["measured"])
    assert (row["measured_low"], row["measured_high"]) == (min(figure["measured"]), max(figure["measured"]))
    assert row["prediction_error"] == figure["prediction_error"]["value"]
    assert row["model_high"] == figure["model_error"]["high"]
    assert row["prediction_allowed"] == figure["prediction_error"]["allowed"]
    assert (row["floor"], row["n"], row["unit"]) == (figure["floor"], 2860, "s")


def test_speeds_stand_beside_the_errors_they_explain(found, page):
    table = speeds_table(found).set_index("case")
    assert table.loc["load 0.8", "fastest"] < table.loc["load 0.8", "looked"]  # 10 % slower was foretold
    assert text.percent(table.loc["load 0.8", "p50_foretold"]) in page.text
    assert text.speeds(found).count("\n") == 2 + len(table)
    old = {**found, "cases": [{k: v for k, v in case.items() if k != "slownesses"} for case in found["cases"]]}
    assert speeds_table(old).empty
    assert "did not tell how fast the machine was" in validation.page(old)


def test_what_is_drawn_is_the_table(found):
    figure = plots.errors(found)
    known = errors_table(found).dropna(subset=["prediction_error"])
    drawn = [v for trace in figure.data if trace.name == "prediction error" for v in trace.x]
    assert drawn == pytest.approx((100.0 * known["prediction_error"]).tolist())
    case = found["cases"][1]
    lines = {trace.name: trace for trace in plots.latency(case, found).data}
    assert list(lines["foretold, all draws together"].x) == case["curves"]["latency"]["predicted_s"]
    measured = [t for t in plots.latency(case, found).data if t.name == "the farm, each repeat"]
    assert [list(t.x) for t in measured] == case["curves"]["latency"]["measured_s"]
    over_time = plots.in_system(found["cases"][3], found)
    assert len(over_time.layout.shapes) == 1  # the disturbance
    assert len([t for t in over_time.data if t.name == "model, each repeat"]) == 3


def test_terms_are_worth_by_how_much_errors_grow_without_them(found):
    table = ablation_table(found)
    assert set(table["term"]) == {"idling", "tempo"}
    p50 = table[(table["case"] == "load 0.8") & (table["figure"] == "p50")].set_index("term")
    assert p50["worth"].to_dict() == pytest.approx({"idling": 0.04, "tempo": 0.01})
    told = worths(found).set_index("term")
    errors = [abs(case["p95_error"]) for case in found["cases"][:3]]
    assert told.loc["idling", "p95_with_all"] == pytest.approx(np.median(errors))
    assert told.loc["idling", "cases"] == 3
    best = table[table["term"] == "idling"].sort_values("worth").iloc[-1]
    assert told.loc["idling", "most"] == best["worth"]
    assert told.loc["idling", "most_in"].startswith(f"{best['case']}, p")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("retraining <on> the fallback",), "The case meets its goals: the twin foretold the farm."),
        (("load 0.8",), "1 of 1 case missed a goal."),
        (("crowded",), "Nothing can be concluded: 1 case tried, none measurable here."),
        (
            ("load 0.8", "retraining <on> the fallback", "crowded"),
            "1 of 3 cases missed a goal, 1 met all of theirs and 1 could not be measured here.",
        ),
        (
            ("retraining <on> the fallback", "crowded"),
            "1 met all of theirs and 1 could not be measured here.",
        ),
    ],
)
def test_the_verdict_in_a_sentence(names, said, found):
    assert text.headline(only(found, *names)) == said


def test_a_case_that_missed_also_says_what_of_it_was_not_judged(found):
    (case,) = only(found, "load 0.8")["cases"]
    told = text.misses({**found, "cases": [{**case, "reason": "the machine's speed differed"}]})
    assert told[0] == "load 0.8: the machine's speed differed"
    assert len(told) > 1


def test_cases_that_cannot_be_judged_are_told_by_the_reason(found):
    cases = [{**case, "reason": "too noisy", "verdict": UNFIT, "figures": {}} for case in found["cases"]]
    assert text.misses({**found, "cases": cases}) == [f"All {len(cases)} cases: too noisy"]
    assert text.misses({**found, "cases": [{**cases[0], "reason": "loud"}, *cases[1:3]]}) == [
        f"{cases[0]['name']}: loud",
        f"{cases[1]['name']} and {cases[2]['name']}: too noisy",
    ]


@pytest.mark.parametrize(
    ("verdicts", "kind"),
    [([MET, MET], MET), ([MET, UNFIT], "undecided"), ([UNFIT, MISSED], MISSED), ([UNFIT], "undecided")],
)
def test_one_miss_is_a_miss_and_nothing_judged_is_no_success(verdicts, kind):
    assert text.kind({"cases": [{"verdict": verdict} for verdict in verdicts]}) == kind


def test_a_validation_in_which_nothing_is_told_makes_a_page(found):
    bare = {**only(found, "crowded"), "ablation": []}
    page = Page(validation.page(bare))
    assert "Nothing can be concluded" in page.text
    assert "It was not asked what the twin would say without a term." in page.text


def test_text_fits_a_terminal_and_tells_every_miss(found):
    told = text.text(found)
    assert max(map(len, told.splitlines())) <= text.WIDTH
    flat = " ".join(told.split())
    assert all(" ".join(miss.split()) in flat for miss in text.misses(found))
    assert "load 0.5 " in told


def test_the_markdown_table_has_every_case_and_its_misses_in_bold(found):
    lines = text.table(found).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert len(lines) == 2 + len(found["cases"])
    assert f"**{text.percent(found['cases'][1]['p50_error'])}**" in lines[3]
    assert "**" not in lines[5]
    named = {**found, "cases": [{**found["cases"][0], "name": "a|b"}]}
    assert text.table(named).splitlines()[2].startswith("| a\\|b | 2,860 |")


def test_names_cannot_be_markup(found):
    hostile = copy.deepcopy(only(found, "load 0.5"))
    hostile["cases"][0] |= {"name": HOSTILE, "reason": HOSTILE}
    hostile["machine"]["machine"] = hostile["workload"] = HOSTILE
    for one in hostile["ablation"]:
        one["cases"][0]["name"] = HOSTILE
    page, clean = Page(validation.page(hostile)), Page(validation.page(only(found, "load 0.5")))
    assert HOSTILE in page.text
    assert not [tag for tag, attrs in page.tags if tag == "img" or "onerror" in attrs]
    assert sum(tag == "script" for tag, _ in page.tags) == sum(tag == "script" for tag, _ in clean.tags)


def test_cases_of_like_names_have_ids_of_their_own():
    named = {"cases": [{"name": name} for name in ("a, b", "a b", "a-b", "µ")]}
    assert slugs(named) == ["a-b", "a-b-1", "a-b-2", "case"]


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_a_browser_draws_every_figure_without_complaint(found, tmp_path):
    path = validation.write(found, tmp_path / "report.html")
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"]
    arguments += ["--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}"]
    run = subprocess.run(
        [CHROMIUM, *arguments, "--virtual-time-budget=20000", path.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in run.stderr, run.stderr
    drawn = Page(run.stdout)
    figures = sum(attrs.get("role") == "img" for _, attrs in Page(path.read_text()).tags)
    assert sum("main-svg" in attrs.get("class", "") for tag, attrs in drawn.tags if tag == "svg") >= figures
