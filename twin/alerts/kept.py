"""The alerts of a run directory, read again: each with its problems, and what should lie beside it and does not.

For `ettwin alerts`. Whether extensions belong there is what the run's scenario says or, where that cannot be read,
what the other alerts have. Knows no simulation.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from twin.alerts import reader
from twin.alerts.reader import Reading
from twin.alerts.writing import FOLDER
from twin.record import NOTED

EXTENSION = ".ext.json"
"""How the files of extensions end."""
_DEEPEST = 2
"""Folders of a run above an alert: alerts/, or alerts/0001/ where every replica has its own."""


def files(run: Path) -> list[Path]:
    """The public documents of a run directory, sorted by name."""
    return [path for path in sorted((run / FOLDER).rglob("*.json")) if not path.name.endswith(EXTENSION)]


def extension_of(path: Path) -> Path:
    """Where the extension of a public document lies."""
    return path.with_name(f"{path.stem}{EXTENSION}")


def run_of(path: Path) -> Path | None:
    """The run directory whose alert this file is; None for a file that lies elsewhere."""
    above = path.absolute().parents
    found = [folder.parent for folder in above[:_DEEPEST] if folder.name == FOLDER]
    return found[0] if found and (found[0] / "resolved.yaml").is_file() else None


def read(path: Path) -> Reading:
    """The alert in a file; in a run directory, a missing extension is a problem too. AlertError without a file."""
    run, found = run_of(path), reader.read(path)
    if run is None or path.suffix != ".json" or path.name.endswith(EXTENSION) or extension_of(path).is_file():
        return found
    return _lacking(path, found) if _extended(run) else found


def read_all(run: Path) -> dict[str, Reading]:
    """Every alert of a run directory by name; an extension that is left alone stands there as a problem."""
    place, extended = run / FOLDER, _extended(run)
    found = {}
    for path in files(run):
        reading = reader.read(path)
        lacks = extended and not extension_of(path).is_file()
        found[str(path.relative_to(place))] = _lacking(path, reading) if lacks else reading
    for path in sorted(place.rglob(f"*{EXTENSION}")):
        if not path.with_name(f"{path.name.removesuffix(EXTENSION)}.json").is_file():
            told = "the alert that it belongs to is missing"
            found[str(path.relative_to(place))] = Reading("json", None, (told,))
    return found


def silent(run: Path) -> bool:
    """Whether a run directory holds no alerts because the run sent none."""
    try:
        told = json.loads((run / "manifest.json").read_text(encoding="utf-8"))[NOTED]
        return bool(told["of"] == 0)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _lacking(path: Path, found: Reading) -> Reading:
    told = f"extension: {extension_of(path).name} is missing; every alert of this run has one"
    return replace(found, problems=(*found.problems, told))


def _extended(run: Path) -> bool:
    from twin.loader import load
    from twin.tree import ScenarioError

    try:
        policy = load(run / "resolved.yaml").alerts
        return policy is not None and policy.extends
    except (OSError, ScenarioError):
        return any((run / FOLDER).rglob(f"*{EXTENSION}"))
