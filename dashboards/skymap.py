"""The sky map of an alert's document as a figure: probability on the whole sky, with the region that holds 90 %.

For the dashboard and notebooks. Reads multi-order HEALPix maps in FITS; needs the extra 'alerts'.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
import warnings

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboards import style
from twin import words

Floats = NDArray[np.float64]
LARGEST = 5_000_000
"""Letters of base64 that are read."""
LEVEL = 0.9
_HIGH, _WIDE = 121, 241
_SKY_DEG2 = 4.0 * math.pi * math.degrees(1.0) ** 2


class SkyMapError(ValueError):
    """A document's sky map cannot be read, or what reads it is not installed."""


def decoded(text: str) -> tuple[NDArray[np.int64], Floats]:
    """NUNIQ numbers of the cells, ascending, and probability per steradian of each; else SkyMapError."""
    if len(text) > LARGEST:
        raise SkyMapError(f"the sky map is longer than {LARGEST:,} letters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from astropy.io import fits

            with fits.open(io.BytesIO(base64.b64decode(text, validate=True)), memmap=False) as file:
                uniq = np.asarray(file[1].data["UNIQ"], np.int64)
                density = np.asarray(file[1].data["PROBDENSITY"], np.float64)
    except ModuleNotFoundError as error:
        raise SkyMapError("sky maps need the extra 'alerts': pip install 'et-twin[alerts]'") from error
    except (binascii.Error, OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise SkyMapError(f"the sky map cannot be read ({type(error).__name__}: {str(error)[:80]})") from error
    if not uniq.size or uniq.min() < 4 or not np.isfinite(density).all() or density.min() < 0.0:
        raise SkyMapError("the sky map holds no cells, or such as cannot be")
    order = np.argsort(uniq)
    return uniq[order], density[order]


def credible(uniq: NDArray[np.int64], density: Floats, level: float = LEVEL) -> tuple[float, float]:
    """Square degrees of the smallest region that holds `level` of the probability, and the density at its edge."""
    area_sr = 4.0 * math.pi / (12.0 * 4.0 ** _orders(uniq))
    order = np.argsort(-density, kind="stable")
    held = np.cumsum((density * area_sr)[order])
    last = min(int(np.searchsorted(held, level * held[-1])), order.size - 1)
    return float(area_sr[order][: last + 1].sum() / (4.0 * math.pi) * _SKY_DEG2), float(density[order][last])


def raster(uniq: NDArray[np.int64], density: Floats) -> tuple[Floats, Floats, Floats]:
    """Mollweide's projection: x (column,), y (row,), probability per square degree (NaN beyond the sky)."""
    import healpix

    x = np.linspace(-2.0, 2.0, _WIDE) * math.sqrt(2.0)
    y = np.linspace(-1.0, 1.0, _HIGH) * math.sqrt(2.0)
    xx, yy = np.meshgrid(x, y)
    sky = xx**2 / 8.0 + yy**2 / 2.0 < 1.0 - 1e-9
    angle = np.arcsin(np.clip(yy[sky] / math.sqrt(2.0), -1.0, 1.0))
    latitude = np.arcsin(np.clip((2.0 * angle + np.sin(2.0 * angle)) / math.pi, -1.0, 1.0))
    longitude = math.pi * xx[sky] / (2.0 * math.sqrt(2.0) * np.cos(angle))
    values = np.full(latitude.size, np.nan)
    for order in np.unique(_orders(uniq)).astype(int).tolist():
        ring = healpix.ang2pix(2**order, math.pi / 2.0 - latitude, (-longitude) % (2.0 * math.pi), nest=True)
        wanted = np.asarray(ring, np.int64) + 4 ** (order + 1)
        at = np.minimum(np.searchsorted(uniq, wanted), uniq.size - 1)
        hit = uniq[at] == wanted
        values[hit] = density[at[hit]]
    picture = np.full(xx.shape, np.nan)
    picture[sky] = values / math.degrees(1.0) ** 2
    return x, y, picture


def skymap_table(text: str) -> pd.DataFrame:
    """The cells: uniq, order, probability per square degree, from the most likely on."""
    uniq, density = decoded(text)
    frame = pd.DataFrame(
        {"uniq": uniq, "order": _orders(uniq).astype(int), "per_deg2": density / math.degrees(1) ** 2}
    )
    return frame.sort_values("per_deg2", ascending=False, kind="stable").reset_index(drop=True)


def skymap(text: str, origin: str) -> go.Figure:
    """The sky in Mollweide's projection, right ascension growing to the left."""
    uniq, density = decoded(text)
    area, edge = credible(uniq, density)
    x, y, picture = raster(uniq, density)
    figure = go.Figure(
        go.Heatmap(
            x=x,
            y=y,
            z=picture,
            colorscale="Cividis",
            zmin=0.0,
            colorbar={
                "title": {"text": "per square degree", "side": "right"},
                "thickness": 12,
                "outlinewidth": 0,
                "tickformat": ".2g",
            },
            hovertemplate="%{z:.3g} per square degree<extra></extra>",
            hoverongaps=False,
        )
    )
    contour = {"start": edge / math.degrees(1.0) ** 2, "end": edge / math.degrees(1.0) ** 2, "size": 1.0}
    figure.add_trace(
        go.Contour(
            x=x,
            y=y,
            z=np.nan_to_num(picture),
            contours={**contour, "coloring": "none"},
            line={"color": "#FFFFFF", "width": 2},
            showscale=False,
            showlegend=False,
            hoverinfo="skip",
            name=f"{words.share(LEVEL)} of the probability",
        )
    )
    turn = np.linspace(0.0, 2.0 * math.pi, 181)
    rim = {"x": 2.0 * math.sqrt(2.0) * np.cos(turn), "y": math.sqrt(2.0) * np.sin(turn)}
    line = {"color": style.INK, "width": 1.2}
    figure.add_trace(go.Scatter(**rim, mode="lines", line=line, hoverinfo="skip", showlegend=False))
    figure.update_xaxes(visible=False, range=[-2.9, 2.9])
    figure.update_yaxes(visible=False, scaleanchor="x", range=[-1.5, 1.5])
    return style.titled(
        figure,
        "Sky map of the document",
        f"{words.share(LEVEL)} within {words.digits(area)} square degrees (white line). The place is drawn evenly "
        "from the sky: the simulation gives events none",
        origin,
        height=470,
        description=f"Sky map: {words.share(LEVEL)} of the probability in {words.digits(area)} square degrees.",
    )


def _orders(uniq: NDArray[np.int64]) -> Floats:
    """The HEALPix order of each cell."""
    return np.floor(np.log2(uniq // 4) / 2.0)
