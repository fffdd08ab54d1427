"""The README's numbers are those of the files they come from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import twin
from dashboards import text

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_summary_is_the_shipped_scenarios():
    shown = re.search(r"    SIMULATED  first-light.*?\n(?=\n\S)", README, re.DOTALL)
    lines = [line.strip() for line in shown.group().splitlines()]
    told = [line.strip() for line in text.text(twin.run(twin.load("first-light")).summary).splitlines()]
    assert lines == told[: len(lines)]


def test_the_ratios_are_the_benchmarks():
    engine = json.loads((ROOT / "benchmarks" / "results.json").read_text())["engine"]
    for case in ("mm8", "network"):
        row = f"{engine[case]['kernel_over_simpy']:.0f}x | {engine[case]['kernel_over_ciw']:.0f}x |"
        assert row in README
