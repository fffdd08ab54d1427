"""What is shipped: sites, countries, hardware kinds, trigger farms. One YAML file each, named for the thing.

A new one is a new file in sites/known, sites/countries, sites/hardware or sites/farms. Knows no scenario.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import yaml

from sites.spec import STANDINGS, Country, Farm, Hardware, Quantity, Site

_HERE = Path(__file__).parent
_Entry = TypeVar("_Entry", Site, Hardware, Country, Farm)

EUROPE = "europe"
"""The country that stands for all of which nothing is known."""
_NOUNS = {"float": "a number", "int": "a whole number", "str": "text"}
_ALLOWED: Mapping[str, tuple[type, ...]] = {"float": (int, float), "int": (int,), "str": (str,)}


class CatalogueError(ValueError):
    """A shipped file of the catalogue is damaged."""


@cache
def sites() -> Mapping[str, Site]:
    """The known sites by name."""
    return MappingProxyType(read(_HERE / "known", Site))


@cache
def hardware() -> Mapping[str, Hardware]:
    """The known hardware kinds by name."""
    return MappingProxyType(read(_HERE / "hardware", Hardware))


@cache
def countries() -> Mapping[str, Country]:
    """The known countries by their two letters, and EUROPE, which leaves nothing open."""
    return MappingProxyType(read(_HERE / "countries", Country))


@cache
def farms() -> Mapping[str, Farm]:
    """The known trigger farms by name, the smallest first."""
    found = read(_HERE / "farms", Farm)
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: item[1].mhs06.value)))


def electricity(site: str, what: str) -> tuple[str, Quantity]:
    """Where a site's figure `what` is found, as 'site.what' or 'country.what', and the figure.

    `what` is 'pue', 'carbon_g_per_kwh' or 'electricity_eur_per_kwh': the site's own, else that of its country,
    else that of EUROPE, which also stands for a site that is not known.
    """
    place = sites().get(site)
    country = countries().get(place.country) if place is not None else None
    candidates: tuple[Site | Country | None, ...] = (place, country, countries()[EUROPE])
    for found in candidates:
        quantity = None if found is None else getattr(found, what)
        if found is not None and quantity is not None:
            return f"{found.name}.{what}", quantity
    raise CatalogueError(f"{_HERE / 'countries' / EUROPE}.yaml: {what}: is missing; it has to leave nothing open")


def read(folder: Path, kind: type[_Entry]) -> dict[str, _Entry]:
    """One `kind` per YAML file in `folder`, by file name; CatalogueError names a damaged file."""
    return {path.stem: _entry(path, kind) for path in sorted(folder.glob("*.yaml"))}


def _entry(path: Path, kind: type[_Entry]) -> _Entry:
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CatalogueError(f"{path}: is not YAML: {error}") from None
    known = {field.name: str(field.type) for field in fields(kind) if field.name != "name"}
    needed = {field.name for field in fields(kind) if field.default is MISSING} - {"name"}
    if not isinstance(content, dict) or not needed <= content.keys() <= known.keys():
        may = [name for name in known if name not in needed]
        also = f", and may have {', '.join(may)}" if may else ""
        raise CatalogueError(f"{path}: needs the keys {', '.join(k for k in known if k in needed)}{also}")
    given = {key: _value(f"{path}: {key}", content[key], known[key]) for key in known if key in content}
    if given.get("standing", STANDINGS[0]) not in STANDINGS:
        raise CatalogueError(f"{path}: standing: {given['standing']!r}; allowed: {', '.join(STANDINGS)}")
    return kind(name=path.stem, **given)


def _value(where: str, given: Any, type_: str) -> Any:
    if type_.startswith("Quantity"):
        return _quantity(where, given)
    if not isinstance(given, _ALLOWED[type_]) or isinstance(given, bool):
        raise CatalogueError(f"{where}: {given!r} is not {_NOUNS[type_]}")
    return given


def _quantity(where: str, given: Any) -> Quantity:
    wanted = {field.name: str(field.type) for field in fields(Quantity)}
    if not isinstance(given, dict) or given.keys() != wanted.keys():
        raise CatalogueError(f"{where}: needs exactly the keys {', '.join(wanted)}")
    found = Quantity(**{key: _value(f"{where}.{key}", given[key], type_) for key, type_ in wanted.items()})
    if found.standing not in STANDINGS:
        raise CatalogueError(f"{where}.standing: {found.standing!r}; allowed: {', '.join(STANDINGS)}")
    if not found.source:
        raise CatalogueError(f"{where}.source: is empty; say where the number is from")
    if not (0 <= found.low <= found.value <= found.high and isfinite(found.high)):
        raise CatalogueError(
            f"{where}: {found.low:g} to {found.high:g} around {found.value:g}; needs 0 <= low <= value <= high"
        )
    return found
