"""The sites and hardware kinds that are shipped: one YAML file each, its name is the thing's name.

A new one is a new file in sites/known or sites/hardware. Knows no scenario.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import yaml

from sites.spec import STANDINGS, Hardware, Site

_HERE = Path(__file__).parent
_Entry = TypeVar("_Entry", Site, Hardware)


class CatalogueError(ValueError):
    """A shipped site or hardware file is damaged."""


@cache
def sites() -> Mapping[str, Site]:
    """The known sites by name."""
    return MappingProxyType(read(_HERE / "known", Site))


@cache
def hardware() -> Mapping[str, Hardware]:
    """The known hardware kinds by name."""
    return MappingProxyType(read(_HERE / "hardware", Hardware))


def read(folder: Path, kind: type[_Entry]) -> dict[str, _Entry]:
    """One `kind` per YAML file in `folder`, by file name; CatalogueError names a damaged file."""
    return {path.stem: _entry(path, kind) for path in sorted(folder.glob("*.yaml"))}


def _entry(path: Path, kind: type[_Entry]) -> _Entry:
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CatalogueError(f"{path}: is not YAML: {error}") from None
    wanted = {field.name: field.type for field in fields(kind) if field.name != "name"}
    if not isinstance(content, dict) or content.keys() != wanted.keys():
        raise CatalogueError(f"{path}: needs exactly the keys {', '.join(wanted)}")
    for key, type_ in wanted.items():
        allowed = (int, float) if type_ == "float" else (str,)
        if not isinstance(content[key], allowed) or isinstance(content[key], bool):
            raise CatalogueError(f"{path}: {key}: {content[key]!r} is not {_noun(type_)}")
    if content["standing"] not in STANDINGS:
        raise CatalogueError(f"{path}: standing: {content['standing']!r}; allowed: {', '.join(STANDINGS)}")
    return kind(name=path.stem, **content)


def _noun(type_: object) -> str:
    return "a number" if type_ == "float" else "text"
