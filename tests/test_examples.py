"""Every script in examples/ runs and prints what stands beside it; every scenario there is valid."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import twin

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_a_script_prints_what_it_says(script, tmp_path):
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == script.with_suffix(".out").read_text()


def test_the_readme_names_every_example():
    readme = (ROOT / "README.md").read_text()
    for script in SCRIPTS:
        assert f"(examples/{script.name})" in readme


@pytest.mark.parametrize("name", twin.bundled())
def test_shipped_scenarios_and_their_overrides_are_valid(name):
    scenario = twin.load(name)
    for override in scenario.override_names:
        assert twin.load(name, with_=[override]) != scenario
