"""`ettwin compare`: what it prints and writes, and that its page hides nothing and runs nothing."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from dashboards import comparison
from dashboards import comparison_plots as plots
from dashboards import comparison_text as text
from tests.dashboards.test_cli_run import SHORT, ettwin
from tests.dashboards.test_report import Page
from tests.twin.profiles import write_all
from twin import words

LATE = {"name": "late", "text": "At most 1 % late", "verdict": "missed"}
HOSTILE = "</script><script>alert(1)</script>"


def row(case, value, **more):
    known = {"quantity": "late", "text": "late, of published signals", "unit": "", "n": 90, "reason": ""}
    known |= {"low": value - 0.01, "high": value + 0.01}
    return {"case": case, "value": value} | known | more


def result(**more):
    none = dict.fromkeys(("difference", "difference_low", "difference_high"))
    apart = {"difference": -0.1, "difference_low": -0.15, "difference_high": -0.05}
    cases = [
        {"name": name, "scenario_digest": "a", "plan_digest": "b", "saturated": [], "changes": changes}
        | {"targets": [{"name": "lost", "text": "At most 5 % lost", "verdict": "met"}, LATE]}
        for name, changes in (("base", {}), ("fast", {"sites.a.pools.cpu.servers": ["1", "2"]}))
    ]
    table = [row("base", 0.2, **none), row("fast", 0.1, **apart)]
    return {
        "schema_version": 1, "scenario": "s", "question": "Which?", "horizon_s": 86400.0, "seed": 1, "replicas": 3,
        "command": "ettwin compare s", "cases": cases, "table": table,
    } | more  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")


def test_the_terminal_says_verdicts_values_and_paired_differences():
    told = text.text(result())
    assert "  base  met At most 5 % lost; missed At most 1 % late" in told
    assert "  fast  10 % (9.00 % to 11 %); -10 %-points (-15 to -5 %-points) *" in told
    assert "fast: sites.a.pools.cpu.servers 1 -> 2" in told


def test_verdicts_are_wrapped_under_the_name_of_their_case():
    many = result()
    many["cases"][0]["targets"] *= 4
    told = text.verdicts(many)
    first, *rest, last = told
    assert first.startswith("  base  met At most 5 % lost, ")
    assert last.startswith("  fast  met ")
    assert rest
    assert all(line.startswith(" " * 8) and line[8] != " " for line in rest)
    assert max(map(len, told)) <= 80


def test_what_is_not_known_is_not_stated():
    blind = result()
    blind["table"][1] |= {"value": None, "low": None, "high": None, "reason": "saturated: a grows"}
    blind["table"][1] |= dict.fromkeys(("difference", "difference_low", "difference_high"))
    assert "fast  not stated: saturated: a grows" in text.text(blind)
    blind["cases"][1]["saturated"] = ["a.cpu"]
    assert "fast  SATURATED: the queue of a.cpu grows without end" in text.text(blind)


def test_the_figure_fills_what_differs_and_scales_each_panel():
    figure = plots.quantities(result())
    assert list(figure.data[0].x) == [20.0, 10.0]
    assert list(figure.data[0].marker.color) == ["white", "#0072B2"]
    wide = result()
    wide["table"][0] |= {"value": 90.0, "low": 80.0, "high": 99.0, "unit": "s"}
    wide["table"][1] |= {"unit": "s"}
    assert plots.quantities(wide).layout.xaxis.type == "log"


def test_the_page_calls_targets_by_what_they_ask():
    told = Page(comparison.page(result())).text
    assert "met At most 5 % lost; missed At most 1 % late" in told


def test_what_the_order_of_a_sum_leaves_is_no_difference():
    table = result()["table"]
    table[1] |= {"value": 0.2 + 1e-16, "difference": 1e-16, "difference_low": 5e-17, "difference_high": 2e-16}
    assert text.difference(table[1]) == "no difference"
    assert not text.certain(table[1])
    assert list(plots.quantities(result(table=[table[0], table[1] | {"value": 0.3}])).data[0].marker.color) == [
        "white", "white",
    ]  # fmt: skip
    table[1] |= {"difference": 0.0, "difference_low": -0.3, "difference_high": 0.3}
    assert text.difference(table[1]) == "+0 %-points (-30 to +30 %-points)"


def test_whole_numbers_stay_whole_whatever_the_order_of_their_sum():
    assert words.amount(31.999999999999996, "servers") == "32 servers"
    assert words.amount(23.97, "servers") == "24.0 servers"


@pytest.mark.parametrize(
    ("quantity", "told", "title"),
    [
        ("lost", "lost, of detectable signals", "Lost, of detectable signals"),
        ("warned.bbh.30", "bbh warned of 30 s ahead", "bbh warned of 30 s ahead"),
    ],
)
def test_a_title_leaves_names_of_the_scenario_as_they_are(quantity, told, title):
    assert text.subject({"quantity": quantity, "text": told}) == title


def test_the_page_stands_alone_and_runs_nothing_of_the_scenario():
    source = comparison.page(result(question=HOSTILE, scenario=HOSTILE))
    assert HOSTILE not in source
    assert len(Page(source).scripts) == len(Page(comparison.page(result())).scripts)
    assert "alert(1)" in Page(source).text


def test_the_command_compares_writes_and_says_how_to_repeat(folder, tmp_path):
    given = ["compare", "first-light", "--case", "as-is", "--case", "mark", *SHORT, "--profiles", folder]
    done = ettwin(*given, "--workers", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Report  runs/first-light-compared/report.html"
    kept = json.loads((tmp_path / "runs" / "first-light-compared" / "comparison.json").read_text())
    assert "--workers" not in kept["command"]
    assert "mark: stages.alert.gate veto -> -" in done.stdout
    again = ettwin(*given, "--json", "--out", "there", cwd=tmp_path)
    told = json.loads(again.stdout)
    assert told["table"] == kept["table"]
    values = [pd.read_parquet(tmp_path / f / "values.parquet") for f in ("there", "runs/first-light-compared")]
    pd.testing.assert_frame_equal(*values)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--case", "mark"], "alone cannot be compared"),
        (["--case", "as-is", "--case", "clam"], "did you mean 'calm'"),
        (["--case", "as-is", "--case", "calm", "--set", "sead=1"], "did you mean 'seed'"),
    ],
)
def test_a_wrong_case_is_refused_in_words(given, told, tmp_path):
    done = ettwin("compare", "first-light", *given, cwd=tmp_path)
    assert done.returncode == 3
    assert told in done.stderr
    assert not (tmp_path / "runs").exists()
