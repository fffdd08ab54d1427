"""`ettwin replay`: ask the archived model about the archived strain of an alert again. Knows no format."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dashboards.terminal import DIFFERENT, FAILED, USAGE, Json, Profiles, fail, result, result_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.archive.again import Answer
    from twin.archive.capsule import Capsule
    from twin.archive.store import Archive


def replay(
    alert: Annotated[
        Path,
        typer.Argument(
            metavar="ALERT",
            help="A capsule of an archive, an alert of a run with capsules, or the directory of a live run.",
        ),
    ],
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The alert of the run, such as r0-e12.")
    ] = None,
    archive: Annotated[
        Path | None, typer.Option("--archive", metavar="DIR", help="By default the one that the capsule lies in.")
    ] = None,
    runtime: Annotated[
        str | None, typer.Option("--runtime", metavar="NAME", help="Another runtime than the recorded one.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="VERSION", help="Another version of a model than the one that ran."),
    ] = None,
    trust: Annotated[
        str | None,
        typer.Option("--trust", metavar="KEY", help="Public key (or a file of it) that must have signed."),
    ] = None,
    profiles: Profiles = None,
    json: Json = False,
) -> None:
    """Ask about an alert again, here: 0 agrees, 5 differs, 4 cannot be checked, or was changed and is refused."""
    from twin.alerts import kept as of_runs
    from twin.archive import again
    from twin.archive.sealed import MissingError, trusted

    key = trusted(trust) if trust else None
    if of_runs.run_of(alert) is None:
        kept, capsule = _of_archive(alert, name, archive, key, tuple(profiles or [Path("profiles")]))
    else:
        try:
            kept, capsule = _of_document(alert, name, archive, key)
        except MissingError as error:
            _unchecked(alert, str(error), json)
    answers = again.ask(capsule, kept, runtime, model or ())
    _tell(capsule.about["alert"]["id"], answers, kept.key, alert.is_file(), json)
    verdict = again.verdict(answers)
    if verdict != again.AGREES:
        sys.exit(DIFFERENT if verdict == again.DIFFERS else FAILED)


def _tell(name: str, answers: Sequence[Answer], key: str, signed: bool, json: bool) -> None:
    from twin.archive import again

    verdict = again.verdict(answers)
    if json:
        told = {"alert": name, "verdict": verdict, "key": key, "signed": signed}
        result_json({**told, "answers": [asdict(answer) for answer in answers]})
        return
    result(f"{name}  {verdict}")
    if not signed:
        result("  The strain was made again and the scores are those of the run directory, which nobody signed.")
    for answer in answers:
        result(f"  {answer.stage}: {answer.model} in {answer.runtime} {answer.verdict}: {answer.why}")


def _unchecked(alert: Path, why: str, json: bool) -> NoReturn:
    """Nothing can be asked, for a reason that is no change of a file."""
    from twin.archive.again import UNCHECKED

    if json:
        result_json({"alert": str(alert), "verdict": UNCHECKED, "why": why, "answers": []})
    else:
        result(f"{alert}  {UNCHECKED}\n  {why}")
    sys.exit(FAILED)


def _of_document(alert: Path, name: str | None, folder: Path | None, key: str | None) -> tuple[Archive, Capsule]:
    """What the run directory that the alert lies in keeps of it."""
    from twin.archive import of_run

    if name is not None:
        fail(f"{alert}: is one alert already; leave {name} out", USAGE)
    return of_run.found(alert, folder, key)


def _of_archive(
    alert: Path, name: str | None, archive: Path | None, key: str | None, profiles: tuple[Path, ...]
) -> tuple[Archive, Capsule]:
    """The capsule in a file, or made now from a run directory."""
    from twin.archive.store import Archive

    folder = archive or (alert.parent.parent if alert.is_file() else None)
    if folder is None:
        fail(f"{alert}: is no capsule; of a run name the alert and, with --archive, where its models are", USAGE)
    kept = Archive(folder, key)
    return kept, _capsule(kept, alert, name, profiles)


def _capsule(kept: Archive, alert: Path, name: str | None, profiles: tuple[Path, ...]) -> Capsule:
    from twin.archive.capsule import capsules, read

    if alert.is_file():
        if name is not None:
            fail(f"{alert}: is one alert already; leave {name} out", USAGE)
        return read(kept, alert.stem)
    if name is None:
        fail(f"{alert}: name an alert of this run, such as r0-e12", USAGE)
    import twin

    (found,) = capsules(twin.open(alert), profiles, (name,))
    return found
