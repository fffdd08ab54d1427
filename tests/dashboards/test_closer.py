"""Figures of programs, of ageing models, of one alert and of a sky map: each draws its numbers."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
import pandas as pd
import pytest

from dashboards import aged, alerttrace, cardplots, pictured, programs, skymap
from tests.records import DAY_S, week
from twin.limits import PARTS
from workloads.profile import SHIPPED, load


@pytest.mark.parametrize(
    "name", ["detector-onnxruntime", "glitch-classifier-torch", "npe-torch", "early-warning-numpy"]
)
def test_a_picture_is_drawn_point_by_point(name):
    paths = list((SHIPPED / "epyc-core").glob(f"{name.rpartition('-')[0]}*.json"))
    profile = load(sorted(paths)[0])
    for picture in cardplots.pictures([profile]).values():
        figure = pictured.drawn(picture, "title", "subtitle", "origin")
        table = pictured.numbers(picture)
        drawn = sum(len(t.x) for t in figure.data if t.mode == "lines+markers")
        assert drawn == int((table["series"] != "expected").sum())
        assert figure.layout.meta["description"] == picture.told
        values = np.concatenate([np.asarray(t.y, float) for t in figure.data if t.mode == "lines+markers"])
        assert sorted(values) == pytest.approx(sorted(table.loc[table["series"] != "expected", "value"]))


def test_service_times_are_the_profiles():
    profile = load(SHIPPED / "epyc-core" / "detector-onnxruntime.json")
    figure = programs.service(profile, "origin")
    assert len(figure.data) == len(profile.service)
    assert figure.data[0].x[128] == pytest.approx(1e3 * profile.service[0].p50_s, rel=0.01)
    assert figure.data[0].y[-1] == 100.0
    table = programs.service_table(profile)
    assert len(table) == 257 * len(profile.service)


def test_fates_count_every_event_once():
    record = week(replicas=2)
    table = programs.fates_table(record)
    assert table["n"].sum() == len(record.alerts.drop_duplicates(["replica", "event_id"]))
    figure = programs.fates(record)
    for cls in set(table["cls"]):
        shares = [x for bar in figure.data for y, x in zip(bar.y, bar.x, strict=True) if y.startswith(f"{cls} (")]
        assert sum(shares) == pytest.approx(100.0)


def test_an_event_with_several_rows_counts_as_published():
    record = week(replicas=1)
    row = record.alerts[record.alerts["outcome"] == "published"].head(1)
    twice = pd.concat([record.alerts, row.assign(outcome="vetoed")], ignore_index=True)
    before, after = (programs.fates_table(record.but(alerts=a)) for a in (record.alerts, twice))
    assert before.equals(after) or before["n"].sum() == after["n"].sum()
    chosen = (after["cls"] == row["cls"].iloc[0]) & (after["outcome"] == "vetoed")
    assert (
        after.loc[chosen, "n"].sum()
        == before.loc[(before["cls"] == row["cls"].iloc[0]) & (before["outcome"] == "vetoed"), "n"].sum()
    )


def ageing_record():
    rows = [(0, "detect", 0.0, 2 * DAY_S, "primary", 1, 0.8, 0.8, 3.0, 3.0, "")]
    rows += [(0, "detect", 2 * DAY_S, 3 * DAY_S, "fallback", 1, 0.6, 0.8, 1.0, 3.0, "")]
    rows += [(0, "detect", 3 * DAY_S, 6 * DAY_S, "primary", 2, 0.78, 0.8, 3.1, 3.0, "gain")]
    rows += [(0, "detect", 6 * DAY_S, 7 * DAY_S, "none", 2, 0.0, 0.8, 0.0, 3.0, "")]
    names = [
        "replica",
        "stage",
        "time_s",
        "end_s",
        "variant",
        "version",
        "efficiency",
        "fresh",
        "false_per_day",
        "fresh_per_day",
        "passed",
    ]
    trained = [(0, "detect", "weekly", 2 * DAY_S, 2.5 * DAY_S, 3 * DAY_S, "passed", 1, 43200.0)]
    columns = ["replica", "stage", "name", "start_s", "trained_s", "decided_s", "outcome", "servers", "server_s"]
    return week(replicas=1).but(
        ageing=pd.DataFrame(rows, columns=names), trainings=pd.DataFrame(trained, columns=columns)
    )


def test_models_over_time_are_the_table():
    record = ageing_record()
    figure = aged.ageing(record)
    line = figure.data[0]
    assert list(line.x) == [0.0, 2.0, 3.0, 6.0, 7.0]
    assert list(line.y) == pytest.approx([80.0, 60.0, 78.0, 0.0, 0.0])
    assert [s.x0 for s in figure.layout.shapes] == [2.0, 6.0]  # a fallback, and nothing
    assert figure.data[-1].x == (3.0,) or list(figure.data[-1].x) == [3.0]
    assert not len(aged.ageing_table(record, replica=1))


def test_names_of_events_go_both_ways():
    for replica, event in ((0, 12), (3, 0), (0, -1), (7, -86400)):
        assert alerttrace.named(alerttrace.event_name(replica, event)) == (replica, event)
    for wrong in ("", "r0", "r0-e", "e1", "r-1-e1", "r0-e1x", "r٣-e1", "r0-x1", "r0-e" + "9" * 40):
        assert alerttrace.named(wrong) is None


def test_a_trace_adds_up_to_the_latency():
    record = week(replicas=1)
    slow = record.alerts.loc[record.alerts["latency_s"].idxmax()]
    rows = alerttrace.event_rows(record, 0, int(slow["event_id"]))
    table = alerttrace.trace_table(rows)
    assert table["took_s"].sum() == pytest.approx(slow["latency_s"])
    assert table["to_s"].iloc[-1] == pytest.approx(slow["latency_s"])
    assert table["from_s"].iloc[1:].to_numpy() == pytest.approx(table["to_s"].iloc[:-1].to_numpy())
    figure = alerttrace.trace(record, rows, 60.0)
    assert {bar.name for bar in figure.data} <= set(PARTS.values())
    assert "late (late after 60 s)" in alerttrace.verdict(rows, 60.0)


def flat_map(inside: float, order: int = 3):
    """A map in base64 with `inside` of the probability in one of 12 base cells, the rest spread evenly."""
    fits = pytest.importorskip("astropy.io.fits")
    n = 12 * 4**order
    density = np.full(n, (1.0 - inside) / (4.0 * math.pi * 11 / 12))
    density[: n // 12] = inside / (4.0 * math.pi / 12)
    uniq = np.arange(n) + 4 ** (order + 1)
    columns = [fits.Column("UNIQ", "K", array=uniq), fits.Column("PROBDENSITY", "D", array=density)]
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(file)
    return base64.b64encode(file.getvalue()).decode()


def test_a_sky_map_holds_what_it_says():
    text = flat_map(0.95)
    uniq, density = skymap.decoded(text)
    area, _ = skymap.credible(uniq, density)
    assert area == pytest.approx(0.9 / 0.95 * 41253.0 / 12, rel=0.01)
    x, y, picture = skymap.raster(uniq, density)
    cell = (x[1] - x[0]) * (y[1] - y[0])
    per_area = math.degrees(1.0) ** 2  # Mollweide keeps areas: the sky's 4 pi steradians are 4 pi of the plane
    assert np.nansum(picture) * cell * per_area == pytest.approx(1.0, rel=0.02)
    figure = skymap.skymap(text, "SIMULATED")
    assert "90 %" in figure.layout.meta["description"]


@pytest.mark.parametrize("text", ["", "!!!", "AAAA", base64.b64encode(b"SIMPLE  =" + b"x" * 4000).decode()])
def test_a_sky_map_that_is_none_is_said(text):
    with pytest.raises(skymap.SkyMapError, match="sky map"):
        skymap.decoded(text)
