"""Plain values as YAML text that twin.tree reads back to the same values. Knows no schema."""

from __future__ import annotations

import re
from typing import Any

import yaml

from twin import tree

_WIDTH = 110


class _Dumper(yaml.SafeDumper):
    """Quotes whatever twin.tree, or another YAML reader, would not take for text; never writes an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


def _mapping(dumper: yaml.SafeDumper, data: dict[str, Any]) -> yaml.MappingNode:
    small = bool(data) and not any(isinstance(value, dict | list) for value in data.values())
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=small)


def _list(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)


# YAML 1.1 took 'on' for true, but it is a key of ours: left unquoted.
_Dumper.yaml_implicit_resolvers = {
    first: resolvers
    for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
    if first not in ("o", "O")
}
_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("off|Off|OFF|On|ON"), list("oO"))
_NUMBERS = re.compile(rf"(?:{tree.FLOAT.pattern}|{tree.NOT_FINITE.pattern})$", re.IGNORECASE)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBERS, None)
_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(list, _list)


def text(plain: Any) -> str:
    """YAML of mappings, lists and scalars; a mapping of nothing but scalars, or a list, stands in one line."""
    return yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
