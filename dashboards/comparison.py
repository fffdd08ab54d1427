"""The report of a comparison: one HTML file that needs nothing else. Computes nothing itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from dashboards import comparison_plots as plots
from dashboards import comparison_text as text
from dashboards import markup, shell
from dashboards.comparison_text import Result
from twin import words

Columns = dict[str, tuple[str, markup.Cell]]


def write(result: Result, path: Path) -> Path:
    """Write the report of `result`, a comparison.json, to `path`; gives it back."""
    path.write_text(page(result), encoding="utf-8")
    return path


def page(result: Result) -> str:
    """The whole report as HTML."""
    sections = {
        "verdict": ("Verdicts", _verdicts(result)),
        "figure": ("Side by side", _figure(result)),
        "differences": ("Differences", _differences(result)),
        "changes": ("What was changed", _changes(result)),
        "provenance": ("Provenance", _provenance(result)),
    }
    return shell.page(f"{result['scenario']} – comparison – ettwin", _header(result), sections, _footer(result))


def _header(result: Result) -> str:
    meta = (
        f"{words.count(len(result['cases']), 'case')} · {words.duration(result['horizon_s'])} of simulated time "
        f"in {words.count(result['replicas'], 'replica')} each · seed {result['seed']}"
    )
    return shell.heading("SIMULATED", result["scenario"], result["question"], meta)


def _footer(result: Result) -> str:
    return f"Simulated, not observed. Scenario {markup.text(result['scenario'])}, seed {result['seed']}."


def _verdicts(result: Result) -> Iterator[str]:
    rows = [{"case": case["name"], "verdict": text.verdict(case)} for case in result["cases"]]
    columns: Columns = {"case": ("case", markup.text), "verdict": ("targets", markup.text)}
    yield markup.table(rows, columns, "", "")
    for sentence in result.get("better", ()):
        yield markup.paragraph(sentence)
    yield markup.paragraph(
        "A verdict is 'undecided' while the interval holds the target. Latencies of a saturated case are not "
        "stated: they grow with the horizon.",
        "note",
    )


def _figure(result: Result) -> Iterator[str]:
    yield shell.figure("quantities", plots.quantities(result), plots.quantities_table(result))


def _differences(result: Result) -> Iterator[str]:
    first = result["cases"][0]["name"]
    yield markup.paragraph(
        f"Differences to {first}, replica by replica under the same sky and luck; * marks those whose 95 % "
        "interval leaves out zero.",
        "note",
    )
    columns: Columns = {
        "case": ("case", markup.text),
        "value": ("mean over replicas", markup.text),
        "interval": ("95 % interval", markup.text),
        "difference": (f"difference to {first}", markup.text),
        "n": ("from n", lambda n: f"{n:,}"),
    }
    for title, group in groupby(result["table"], key=text.subject):
        rows: list[dict[str, Any]] = [
            {"case": row["case"], "value": text.value(row), "interval": text.interval(row)}
            | {"difference": text.difference(row), "n": row["n"]}
            for row in group
        ]
        yield f"<h3>{markup.text(title)}</h3>"
        yield markup.table(rows, columns, "", "")


def _changes(result: Result) -> Iterator[str]:
    first = result["cases"][0]["name"]
    columns: Columns = {
        "key": ("input", markup.text),
        "there": (first, markup.text),
        "here": ("here", markup.text),
    }
    for case in result["cases"][1:]:
        rows = [{"key": key, "there": there, "here": here} for key, (there, here) in case["changes"].items()]
        yield f"<h3>{markup.text(case['name'])}</h3>"
        yield markup.table(rows, columns, "", "The same inputs.")


def _provenance(result: Result) -> Iterator[str]:
    yield markup.paragraph("This command gives the same numbers again:", "note")
    yield f"<pre>{markup.text(result['command'])}</pre>"
    yield markup.origins(
        {
            case["name"]: {"scenario digest": case["scenario_digest"], "plan digest": case["plan_digest"]}
            for case in result["cases"]
        }
    )
