"""A validation in plain words: its verdict, its misses, lines for a terminal, a table for a document.

Reads the result of twin.validation as it stands in validation.json.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.validation_tables import COLUMNS, FIGURES, QUANTILES, Result, speeds_table, worths
from twin import words
from twin.validation.goals import MET, MISSED, UNFIT
from twin.validation.speed import FIGURES as KNOWN_SPEED

WIDTH = 80
QUESTION = "How well does the twin foretell what a real farm does?"
"""Of every validation."""
_NAME, _CELL, _WHO = 24, 13, {"prediction": "foretold", "model": "model's"}


def kind(result: Result) -> str:
    """The verdict on all cases: 'missed' if one missed its goals, 'met' if all met them, else 'undecided'."""
    verdicts = {case["verdict"] for case in result["cases"]}
    return MISSED if MISSED in verdicts else MET if verdicts == {MET} else "undecided"


def subject(result: Result) -> str:
    """What ran where."""
    return f"{result['workload']} on {result['runtime']}, {result['machine']['machine']}"


def headline(result: Result) -> str:
    """The verdict in a sentence or two, misses first."""
    cases = result["cases"]
    many = {verdict: sum(case["verdict"] == verdict for case in cases) for verdict in (MET, MISSED, UNFIT)}
    if many[UNFIT] == len(cases):
        return f"Nothing can be concluded: {words.count(len(cases), 'case')} tried, none measurable here."
    if many[MET] == len(cases):
        every = "The case meets its goals" if len(cases) == 1 else f"All {len(cases)} cases meet their goals"
        return f"{every}: the twin foretold the farm."
    told = [f"{many[MISSED]} of {words.count(len(cases), 'case')} missed a goal"] if many[MISSED] else []
    told += [f"{many[MET]} met all of theirs"] if many[MET] else []
    told += [f"{many[UNFIT]} could not be measured here"] if many[UNFIT] else []
    sentence = words.sequence(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def misses(result: Result) -> list[str]:
    """Cases about which nothing may be concluded, by the reason, and every goal that was missed."""
    reasons: dict[str, list[str]] = {}
    for case in result["cases"]:
        if case["reason"] or case["verdict"] == UNFIT:
            reasons.setdefault(case["reason"] or "no figure of it could be judged", []).append(case["name"])
    told = [f"{_cases(names, len(result['cases']))}: {reason}" for reason, names in reasons.items()]
    for case in result["cases"]:
        for name, figure in case["figures"].items():
            for column in COLUMNS:
                if (error := figure[f"{column}_error"])["verdict"] == MISSED:
                    told.append(f"{case['name']}: {_miss(name, column, error)}")
    return told


def _cases(names: Sequence[str], of: int) -> str:
    return f"All {of} cases" if len(names) == of > 1 else words.sequence(names)


def _miss(name: str, column: str, error: Mapping[str, Any]) -> str:
    side = "high" if error["value"] > 0.0 else "low"
    return (
        f"{_WHO[column]} {FIGURES[name]} {words.share(abs(error['value']))} too {side}{_between(error)}; "
        f"{words.share(error['allowed'])} allowed"
    )


def _between(error: Mapping[str, Any]) -> str:
    return f" ({interval(error['low'], error['high'])})" if error["low"] is not None else ""


def percent(value: float | None) -> str:
    """A signed relative error: '+3.2 %', '–' for none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{100.0 * value:+.1f} %" if abs(value) < 10.0 else f"{100.0 * value:+,.0f} %"


def interval(low: float | None, high: float | None) -> str:
    """Its ends: '−1.0 to +4.1 %', '' for none."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"{percent(low)[:-2]} to {percent(high)}"


def quantity(value: float, unit: str) -> str:
    """A value of a figure with its unit."""
    if math.isnan(value):
        return "–"
    return words.duration(value) if unit == "s" else f"{words.digits(value)} {unit}"


def text(result: Result) -> str:
    """What a planner reads first, in 80 columns: verdict, misses, and the errors of every case."""
    head = f"{'case':<{_NAME}}" + "".join(f"{name:>{_CELL}}" for name in QUANTILES) + "  verdict"
    lines = [
        *textwrap.wrap(f"MEASURED  {subject(result)}, seed {result['seed']}", WIDTH),
        "",
        *textwrap.wrap(headline(result), WIDTH),
        *(line for miss in misses(result) for line in textwrap.wrap(f"  {miss}", WIDTH, subsequent_indent="    ")),
        "",
        "Error of what was foretold (± what the farm differs from itself):",
        head,
        *(_line(case) for case in result["cases"]),
    ]
    return "\n".join(lines)


def _line(case: Mapping[str, Any]) -> str:
    cells = []
    for name in QUANTILES:
        figure = case["figures"][name]
        floor = "" if figure["floor"] is None else f" ±{100.0 * figure['floor']:.1f}"
        value = percent(figure["prediction_error"]["value"])
        cells.append(f"{value if value == '–' else value[:-2] + floor:>{_CELL}}")
    return (
        f"{textwrap.shorten(case['name'], _NAME - 1, placeholder='…'):<{_NAME}}{''.join(cells)}  {case['verdict']}"
    )


def table(result: Result) -> str:
    """The errors of every case as a Markdown table, for documents: those that miss their goal in bold."""
    shown = [name for name in FIGURES if any(_known(case, name) for case in result["cases"])]
    heads = [
        "case",
        "n",
        *shown,
        *(f"model {name}" for name in QUANTILES),
        "farm itself, p50 / p95 / p99",
        "verdict",
    ]
    return _markdown(heads, [_cells(case, shown) for case in result["cases"]])


def worths_table(result: Result) -> str:
    """What each term of the profile is worth, in Markdown: the usual size of the error with and without it."""
    heads = ["without", *(f"{name}" for name in QUANTILES), "worth most in"]
    rows = worths(result).to_dict("records")
    every = ["nothing", *(_share(rows[0][f"{name}_with_all"]) for name in QUANTILES), ""]
    cells = [
        [
            row["term"],
            *(_share(row[f"{name}_without"]) for name in QUANTILES),
            f"{row['most_in']}: {_share(row['most'])}",
        ]
        for row in rows
    ]
    return _markdown(heads, [every, *cells])


def speeds(result: Result) -> str:
    """The machine's speed in every case, and errors with it unknown and known, in Markdown."""
    heads = ["case", "looked at before", "in the repeats", *(f"{name}, then at its speed" for name in KNOWN_SPEED)]
    cells = [
        [
            _name(row["case"]),
            f"{row['looked']:.3f}",
            f"{row['fastest']:.3f} to {row['slowest']:.3f}",
            *(
                f"{percent(row[f'{name}_foretold'])}, {percent(row[f'{name}_at_its_speed'])}"
                for name in KNOWN_SPEED
            ),
        ]
        for row in speeds_table(result).to_dict("records")
    ]
    return _markdown(heads, cells)


def _share(value: float) -> str:
    return f"{100.0 * value:.1f} %"


def _markdown(heads: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = [" | ".join(cells) for cells in (heads, ["---"] * len(heads), *rows)]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def _name(case: object) -> str:
    """The name of a case; bars in it are no borders."""
    return str(case).replace("|", "\\|")


def _cells(case: Mapping[str, Any], shown: list[str]) -> list[str]:
    figures = case["figures"]
    floors = [figures[name]["floor"] for name in QUANTILES]
    return [
        _name(case["name"]),
        f"{case['n']:,}",
        *(_bold(figures[name]["prediction_error"]) for name in shown),
        *(_bold(figures[name]["model_error"]) for name in QUANTILES),
        " / ".join("–" if floor is None else f"{100.0 * floor:.1f}" for floor in floors) + " %",
        str(case["verdict"]),
    ]


def _bold(error: Mapping[str, Any]) -> str:
    told = percent(error["value"])
    ends = interval(error["low"], error["high"])
    told = f"**{told}**" if error["verdict"] == MISSED else told
    return f"{told} ({ends})" if ends else told


def _known(case: Mapping[str, Any], name: str) -> bool:
    return case["figures"][name]["prediction_error"]["value"] is not None
