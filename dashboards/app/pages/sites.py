"""Where a run's computing is: a map, how busy every pool was, what flowed over the links, and electricity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dash import Dash, html
from dash.development.base_component import Component

from dashboards import energy, sitemap
from dashboards.app import drawn, parts
from dashboards.app.library import Library
from dashboards.app.stored import Stored
from dashboards.app.url import Url
from twin import words
from twin.requirements.pools import RequirementsError

PATH = "/run/{id}/sites"
NAME = "Sites"
Cells = dict[str, tuple[str, parts.Cell]]


def layout(library: Library, url: Url) -> Component:
    """The page; it has no controls."""
    record = library.record(url.id)
    found = drawn.figure(library, url.id, "sites", lambda r: (sitemap.sites(r), sitemap.sites_table(r)))
    return html.Div(
        [
            parts.panel(
                "Map",
                parts.figure("sites", found.figure, found.numbers, config={"scrollZoom": True}),
                _sites(found.numbers.to_dict("records")),
                name="map",
            ),
            parts.panel("Pools", *_pools(library, url.id, record), name="pools"),
            parts.panel("Links", _links(record), name="links"),
            parts.panel("Electricity, carbon and cost", *_energy(library, url.id), name="energy"),
        ]
    )


def connect(app: Dash, library: Library) -> None:
    """Nothing on this page moves but the map, and that in the browser."""


def _sites(rows: list[Any]) -> Component:
    columns: Cells = {
        "site": ("site", str),
        "title": ("place", str),
        "latitude_deg": ("north, °", lambda v: f"{v:.2f}"),
        "longitude_deg": ("east, °", lambda v: f"{v:.2f}"),
        "place_from": ("coordinates", parts.chip),
        "pools": ("pools", lambda v: f"{v:,}"),
        "servers": ("servers", lambda v: f"{v:,}"),
        "use": ("busy", lambda v: "–" if v != v else words.share(v)),
        "down_s": ("down", words.duration),
        "detectors": ("detectors", lambda v: "here" if v else ""),
    }
    return parts.table(rows, columns, "Sites: means over replicas", "The scenario has no sites.")


def _pools(library: Library, run: str, record: Stored) -> Iterator[Component]:
    found = drawn.usual(library, run, "pools")
    yield parts.figure("pools", found.figure, found.numbers)
    columns: Cells = {
        "pool": ("pool", str),
        "hardware": ("hardware", str),
        "servers": ("servers", lambda v: f"{v:,}"),
        "use": ("busy", words.share),
        "queue_mean": ("mean queue", lambda v: "< 0.001" if 0.0 < v < 1e-3 else words.digits(v)),
        "queue_peak": ("peak queue", lambda v: f"{v:,}"),
        "down_s": ("down", words.duration),
        "preempted": ("preempted", lambda v: f"{v:,}"),
        "killed": ("killed", lambda v: f"{v:,}"),
        "swaps": ("models loaded", lambda v: f"{v:,}"),
    }
    rows: list[Any] = list(record.summary["pools"])
    yield parts.table(rows, columns, "Pools: means over replicas, peak and counts of all", "No pools.")


def _links(record: Stored) -> Component:
    rows: list[Any] = sitemap.links_table(record).to_dict("records")
    columns: Cells = {
        "source": ("from", str),
        "target": ("to", str),
        "distance_km": ("great circle, km", lambda v: f"{v:,.0f}"),
        "latency_s": ("one way", words.duration),
        "latency_from": ("standing", parts.chip),
        "bandwidth_gbit_per_s": ("Gbit/s", words.digits),
        "bandwidth_from": ("standing", parts.chip),
        "transfers": ("transfers", lambda v: f"{v:,}"),
        "bytes": ("moved", words.size),
        "flow_gbit_per_s": ("mean flow, Gbit/s", words.digits),
        "use": ("in use", words.share),
    }
    return parts.table(
        rows, columns, "Links: what went over them in all replicas", "No link was used in this run."
    )


def _energy(library: Library, run: str) -> Iterator[Component]:
    try:
        found = drawn.figure(library, run, "energy", lambda r: (energy.energy(r), energy.energy_table(r)))
    except RequirementsError as error:
        yield parts.empty("Not known", str(error))
        return
    yield parts.figure("energy", found.figure, found.numbers)
    rows: list[Any] = [
        {"site": row["site"], "servers": row["servers"], "standing": row["standing"]}
        | {f"{name}_text": _ranged(row, name, scale) for name, scale in _UNITS.items()}
        for row in found.numbers.to_dict("records")
    ]
    columns: Cells = {
        "site": ("site", str),
        "servers": ("servers", lambda v: f"{v:,}"),
        "power_w_text": ("mean power, kW", str),
        "electricity_mwh_per_yr_text": ("electricity, MWh/yr", str),
        "carbon_t_per_yr_text": ("carbon, t/yr", str),
        "cost_eur_per_yr_text": ("full cost, EUR/yr", str),
        "standing": ("weakest input", parts.chip),
    }
    yield parts.table(rows, columns, "By site, with 5 to 95 % of draws in brackets", "")
    yield parts.note(
        "Busy servers at full power, idle ones at their idle share, times PUE. Full cost is the price of "
        "server-hours: electricity is in it. Carbon of making hardware is left out: no sourced figure is at hand."
    )


_UNITS = {"power_w": 1e-3, "electricity_mwh_per_yr": 1.0, "carbon_t_per_yr": 1.0, "cost_eur_per_yr": 1.0}


def _ranged(row: dict[Any, Any], name: str, scale: float) -> str:
    value, low, high = (scale * float(row[key]) for key in (name, f"{name}_low", f"{name}_high"))
    return words.digits(value) + (f" ({words.digits(low)}–{words.digits(high)})" if low < high else "")
