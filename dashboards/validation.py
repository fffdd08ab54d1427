"""The report of a validation: one HTML file that needs nothing else, for who asks how far a twin can be trusted.

Verdict first, with what failed; then every error beside what is allowed, the curves behind them, what the terms of
the profile are worth, and where it all comes from. Computes nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from dashboards import markup, shell
from dashboards import validation_plots as plots
from dashboards import validation_text as text
from dashboards.validation_tables import (
    COLUMNS,
    FIGURES,
    QUANTILES,
    Result,
    ablation_table,
    cases_table,
    distances_table,
    errors_table,
    in_system_table,
    latency_table,
    slugs,
    speeds_table,
    worths,
)
from twin import words
from twin.validation.goals import MISSED
from twin.validation.speed import FIGURES as KNOWN_SPEED
from twin.validation.speed import STEADY

Columns = dict[str, tuple[str, markup.Cell]]


def write(result: Result, path: Path) -> Path:
    """Write the report of `result` to `path`; gives it back."""
    path.write_text(page(result), encoding="utf-8")
    return path


def page(result: Result) -> str:
    """The whole report as HTML."""
    sections = {
        "verdict": ("Verdict", _verdict(result)),
        "errors": ("Errors", _errors(result)),
        "cases": ("Cases", _cases(result)),
        "whole": ("Distances of whole distributions", _distances(result)),
        "speed": ("How fast the machine was", _speed(result)),
        "machine": ("Who used the machine", _machine(result)),
        "ablation": ("What the terms of the profile are worth", _ablation(result)),
        "provenance": ("Provenance", _provenance(result)),
    }
    who = f"{result['workload']} on {result['runtime']}"
    return shell.page(f"{who} – validation – ettwin", _header(result), sections, _footer(result))


def _header(result: Result) -> str:
    meta = (
        f"{result['machine']['machine']} · {words.count(len(result['cases']), 'case')} · seed {result['seed']} · "
        f"begun {result['began']}, took {words.duration(result['seconds'])}"
    )
    title = f"{result['workload']} on {result['runtime']}"
    return shell.heading("MEASURED", title, text.QUESTION, meta)


def _footer(result: Result) -> str:
    return (
        f"A farm and its twin on the same arrivals, seed {result['seed']}; profile "
        f"{markup.text(result['profile']['sha256'][:12])}."
    )


def _verdict(result: Result) -> Iterator[str]:
    yield markup.paragraph(text.headline(result), f"headline {text.kind(result)}")
    if told := text.misses(result):
        yield f"<ul>{''.join(f'<li>{markup.text(miss)}</li>' for miss in told)}</ul>"
    errors = {name: f"{name}_error" for name in QUANTILES}
    rows = [
        {"case": case["name"], "load": case["rho"], "verdict": case["verdict"], "n": case["n"]}
        | {name: case["figures"][name]["prediction_error"] for name in errors}
        for case in result["cases"]
    ]
    columns: Columns = {
        "verdict": ("", _verdict_word),
        "case": ("case", markup.text),
        "load": ("load", lambda v: f"{v:g}"),
        "n": ("jobs judged", lambda n: f"{n:,}"),
        **{name: (f"error of {FIGURES[name]}", _judged) for name in errors},
    }
    yield markup.table(rows, columns, "How far the prediction was off; coloured: misses its goal", "No cases.")
    yield markup.paragraph(
        "Prediction error: the twin knew only the profile, and its prediction was written before the farm began. "
        "Model error: the twin was given each repeat's own program times, so that queueing, batching and routing "
        "are left. Floor: how far the farm is from itself on the same arrivals; an error below it means nothing. "
        f"A predicted quantile may be off by its goal or {result['goals']['floors']:g} times the floor, whichever "
        "is more. Where other work disturbs the machine there is no verdict.",
        "note",
    )
    yield _goals(result)


def _goals(result: Result) -> str:
    columns: Columns = {
        "name": ("figure", markup.text),
        **{key: (f"{key} error", lambda v: "–" if v is None else f"{100.0 * v:g} %") for key in COLUMNS},
    }
    rows = [
        {"name": told, **{key: result["goals"][key].get(name) for key in COLUMNS}}
        for name, told in FIGURES.items()
    ]
    return markup.details("The goals", markup.table(rows, columns, "Largest error that meets its goal", ""))


def _errors(result: Result) -> Iterator[str]:
    table = errors_table(result)
    yield shell.figure("errors", plots.errors(result), table)
    for name, told in FIGURES.items():
        own = table[table["figure"] == name]
        known, rest = own.dropna(subset=["prediction_error"]), own[own["prediction_error"].isna()]
        yield f"<h3>{markup.text(told)}</h3>"
        yield _figure_table(known)
        if len(rest):
            why: Columns = {"case": ("case", markup.text), "reason": ("why not", markup.text)}
            rows: list[Any] = rest.to_dict("records")
            yield markup.details(f"Not told in {words.count(len(rest), 'case')}", markup.table(rows, why, "", ""))


def _figure_table(known: pd.DataFrame) -> str:
    """A row per case: the figure, both errors with their intervals and verdicts, the floor."""
    rows: list[dict[str, Any]] = []
    for row in known.to_dict("records"):
        told = {key: row[key] for key in ("case", "n")}
        told |= {key: _whole(text.quantity(row[key], row["unit"])) for key in ("measured", "predicted", "model")}
        for column in COLUMNS:
            told[f"{column}_error"] = {
                key: None if pd.isna(row[f"{column}_{key}"]) else row[f"{column}_{key}"]
                for key in ("low", "high", "verdict", "allowed")
            } | {"value": row[f"{column}_error"]}
        rows.append({**told, "floor": _whole(_share(row["floor"]))})
    columns: Columns = {
        "case": ("case", markup.text),
        "measured": ("farm", markup.text),
        "predicted": ("foretold", markup.text),
        "prediction_error": ("prediction error (95 % interval; allowed)", _error),
        "model": ("model", markup.text),
        "model_error": ("model error (95 % interval; allowed)", _error),
        "floor": ("floor", markup.text),
        "n": ("n", lambda n: f"{n:,}"),
    }
    return markup.table(rows, columns, "Medians over repeats", "It is not told in any case.")


def _cases(result: Result) -> Iterator[str]:
    for case, name in zip(result["cases"], slugs(result), strict=True):
        loaded = (
            f"{words.count(case['servers'], 'server')}, load {case['rho']:g}, "
            f"{words.digits(case['offered_per_s'])} jobs/s; {words.count(case['repeats'], 'repeat')} on the farm, "
            f"{words.count(case['draws'], 'draw')} of the prediction"
        )
        yield f'<h3 id="case-{name}">{markup.text(case["name"])}: {_verdict_word(case["verdict"])}</h3>'
        yield markup.paragraph(loaded + (f"; {case['reason']}" if case["reason"] else ""), "note")
        yield shell.figure(f"latency-{name}", plots.latency(case, result), latency_table(case))
        if len(over_time := in_system_table(case)):
            yield shell.figure(f"in-system-{name}", plots.in_system(case, result), over_time)


def _distances(result: Result) -> Iterator[str]:
    table = distances_table(result)
    rows: list[Any] = table.to_dict("records")
    columns: Columns = {
        "case": ("case", markup.text),
        **{
            f"{column}_{kind}": (f"{told}, {column}", _share if kind == "w1" else _three)
            for kind, told in (("w1", "W1"), ("ks", "KS"))
            for column in (*COLUMNS, "floor")
        },
    }
    yield markup.table(rows, columns, "Latencies of the farm beside those of the twin", "No cases.")
    yield markup.paragraph(
        "W1: the area between the two cumulative distributions over the farm's mean latency. KS: their largest "
        "difference; it misleads where service times hardly vary. Floor: two repeats, the largest of all pairs.",
        "note",
    )
    yield markup.download(table, "distances")


def _speed(result: Result) -> Iterator[str]:
    table = speeds_table(result)
    if table.empty:
        yield markup.paragraph("This validation did not tell how fast the machine was in its repeats.", "empty")
        return
    rows: list[Any] = table.to_dict("records")
    columns: Columns = {
        "case": ("case", markup.text),
        "looked": ("looked at before", _three),
        "fastest": ("fastest repeat", _three),
        "slowest": ("slowest repeat", _three),
        **{
            f"{name}_{key}": (f"{name}, {told}", text.percent)
            for name in KNOWN_SPEED
            for key, told in (("foretold", "foretold"), ("at_its_speed", "at its speed"))
        },
    }
    yield markup.table(rows, columns, "The machine's times over the profile's, and errors at either speed", "")
    yield markup.paragraph(
        "A prediction is made at the speed that a look showed before the farm began. Foretold again for the mean "
        "time a job took a server in each repeat, and for nothing else of it, the rest of the profile is what is "
        f"left of the error. Where repeats differ by more than {100.0 * STEADY:g} %, no prediction is judged.",
        "note",
    )
    yield markup.download(table, "speeds")


def _machine(result: Result) -> Iterator[str]:
    table = cases_table(result)
    rows: list[Any] = table.to_dict("records")
    columns: Columns = {
        "case": ("case", markup.text),
        "own_cores": ("farm, cores", _two),
        "other_cores": ("others, cores", _two),
        "steal_cores": ("taken by the host, cores", _two),
        "replayed": ("replay is the same to the byte", markup.plain),
        "lost": ("lost jobs", markup.plain),
        "slowness": ("machine's times over the profile's", _three),
        "reason": ("no verdict, because", markup.text),
    }
    yield markup.table(rows, columns, "Mean over each case's runs", "No cases.")
    yield markup.download(table, "cases")


def _ablation(result: Result) -> Iterator[str]:
    table = ablation_table(result)
    if table.empty:
        yield markup.paragraph("It was not asked what the twin would say without a term.", "empty")
        return
    yield shell.figure("ablation", plots.ablation(result), table)
    columns: Columns = {
        "term": ("without", markup.text),
        "cases": ("cases", markup.plain),
        **{f"{name}_{how}": (f"{name}, {told}", _share)
           for name in QUANTILES for how, told in (("without", "without it"), ("with_all", "with all"))},
    }  # fmt: skip
    columns |= {"most": ("most it is worth", _share), "most_in": ("in", markup.text)}
    rows: list[Any] = worths(result).to_dict("records")
    yield markup.table(rows, columns, "Median over cases of the size of the prediction error", "Nothing is known.")


def _provenance(result: Result) -> Iterator[str]:
    yield markup.paragraph("Each case was foretold, and its prediction written, before its farm began:", "note")
    said = [{"case": case["name"], **case["prediction"]} for case in result["cases"]]
    foretold: Columns = {
        "case": ("case", markup.text),
        "written": ("written", markup.text),
        "sha256": ("SHA-256 of its file", markup.text),
    }
    yield markup.table(said, foretold, "Predictions", "No cases.")
    asked = ("workload", "runtime", "fallback", "n", "repeats", "seed", "profile_s", "began", "seconds")
    yield markup.origins({key: result[key] for key in ("machine", "versions", "profile", *asked)})


def _verdict_word(verdict: str) -> str:
    kind = verdict if verdict in ("met", MISSED) else "undecided"
    return f'<span class="verdict {kind}">{markup.text(verdict.upper() if kind == MISSED else verdict)}</span>'


def _judged(error: Mapping[str, Any]) -> str:
    """An error, in colour when it misses its goal."""
    told = markup.text(text.percent(error["value"]))
    return f'<span class="verdict missed">{told}</span>' if error["verdict"] == MISSED else told


def _error(error: Mapping[str, Any]) -> str:
    """An error with its interval and what is allowed."""
    beside = [text.interval(error["low"], error["high"])]
    beside += [f"allowed {_share(error['allowed'])}" if error["allowed"] is not None else ""]
    told = _whole("; ".join(part for part in beside if part)).replace(";\N{NO-BREAK SPACE}", "; ")
    return _judged(error) + (f" ({markup.text(told)})" if told else "")


def _share(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{100.0 * value:.1f} %"


def _whole(told: str) -> str:
    """The same, but never broken into two lines."""
    return told.replace(" ", "\N{NO-BREAK SPACE}")


def _three(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.3f}"


def _two(value: float) -> str:
    return f"{value:.2f}"
