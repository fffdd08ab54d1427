"""A machine that wanders: `python -m benchmarks.unsteady VALIDATION_JSON` tells what a validation on one found.

Keeps, of every case, the machine's speeds and the errors, as foretold and for the speed that the machine turned
out to have; and writes them into docs/validation.md.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.pages import fill
from dashboards.validation_tables import speeds_table
from dashboards.validation_text import speeds
from twin import words
from twin.validation.goals import MET, MISSED
from twin.validation.speed import FIGURES, STEADY

PATH = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).parents[1] / "docs" / "validation.md"
_OF_CASE = ("name", "n", "verdict", "reason", "slowness", "slownesses", "known_speed", "replayed", "lost")


def main(arguments: list[str] | None = None) -> None:
    """Read, keep, tell."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unsteady", description=__doc__)
    parser.add_argument("validation", type=Path, help="validation.json of a whole `ettwin validate`")
    kept = shortened(json.loads(parser.parse_args(arguments).validation.read_text()))
    PATH.write_text(json.dumps(kept, indent=1) + "\n")
    fill(PAGE, "measured: unsteady", told(kept))
    print(told(kept))


def shortened(result: Mapping[str, Any]) -> dict[str, Any]:
    """Of a validation what is told here."""
    verdicts = [
        {column: figure[f"{column}_error"]["verdict"] for column in ("prediction", "model")}
        for case in result["cases"]
        for figure in case["figures"].values()
    ]
    counts = {
        column: {word: sum(v[column] == word for v in verdicts) for word in (MET, MISSED)}
        for column in ("prediction", "model")
    }
    cases = [
        {key: case[key] for key in (*_OF_CASE, *(f"{name}_error" for name in FIGURES))} for case in result["cases"]
    ]
    about = {key: result[key] for key in ("workload", "runtime", "began", "seconds", "machine", "versions")}
    return about | {"restart_s": result["profile"]["restart_s"], "judged": counts, "cases": cases}


def told(kept: Mapping[str, Any]) -> str:
    """For the page."""
    table = speeds_table(kept)
    wandered = table["slowest"] / table["fastest"] - 1.0
    usual = words.sequence([f"{name} {_usual(table, name)}" for name in ("p50", "p95", "capacity")])
    shown = (
        f"In {int((wandered > STEADY).sum())} of {len(table)} cases the machine's speed differed by more than "
        f"{100 * STEADY:g} % from repeat to repeat, by {100 * wandered.max():.0f} % at most; no prediction of "
        "them is judged. The usual (median over cases) size of the error, as foretold and then for the speed that "
        f"the machine had: {usual}."
    )
    return "\n".join(textwrap.wrap(shown, 120)) + "\n\n" + speeds(kept)


def _usual(table: pd.DataFrame, name: str) -> str:
    foretold, at_its_speed = (table[f"{name}_{how}"].abs().median() for how in ("foretold", "at_its_speed"))
    return f"{100 * foretold:.1f} %, then {100 * at_its_speed:.1f} %"


if __name__ == "__main__":
    main()
