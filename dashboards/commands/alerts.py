"""`ettwin alerts`: what is wrong with an alert, with those of a run, and what every policy on alerts costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboards.terminal import FAILED, USAGE, Json, Profiles, fail, result, result_json

if TYPE_CHECKING:
    import pandas as pd

    from twin.alerts.reader import Reading

_SHOWN = 20
"""Problems that are listed of a run; their number is always told."""


def alerts(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A run directory, or one alert as JSON or Avro.")],
    policies: Annotated[
        bool, typer.Option("--policies", help="Of a run: what each policy sends and keeps, side by side.")
    ] = False,
    avro: Annotated[
        Path | None, typer.Option("--avro", metavar="FILE", help="Of one alert: write it as Avro.")
    ] = None,
    profiles: Profiles = None,
    json: Json = False,
) -> None:
    """Read alerts and tell what is wrong with them, or weigh every policy on them."""
    if policies:
        _policies(path, tuple(profiles or [Path("profiles")]), json)
    elif path.is_dir():
        _run(path, json)
    else:
        _one(path, avro, json)


def _one(path: Path, avro: Path | None, json: bool) -> None:
    from twin.alerts import official, reader

    found = reader.read(path)
    if avro is not None and found.document is not None and not found.problems:
        _write(avro, official.to_avro(found.document))
    if json:
        result_json(_plain(path, found))
    else:
        result("\n".join([_head(path, found), *(f"  {problem}" for problem in found.problems)]))
    if found.problems:
        fail(f"{path}: not a valid alert" + ("" if avro is None else f"; {avro} was not written"), FAILED)


def _run(path: Path, json: bool) -> None:
    from twin.alerts import reader
    from twin.alerts.writing import FOLDER

    files = [file for file in sorted((path / FOLDER).rglob("*.json")) if not file.name.endswith(".ext.json")]
    if not files:
        fail(f"{path / FOLDER}: holds no alerts; 'ettwin run … --alerts' writes them", USAGE)
    found = {str(file.relative_to(path / FOLDER)): reader.read(file) for file in files}
    wrong = {name: reading for name, reading in found.items() if reading.problems}
    real = [name for name, reading in found.items() if not reading.simulated and reading.document is not None]
    if json:
        told = [_plain(Path(name), reading) for name, reading in wrong.items()]
        result_json({"run": str(path), "alerts": len(found), "not_simulated": real, "wrong": told})
    else:
        result(f"{len(found):,} alerts, {len(wrong):,} of them wrong, {len(real):,} not marked as simulated")
        lines = [f"  {name}: {problem}" for name, reading in wrong.items() for problem in reading.problems]
        result("\n".join(lines[:_SHOWN])) if lines else None
    if wrong or real:
        fail(f"{path}: not every alert is valid and simulated", FAILED)


def _policies(path: Path, profiles: tuple[Path, ...], json: bool) -> None:
    import twin
    from twin.alerts import accounts
    from twin.alerts.models import models

    record = twin.open(path)
    table = accounts.side_by_side(accounts.table(record, every_policy=True, known=models(record, profiles)))
    if json:
        result_json({"run": str(path), "policies": table.to_dict("records")})
    else:
        result(_text(table))


def _text(table: pd.DataFrame) -> str:
    from twin.alerts.accounts import GB, size
    from twin.units import YEAR_S

    years, copies = table["retention_s"].iloc[0] / YEAR_S, int(table["copies"].iloc[0])
    heads = (
        "carried",
        "kept",
        "an alert",
        "sent in",
        "sent a year",
        "kept a year",
        "and once",
        f"after {years:.3g} yr",
    )
    rows = [heads]
    for row in table.to_dict("records"):
        told = (
            row["carries"].removeprefix("standard ").replace(" +", "+")
            if " " in row["carries"]
            else row["carries"]
        )
        sizes = [size(GB * row[key]) for key in ("sent_gb_per_yr", "kept_gb_per_yr", "kept_once_gb", "kept_gb")]
        delay = f"{1e3 * row['publish_delay_s']:.3g} ms"
        rows.append((told, row["archives"], size(row["bytes_mean"]), delay, *sizes))
    widths = [max(len(row[k]) for row in rows) for k in range(len(heads))]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    unweighed = sorted({name for name in table["unweighed"] if name})
    foot = f"SIMULATED. One copy a year and once; {copies} after {years:.3g} yr."
    if unweighed:
        foot += f" Without the weights of {unweighed[0]}, which are not at hand."
    return "\n".join([*lines, "", foot])


def _head(path: Path, found: Reading) -> str:
    if found.document is None:
        return f"{path}: no alert could be made out"
    kind = "SIMULATED" if found.simulated else "NOT MARKED AS SIMULATED"
    about = f"{found.document.get('alert_type')} of {found.document.get('superevent_id')}"
    wrong = "valid" if not found.problems else f"{len(found.problems)} problem(s)"
    return f"{kind}  {path}: {about}, {found.form}, {wrong}"


def _plain(path: Path, found: Reading) -> dict[str, Any]:
    about = {
        "alert": str(path),
        "form": found.form,
        "simulated": found.simulated,
        "problems": list(found.problems),
    }
    return about | {"document": found.document}


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        fail(f"--avro {path}: cannot be written ({error.strerror}); choose another file", USAGE)
