"""A run directory as a record whose tables are read only when asked for, and only the columns wanted.

Knows no Dash. For pages: everything that takes a `twin.recorded.Recorded` takes a `Stored`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from twin.record import MAYBE, TABLES

if TYPE_CHECKING:
    from pyarrow import Table
    from pyarrow.dataset import Expression

    from dashboards.app.library import Entry, Library
    from twin.scenario import Scenario

REPEATED = {
    "alerts": ("cls", "product", "outcome", "search", "variant", "calibration"),
    "timeline": ("quantity", "name"),
}
"""Columns of large tables that hold few different words: they are read as categories."""
FILES = (
    "report.html",
    "scenario.yaml",
    "resolved.yaml",
    "study.yaml",
    "manifest.json",
    "summary.json",
    "comparison.json",
    "validation.json",
    *(f"{name}.parquet" for name in (*TABLES, *MAYBE, "values", "table")),
)
"""What a result may hand out."""


class _Table:
    """A table that every run has, read when it is asked for."""

    def __set_name__(self, owner: type[Stored], name: str) -> None:
        self.name = name

    def __get__(self, record: Stored, owner: type[Stored]) -> pd.DataFrame:
        return record.table(self.name)


class _Maybe(_Table):
    """A table that only some runs have; None where it is not there."""

    def __get__(self, record: Stored, owner: type[Stored]) -> pd.DataFrame | None:  # type: ignore[override]
        return record.table(self.name) if record.has(self.name) else None


class Stored:
    """The run of `entry` in `library`. `only` names, by table, the columns to read; other tables come whole."""

    alerts, latencies, stages, pools, links = _Table(), _Table(), _Table(), _Table(), _Table()
    timeline, marks, inputs, counts = _Table(), _Table(), _Table(), _Table()
    live, farm, incidents, ageing = _Maybe(), _Maybe(), _Maybe(), _Maybe()
    trainings, ladders, instrument, policies = _Maybe(), _Maybe(), _Maybe(), _Maybe()
    vetting = _Maybe()

    def __init__(self, library: Library, entry: Entry, only: Mapping[str, Sequence[str]] | None = None) -> None:
        self.entry = entry
        self._library = library
        self._only = {name: tuple(columns) for name, columns in (only or {}).items()}
        self._once: dict[Hashable, pd.DataFrame] | None = None

    def once(self, **columns: Sequence[str]) -> Stored:
        """Like `only`, for large tables that one thing is made of: they are kept no longer than this record."""
        found = self.only(**columns)
        found._once = {}
        return found

    def only(self, **columns: Sequence[str]) -> Stored:
        """The same run, of whose tables only these columns are read, such as `alerts=('cls', 'latency_s')`."""
        return Stored(self._library, self.entry, {**self._only, **columns})

    def has(self, name: str) -> bool:
        """Whether the run has the table `name`."""
        return name in TABLES or (name in MAYBE and (self.entry.folder / f"{name}.parquet").is_file())

    def table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The table `name`, or these columns of it, as far as it has them. Kept; not to be changed."""
        wanted = tuple(columns) if columns is not None else self._only.get(name)
        if self._once is not None and name in self._only:
            if (name, wanted) not in self._once:
                self._once[name, wanted] = self._library._read(self.entry, lambda: self._frame(name, wanted))
            return self._once[name, wanted]
        return self._library.kept(self.entry, ("table", name, wanted), lambda: self._frame(name, wanted))

    def rows(self, name: str) -> int:
        """How many rows the table has; reads no column."""
        from pyarrow import parquet

        path = self.entry.folder / f"{name}.parquet"
        return self._library.kept(self.entry, ("rows", name), lambda: int(parquet.read_metadata(path).num_rows))

    def scan(self, name: str, columns: Sequence[str], where: Expression | None = None) -> Table:
        """Rows of a table that are so, as an Arrow table of these columns; read from disk each time."""
        from pyarrow import dataset

        path = self.entry.folder / f"{name}.parquet"

        def read() -> Table:
            return dataset.dataset(path, format="parquet").to_table(columns=list(columns), filter=where)

        return self._library._read(self.entry, read)

    @property
    def summary(self) -> dict[str, Any]:
        """Its summary.json."""
        return self._library.summary(self.entry.id)

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Provenance."""
        return self.entry.about

    @property
    def seed(self) -> int:
        """Of every random stream."""
        return int(self.entry.about["seed"])

    @property
    def plan_digest(self) -> str:
        """Names the plan."""
        return str(self.entry.about["plan_digest"])

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run, every default written out."""
        from twin.loader import load

        return self._library.kept(self.entry, "scenario", lambda: load(self.entry.folder / "resolved.yaml"))

    def text(self, name: str) -> str:
        """The text of scenario.yaml or resolved.yaml."""
        path = self.entry.folder / {"scenario": "scenario.yaml", "resolved": "resolved.yaml"}[name]
        return self._library.kept(self.entry, path.name, lambda: path.read_text(encoding="utf-8"))

    def _frame(self, name: str, columns: tuple[str, ...] | None) -> pd.DataFrame:
        from pyarrow import parquet

        path = self.entry.folder / f"{name}.parquet"
        there = parquet.read_schema(path).names
        chosen = there if columns is None else [column for column in columns if column in there]
        repeated = [column for column in REPEATED.get(name, ()) if column in chosen]
        table = parquet.read_table(path, columns=chosen, read_dictionary=repeated)
        frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True, ignore_metadata=True)
        return frame
