"""The README's numbers are those of the files they come from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import twin
from dashboards import text

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
WORDS = " ".join(README.split())
RESULTS = json.loads((ROOT / "benchmarks" / "results.json").read_text())


def test_the_summary_is_the_shipped_scenarios():
    shown = re.search(r"    SIMULATED  first-light.*?\n(?=\n\S)", README, re.DOTALL)
    lines = [line.strip() for line in shown.group().splitlines()]
    told = [line.strip() for line in text.text(twin.run(twin.load("first-light")).summary).splitlines()]
    assert lines == told[: len(lines)]


PEERS = ("simpy", "simpy_tuned", "ciw", "salabim", "simgrid", "cimba")


def times(row, peer):
    ratio = row[f"kernel_over_{peer}"]
    return "–" if ratio is None else f"{ratio:.0f}x" if ratio >= 10 else f"{ratio:.1f}x"


def test_the_ratios_are_the_benchmarks():
    for row in RESULTS["engine"].values():
        cells = (f"{row['kernel_per_s'] / 1e6:.1f} M", *(times(row, peer) for peer in PEERS))
        assert f"| {' | '.join(cells)} |" in README


def test_the_parts_of_a_completion_are_the_benchmarks():
    floor = {part: round(cost) for part, cost in RESULTS["floor"]["network"].items()}
    assert f"Of the {floor['completion_ns']} ns that one of two sites costs" in WORDS
    assert f"{floor['heap_ns']} go to the heap of events, {floor['draw_ns']} to drawing times" in WORDS
    assert f"times and {floor['histogram_ns']} to the histogram" in WORDS


def test_the_year_is_the_one_that_was_run():
    year = RESULTS["year"]
    assert f"{year['completions'] / 1e6:.0f} million completions" in README
    assert f"took {year['wall_s']:.0f} s on one core and {year['peak_mib']:.0f} MiB" in README
    two_years = RESULTS["two_years"]
    assert f"two years took {two_years['wall_s']:.0f} s and no more memory" in WORDS
    assert two_years["peak_mib"] <= 1.05 * year["peak_mib"]


def test_the_comparisons_with_theory_are_as_many_as_told():
    theory = json.loads((ROOT / "benchmarks" / "theory.json").read_text())
    assert f"{len(theory['exact'])} exact answers of queueing theory and {len(theory['ciw'])} of Ciw" in README
