"""`ettwin alerts`: what is wrong with an alert or a run's alerts, what policies cost, where alerts go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from dashboards.terminal import FAILED, USAGE, Json, Profiles, Quiet, fail, result, result_json, say
from dashboards.watch import watch

if TYPE_CHECKING:
    from twin.alerts.reader import Reading

_SHOWN = 20
"""Problems that are listed of a run; their number is always told."""
_FORMS = ("json", "avro")

To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="kafka://HOST:PORT/TOPIC",
        help="Send them to a Kafka broker, if all are valid and simulated.",
    ),
]
Form = Annotated[
    str, typer.Option("--form", metavar="json|avro", help="As which they are sent; with --to.", show_default=True)
]
Extensions = Annotated[bool, typer.Option("--extensions", help="Send extensions too, to TOPIC.ext; with --to.")]
Write = Annotated[
    Path | None,
    typer.Option(
        "--write", metavar="DIR", help="Of a run: write all its alerts as documents, in a new folder like a run's."
    ),
]
Only = Annotated[
    str | None,
    typer.Option(
        "--only",
        metavar="late|false|retracted",
        help="Those published late, about no signal, or taken back; with --write.",
    ),
]
Remote = Annotated[bool, typer.Option("--allow-remote", help="Let --to be another machine than this one.")]


def alerts(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A run directory, or one alert as JSON or Avro.")],
    policies: Annotated[
        bool, typer.Option("--policies", help="Of a run: what each policy sends and keeps, side by side.")
    ] = False,
    avro: Annotated[
        Path | None,
        typer.Option(
            "--avro", metavar="PATH", help="Write it as Avro: one alert to a file, a run's to a new folder."
        ),
    ] = None,
    write: Write = None,
    only: Only = None,
    to: To = None,
    form: Form = "json",
    extensions: Extensions = False,
    allow_remote: Remote = False,
    profiles: Profiles = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Read alerts and tell what is wrong with them, write them, weigh policies on them, or send them."""
    _fit_together({"--policies": policies, "--avro": avro, "--write": write, "--to": to}, only)
    _about_sending(to, form, extensions or allow_remote)
    if policies:
        _policies(path, tuple(profiles or [Path("profiles")]), json)
    elif write is not None:
        _documents(path, write, only, tuple(profiles or [Path("profiles")]), json, quiet)
    elif to is not None:
        _send(path, to, form, extensions, allow_remote, json, quiet)
    elif path.is_dir():
        _run(path, avro, json)
    else:
        _one(path, avro, json)


def _fit_together(asked: Mapping[str, object], only: str | None) -> None:
    given = [name for name, value in asked.items() if value]
    if len(given) > 1:
        fail(f"{' and '.join(given)} are different things: ask for one at a time", USAGE)
    if only is not None and not asked["--write"]:
        fail(f"--only {only}: is about documents to write: give --write DIR, or leave it out", USAGE)


def _about_sending(to: str | None, form: str, more: bool) -> None:
    if form not in _FORMS:
        fail(f"--form {form}: allowed: {' or '.join(_FORMS)}", USAGE)
    if to is None and (more or form != _FORMS[0]):
        fail("--form, --extensions and --allow-remote are about sending: give --to, or leave them out", USAGE)


def _one(path: Path, avro: Path | None, json: bool) -> None:
    from twin.alerts import kept, official

    found = kept.read(path)
    if avro is not None and found.document is not None and not found.problems:
        _write(avro, official.to_avro(found.document))
    if json:
        result_json(_plain(path, found))
    else:
        result("\n".join([_head(path, found), *(f"  {problem}" for problem in found.problems)]))
    if found.problems:
        fail(f"{path}: not a valid alert" + ("" if avro is None else f"; {avro} was not written"), FAILED)


def _run(path: Path, avro: Path | None, json: bool) -> None:
    from twin.alerts import kept

    found = kept.read_all(path)
    if not found:
        _none(path)
    if avro is not None and avro.exists():
        fail(f"--avro {avro}: exists already; choose another folder or remove it", USAGE)
    wrong = {name: reading for name, reading in found.items() if reading.problems}
    real = [name for name, reading in found.items() if not reading.simulated and reading.document is not None]
    n = sum(not name.endswith(kept.EXTENSION) for name in found)
    if json:
        told = [_plain(Path(name), reading) for name, reading in wrong.items()]
        result_json({"run": str(path), "alerts": n, "not_simulated": real, "wrong": told})
    else:
        result(f"{n:,} alerts, {len(wrong):,} of them wrong, {len(real):,} not marked as simulated")
        lines = [f"  {name}: {problem}" for name, reading in wrong.items() for problem in reading.problems]
        result("\n".join(lines[:_SHOWN])) if lines else None
    if wrong or real:
        also = "" if avro is None else f"; {avro} was not written"
        fail(f"{path}: not every alert is valid and simulated{also}", FAILED)
    if avro is not None:
        _write_all(avro, found)


def _none(run: Path) -> NoReturn:
    """There are no alerts in a run directory: was none sent, or none written?"""
    from twin.alerts import kept
    from twin.alerts.writing import FOLDER

    if not (run / "manifest.json").is_file():
        fail(f"{run}: holds no alerts and is no run directory; give one, such as runs/first-light", USAGE)
    if kept.silent(run):
        fail(f"{run}: the run sent no alert, so it holds none", USAGE)
    fail(f"{run / FOLDER}: holds no alerts; 'ettwin alerts {run} --write DIR' writes those of the run", USAGE)


def _documents(
    path: Path, folder: Path, only: str | None, profiles: tuple[Path, ...], json: bool, quiet: bool
) -> None:
    """Write the alerts of a run into the folder FOLDER of a new one, which can be read as the run's own."""
    import twin
    from twin.alerts import notices, writing
    from twin.alerts.models import models
    from twin.folder import written_whole

    if only is not None and only not in notices.KINDS:
        fail(f"--only {only}: allowed: {', '.join(notices.KINDS)}", USAGE)
    if folder.exists():
        fail(f"--write {folder}: exists already; choose another folder or remove it", USAGE)
    record = twin.open(path)
    known = models(record, profiles)
    try:
        with watch(quiet) as progress, written_whole(folder) as beside:
            n = writing.write_of(record, beside / writing.FOLDER, known, None, progress, only)
    except OSError as error:
        fail(f"--write {folder}: cannot be written ({error.strerror}); nothing was left behind", FAILED)
    if n == 0:
        folder.rmdir()
        fail(f"{path}: the run sent no alert" + (f" that is {only}" if only else ""), USAGE)
    if json:
        result_json({"run": str(path), "folder": str(folder), "written": n})
    else:
        result(f"SIMULATED  {n:,} alerts are in {folder / writing.FOLDER}")


def _send(path: Path, to: str, form: Any, extensions: bool, allow_remote: bool, json: bool, quiet: bool) -> None:
    from twin.alerts import kafka

    sending = False
    try:
        where = kafka.target(to, allow_remote)
        files = _of_one_replica(path) if path.is_dir() else [path]
        given = kafka.messages(files, where, form, extensions)
        with watch(quiet) as progress:
            producer = kafka.connected(where, allow_remote, progress=progress)
            sending = True
            done = kafka.send(given, producer, progress=progress)
    except kafka.TargetError as error:
        fail(f"--to {error}", USAGE)
    except kafka.BrokerError as error:
        fail(f"--to {to}: {error}", FAILED)
    except KeyboardInterrupt:
        say("interrupted; " + ("some alerts may have been sent" if sending else "no alert was sent"))
        raise
    if json:
        result_json({"to": to, "form": form, "confirmed": done.confirmed, "failed": dict(done.failed)})
    else:
        result(
            f"SIMULATED  {done.confirmed:,} of {len(given):,} messages confirmed by {where.servers}, {where.topic}"
        )
        result(
            "\n".join(f"  {name}: {why}" for name, why in list(done.failed.items())[:_SHOWN])
        ) if done.failed else None
    if done.failed:
        fail(f"{to}: {len(done.failed):,} of {len(given):,} messages were not confirmed", FAILED)


def _of_one_replica(run: Path) -> list[Path]:
    """The alerts of a run, all of them whole; of one that wrote every replica's, those of the first."""
    from twin.alerts import kept
    from twin.alerts.writing import FOLDER

    found = kept.read_all(run)
    if not found:
        _none(run)
    for name, reading in found.items():
        if reading.problems:
            fail(f"{run / FOLDER / name}: {reading.problems[0]}; nothing was sent", FAILED)
    files = kept.files(run)
    first = [path for path in files if path.parent in (run / FOLDER, files[0].parent)]
    if len(first) < len(files):
        say(
            f"{len(first):,} of {len(files):,} alerts are sent: those of {files[0].parent.name}, the first replica"
        )
    return first


def _policies(path: Path, profiles: tuple[Path, ...], json: bool) -> None:
    import twin
    from dashboards import alerts_text
    from twin.alerts import accounts
    from twin.alerts.models import models

    record = twin.open(path)
    table = accounts.side_by_side(accounts.table(record, every_policy=True, known=models(record, profiles)))
    if json:
        result_json({"run": str(path), "policies": table.to_dict("records")})
    else:
        result(alerts_text.policies(table))


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


def _write_all(folder: Path, found: dict[str, Reading]) -> None:
    """Every alert of a run as Avro, in a folder that appears whole."""
    from twin.alerts import official
    from twin.folder import written_whole

    try:
        with written_whole(folder) as beside:
            for name, reading in found.items():
                path = (beside / name).with_suffix(".avro")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(official.to_avro(reading.document or {}))
    except OSError as error:
        fail(f"--avro {folder}: cannot be written ({error.strerror}); choose another folder", USAGE)
    say(f"{len(found):,} alerts are in {folder}")
