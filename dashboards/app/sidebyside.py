"""Finished runs held against the first, as a comparison.json holds cases; and a scenario that compares two anew.

Runs of the same seed, replicas and horizon have the same sky, so that differences are paired.

Knows no Dash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dashboards.app.library import Library
from dashboards.app.stored import Stored
from twin import tree, words
from twin.limits import saturated
from twin.metrics import targets
from twin.scenario import Scenario
from twin.studies import kept
from twin.studies.compare import Case, Comparison, Outcome
from twin.studies.quantities import quantities
from twin.written import text as written

Result = dict[str, Any]
MOST = 4
"""Runs beside each other."""
_ALIKE = ("horizon", "seed", "replicas")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def result(library: Library, ids: Sequence[str]) -> Result:
    """What a comparison.json would say of these runs; differences only where they are paired with the first."""
    records = [library.record(id) for id in ids]
    paired = not apart(library, ids)
    cases = tuple(Case(record.entry.id, record.scenario) for record in records)
    outcomes = tuple(library.computed(id, "outcome", _outcome) for id in ids)
    first = records[0]
    if paired:
        return kept.as_dict(Comparison(cases, outcomes, first.seed, first.scenario.replicas), "")
    parts = [
        kept.as_dict(Comparison((case,), (outcome,), record.seed, record.scenario.replicas), "")
        for case, outcome, record in zip(cases, outcomes, records, strict=True)
    ]
    whole = {**parts[0], "cases": [part["cases"][0] for part in parts], "table": list(_together(parts))}
    changes = Comparison(cases, (), first.seed, first.scenario.replicas).changes()
    for case in whole["cases"][1:]:
        case["changes"] = {key: list(pair) for key, pair in changes[case["name"]].items()}
    return whole


def apart(library: Library, ids: Sequence[str]) -> list[str]:
    """What keeps the runs from being paired, in words; nothing if they are."""
    entries = [library.record(id).entry for id in ids]
    told = []
    for name, text in (("seed", "seeds"), ("replicas", "numbers of replicas"), ("horizon_s", "horizons")):
        values = list(dict.fromkeys(getattr(entry, name) for entry in entries))
        if len(values) > 1:
            said = words.duration if name == "horizon_s" else str
            told.append(f"{text} ({', '.join(said(value) for value in values)})")
    return told


def joined(first: Scenario, other: Scenario, names: tuple[str, str]) -> str:
    """A scenario whose two cases are `first` and `other`, under horizon, seed and replicas of the first, as YAML.

    Raises ValueError where one executes programs for real, or the two cannot be told apart.
    """
    if first.live or other.live:
        raise ValueError("live stages are executed in real time: compare without them")
    mine, its = (tree.parse(one.resolved(), "resolved").plain() for one in (first, other))
    alike = {key: mine[key] for key in _ALIKE}
    changes = dict(_changes((), _plain(mine), _plain({**its, **alike, "name": mine["name"]})))
    changes.pop("question", None)
    if not changes:
        raise ValueError("the two scenarios are the same")
    a, b = case_names(names)
    whole = {**_plain(mine), "overrides": {b: changes}, "cases": {a: [], b: [b]}}
    return written(whole)


def case_names(names: tuple[str, str]) -> tuple[str, str]:
    """Names of cases as a scenario allows them, as near to the ids of the runs as can be."""
    a, b = (
        name if _NAME.fullmatch(name) and len(name) <= 64 else f"run-{k}"
        for k, name in zip("ab", names, strict=True)
    )
    return (a, b) if a != b else (f"{a[:60]}-a", f"{b[:60]}-b")


def _outcome(record: Stored) -> Outcome:
    growing = [pool["pool"] for pool in saturated(record)]
    return Outcome(record.entry.id, quantities(record), targets(record), growing, record.plan_digest)


def _together(parts: Sequence[Result]) -> Iterator[Mapping[str, Any]]:
    """Rows of all tables, by quantity, in the order of the first that has it."""
    names = dict.fromkeys(row["quantity"] for part in parts for row in part["table"])
    for name in names:
        for part in parts:
            yield from (row for row in part["table"] if row["quantity"] == name)


def _changes(path: tuple[str, ...], mine: Any, its: Any) -> Iterator[tuple[str, Any]]:
    """Dotted paths and values that make the second of the first."""
    if isinstance(mine, dict) and isinstance(its, dict):
        for key in dict.fromkeys((*mine, *its)):
            yield from _changes((*path, key), mine.get(key), its.get(key))
    elif mine != its:
        yield ".".join(path), its


def _plain(value: Any) -> Any:
    """The same with lists, as YAML has them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
