"""Every figure draws its table, in units, for every kind of record."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboards import history, style
from dashboards.figures import (
    FIGURES,
    latency,
    latency_table,
    pools,
    pools_table,
    stages,
    stages_table,
    timeline,
    timeline_table,
    waterfall,
    waterfall_table,
)
from tests.records import DAY_S, HOUR_S, signals, week
from twin import limits, metrics
from twin.marks import LOCK_LOSS


@pytest.fixture(scope="module")
def record():
    return week()


def bare():
    """One replica in which nothing was published and nothing happened."""
    record = week(replicas=1, horizon_s=DAY_S)
    return record.but(alerts=record.alerts.iloc[:0], marks=record.marks.iloc[:0])


RECORDS = {
    "week": week,
    "one replica, a day": lambda: week(replicas=1, horizon_s=DAY_S),
    "nothing published": bare,
    "alerts before the merger": lambda: bare().but(alerts=signals([[-20.0, -5.0, 12.0]])),
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("kind", RECORDS)
def test_every_figure_of_every_record(kind, name):
    draw, tabulate = FIGURES[name]
    record = RECORDS[kind]()
    figure = draw(record)
    assert isinstance(tabulate(record), pd.DataFrame)
    assert figure.to_json() == draw(RECORDS[kind]()).to_json()
    assert "SIMULATED" in " ".join(a.text for a in figure.layout.annotations)
    assert len(figure.layout.meta["description"]) > 20
    assert all(len(trace.x) <= 2 * style.MOST_POINTS for trace in figure.data if trace.x is not None)
    axes = [axis for key, axis in figure.layout.to_plotly_json().items() if key.startswith("xaxis")]
    assert any("title" in axis for axis in axes)


def trace(figure, name, axis="x"):
    return next(t for t in figure.data if t.name == name and (t.xaxis or "x") == axis)


def test_latency_draws_its_table(record):
    table, figure = latency_table(record), latency(record)
    body, tail = trace(figure, "mean over replicas"), trace(figure, "mean over replicas", "x2")
    assert np.array_equal(body.x, table["latency_s"])
    assert np.array_equal(body.y, 100.0 * table["share_within"])
    left = 100.0 * (1.0 - table["share_within"].to_numpy())
    assert list(tail.y[:-1]) == pytest.approx(list(left[:-1]))
    assert tail.y[-1] == 1e-6


def test_latency_table_is_the_empirical_distribution():
    table = latency_table(bare().but(alerts=signals([[1.0, 2.0, 3.0, 4.0]])))
    assert table["latency_s"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert table["share_within"].tolist() == [0.25, 0.5, 0.75, 1.0]


def test_latency_table_is_decimated_but_keeps_the_extremes(record):
    table = latency_table(record)
    assert len(table) <= 400
    real = record.alerts[record.alerts["is_signal"]]["latency_s"].dropna()
    assert table["latency_s"].iloc[-1] == real.max()
    assert table["share_within"].iloc[-1] == 1.0
    assert (table["low"] <= table["share_within"]).all()


def test_log_axes_are_not_stretched_by_targets(record):
    figure = latency(record)
    assert figure.layout.xaxis.type == "log"
    for shape in figure.layout.shapes:
        assert shape.x0 in (30.0, 60.0)
    assert all(a.xref == "paper" for a in figure.layout.annotations)


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (12.3, 67.0, {"15", "20", "30", "50"}),
        (0.5, 300.0, {"0.5", "1", "2", "5", "10", "20", "50", "100", "200"}),
        (1e-4, 20.0, {"0.0001", "0.001", "0.01", "0.1", "1", "10"}),
        (2e5, 3e6, {"200,000", "500,000", "1,000,000", "2,000,000"}),
    ],
)
def test_a_log_axis_has_some_labels_and_not_too_many(low, high, told):
    ticks = style.log_ticks(low, high)
    shown = [text for v, text in zip(ticks["tickvals"], ticks["ticktext"], strict=True) if low <= v <= high]
    assert set(shown) == told


def test_colours_stay_apart_on_a_dark_page():
    figure = go.Figure([go.Bar(marker={"color": colour}) for colour in style.PART_COLOURS.values()])
    seen = [bar.marker.color for bar in style.dark(figure).data]
    light = [[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in seen]
    apart = [math.dist(a, b) for i, a in enumerate(light) for b in light[:i]]
    assert min(apart) > 60.0


def test_targets_are_marked_with_their_verdict(record):
    names = [t.name for t in latency(record).data if t.name]
    assert "target 50 % within 30 s: met" in names
    assert "target 99 % within 60 s: missed" in names


def test_alerts_before_the_merger_have_a_linear_axis():
    record = bare().but(alerts=signals([[-20.0, -5.0, 12.0]]))
    assert latency(record).layout.xaxis.type == "linear"


def test_waterfall_draws_its_table(record):
    table, figure = waterfall_table(record), waterfall(record)
    for bars, column in zip(figure.data, ("typical_s", "all_s", "slowest_s"), strict=True):
        assert bars.x[:-1] == pytest.approx(table[column].to_numpy())
        assert bars.x[-1] == pytest.approx(table[column].sum())
        ends = np.asarray(bars.base[:-1]) + np.asarray(bars.x[:-1])
        assert ends[:-1] == pytest.approx(np.asarray(bars.base[1:-1]))


def test_parts_that_took_no_time_are_left_out(record):
    table = waterfall_table(record)
    assert table["part"].tolist() == ["framing", "calibration", "transfer", "queueing", "computing"]
    assert set(style.PART_COLOURS) == {*limits.PARTS.values(), "total"}
    assert len(set(style.PART_COLOURS.values())) == len(style.PART_COLOURS)


def test_timeline_draws_its_table(record):
    table, figure = timeline_table(record), timeline(record)
    queue = table[(table["quantity"] == "queue") & (table["name"] == "cnaf.cpu")]
    drawn = trace(figure, "cnaf.cpu", "x3")
    assert drawn.x == pytest.approx(queue["time_s"].to_numpy() / DAY_S)
    assert drawn.y == pytest.approx(queue["value"].clip(lower=0.1).to_numpy())
    assert table["time_s"].max() < record.scenario.horizon


def test_timeline_shows_every_event_as_a_band(record):
    figure = timeline(record)
    bars = [t for t in figure.data if t.type == "bar"]
    assert [(b.name, *b.customdata) for b in bars] == [
        ("retraining", "new-weights"),
        ("glitch storm", "storm"),
        ("outage", "cnaf-down"),
    ]
    assert bars[1].x[0] == pytest.approx(6 * HOUR_S / DAY_S)
    assert len(figure.layout.shapes) == 3 * len(bars)
    assert len({b.marker.pattern.shape for b in bars}) == 3


def test_events_of_one_kind_share_a_line_and_a_shape(record):
    twice = pd.concat([record.marks, record.marks.assign(start_s=record.marks["start_s"] + HOUR_S)])
    figure = timeline(record.but(marks=twice))
    bars = [t for t in figure.data if t.type == "bar"]
    assert [list(b.customdata) for b in bars] == [["new-weights"] * 2, ["storm"] * 2, ["cnaf-down"] * 2]
    own = twice[twice["name"] == "storm"]
    assert list(bars[1].base) == pytest.approx((own["start_s"] / DAY_S).tolist())
    path = next(shape.path for shape in figure.layout.shapes if shape.fillcolor == style.pale(style.ORANGE, 0.14))
    ends = [tuple(map(float, re.findall(r"[MH]([-.\de]+)", part))) for part in path.split()]
    assert ends == [tuple(pair) for pair in (own[["start_s", "end_s"]] / DAY_S).to_numpy().tolist()]


def test_every_detector_has_a_line_of_its_own_while_it_does_not_observe(record):
    first = record.marks.iloc[0].to_dict()
    marks = pd.DataFrame(
        [first, *({**first, "kind": LOCK_LOSS, "name": f"instrument {name}"} for name in ("E2", "E1", "E2"))]
    )
    figure = timeline(record.but(marks=marks))
    lines = [list(t.y) for t in figure.data if t.type == "bar"]
    assert lines == [["retraining"], ["E2 without lock", "E1 without lock", "E2 without lock"]]
    order = ["retraining", "E2 without lock", "E1 without lock"]
    assert list(figure.layout.yaxis.categoryarray) == order
    assert figure.layout.height > timeline(record.but(marks=marks.head(1))).layout.height


@pytest.mark.parametrize("n", [history._DRAWN, history._DRAWN + 1])
def test_the_first_events_in_time_are_drawn_and_how_many_is_said(record, n):
    first = record.marks.iloc[0].to_dict()
    later = [{**first, "start_s": float(k), "end_s": k + 1.0} for k in reversed(range(n))]
    marks = history.happened(record.but(marks=pd.DataFrame(later)))
    assert len(marks) == history._DRAWN
    assert marks["end_s"].max() == history._DRAWN
    figure = timeline(record.but(marks=pd.DataFrame(later[:3])))
    assert "events are drawn" not in figure.layout.title.subtitle.text
    assert "2,000 events are drawn" in timeline(record, marks=marks).layout.title.subtitle.text


def test_latencies_before_the_merger_have_a_linear_axis():
    early = bare().but(alerts=signals([[-20.0, -5.0, 12.0]]))
    assert timeline(early).layout.yaxis2.type == "linear"
    assert timeline(week()).layout.yaxis2.type == "log"


def test_a_line_of_few_points_is_marked(record):
    short = timeline(record, span=(0.0, 60.0))
    assert {t.mode for t in short.data if t.name == "signals"} == {"lines+markers"}
    assert {t.mode for t in timeline(record).data if t.name == "signals"} == {"lines"}


def test_labels_of_quantiles_begin_left_of_their_intervals(record):
    figure = latency(record)
    (labels,) = (t for t in figure.data if t.mode == "text")
    marks = [t for t in figure.data if t.name == "quantile"][1]
    assert list(labels.x) == pytest.approx([x - b for x, b in zip(marks.x, marks.error_x.arrayminus, strict=True)])
    low, high = figure.layout.xaxis2.range
    assert 10.0**low < min(labels.x)
    assert 10.0**high >= max(x + a for x, a in zip(marks.x, marks.error_x.array, strict=True)) * (1 - 1e-9)
    stars = [t.x[0] for t in figure.data if t.name and t.name.startswith("target")]
    assert stars
    assert all(10.0**low < x <= 10.0**high * (1 + 1e-9) for x in stars)


def test_nothing_published_is_said():
    assert "Nothing was published." in [a.text for a in latency(bare()).layout.annotations]


def test_a_narrow_log_axis_has_labels():
    assert style.log_ticks(7.6, 8.6) == {"type": "log", "nticks": 6}
    assert "tickvals" in style.log_ticks(7.6, 86.0)


def test_each_legend_is_above_its_panel(record):
    figure = timeline(record)
    legends = {t.name: t.legend or "legend" for t in figure.data if t.showlegend is not False and t.name}
    assert legends["latency"] == "legend"
    assert legends["cnaf.cpu"] == "legend2"
    assert legends["signals"] == "legend3"
    above = (("legend", "yaxis2"), ("legend2", "yaxis3"), ("legend3", "yaxis5"))
    assert all(figure.layout[legend].y == figure.layout[axis].domain[1] for legend, axis in above)


def test_use_of_a_pool_without_servers_is_a_gap(record):
    table = timeline_table(record)
    use = table[(table["quantity"] == "use") & (table["name"] == "cnaf.cpu")]
    start_s, end_s = record.marks[["start_s", "end_s"]].iloc[2]
    group_s = use["time_s"].diff().iloc[1]
    inside = (use["time_s"] >= start_s) & (use["time_s"] + group_s <= end_s)
    outside = (use["time_s"] + group_s <= start_s) | (use["time_s"] >= end_s)
    assert inside.sum() > 2
    assert use.loc[inside, "value"].isna().all()
    assert use.loc[outside, "value"].notna().all()


def test_stages_and_pools_draw_their_tables(record):
    table = stages_table(record)
    marks = trace(stages(record), "service: mean to 99 %")
    assert list(marks.x[: len(table)]) == pytest.approx(table["service_mean_s"].tolist())
    assert "detect (fallback)" in marks.y
    assert list(pools(record).data[0].x) == pytest.approx((100.0 * pools_table(record)["use"]).tolist())


def test_names_cannot_be_markup(record):
    marks = record.marks.assign(name=["<b>x</b>", "<a href='http://x'>y</a>", "z"])
    texts = [a.text for a in timeline(record.but(marks=marks)).layout.annotations]
    assert any("&lt;b&gt;x&lt;/b&gt;" in text for text in texts)
    assert not any("<a" in text or "<b" in text for text in texts)


def test_every_public_figure_has_its_table():
    from dashboards import figures

    assert set(figures.__all__) == {"FIGURES", *FIGURES, *(f"{name}_table" for name in FIGURES)}


def test_quantiles_on_the_curve_are_those_of_the_summary(record):
    drawn = trace(latency(record), "quantile").x
    assert list(drawn) == [metrics.latency_quantile(record, q).value for q in (0.5, 0.9, 0.99)]
