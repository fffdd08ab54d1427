"""Coastlines on a flat map around a place: Lambert's azimuthal equal-area projection. Knows no site and no figure.

Drawn as ordinary lines in km, so that a map needs nothing from anywhere, in a page, a report or a printed image.
Data: Natural Earth (public domain), see coast/README.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sites.network import EARTH_RADIUS_KM

Floats = NDArray[np.float64]
Place = tuple[float, float]
"""Latitude and longitude in degrees."""

_FOLDER = Path(__file__).parent / "coast"
_EUROPE = (33.0, 72.0, -26.0, 46.0)
"""South, north, west, east of what is known finely, in degrees."""
_PER_DEGREE = 100.0
"""The data are whole hundredths of a degree."""
_FINE_KM = 6000.0
"""Around a place in Europe the fine lines are used up to this far to each side."""
_FARTHEST = 150.0
"""Degrees from the centre beyond which nothing is drawn: the projection stretches without bound there."""


def projected(latitude_deg: Floats, longitude_deg: Floats, centre: Place) -> tuple[Floats, Floats]:
    """East and north of `centre` in km; equal areas stay equal (Snyder 1987, equations 24-2 to 24-4)."""
    phi, lam = np.radians(latitude_deg), np.radians(np.asarray(longitude_deg) - centre[1])
    phi_0 = np.radians(centre[0])
    cosine = np.sin(phi_0) * np.sin(phi) + np.cos(phi_0) * np.cos(phi) * np.cos(lam)
    k = EARTH_RADIUS_KM * np.sqrt(2.0 / np.maximum(1.0 + cosine, 1e-9))
    north = np.cos(phi_0) * np.sin(phi) - np.sin(phi_0) * np.cos(phi) * np.cos(lam)
    return k * np.cos(phi) * np.sin(lam), k * north


def great_circle(a: Place, b: Place, points: int = 33) -> tuple[Floats, Floats]:
    """Latitudes and longitudes in degrees (point,) along the shortest way from `a` to `b`."""
    ends = np.stack([_direction(*a), _direction(*b)])
    angle = float(np.arccos(np.clip(ends[0] @ ends[1], -1.0, 1.0)))
    part = np.linspace(0.0, 1.0, points)[:, None]
    if angle < 1e-9:
        way = np.repeat(ends[:1], points, axis=0)
    else:
        way = (np.sin((1.0 - part) * angle) * ends[0] + np.sin(part * angle) * ends[1]) / np.sin(angle)
    return np.degrees(np.arcsin(np.clip(way[:, 2], -1.0, 1.0))), np.degrees(np.arctan2(way[:, 1], way[:, 0]))


def coast(centre: Place, half_km: float) -> tuple[list[float | None], list[float | None]]:
    """Coastlines within a square of `half_km` to each side of `centre`, a line with gaps: east, north in km."""
    south, north, west, east = _EUROPE
    fine = south <= centre[0] <= north and west <= centre[1] <= east and half_km < _FINE_KM
    x: list[float | None] = []
    y: list[float | None] = []
    for run_x, run_y in _visible("europe" if fine else "world", centre, half_km):
        x += [*run_x.round(1).tolist(), None]
        y += [*run_y.round(1).tolist(), None]
    return x, y


def _visible(name: str, centre: Place, half_km: float) -> Iterator[tuple[Floats, Floats]]:
    """The pieces of lines that can be seen, each with one point more at its ends."""
    far = np.cos(np.radians(_FARTHEST))
    for line in _lines(name):
        phi, lam = np.radians(line[:, 1]), np.radians(line[:, 0] - centre[1])
        phi_0 = np.radians(centre[0])
        seen = np.sin(phi_0) * np.sin(phi) + np.cos(phi_0) * np.cos(phi) * np.cos(lam) > far
        x, y = projected(line[:, 1], line[:, 0], centre)
        inside = seen & (np.abs(x) < half_km) & (np.abs(y) < half_km)
        if not inside.any():
            continue
        wide = inside | np.append(inside[1:], False) | np.append(False, inside[:-1])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], (wide & seen).astype(np.int8), [0]])))
        for first, after in edges.reshape(-1, 2).tolist():
            yield x[first:after], y[first:after]


@cache
def _lines(name: str) -> tuple[Floats, ...]:
    """The coastlines of that file: (point, 2) of longitude and latitude in degrees."""
    content = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return tuple(np.asarray(line, np.float64).reshape(-1, 2) / _PER_DEGREE for line in content["lines"])


def _direction(latitude_deg: float, longitude_deg: float) -> Floats:
    phi, lam = np.radians(latitude_deg), np.radians(longitude_deg)
    return np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
