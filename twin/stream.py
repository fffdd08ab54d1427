"""Rows of ended jobs written to Parquet as they come, so that a long run holds none of them. Knows no scenario."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from twin.kernel.state import OUTCOMES, ROW

_SCHEMA = pa.schema(
    [
        *(
            (name, pa.int64() if ROW[name].kind == "i" else pa.float64())
            for name in ROW.names or ()
            if name != "outcome"
        ),
        ("outcome", pa.dictionary(pa.int8(), pa.string())),
    ]
)


class RowFile:
    """A sink for `TwinEnvironment(sink=…)`: a Parquet file that appears, whole, when it is left without error.

    Columns are those of twin.kernel.state.ROW, stage by number, outcome by name.
    """

    def __init__(self, path: Path, group_rows: int = 1 << 20) -> None:
        self.path = path
        self.rows = 0
        self._group_rows = group_rows
        self._waiting: list[NDArray[np.void]] = []
        self._beside = path.with_name(f".{path.name}.partial")
        self._writer = pq.ParquetWriter(self._beside, _SCHEMA)

    def __call__(self, rows: NDArray[np.void]) -> None:
        """Take some rows."""
        self._waiting.append(rows)
        self.rows += rows.size
        if sum(part.size for part in self._waiting) >= self._group_rows:
            self._write()

    def __enter__(self) -> RowFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if kind is None:
            self._write()
        self._writer.close()
        if kind is None:
            self._beside.rename(self.path)
        else:
            self._beside.unlink()

    def _write(self) -> None:
        rows = np.concatenate([np.zeros(0, ROW), *self._waiting])
        self._waiting.clear()
        outcomes = pa.DictionaryArray.from_arrays(rows["outcome"].astype(np.int8), list(OUTCOMES))
        columns = [
            outcomes if field.name == "outcome" else np.ascontiguousarray(rows[field.name]) for field in _SCHEMA
        ]
        self._writer.write_table(
            pa.table([pa.array(c) if isinstance(c, np.ndarray) else c for c in columns], _SCHEMA)
        )
