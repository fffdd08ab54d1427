"""Every alert of every bundled scenario is valid: what `ettwin run` writes, `ettwin alerts` reads again.

Scenarios are cut short, to one replica; `python -m benchmarks.alerts` does the same with every case of each.
"""

from __future__ import annotations

import json

import pytest

import twin
from benchmarks.alerts import horizon
from twin.alerts import kept
from twin.loader import bundled


@pytest.mark.parametrize("name", bundled())
def test_every_alert_of_a_bundled_scenario_is_valid(name, tmp_path, ettwin):
    run = tmp_path / "run"
    code, _, err = ettwin(
        "run",
        name,
        "--set",
        f"horizon={horizon(name)}",
        "--replicas",
        "1",
        "--alerts",
        "all",
        "--quiet",
        "--out",
        run,
    )
    assert code == 0, err
    told = json.loads((run / "summary.json").read_text())["documents"]
    files = kept.files(run)
    assert len(files) == told["written"] == told["of"] > 0
    extended = twin.open(run).scenario.alerts
    extended = extended is None or extended.extends
    assert all(kept.extension_of(file).is_file() == extended for file in files)
    code, out, _ = ettwin("alerts", run)
    assert (code, out) == (0, f"{len(files):,} alerts, 0 of them wrong, 0 not marked as simulated\n")
