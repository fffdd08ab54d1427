"""Rows streamed to Parquet are the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.twin.small import stage, system
from twin.engine import TwinEnvironment
from twin.kernel.state import OUTCOMES
from twin.stream import RowFile


def plan():
    stages = [stage("a", "p", 0.9, shelf_life_s=3.0, publishes="alert")]
    return system({"p": 1}, stages, {"a": np.arange(20_000) * 0.8}, horizon_s=20_000.0)


def test_the_file_holds_every_row_in_order(tmp_path):
    held = TwinEnvironment(plan())
    held.run(until=20_000.0)
    rows = held.ended()
    with RowFile(tmp_path / "rows.parquet", group_rows=1000) as sink:
        streamed = TwinEnvironment(plan(), sink=sink)
        streamed.run(until=20_000.0)
        assert streamed.ended().size == 0
    table = pd.read_parquet(tmp_path / "rows.parquet")
    assert len(table) == sink.rows == rows.size == 20_000
    assert table["outcome"].tolist() == [OUTCOMES[k] for k in rows["outcome"]]
    for name in ("entity", "end_s", "queue_s", "compute_s"):
        assert np.array_equal(table[name], rows[name])


def test_a_run_that_breaks_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError, match="half way"), RowFile(tmp_path / "rows.parquet"):
        raise RuntimeError("half way")
    assert list(tmp_path.iterdir()) == []
