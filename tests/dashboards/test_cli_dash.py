"""`ettwin dash` as it is started: for this machine only, on a port that is free, on a folder of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dashboards.app.server import create, shipped
from tests.dashboards.app.browser import Served
from tests.test_architecture import HEAVY, modules_after
from twin.loader import load
from twin.record import open_record

ROOT = Path(__file__).parents[2]


def dash(*options, cwd):
    command = [sys.executable, "-m", "dashboards.cli", "dash", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--host", "0.0.0.0"], "Add --allow-remote if that is meant"),
        (["--allow-remote"], "is this machine only"),
        (["--runs", "/dev/null/runs"], "cannot be written to"),
    ],
)
def test_what_cannot_be_served_is_said(tmp_path, options, told):
    done = dash(*options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_a_port_that_is_taken_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = dash("--port", str(port), cwd=tmp_path)
    assert done.returncode == 2
    assert "choose another, or 0 for any" in done.stderr


def test_it_serves_and_ends(tmp_path):
    served = Served(tmp_path / "runs")
    assert served.alive
    served.stop()
    assert not served.alive


def test_the_server_loads_no_model():
    code = "from pathlib import Path\nfrom dashboards.app.server import create\ncreate(Path('/nowhere'))"
    assert not modules_after(code) & {"torch", "onnxruntime", "lal", "gwpy", "dask", "distributed"}
    assert {"dash", "plotly"} < set(HEAVY)


def test_the_shipped_run_is_that_of_the_shipped_scenario(tmp_path):
    """Made anew by python -m benchmarks.example."""
    record = open_record(shipped() / "first-light")
    assert record.scenario.digest == load("first-light").digest
    assert record.manifest["command"] == "ettwin run first-light"
    assert create(tmp_path).library.runs()[0].id == "example-first-light"
    assert record.summary["verdict"] == create(tmp_path).library.summary("example-first-light")["verdict"]
