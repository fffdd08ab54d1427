"""The report of a study: one HTML file that needs nothing else. Computes nothing itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dashboards import comparison_plots, comparison_text, markup, shell, study_kinds, study_sweep, study_text
from dashboards.comparison import Columns
from twin.studies.study import Study

MOST_ROWS = 200
"""Rows of a table on the page; all are in its CSV."""


def write(study: Study, command: str, path: Path) -> Path:
    """Write the report to `path`; gives it back. `command` is what gives the same numbers again."""
    path.write_text(page(study, command), encoding="utf-8")
    return path


def page(study: Study, command: str) -> str:
    """The whole report as HTML."""
    sections = {
        "answer": ("Answer", _answer(study)),
        "figures": ("Figures", _figures(study)),
        "numbers": ("Numbers", _numbers(study)),
        "provenance": ("Provenance", _provenance(study, command)),
    }
    if study.failures:
        sections = {"failures": ("What failed", _failures(study)), **sections}
    footer = f"Simulated, not observed. Scenario {markup.text(study.scenario.name)}, seed {study.seed}."
    header = shell.heading("SIMULATED", study.name, study.question, study_text.headline(study))
    return shell.page(f"{study.name} – study – ettwin", header, sections, footer)


def _failures(study: Study) -> Iterator[str]:
    rows = [{"point": name, "failure": failure} for name, failure in study.failures.items()]
    columns: Columns = {"point": ("point", markup.text), "failure": ("why", markup.text)}
    yield markup.table(rows, columns, "Points without a result; all others are not touched by it", "")


def _answer(study: Study) -> Iterator[str]:
    for sentence in study.answer:
        yield markup.paragraph(sentence)
    targets = study.targets
    if len(targets):
        by = targets.groupby("point", sort=False)["verdict"]
        rows = [{"point": point, "verdict": verdicts(list(own))} for point, own in by]
        columns: Columns = {"point": ("point", markup.text), "verdict": ("targets", markup.text)}
        shown = markup.table(rows[:MOST_ROWS], columns, "", "")
        yield markup.details("Targets by point", shown + markup.download(targets, "targets"))
        yield markup.paragraph(
            "A target is 'undecided' while the interval holds it. Latencies of a saturated point are not stated: "
            "they grow with the horizon.",
            "note",
        )


def verdicts(given: list[str]) -> str:
    """'3 met, 1 missed'."""
    kinds = ("met", "missed", "undecided")
    return ", ".join(f"{n} {kind}" for kind in kinds if (n := given.count(kind)))


def _figures(study: Study) -> Iterator[str]:
    origin = f"SIMULATED · {study.scenario.name} · seed {study.seed}"
    for name, (figure, numbers) in study_kinds.figures(study.found.tables, markup.text(origin)).items():
        yield shell.figure(name, figure, numbers)
    if "differences" in study.found.tables and (rows := study_text.rows(study)):
        n = max(q.values.size for outcome in study.found.outcomes for q in outcome.quantities)
        held = study_text.held(rows, study.scenario.name, study.seed, n)
        yield shell.figure(
            "quantities", comparison_plots.quantities(held), comparison_plots.quantities_table(held)
        )
    if study.kind != "vary":
        return
    for quantity in study.report:
        numbers = study_sweep.over_table(study, quantity)
        if numbers["value"].notna().any():
            yield shell.figure(quantity, study_sweep.over(study, quantity), numbers)
        elif len(numbers):
            yield markup.paragraph(
                f"{numbers['text'].iloc[0]}: not stated anywhere ({numbers['reason'].iloc[0]})."
            )


def _numbers(study: Study) -> Iterator[str]:
    columns: Columns = {
        "text": ("quantity", markup.text),
        "point": ("point", markup.text),
        "value": ("mean over replicas", markup.text),
        "interval": ("95 % interval", markup.text),
        "n": ("from n", lambda n: f"{n:,}"),
    }
    found = study_text.rows(study)
    if found and "difference" in found[0]:
        columns = {**columns, "difference": ("difference to the first", markup.text)}
    rows = [
        {**row, "value": comparison_text.value(row), "interval": comparison_text.interval(row)}
        | ({"difference": comparison_text.difference(row)} if "difference" in row else {})
        for row in found[:MOST_ROWS]
    ]
    more = f" (first {MOST_ROWS:,} of {len(found):,} rows)" if len(found) > MOST_ROWS else ""
    yield markup.table(rows, columns, f"Quantities of the report{more}", "No quantity of the report has a value.")
    yield markup.paragraph("Every quantity of every point:")
    yield markup.download(study.table, f"{study.name}-table")
    for name, table in study.found.tables.items():
        yield f"<h3>{markup.text(name.replace('_', ' ').capitalize())}</h3>"
        yield markup.frame(table, "", MOST_ROWS) + markup.download(table, name)


def _provenance(study: Study, command: str) -> Iterator[str]:
    yield markup.paragraph("This command gives the same numbers again:", "note")
    yield f"<pre>{markup.text(command)}</pre>"
    yield markup.details("The study as it was given", f"<pre>{markup.text(study.request.text)}</pre>")
    kept = ("scenario", "scenario_digest", "seed", "points", "versions", "code")
    yield markup.origins({name: study.manifest[name] for name in kept})
