"""An address of the dashboard: its path and query are the whole state of a page. Knows no Dash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode

LONGEST = 20_000
"""Letters of a query that are read; the rest is cut off."""

MOST = 500
"""Pairs of a query that are read, likewise."""


@dataclass(frozen=True)
class Url:
    """Where a page is: `names` are the parts of the path that its template has in braces, decoded."""

    path: str = "/"
    names: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id in the path: of a run, a comparison, a job; '' where the path has none."""
        return self.names.get("id", "")

    def get(self, key: str, default: str = "", allowed: Iterable[str] | None = None) -> str:
        """The first value of `key` in the query; `default` if it is not there or not `allowed`."""
        found = (self.query.get(key) or [default])[0]
        return found if allowed is None or found in allowed else default

    def all(self, key: str) -> list[str]:
        """Every value of `key` in the query, in order."""
        return list(self.query.get(key, ()))

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """The number in `key`, within `low` and `high`; `default` if it is none."""
        try:
            found = float(self.get(key, ""))
        except ValueError:
            return default
        return min(max(found, low), high) if found == found else default

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """Like `number`, for whole ones."""
        return int(self.number(key, default, low, high))


def parsed(search: str | None) -> dict[str, list[str]]:
    """A query string ('?a=1&a=2') as values by key; what cannot be read is left out."""
    text = (search or "").removeprefix("?")[:LONGEST]
    text = "&".join(text.split("&", MOST)[:MOST])
    found: dict[str, list[str]] = {}
    for key, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        found.setdefault(key, []).append(value)
    return found


def matched(template: str, path: str) -> dict[str, str] | None:
    """The parts in braces when `path` has the shape of `template`, such as '/run/{id}/events'; else None.

    A part is one step of the path; it is decoded, and never empty.
    """
    wanted, given = template.strip("/").split("/"), path.strip("/").split("/")
    if len(wanted) != len(given):
        return None
    names: dict[str, str] = {}
    for part, step in zip(wanted, given, strict=True):
        if part.startswith("{"):
            names[part.strip("{}")] = unquote(step)
        elif part != step:
            return None
    return names if all(names.values()) else None


def address(template: str, query: Mapping[str, object] | None = None, **names: object) -> str:
    """The address of a page: `names` put into the braces of its template, and a query without its None values."""
    path = "/".join(
        quote(str(names[part.strip("{}")]), safe="") if part.startswith("{") else part
        for part in template.split("/")
    )
    pairs: list[tuple[str, str]] = []
    for key, value in (query or {}).items():
        if value is not None:
            values = value if isinstance(value, list | tuple) else [value]
            pairs += [(key, str(one)) for one in values]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def download(id: str, name: str) -> str:
    """The address under which a file of a result is handed out."""
    return address("/file/{id}/{name}", id=id, name=name)
