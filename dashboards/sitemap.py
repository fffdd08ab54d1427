"""Where the computing is and what flows between: a map of the sites of one record, and their numbers.

For the dashboard and notebooks. Knows no page and no file.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboards import style
from dashboards.coastline import Place, coast, great_circle, projected
from dashboards.tables import replica_text
from sites import catalogue, network
from twin import words
from twin.limits import replicas
from twin.recorded import Recorded

_LEAST_KM, _MARGIN = 450.0, 1.35
"""Half the width of a map of one place, and how much more is shown than what lies outermost."""
_AROUND = 3.6
"""Times half the height of the map: how far coasts are drawn to each side."""
_SMALL_PX, _LARGE_PX = 14.0, 46.0
_GBIT = 8e-9
"""Bytes to gigabits."""


def sites_table(record: Recorded) -> pd.DataFrame:
    """One row per site: where it is, servers, how busy they were on average, time down of its pools (mean, s)."""
    busy = _busy(record)
    rows = []
    for name, site in record.scenario.sites.items():
        own = busy[busy["site"] == name]
        known = catalogue.sites().get(name)
        servers, at_work = float(own["servers"].sum()), float(own["busy"].sum())
        rows.append(
            {
                "site": name,
                "title": known.title if known else name,
                "latitude_deg": float(site.latitude),
                "longitude_deg": float(site.longitude),
                "pools": len(own),
                "servers": int(servers),
                "use": at_work / servers if servers else math.nan,
                "down_s": float(own["down_s"].sum()),
                "detectors": name == record.scenario.instrument.site,
                "place_from": known.standing if known else "scenario",
            }
        )
    return pd.DataFrame(rows)


def links_table(record: Recorded) -> pd.DataFrame:
    """One row per direction that was used: distance, one-way latency, bandwidth, mean flow, time in use."""
    sites, runs = record.scenario.sites, len(replicas(record))
    span_s = record.scenario.horizon * runs
    by = record.links.groupby(["source", "target"], observed=True, sort=True)[
        ["transfers", "bytes", "busy_s"]
    ].sum()
    rows = []
    for row in by.reset_index().to_dict("records"):
        source, target = row["source"], row["target"]
        link = record.scenario.link(str(source), str(target))
        ends = [(sites[str(end)].latitude, sites[str(end)].longitude) for end in (source, target)]
        rows.append(
            {
                "source": str(source),
                "target": str(target),
                "distance_km": network.great_circle_km(*ends[0], *ends[1]),
                "latency_s": link.latency.value,
                "latency_from": link.latency.standing,
                "bandwidth_gbit_per_s": _GBIT * link.bandwidth.value,
                "bandwidth_from": link.bandwidth.standing,
                "transfers": int(row["transfers"]),
                "bytes": int(row["bytes"]),
                "flow_gbit_per_s": _GBIT * float(row["bytes"]) / span_s,
                "use": float(row["busy_s"]) / span_s,
            }
        )
    columns = ["source", "target", "distance_km", "latency_s", "latency_from", "bandwidth_gbit_per_s"]
    columns += ["bandwidth_from", "transfers", "bytes", "flow_gbit_per_s", "use"]
    return pd.DataFrame(rows, columns=columns)


def sites(record: Recorded) -> go.Figure:
    """A map: a disc per site (area by servers, colour by use), a line per used link (width by flow)."""
    table, links = sites_table(record), links_table(record)
    centre, half_km = _window(table)
    figure = go.Figure()
    x, y = coast(centre, _AROUND * half_km)
    outline = {"color": style.GREY, "width": 0.8}
    figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=outline, hoverinfo="skip", showlegend=False))
    for row in links.to_dict("records"):
        figure.add_traces(_link(row, table, links, centre))
    figure.add_trace(_discs(table, centre))
    figure.add_trace(_detectors(table, centre))
    for row in table.to_dict("records"):
        figure.add_annotation(**_name(row, table, centre))
    hidden = {"visible": False, "showgrid": False, "automargin": False}
    figure.update_xaxes(range=[-1.5 * half_km, 1.5 * half_km], **hidden)
    figure.update_yaxes(range=[-half_km, half_km], scaleanchor="x", **hidden)
    figure.update_layout(hovermode="closest", dragmode="pan", margin={"l": 12, "r": 84})
    told = [f"{r['title']}: {words.count(r['servers'], 'server')}, {_share(r['use'])} busy" for r in _rows(table)]
    flows = [f"{r['source']} to {r['target']} {words.digits(r['flow_gbit_per_s'])} Gbit/s" for r in _rows(links)]
    return style.styled(
        figure,
        "Sites: servers, how busy, what flows",
        f"Means over {replica_text(record)}. Discs: area by servers, colour by share of them busy; lines: by "
        "flow. Coastlines only, equal areas",
        record,
        height=560,
        description=f"Map of sites. {'; '.join(told)}. Links: {words.sequence(flows) or 'none used'}.",
    )


def _busy(record: Recorded) -> pd.DataFrame:
    """Per pool: site, servers that were there, busy servers and time down, means over replicas."""
    pools = record.pools.copy()
    if "server_s" in pools:
        pools["there"] = pools["server_s"] / record.scenario.horizon
    else:
        pools["there"] = pools["servers"].astype(float)
    pools["busy"] = pools["use"] * pools["there"]
    by = pools.groupby(["site", "pool"], observed=True, sort=False)
    return by[["servers", "there", "busy", "down_s"]].mean().reset_index().astype({"site": str, "pool": str})


def _window(table: pd.DataFrame) -> tuple[Place, float]:
    """The middle of the sites, and half the height of the map in km."""
    centre = float(table["latitude_deg"].mean()), _mean_longitude(table["longitude_deg"].to_numpy(float))
    x, y = projected(table["latitude_deg"].to_numpy(float), table["longitude_deg"].to_numpy(float), centre)
    return centre, max(_LEAST_KM, _MARGIN * float(np.abs(y).max()), _MARGIN * float(np.abs(x).max()) / 1.5)


def _mean_longitude(degrees: Any) -> float:
    radians = np.radians(degrees)
    return float(np.degrees(np.arctan2(np.sin(radians).mean(), np.cos(radians).mean())))


def _discs(table: pd.DataFrame, centre: Place) -> go.Scatter:
    x, y = projected(table["latitude_deg"].to_numpy(float), table["longitude_deg"].to_numpy(float), centre)
    most = max(float(table["servers"].max()), 1.0)
    bar = {
        "title": {"text": "busy, %", "side": "right"},
        "thickness": 12,
        "len": 0.5,
        "x": 1.01,
        "xanchor": "left",
    }
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        showlegend=False,
        customdata=table[["title", "servers", "site"]].to_numpy(object),
        marker={
            "size": _SMALL_PX + (_LARGE_PX - _SMALL_PX) * np.sqrt(table["servers"].to_numpy(float) / most),
            "color": (100.0 * table["use"]).fillna(0.0),
            "colorscale": "Cividis",
            "cmin": 0.0,
            "cmax": 100.0,
            "colorbar": {**bar, "y": 0.02, "yanchor": "bottom", "outlinewidth": 0},
            "line": {"color": style.INK, "width": 1.2},
        },
        hovertemplate="%{customdata[0]}: %{customdata[1]:,} servers, %{marker.color:.1f} % busy<extra></extra>",
    )


def _detectors(table: pd.DataFrame, centre: Place) -> go.Scatter:
    """Where segments appear."""
    own = table[table["detectors"]]
    x, y = projected(own["latitude_deg"].to_numpy(float), own["longitude_deg"].to_numpy(float), centre)
    marker = {"symbol": "triangle-up", "size": 10, "color": "white", "line": {"color": style.INK, "width": 1.5}}
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, name="detectors", hoverinfo="skip")


def _name(row: dict[Any, Any], table: pd.DataFrame, centre: Place) -> dict[str, Any]:
    """The name beside its disc, on the side where fewer others are."""
    x, y = projected(np.array([row["latitude_deg"]]), np.array([row["longitude_deg"]]), centre)
    east = (table["longitude_deg"] > row["longitude_deg"]).sum() <= (
        table["longitude_deg"] < row["longitude_deg"]
    ).sum()
    side = "left" if east else "right"
    text = (
        f"<b>{style.safe(row['site'])}</b><br>{words.count(row['servers'], 'server')}, {_share(row['use'])} busy"
    )
    return {
        "x": float(x[0]),
        "y": float(y[0]),
        "text": text,
        "showarrow": False,
        "align": side,
        "xanchor": side,
        "xshift": 26 if east else -26,
        "font": {"size": 12, "color": style.INK},
    }


def _link(row: dict[Any, Any], table: pd.DataFrame, links: pd.DataFrame, centre: Place) -> list[go.Scatter]:
    """The way of a link, and an arrow in its middle that tells its numbers; both directions side by side."""
    ends = table.set_index("site").loc[[row["source"], row["target"]], ["latitude_deg", "longitude_deg"]]
    x, y = projected(*great_circle(tuple(ends.iloc[0]), tuple(ends.iloc[1])), centre)
    along = np.hypot(x[-1] - x[0], y[-1] - y[0]) or 1.0
    aside = 0.05 * np.sin(np.linspace(0.0, np.pi, x.size))  # each way bends to its own right
    x, y = x + aside * (y[-1] - y[0]), y - aside * (x[-1] - x[0])
    part = math.sqrt(row["flow_gbit_per_s"] / max(float(links["flow_gbit_per_s"].max()), 1e-12))
    told = (
        f"{style.safe(row['source'])} to {style.safe(row['target'])}: {words.digits(row['flow_gbit_per_s'])} of "
        f"{words.digits(row['bandwidth_gbit_per_s'])} Gbit/s, {row['transfers']:,} transfers, in use "
        f"{words.share(row['use'])} of the time, {words.duration(row['latency_s'])} one way, "
        f"{words.digits(row['distance_km'])} km"
    )
    width = 1.0 + 5.0 * part
    line = {"color": style.BLUE, "width": width}
    middle = x.size // 2
    angle = float(np.degrees(np.arctan2(x[middle + 1] - x[middle - 1], y[middle + 1] - y[middle - 1])))
    arrow = {"symbol": "arrow", "size": 12.0 + 2.0 * width, "color": style.BLUE, "angle": angle}
    way = go.Scatter(x=x.round(1), y=y.round(1), mode="lines", line=line, hoverinfo="skip", showlegend=False)
    head = go.Scatter(
        x=[float(x[middle])],
        y=[float(y[middle])],
        mode="markers",
        marker=arrow,
        showlegend=False,
        hovertemplate=told + "<extra></extra>",
    )
    return [way, head] if along > 1.0 else []


def _share(value: float) -> str:
    return "not" if math.isnan(value) else words.share(value)


def _rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.to_dict("records")
