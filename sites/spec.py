"""What a site, a hardware kind, a country and a trigger farm are. Knows no file and no network."""

from __future__ import annotations

from dataclasses import dataclass

STANDINGS = ("measured", "published", "scaled", "assumed")


@dataclass(frozen=True)
class Quantity:
    """A number that nobody knows exactly: best value, range, and how far it can be trusted.

    `low` and `high` are where it can hardly lie beyond; equal to `value` where it is so by definition.
    """

    value: float
    low: float
    high: float
    standing: str
    source: str


@dataclass(frozen=True)
class Site:
    """A place, in degrees north and east; `standing` and `source` say how far its coordinates can be trusted.

    What it knows of its own electricity goes before what is known of its country.
    """

    name: str
    title: str
    latitude_deg: float
    longitude_deg: float
    country: str
    standing: str
    source: str
    pue: Quantity | None = None
    carbon_g_per_kwh: Quantity | None = None
    electricity_eur_per_kwh: Quantity | None = None


@dataclass(frozen=True)
class Country:
    """Electricity of a country, named by its two letters; what it leaves open is that of 'europe'.

    `pue` is the energy of a computing centre over that of its servers; carbon is g of CO2 equivalent per kWh.
    """

    name: str
    title: str
    pue: Quantity | None = None
    carbon_g_per_kwh: Quantity | None = None
    electricity_eur_per_kwh: Quantity | None = None


@dataclass(frozen=True)
class Hardware:
    """A kind of server, with what one server has, draws and costs.

    `cores` are logical ones that do the work (a GPU's host is not among them), `hs06` is their benchmark, None
    where there is none. `power_w` is drawn by a busy server; its host adds the share `host_overhead`; an idle
    server draws the share `idle_share` of both. `price_eur_per_hour` is the full cost of having it for an hour,
    busy or not: purchase, room and electricity. `embodied_kg_per_yr` is the CO2 equivalent of making one server
    and its part of a host, spread over its years of service; None where nobody says. `standing` and
    `source` are those of the description and the counts.
    """

    name: str
    description: str
    cores: int
    gpus: int
    power_w: Quantity
    host_overhead: Quantity
    idle_share: Quantity
    price_eur_per_hour: Quantity
    standing: str
    source: str
    hs06: Quantity | None = None
    embodied_kg_per_yr: Quantity | None = None


@dataclass(frozen=True)
class Farm:
    """A trigger farm of the High-Luminosity LHC as a unit of computing: its size in millions of HS06."""

    name: str
    title: str
    mhs06: Quantity
