"""What a site and a hardware kind are. Knows no file and no network."""

from __future__ import annotations

from dataclasses import dataclass

STANDINGS = ("measured", "published", "scaled", "assumed")


@dataclass(frozen=True)
class Site:
    """A place, in degrees north and east; `standing` and `source` say how far its coordinates can be trusted."""

    name: str
    title: str
    latitude_deg: float
    longitude_deg: float
    country: str
    standing: str
    source: str


@dataclass(frozen=True)
class Hardware:
    """A kind of server; `power_w` is drawn by one server under load."""

    name: str
    description: str
    power_w: float
    standing: str
    source: str
