"""The figures of studies draw what their tables hold, and say it in words."""

import math

import pandas as pd
import pytest

from dashboards import study_kinds, study_pareto, study_tornado

NAN = math.nan


def tornado():
    rows = [
        ("latency.p50", "s", "stages.a.time", 12.0, 7.0, NAN, -5.0, -5.1, -4.9, NAN, NAN, NAN, 5.0, True, "full"),
        ("latency.p50", "s", "stages.b.time", 12.0, 11.0, 13.0, -1.0, -1.1, -0.9, 1.0, 0.9, 1.1, 1.0, True, ""),
        ("lost", "", "stages.a.time", 0.1, 0.1, 0.2, 0.0, -0.1, 0.1, 0.1, 0.0, 0.2, 0.1, False, ""),
    ]  # fmt: skip
    names = ["quantity", "unit", "key", "base", "low", "high", "low_difference", "low_from", "low_to"]
    names += ["high_difference", "high_from", "high_to", "swing", "certain", "reason"]
    return pd.DataFrame(rows, columns=names).assign(text="<b>median</b>", at_low="1 s", at_high="9 s")


def sobol():
    numbers = {
        "first": 0.7,
        "first_low": 0.6,
        "first_high": 0.8,
        "total": 0.8,
        "total_low": 0.7,
        "total_high": 0.9,
    }
    return pd.DataFrame(
        [{"quantity": "lost", "text": "lost, of signals", "key": key, **numbers} for key in ("a.b", "a.c")]
    )


def front():
    rows = [
        {"point": "a=1", "cost": 10.0, "lost": 0.2, "on_front": 1.0, "verdict": "missed"},
        {"point": "a=2", "cost": 20.0, "lost": 0.1, "on_front": 0.8, "verdict": "met"},
        {"point": "a=3", "cost": 30.0, "lost": 0.1, "on_front": 0.0, "verdict": "met"},
    ]
    table = pd.DataFrame(rows)
    for aim, unit in (("cost", "EUR/yr"), ("lost", "")):
        table = table.assign(
            **{f"{aim}_low": table[aim] * 0.9, f"{aim}_high": table[aim] * 1.1, f"{aim}_unit": unit}
        )
    return table.assign(cost_text="cost", lost_text="lost, of signals")


def limits():
    columns = ["point", "limit", "at_least", "value", "low", "high"]
    rows = [("a=1", 0.15, False, 0.2, 0.18, 0.22), ("a=2", 0.15, False, 0.1, 0.08, math.inf)]
    return pd.DataFrame(rows, columns=columns).assign(quantity="lost", text="lost, of signals", unit="")


def failures():
    rows = [("pool a.cpu", 0.9, 0.8, 1.0, True, ""), ("site b", 0.0, -0.1, 0.1, False, "")]
    rows.append(("model c", NAN, NAN, NAN, False, "not taken out: has no fallback"))
    return pd.DataFrame(rows, columns=["part", "damage", "damage_low", "damage_high", "certain", "reason"])


TABLES = {"tornado": tornado(), "sobol": sobol(), "front": front(), "limits": limits(), "failures": failures()}


@pytest.mark.parametrize("name", study_kinds.FIGURES)
def test_every_table_has_a_figure_with_its_numbers_and_a_description(name):
    found = study_kinds.figures(TABLES, "SIMULATED · test")
    assert set(found) == set(study_kinds.FIGURES)
    figure, numbers = found[name]
    assert len(figure.data) > 0
    assert len(numbers) > 0
    assert figure.layout.meta["description"]
    assert "SIMULATED · test" in [note.text for note in figure.layout.annotations]


def test_a_tornado_draws_differences_with_the_largest_on_top():
    figure = study_tornado.tornado(TABLES["tornado"], "")
    first = figure.data[0]
    assert list(first.x) == [-1.0, -5.0]
    assert first.y[-1] == "stages.a.time"
    shares = figure.data[2]
    assert list(shares.x) == [0.0]
    assert "no number at 9 s" in figure.layout.meta["description"]
    assert "&lt;b&gt;" in figure.layout.annotations[0].text


def test_a_front_fills_what_is_on_it_and_names_it():
    figure = study_pareto.front(TABLES["front"], "")
    assert study_pareto.aims_of(TABLES["front"]) == ["cost", "lost"]
    sizes = {trace.name: list(trace.marker.size) for trace in figure.data}
    assert sizes == {"targets: met": [10, 6], "targets: missed": [10]}
    assert "a=2: cost 20 EUR/yr, lost, of signals 10 %" in figure.layout.meta["description"]
    assert "a=3" not in figure.layout.meta["description"]


def test_candidates_are_called_by_what_tells_them_apart():
    points = ["sites.a.pools.gpu.servers=1, sites.a.pools.cpu.servers=2", "sites.a.pools.gpu.servers=2"]
    assert study_pareto.shortened(points) == {
        points[0]: "gpu.servers = 1, cpu.servers = 2",
        points[1]: "gpu.servers = 2",
    }
    assert study_pareto.shortened(["a.b=1", "as-is"]) == {"a.b=1": "a.b=1", "as-is": "as-is"}


def test_limits_are_drawn_in_words_and_per_cent():
    figure = study_pareto.limits(TABLES["limits"], "")
    assert list(figure.data[0].x) == pytest.approx([20.0, 10.0])
    assert list(figure.data[0].y) == ["a = 1", "a = 2"]
    assert figure.layout.annotations[0].text == "Lost, of signals, %"
    assert "a=2: lost, of signals 10 % (8 % to not stated), limit 15 %" in figure.layout.meta["description"]
    blind = TABLES["limits"].assign(text="99 % latency", unit="s", value=NAN, low=-math.inf, high=math.inf)
    told = [note.text for note in study_pareto.limits(blind, "").layout.annotations]
    assert told[0] == "99 % latency, s"
    assert "not stated of any candidate" in told


def test_tables_of_an_earlier_version_have_names_for_words():
    bare = TABLES["limits"].drop(columns=["text", "unit"])
    assert study_pareto.limits(bare, "").layout.annotations[0].text == "lost"
    assert study_tornado.sobol(TABLES["sobol"].drop(columns="text"), "").layout.annotations[0].text == "Lost"
    assert study_tornado.sobol(TABLES["sobol"], "").layout.annotations[0].text == "Lost, of signals"


def test_what_cannot_be_drawn_is_left_away():
    blind = TABLES["failures"][TABLES["failures"]["damage"].isna()]
    assert study_kinds.figures({"failures": blind, "band": sobol()}, "") == {}
