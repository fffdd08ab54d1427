"""Recorded outages, read from a CSV or Parquet file to be replayed. Knows no scenario and no chance.

Columns: `time_s` and `duration_s` in s, `target` as it is written in a timeline, and maybe `mode` (drain, requeue,
lose), which may be empty. Rows may be in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from twin.kernel.state import MODES

MOST_ROWS = 1_000_000
_NEEDED = ("time_s", "duration_s", "target")


class TraceError(ValueError):
    """A trace of failures cannot be replayed; says which row and what to do."""


@dataclass(frozen=True)
class Row:
    """One outage: start and duration in s, the text of its target, what becomes of running work."""

    time_s: float
    duration_s: float
    target: str
    mode: str


def read(path: Path, complaint: Callable[[str], str], mode: str) -> list[Row]:
    """The outages in `path`, in the order of the file; `mode` where it says none.

    `complaint` tells what is wrong with a target's text. TraceError where anything is missing or impossible.
    """
    table = _table(path)
    for column, allowed in (("time_s", "at least 0"), ("duration_s", "more than 0")):
        values = _numbers(table, column)
        _refuse(table, column, (values < 0.0) | ((values == 0.0) & (column == "duration_s")), f"must be {allowed}")
        table[column] = values
    _refuse(table, "target", table["target"].isna().to_numpy(), "is missing: name what failed")
    table["target"] = table["target"].astype(str).str.strip()
    wrong = {text: complaint(text) for text in table["target"].unique()}
    for text, message in wrong.items():
        _refuse(table, "target", (table["target"] == text).to_numpy() & bool(message), f"is not known: {message}")
    modes = table["mode"] if "mode" in table else pd.Series("", index=table.index)
    table["mode"] = modes.fillna("").astype(str).str.strip().replace("", mode)
    _refuse(table, "mode", ~table["mode"].isin(MODES).to_numpy(), f"is not allowed: write {', '.join(MODES)}")
    columns = (table[name].tolist() for name in (*_NEEDED, "mode"))
    return [Row(*values) for values in zip(*columns, strict=True)]


def _table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, skipinitialspace=True)
    except OSError as error:
        raise TraceError(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, pa.ArrowException) as error:
        raise TraceError(f"is no table: {' '.join(str(error).split())}") from None
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        has = ", ".join(map(str, table.columns))
        raise TraceError(f"lacks the column {', '.join(missing)}; it has: {has}")
    if table.empty:
        raise TraceError("holds no failures: give it rows, or leave the entry away")
    if len(table) > MOST_ROWS:
        raise TraceError(f"has {len(table):,} rows, more than {MOST_ROWS:,}: cut it into parts")
    return table


def _numbers(table: pd.DataFrame, column: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    _refuse(table, column, ~np.isfinite(values), "is not a finite number")
    return values


def _refuse(table: pd.DataFrame, column: str, bad: np.ndarray[tuple[int], np.dtype[np.bool_]], why: str) -> None:
    """Raise TraceError for the first row that is `bad`; rows count from 1, without the heading."""
    if bad.any():
        k = int(np.argmax(bad))
        raise TraceError(f"row {k + 1}: {column} {table[column].iloc[k]!s} {why}")
