"""How long a message takes between two places when nobody measured it. Knows no bandwidth and no queue."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0088
"""Mean radius (IUGG)."""

STRETCH = 1.6
"""Length of a fibre route over the great circle: assumed."""

FIBRE_KM_PER_S = 204_000.0
"""Speed of light in fibre of refractive index 1.468."""

EQUIPMENT_S = 1e-3
"""Round-trip time spent in routers: assumed."""

SOURCE = "model: RTT = 2 x 1.6 x great circle / (204 km/ms) + 1 ms, one way = RTT / 2"


def great_circle_km(
    latitude_a_deg: float, longitude_a_deg: float, latitude_b_deg: float, longitude_b_deg: float
) -> float:
    """Great-circle distance on a spherical Earth in km."""
    a, b = radians(latitude_a_deg), radians(latitude_b_deg)
    east = radians(longitude_b_deg - longitude_a_deg)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(east / 2) ** 2
    return 2.0 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, half)))


def latency_s(distance_km: float) -> float:
    """One-way latency in s over `distance_km` of great circle. Assumed, not measured: see SOURCE."""
    return (2.0 * STRETCH * distance_km / FIBRE_KM_PER_S + EQUIPMENT_S) / 2.0
