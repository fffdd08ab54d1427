"""Maps: the projection keeps areas, coastlines are where they are, sites and flows are those of the record."""

from __future__ import annotations

import numpy as np
import pytest

import twin
from dashboards import coastline, energy, sitemap
from sites.network import EARTH_RADIUS_KM, great_circle_km
from tests.dashboards.app.finished import folder
from twin.limits import replicas


@pytest.fixture(scope="module")
def record():
    return twin.open(folder() / "small")


def area_km2(latitude, longitude, side, centre):
    """Of a small quadrangle, in the projection."""
    corners = [(0, 0), (0, side), (side, side), (side, 0)]
    phi = np.array([latitude + a for a, _ in corners])
    lam = np.array([longitude + b for _, b in corners])
    x, y = coastline.projected(phi, lam, centre)
    return 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))


def test_the_projection_keeps_areas():
    centre, side = (47.0, 8.0), 0.1
    for latitude, longitude in ((47.0, 8.0), (40.0, -5.0), (65.0, 30.0)):
        edges = np.radians([latitude, latitude + side])
        true = EARTH_RADIUS_KM**2 * np.radians(side) * float(np.diff(np.sin(edges))[0])
        assert area_km2(latitude, longitude, side, centre) == pytest.approx(true, rel=2e-3)


def test_the_projection_is_true_at_its_centre():
    x, y = coastline.projected(np.array([47.0, 47.1]), np.array([8.0, 8.0]), (47.0, 8.0))
    assert (x[0], y[0]) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert y[1] == pytest.approx(great_circle_km(47.0, 8.0, 47.1, 8.0), rel=1e-4)


def test_a_great_circle_ends_where_it_should_and_is_the_shortest():
    a, b = (40.5, 9.4), (34.1, -118.1)
    latitude, longitude = coastline.great_circle(a, b, 201)
    assert (latitude[0], longitude[0]) == pytest.approx(a)
    assert (latitude[-1], longitude[-1]) == pytest.approx(b)
    steps = [
        great_circle_km(latitude[k], longitude[k], latitude[k + 1], longitude[k + 1])
        for k in range(latitude.size - 1)
    ]
    assert sum(steps) == pytest.approx(great_circle_km(*a, *b), rel=1e-6)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("Cagliari", (39.21, 9.11)),
        ("Genoa", (44.40, 8.92)),
        ("Ostend", (51.23, 2.91)),
        ("San Francisco", (37.8, -122.5)),
    ],
)
def test_there_is_a_coast_at_ports_and_none_inland(name, place):
    x, y = (np.array([v for v in way if v is not None]) for way in coastline.coast(place, 400.0))
    assert np.hypot(x, y).min() < 25.0
    assert max(np.abs(x).max(), np.abs(y).max()) < 1200.0


def test_no_coast_far_inland():
    x, _y = (np.array([v for v in way if v is not None]) for way in coastline.coast((49.8, 15.5), 150.0))
    assert not x.size


def test_sites_are_the_records(record):
    table = sitemap.sites_table(record)
    assert table["site"].tolist() == list(record.scenario.sites)
    busy = (record.pools["use"] * record.pools["server_s"]).groupby(record.pools["site"]).sum()
    there = record.scenario.horizon * len(replicas(record))
    for row in table.to_dict("records"):
        assert row["use"] * row["servers"] == pytest.approx(busy[row["site"]] / there, rel=0.05)
    assert table.set_index("site").loc["sos-enattos", "detectors"]


def test_flows_are_bytes_over_time(record):
    links = sitemap.links_table(record)
    there = record.scenario.horizon * len(replicas(record))
    for row in links.to_dict("records"):
        own = record.links[(record.links["source"] == row["source"]) & (record.links["target"] == row["target"])]
        assert row["flow_gbit_per_s"] == pytest.approx(own["bytes"].sum() * 8e-9 / there)
        assert row["bandwidth_gbit_per_s"] == pytest.approx(10.0)


def test_the_map_asks_for_nothing_and_is_the_same_again(record):
    figure = sitemap.sites(record)
    assert figure.to_json() == sitemap.sites(record).to_json()
    assert {trace.type for trace in figure.data} == {"scatter"}
    assert "cnaf" in figure.layout.meta["description"]
    assert len(figure.to_json()) < 400_000


def test_the_power_of_sites_adds_up_to_that_of_the_run(record):
    from twin.requirements import pools, table
    from twin.requirements.uncertain import Chance

    by_site = energy.energy_table(record)
    whole = table.amount(table.used(pools.of_record(record), Chance(draws=0)), Chance(draws=0))
    assert by_site["power_w"].sum() == pytest.approx(whole.watts.value)
    assert (by_site["power_w_low"] < by_site["power_w"]).all()
    assert set(by_site["standing"]) == {"assumed"}
    assert len(energy.energy(record).data[0].x) == len(by_site)
