"""Events that happened, read from a CSV or Parquet file to be replayed. For the sky; knows no scenario, no chance.

Columns: `time_s` from the beginning of the run (or `gps_s`, where the run begins at a GPS time), `cls`, `snr`, and
`detector`, the stream a glitch sits in, which is left empty for a signal. Rows may be in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv, parquet

from workloads.sky import CLASSES, EVENT, SIGNALS

SUFFIXES = (".csv", ".parquet")
MOST_ROWS = 10_000_000
_WORDS = ("cls", "detector")
_EVERYWHERE = -1


class EventFileError(ValueError):
    """A file of events cannot be replayed; says which row and what to do."""


def read(path: Path, detectors: Sequence[str], origin_s: float | None = None) -> NDArray[np.void]:
    """Events (event,) of the file at `path`, sorted by time, dtype EVENT, without luck.

    Detectors are numbered as in `detectors`. With `origin_s` the file's times are GPS times, and `origin_s` is
    that of the run's beginning. EventFileError where anything is missing or not as it must be.
    """
    time = "time_s" if origin_s is None else "gps_s"
    table = _table(path, time)
    events = np.zeros(len(table), EVENT)
    events["time_s"] = _numbers(table, time) - (origin_s or 0.0)
    events["snr"] = _numbers(table, "snr")
    events["cls"] = _classes(table)
    events["detector"] = _detectors(table, events["cls"], detectors)
    early = "is negative" if origin_s is None else f"lies before the origin, {origin_s:.12g} s"
    _refuse(table, time, events["time_s"] < 0.0, early)
    _refuse(table, "snr", events["snr"] <= 0.0, "must be more than 0")
    return events[np.argsort(events["time_s"], kind="stable")]


def _table(path: Path, time: str) -> pd.DataFrame:
    """The columns that matter, the rows counted before they are read."""
    reader = _Parquet if path.suffix == ".parquet" else _Csv
    try:
        with path.open("rb"):
            file = reader(path)
        names, rows = file.names(), file.rows()
        if missing := [name for name in (time, "cls", "snr") if name not in names]:
            raise EventFileError(_missing(missing, names))
        if rows > MOST_ROWS:
            raise EventFileError(f"has {rows:,} rows, more than {MOST_ROWS:,}: cut it into parts")
        table = file.read([name for name in (time, *_WORDS, "snr") if name in names])
    except FileNotFoundError:
        raise EventFileError(f"does not exist in {path.parent.absolute()}") from None
    except OSError as error:
        raise EventFileError(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (pa.ArrowException, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise EventFileError(f"is not a table with named columns in {path.suffix} form: {reason}") from None
    if table.empty:
        raise EventFileError("holds no events")
    return table


class _Csv:
    """Rows of equally many values; nothing at all is the only thing that counts as missing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Of its columns."""
        with csv.open_csv(self._path) as reader:
            return list(reader.schema.names)

    def rows(self) -> int:
        """How many it has, counted without reading them."""
        with self._path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1

    def read(self, columns: list[str]) -> pd.DataFrame:
        """These columns."""
        options = csv.ConvertOptions(
            include_columns=columns,
            column_types=dict.fromkeys(_WORDS, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        )
        table: pd.DataFrame = csv.read_csv(self._path, convert_options=options).to_pandas()
        return table


class _Parquet:
    """A Parquet file; it may unpack to many times its size."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Of its columns."""
        return list(parquet.read_schema(self._path).names)

    def rows(self) -> int:
        """How many it has, counted without reading them."""
        return int(parquet.read_metadata(self._path).num_rows)

    def read(self, columns: list[str]) -> pd.DataFrame:
        """These columns."""
        table: pd.DataFrame = parquet.read_table(self._path, columns=columns, partitioning=None).to_pandas()
        return table


def _missing(missing: Sequence[str], names: Sequence[str]) -> str:
    hint = ""
    if "time_s" in missing and "gps_s" in names:
        hint = ". For GPS times, give 'origin' too"
    elif "gps_s" in missing and "time_s" in names:
        hint = ". For times from the beginning of the run, leave 'origin' away"
    wanted = " and ".join(f"'{name}'" for name in missing)
    return f"has no column {wanted}; its columns: {', '.join(names) or 'none'}{hint}"


def _numbers(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    column = table[name]
    if not (pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)):
        column = pd.to_numeric(column.astype(str), errors="coerce")
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    _refuse(table, name, ~np.isfinite(numbers), "is not a finite number")
    return numbers


def _classes(table: pd.DataFrame) -> NDArray[np.int64]:
    codes, names = pd.factorize(table["cls"].astype("string"))
    _refuse(table, "cls", codes < 0, f"is no class: {', '.join(CLASSES)}")
    for code, name in enumerate(names):
        if name not in CLASSES:
            close = get_close_matches(name, CLASSES, n=1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            _refuse(table, "cls", codes == code, f"is no known class; {hint}Known: {', '.join(CLASSES)}")
    numbers = np.array([CLASSES.index(name) for name in names], dtype=np.int64)
    return np.asarray(numbers[codes])


def _detectors(table: pd.DataFrame, cls: NDArray[np.int64], detectors: Sequence[str]) -> NDArray[np.int64]:
    """Number of each event's stream; a signal is in all of them, a glitch in one."""
    signal = np.isin(cls, [CLASSES.index(name) for name in SIGNALS])
    if "detector" not in table.columns:
        remedy = f"is a glitch, which sits in one stream: add a column 'detector' ({', '.join(detectors)})"
        _refuse(table, "cls", ~signal, remedy)
        return np.full(len(table), _EVERYWHERE)
    codes, names = pd.factorize(table["detector"].astype("string"))
    for code, name in enumerate(names):
        if name not in detectors:
            _refuse(table, "detector", codes == code, f"is no detector of the scenario: {', '.join(detectors)}")
    _refuse(table, "detector", signal & (codes >= 0), "goes with a signal, which reaches all: leave it empty")
    _refuse(table, "detector", ~signal & (codes < 0), f"names no stream for a glitch: {', '.join(detectors)}")
    numbers = np.array([detectors.index(name) for name in names] + [_EVERYWHERE], dtype=np.int64)
    return np.asarray(numbers[codes])


def _refuse(table: pd.DataFrame, name: str, wrong: NDArray[np.bool_], what: str) -> None:
    """EventFileError about the first row that is `wrong`, and how many more are."""
    rows = np.flatnonzero(wrong)
    if not rows.size:
        return
    given = table[name].iloc[rows[0]]
    value = "an empty value" if pd.isna(given) else f"'{str(given)[:60]}'"
    more = f" (and {rows.size - 1:,} more)" if rows.size > 1 else ""
    raise EventFileError(f"row {rows[0] + 1:,}, {name}: {value} {what}{more}")
