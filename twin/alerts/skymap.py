"""A small sky map for a document: one round spot of the drawn area, as multi-order FITS in base64.

The spot is Fisher's distribution around a place that is drawn evenly from the sky, as the simulation places no
event; real maps of one site have several spots. Imports astropy, and only when a map is asked for.
"""

from __future__ import annotations

import base64
import io
import math
import warnings
from functools import cache
from typing import Any

import healpix
import numpy as np
from numpy.typing import NDArray

from workloads.inference.skymap import ORDER, PIXELS, MultiOrder, multi_order

LARGEST_BYTES = 50_000
"""Of the FITS file, before base64."""
_LEVEL = 0.9
_SKY_DEG2 = 4.0 * math.pi * math.degrees(1.0) ** 2
_CONTRASTS = (0.1, 0.2, 0.4, 0.8, 1.6)


def encoded(area_deg2: float, rng: np.random.Generator, name: str) -> str:
    """The FITS file in base64, of a map that holds 90 % in `area_deg2`."""
    cos_theta, azimuth = rng.uniform(-1.0, 1.0), rng.uniform(0.0, 2.0 * math.pi)
    return base64.b64encode(fits_bytes(spot(area_deg2, cos_theta, azimuth), name)).decode()


def ready() -> None:
    """Raise ModuleNotFoundError, before anything is simulated, where no map could be written."""
    _fits()


def spot(area_deg2: float, cos_theta: float, azimuth: float) -> NDArray[np.float64]:
    """Probability per steradian (PIXELS,), nested: 90 % of it in `area_deg2` around a place."""
    kappa = concentration(area_deg2)
    sin_theta = math.sqrt(1.0 - cos_theta**2)
    place = np.array([sin_theta * math.cos(azimuth), sin_theta * math.sin(azimuth), cos_theta])
    density = np.exp(kappa * (_directions() @ place - 1.0))
    return np.asarray(density / density.sum() * PIXELS / (4.0 * math.pi))


def concentration(area_deg2: float) -> float:
    """Fisher's kappa of a spot that holds 90 % in `area_deg2`; ValueError above 90 % of the sky."""
    part = area_deg2 / _SKY_DEG2
    if not 0.0 < part < _LEVEL:
        raise ValueError(
            f"90 % of a spot can lie in 0 to {_LEVEL * _SKY_DEG2:.0f} square degrees, not {area_deg2:g}"
        )

    def held(kappa: float) -> float:
        return math.expm1(-2.0 * kappa * part) / math.expm1(-2.0 * kappa)

    low, high = 1e-9, 1e7
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if held(middle) < _LEVEL else (low, middle)
    return high


def fits_bytes(density_per_sr: NDArray[np.float64], name: str) -> bytes:
    """The map as multi-order FITS of at most LARGEST_BYTES; ValueError if it does not get that small."""
    for contrast in _CONTRASTS:
        content = _written(multi_order(density_per_sr, contrast), name)
        if len(content) <= LARGEST_BYTES:
            return content
    raise ValueError(f"the map takes {len(content):,} bytes, more than {LARGEST_BYTES:,}")


def _written(cells: MultiOrder, name: str) -> bytes:
    fits = _fits()
    columns = [
        fits.Column("UNIQ", "K", array=cells.uniq),
        fits.Column("PROBDENSITY", "D", array=cells.density_per_sr, unit="sr-1"),
    ]
    table = fits.BinTableHDU.from_columns(columns)
    for key, value in (
        ("PIXTYPE", "HEALPIX"),
        ("ORDERING", "NUNIQ"),
        ("COORDSYS", "C"),
        ("MOCORDER", ORDER),
        ("INDXSCHM", "EXPLICIT"),
        ("OBJECT", name),
        ("ORIGIN", "ettwin, simulated"),
    ):
        table.header[key] = value
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(file)
    return file.getvalue()


def _fits() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "COPY_IF_NEEDED is no longer needed")
        from astropy.io import fits
    return fits


@cache
def _directions() -> NDArray[np.float64]:
    """Unit vectors of the pixels (PIXELS, 3)."""
    return np.stack(healpix.pix2vec(2**ORDER, np.arange(PIXELS), nest=True), axis=1)
