"""A comparison in plain words for a terminal. Reads comparison.json's content; knows no run."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from dashboards.text import WIDTH
from twin import words
from twin.studies.compare import is_certain
from twin.studies.quantities import titled

Result = Mapping[str, Any]
"""A comparison.json."""
_ROUNDING = 1e-9
"""Of a number, what the order of a sum may change."""
_DEEPEST = 24
"""Letters by which what is wrapped is indented, at most."""
_SHOWN = 6
"""Changes of a case that are listed here; the page has all."""


def text(result: Result) -> str:
    """Verdicts, every quantity of every case with its difference to the first, and what was changed."""
    first = result["cases"][0]["name"]
    head = [
        f"SIMULATED  {result['scenario']}: {words.count(len(result['cases']), 'case')}, "
        f"{words.duration(result['horizon_s'])} in {words.count(result['replicas'], 'replica')}, "
        f"seed {result['seed']}",
        *textwrap.wrap(result["question"], WIDTH),
        "",
        *verdicts(result),
        *better(result),
    ]
    body = []
    for title, group in groupby(result["table"], key=subject):
        rows = list(group)
        if len({(row["value"], row["low"], row["high"]) for row in rows}) == 1:
            body += ["", f"{title}: {_everywhere(rows)}"]
        else:
            body += ["", title, *(_row(row, _width(result)) for row in rows)]
    foot = (
        f"In brackets: 95 % intervals over replicas. Differences are to {first}, replica by replica under the "
        "same sky; * marks those whose interval leaves out zero."
    )
    return "\n".join([*head, *by_quantity(body), "", *textwrap.wrap(foot, WIDTH), "", *_changed(result)])


def verdicts(result: Result) -> list[str]:
    """Of every case its targets met, missed, undecided; saturation first. Wrapped."""
    width = _width(result)
    how: dict[str, Any] = {"subsequent_indent": " " * min(width + 4, _DEEPEST), "break_on_hyphens": False}
    told = (f"  {case['name']:<{width}}  {verdict(case)}" for case in result["cases"])
    return [line for one in told for line in textwrap.wrap(one, WIDTH, **how)]


def better(result: Result) -> list[str]:
    """Which case is better than the first, by how much: a sentence per case and target, wrapped."""
    told = result.get("better", ())  # comparisons of earlier versions do not say
    how: dict[str, Any] = {"subsequent_indent": "  ", "break_on_hyphens": False}
    lines = [line for one in told for line in textwrap.wrap(one, WIDTH, **how)]
    return ["", *lines] if lines else []


def verdict(case: Mapping[str, Any]) -> str:
    """What became of a case's targets."""
    if case["saturated"]:
        return f"SATURATED: the queue of {words.sequence(case['saturated'])} grows without end"
    if not case["targets"]:
        return "no targets"
    told = []
    for kind in ("met", "missed", "undecided"):
        own = [target["text"] for target in case["targets"] if target["verdict"] == kind]
        if own:
            told.append(f"{kind} {', '.join(own)}")
    return "; ".join(told)


def value(row: Mapping[str, Any]) -> str:
    """The value of a quantity, or why there is none."""
    return words.amount(row["value"], row["unit"]) if row["value"] is not None else f"not stated: {row['reason']}"


def interval(row: Mapping[str, Any]) -> str:
    """Its interval; nothing where there is none."""
    if row["value"] is None or row["low"] is None:
        return ""
    low, high, unit = row["low"], row["high"], row["unit"]
    if low == high:
        return "the same in all replicas"
    return f"{words.amount(low, unit)} to {words.amount(high, unit)}"


def difference(row: Mapping[str, Any]) -> str:
    """By how much it differs from the first case, with interval and mark; nothing where that is not known."""
    if row["difference"] is None:
        return ""
    known = row["difference_low"], row["difference_high"]
    if _is_rounding(row):
        return "no difference"
    told = _signed(row["difference"], row["unit"])
    if None in known:
        return told
    low, high = (_signed(number, row["unit"]) for number in known)
    if row["unit"] == "":
        low = low.removesuffix(" %-points")
    return f"{told} ({low} to {high}){' *' if certain(row) else ''}"


def certain(row: Mapping[str, Any]) -> bool:
    """Whether it certainly differs from the first case: more than by the rounding of sums."""
    return is_certain(row["difference_low"], row["difference_high"]) and not _is_rounding(row)


def _is_rounding(row: Mapping[str, Any]) -> bool:
    """Whether difference and interval are nothing, or no more than sums in another order leave."""
    known = row["difference"], row["difference_low"], row["difference_high"]
    if None in known:
        return False
    size = max(abs(row["value"]), abs(row["value"] - row["difference"]))
    return bool(max(map(abs, known)) <= _ROUNDING * size)


def by_quantity(lines: list[str]) -> list[str]:
    """The lines, wrapped at the width of the terminal."""
    return [
        part
        for line in lines
        for part in (textwrap.wrap(line, WIDTH, subsequent_indent=" " * 6, break_on_hyphens=False) or [""])
    ]


def subject(row: Mapping[str, Any]) -> str:
    """The quantity of a row as a title."""
    return titled(str(row["quantity"]), str(row["text"]))


def _row(row: Mapping[str, Any], width: int) -> str:
    spread, apart = interval(row), difference(row)
    told = value(row) + (f" ({spread})" if spread else "") + (f"; {apart}" if apart else "")
    return f"  {row['case']:<{width}}  {told}"


def _everywhere(rows: list[Mapping[str, Any]]) -> str:
    """What stands for all cases."""
    if rows[0]["value"] is not None:
        return f"{value(rows[0])} in every case"
    return f"not stated in any case, such as: {rows[0]['reason']}"


def _width(result: Result) -> int:
    return max(len(case["name"]) for case in result["cases"])


def _signed(number: float, unit: str) -> str:
    return f"{'+' if number >= 0.0 else '-'}{words.apart(number, unit)}"


def _changed(result: Result) -> list[str]:
    lines = []
    for case in result["cases"][1:]:
        changes = list(case["changes"].items())
        told = [f"{key} {there} -> {here}" for key, (there, here) in changes[:_SHOWN]]
        if more := len(changes) - len(told):
            told.append(f"and {more} more")
        text = f"{case['name']}: {'; '.join(told) or 'the same inputs'}"
        lines += textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    return ["Changed", *lines] if lines else []
