"""Distances and latencies against independent numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sites import catalogue, network

# Great-circle km and modelled RTT in ms between the places, worked out independently of this code.
TABLE = [
    ("cascina", "cnaf", 117, 3),
    ("cnaf", "sos-enattos", 475, 8),
    ("amsterdam", "sos-enattos", 1368, 22),
    ("amsterdam", "emr", 194, 4),
    ("karlsruhe", "emr", 254, 5),
    ("barcelona", "budapest", 1488, 24),
    ("cern", "lyon", 104, 3),
    ("lusatia", "budapest", 532, 9),
    ("lusatia", "emr", 589, 10),
]

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)


@pytest.mark.parametrize(("a", "b", "km", "rtt_ms"), TABLE)
def test_distances_and_latencies_between_sites(a, b, km, rtt_ms):
    a, b = catalogue.sites()[a], catalogue.sites()[b]
    distance = network.great_circle_km(a.latitude_deg, a.longitude_deg, b.latitude_deg, b.longitude_deg)
    assert distance == pytest.approx(km, abs=10)
    assert 2e3 * network.latency_s(distance) == pytest.approx(rtt_ms, abs=0.6)


def test_known_distances():
    quarter = network.EARTH_RADIUS_KM * 3.141592653589793 / 2
    assert network.great_circle_km(0, 0, 0, 90) == pytest.approx(quarter)
    assert network.great_circle_km(90, 0, -90, 77) == pytest.approx(2 * quarter)
    assert network.great_circle_km(45, 179, 45, -179) == pytest.approx(157.2, abs=0.1)


def test_no_distance_still_takes_the_equipment_half_a_millisecond():
    assert network.latency_s(0.0) == 0.0005


@given(latitudes, longitudes, latitudes, longitudes)
def test_the_way_back_is_as_long(a, b, c, d):
    there, back = network.great_circle_km(a, b, c, d), network.great_circle_km(c, d, a, b)
    assert there == pytest.approx(back, abs=1e-6)
    assert 0 <= there <= network.EARTH_RADIUS_KM * 3.1415927


@given(latitudes, longitudes, latitudes, longitudes, latitudes, longitudes)
def test_no_detour_is_shorter(a, b, c, d, e, f):
    direct = network.great_circle_km(a, b, e, f)
    assert direct <= network.great_circle_km(a, b, c, d) + network.great_circle_km(c, d, e, f) + 1e-3
