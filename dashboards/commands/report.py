"""`ettwin report`: the summary and the HTML report of a run or a validation, again."""

from __future__ import annotations

import json as jsons
from collections.abc import Callable
from os.path import exists, isdir, isfile
from pathlib import Path
from typing import Annotated, Any

import typer

from dashboards.terminal import FAILED, USAGE, Json, fail, result, result_json

VALIDATION = "validation.json"


def report(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run directory, that of a validation, or a validation's JSON.")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Where to; by default report.html in the run.")] = None,
    json: Json = False,
) -> None:
    """Write the report.html of a run or a validation anew and show its summary."""
    if run.is_file() or (run / VALIDATION).is_file():
        _validation(run if run.is_file() else run / VALIDATION, out, json)
        return
    import twin
    from dashboards import report as html
    from dashboards import text

    record = twin.open(run)
    path = out or run / "report.html"
    _write(path, lambda beside: html.write(record, beside))
    if json:
        result_json({**record.summary, "report": str(path)})
    else:
        result(text.text(record.summary))
        result(f"\nReport  {path}")


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make the file at `path`, whole or not at all (but a device); leave when it cannot be written."""
    if isdir(path):
        fail(f"--out {path}: is a folder; give the name of a file, such as {path / 'report.html'}", USAGE)
    beside = path if exists(path) and not isfile(path) else path.with_name(f".{path.name}.partial")
    try:
        try:
            write(beside)
            if beside != path:
                beside.replace(path)
        finally:
            if beside != path:
                beside.unlink(missing_ok=True)
    except OSError as error:
        fail(f"{path}: cannot be written ({(error.strerror or str(error)).lower()}); choose another --out", FAILED)


def _validation(file: Path, out: Path | None, json: bool) -> None:
    from dashboards import validation
    from dashboards import validation_text as text
    from dashboards.commands.validate import without_curves

    found = _read(file)
    path = out or file.with_name("report.html")
    _write(path, lambda beside: validation.write(found, beside))
    if json:
        result_json({**without_curves(found), "report": str(path)})
    else:
        result(text.text(found))
        result(f"\nReport  {path}")


def _read(file: Path) -> dict[str, Any]:
    """The validation that is kept there; leave when it is something else."""
    from twin.validation.trial import SCHEMA_VERSION

    try:
        found = jsons.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        fail(f"{file}: is no JSON ({error}); give a run directory or a {VALIDATION} of 'ettwin validate'", USAGE)
    if not isinstance(found, dict) or not {"cases", "goals", "ablation"} <= found.keys():
        fail(f"{file}: is no validation; give a run directory or a {VALIDATION} of 'ettwin validate'", USAGE)
    if found.get("schema_version") != SCHEMA_VERSION:
        fail(
            f"{file}: has schema_version {found.get('schema_version')}, this ettwin reads {SCHEMA_VERSION}; "
            "validate again",
            USAGE,
        )
    return found
