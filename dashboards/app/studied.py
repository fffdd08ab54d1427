"""A study's folder as its page shows it: its tables, its figures, what was changed. Kept by the library.

Knows no Dash and no page. The figures are those of the study's report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboards import comparison_plots, markup, study_kinds, study_sweep, study_text
from dashboards.app.drawn import Drawn
from dashboards.app.library import Entry, Library
from twin import words

COMMON = ("table", "values", "targets")
"""Tables that every study has; the others are those of its kind."""
LINES, MAP = "lines", "map"
"""How a sweep is drawn: as suits it, or as a map where it has two keys."""
_GIVEN = " (given)"
_SWEEP = "vary"
_AS_IS = "as it stands"
_VALUES = 12
"""Of a key that was varied, so many values are listed."""


@dataclass(frozen=True)
class Told:
    """What a study's folder tells: `own` are the tables of its kind; `about` is its manifest."""

    entry: Entry
    table: pd.DataFrame
    targets: pd.DataFrame
    own: Mapping[str, pd.DataFrame]
    nbytes: int

    @property
    def about(self) -> Mapping[str, Any]:
        """The manifest."""
        return self.entry.about

    @property
    def kind(self) -> str:
        """The key of twin.studies.registry."""
        return str(self.about["kind"])

    @property
    def title(self) -> str:
        """What its kind is called."""
        return study_text.TITLES.get(self.kind, self.kind)

    @property
    def is_sweep(self) -> bool:
        """Whether quantities are drawn over what was varied."""
        return self.kind == _SWEEP

    @property
    def keys(self) -> list[str]:
        """Dotted paths whose values tell the points apart."""
        return [str(name)[: -len(_GIVEN)] for name in self.table.columns if str(name).endswith(_GIVEN)]

    @property
    def report(self) -> list[str]:
        """Quantities that are told first; every one, where the folder does not say which."""
        names = [str(name) for name in self.table["quantity"].unique()]
        return [name for name in self.about.get("report", ()) if name in names] or names

    @property
    def quantities(self) -> dict[str, str]:
        """Every quantity, those of the report first, with what it is called."""
        texts = {
            str(name): str(text) for name, text in zip(self.table["quantity"], self.table["text"], strict=True)
        }
        return {name: texts[name] for name in dict.fromkeys([*self.report, *texts])}

    @property
    def replicas(self) -> tuple[int, int]:
        """The fewest and the most of any point."""
        known = self.table["replicas"]
        return (int(known.min()), int(known.max())) if len(known) else (0, 0)

    @property
    def rows(self) -> list[study_text.Row]:
        """Quantities of the report by point; of a comparison with differences."""
        return study_text.rows_of(self.own.get("differences", self.table), self.report)

    @property
    def origin(self) -> str:
        """What stands below its figures."""
        return markup.text(f"SIMULATED · {self.entry.scenario} · seed {self.entry.seed}")

    def of(self, quantity: str) -> pd.DataFrame:
        """The rows of one quantity."""
        return self.table[self.table["quantity"] == quantity].reset_index(drop=True)

    @property
    def is_grid(self) -> bool:
        """Whether all values are combined with all others."""
        return bool(self.about.get("sample", "grid") == "grid")

    def has_two_shapes(self, quantity: str) -> bool:
        """Whether the sweep can be drawn as lines and as a map."""
        return self.is_sweep and study_sweep.has_two_shapes(self.of(quantity), self.keys, self.is_grid)


def told(library: Library, entry: Entry) -> Told:
    """The study in a folder; DamagedError or GoneError in words if it cannot be read."""
    return library.kept(entry, "study", lambda: _read(entry))


def sweep(library: Library, study: Told, quantity: str, shape: str) -> Drawn:
    """A quantity over what was varied; `shape` is LINES or MAP."""

    def make() -> Drawn:
        own = study.of(quantity)
        return _weighed(
            study_sweep.drawn(own, study.keys, study.origin, is_grid=study.is_grid, as_map=shape == MAP), own
        )

    return library.kept(study.entry, ("sweep", quantity, shape), make)


def figures(library: Library, study: Told) -> dict[str, Drawn]:
    """The figures of its kind by name, as in its report, without those of a sweep."""
    drawn = {
        name: library.kept(study.entry, ("kind", name), _of_kind(study, name))
        for name in study_kinds.FIGURES
        if name in study.own and len(study.own[name])
    }
    found = {name: one for name, one in drawn.items() if len(one.numbers)}
    if "differences" in study.own and study.rows:
        found["quantities"] = library.kept(study.entry, "quantities", lambda: _held(study))
    return found


def changes(study: Told) -> list[dict[str, str]]:
    """What was changed in the scenario: for all points, then key by key what it was at the points."""
    rows = [{"key": "with", "value": str(name), "where": "all points"} for name in study.about.get("with", ())]
    for key, value in dict(study.about.get("set", {})).items():
        rows.append({"key": str(key), "value": _value(value), "where": "all points"})
    for key in study.keys:
        given = [_AS_IS if one == "-" else str(one) for one in study.table[f"{key}{_GIVEN}"].unique()]
        shown = [one for one in given if not one.startswith(("{", "["))][:_VALUES]
        if more := len(given) - len(shown):
            shown.append(f"{words.count(more, 'other')} in the numbers")
        rows.append({"key": key, "value": ", ".join(shown), "where": "varied"})
    return rows


def _value(value: Any) -> str:
    return str(value) if value or value == 0 else "none"


def text(library: Library, entry: Entry) -> str:
    """The study as it was given."""
    path = entry.folder / "study.yaml"
    return library.kept(entry, "text", lambda: path.read_text(encoding="utf-8"))


def _read(entry: Entry) -> Told:
    table, targets = (pd.read_parquet(entry.folder / f"{name}.parquet") for name in ("table", "targets"))
    _check(table, ("point", "quantity", "text", "unit", "value", "low", "high", "n", "replicas", "reason"))
    _check(targets, ("point", "verdict"))
    table = table.astype({"value": float, "low": float, "high": float, "n": int, "replicas": int})
    own = {path.stem: pd.read_parquet(path) for path in _tables(entry.folder)}
    frames = (table, targets, *own.values())
    return Told(entry, table, targets, own, sum(int(one.memory_usage(deep=True).sum()) for one in frames))


def _check(table: pd.DataFrame, wanted: Sequence[str]) -> None:
    if lacking := [name for name in wanted if name not in table]:
        raise ValueError(f"a table lacks the column '{lacking[0]}'")


def _tables(folder: Path) -> list[Path]:
    """The tables of its kind; links are not followed."""
    found = sorted(folder.glob("*.parquet"))
    return [path for path in found if path.stem not in COMMON and not path.is_symlink()]


def _of_kind(study: Told, name: str) -> Callable[[], Drawn]:
    draw, numbers = study_kinds.FIGURES[name]

    def make() -> Drawn:
        own = numbers(study.own[name])
        return _weighed(draw(study.own[name], study.origin) if len(own) else go.Figure(), own)

    return make


def _held(study: Told) -> Drawn:
    held = study_text.held(study.rows, study.entry.scenario, study.entry.seed or 0, study.replicas[1])
    return _weighed(comparison_plots.quantities(held), comparison_plots.quantities_table(held))


def _weighed(figure: go.Figure, numbers: pd.DataFrame) -> Drawn:
    return Drawn(figure, numbers, int(numbers.memory_usage(deep=True).sum()) + len(figure.to_json()))
