"""`ettwin report`: the summary and the HTML report of a run directory, again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dashboards.terminal import Json, result, result_json


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where to; by default report.html in the run.")] = None,
    json: Json = False,
) -> None:
    """Write a run's report.html anew and show its summary."""
    import twin
    from dashboards import report as html
    from dashboards import text

    record = twin.open(run)
    path = out or run / "report.html"
    html.write(record, path)
    if json:
        result_json({**record.summary, "report": str(path)})
    else:
        result(text.text(record.summary))
        result(f"\nReport  {path}")
