"""`ettwin archive add|capsule|list|check`: models and alerts kept so that they can be asked again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dashboards.terminal import FAILED, USAGE, Json, Profiles, columns, fail, result, result_json, say

if TYPE_CHECKING:
    from twin.archive.sealed import Signer
    from twin.archive.store import Archive

archive = typer.Typer(
    help="Keep models and alerts, signed, so that an alert can be asked about again: see docs/archive.md.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The archive.")]
To = Annotated[Path, typer.Option("--to", metavar="DIR", help="The archive; made when it is not there.")]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="FILE", help="Private key that signs; by default DIR.key, made with a new archive."
    ),
]
Trust = Annotated[
    str | None,
    typer.Option(
        "--trust",
        metavar="KEY",
        help="Public key (or a file of it) that must have signed; by default the one the archive names itself.",
    ),
]


@archive.command("add")
def add(
    workloads: Annotated[list[str], typer.Argument(metavar="NAME...", help="Workloads.")],
    to: To,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Weights of `ettwin train`; by default the shipped ones."),
    ] = None,
    key: Key = None,
) -> None:
    """Keep the model of each workload: weights, card and training record, as the version that they make up."""
    from workloads import spec

    _check_place(to)
    for name in workloads:
        if name not in spec.names():
            fail(f"no workload '{name}'; known: {', '.join(spec.names())}", USAGE)
    kept, signer = _writable(to, key)
    for name in workloads:
        model, is_new = kept.add(name, source, signer)
        result(f"{'added' if is_new else 'there already'}  {model.name}")
    _tell_head(kept)


@archive.command("capsule")
def capsule(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory of a live run.")],
    alerts: Annotated[
        list[str] | None, typer.Argument(metavar="[ALERT]...", help="Such as r0-e12; by default all.")
    ] = None,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The archive.")] = Path("archive"),
    key: Key = None,
    profiles: Profiles = None,
) -> None:
    """Keep a capsule of each published alert of a live run, and the models that had a say in it."""
    import twin
    from twin.archive.capsule import capsules, keep

    _check_place(to)
    record = twin.open(run)
    found = list(capsules(record, tuple(profiles or [Path("profiles")]), alerts or ()))
    published = record.alerts[record.alerts["outcome"] == "published"]
    total = len(published.drop_duplicates(["replica", "event_id"])) if not alerts else len(alerts)
    kept, signer = _writable(to, key)
    for name in keep(found, kept, signer):
        result(f"{to / 'capsules' / name}.json")
    if len(found) < total:
        say(f"{total - len(found)} of {total} published alerts have none: no live stage saw their segment")
    _tell_head(kept)


@archive.command("list")
def list_(folder: Folder, trust: Trust = None, json: Json = False) -> None:
    """Say what an archive holds."""
    kept = _opened(folder, trust)
    models, names = kept.models(), kept.listed("capsule")
    if json:
        about = [{"workload": m.workload, "version": m.version, "files": dict(m.files)} for m in models]
        sums = {"key": kept.key, "head": kept.heads[-1] if kept.heads else None, "bytes": kept.bytes_kept()}
        result_json({"models": about, "capsules": names, **sums})
        return
    rows = [(m.name, f"{m.training.get('date', 'no date')}  {len(m.files)} files") for m in models]
    result(columns([*rows, *((name, "capsule") for name in names)]))
    result(f"{kept.bytes_kept() / 1e6:.3g} MB  signed by {kept.key}")
    _tell_head(kept)


@archive.command("check")
def check(
    folder: Folder,
    trust: Trust = None,
    head: Annotated[
        str | None, typer.Option("--head", metavar="DIGEST", help="A head noted earlier, which it must have had.")
    ] = None,
) -> None:
    """Verify every file of an archive; exit code 4 when one was changed, is missing, or is a stranger."""
    from twin.archive.audit import problems

    kept = _opened(folder, trust)
    found = problems(kept, head)
    for problem in found:
        say(problem)
    if found:
        sys.exit(FAILED)
    result(f"whole: {len(kept.listed('model'))} models and {len(kept.listed('capsule'))} capsules")
    result(f"signed by {kept.key}" + ("" if trust else ", the key that the archive names itself: see --trust"))
    _tell_head(kept)


def _opened(folder: Path, trust: str | None) -> Archive:
    from twin.archive.sealed import trusted
    from twin.archive.store import Archive

    return Archive(folder, trusted(trust) if trust else None)


def _check_place(folder: Path) -> None:
    """Leave before any work when no archive can be where it is wanted."""
    if (folder.exists() and not folder.is_dir()) or not folder.resolve().name:
        fail(f"--to {folder}: is no place for an archive, which is a folder; choose another name", USAGE)


def _writable(folder: Path, key: Path | None) -> tuple[Archive, Signer]:
    """The archive there, or a new one, and who signs for it."""
    try:
        return _opened_or_begun(folder, key)
    except OSError as error:
        fail(f"--to {folder}: cannot be written ({error.strerror}); choose another folder", USAGE)


def _opened_or_begun(folder: Path, key: Path | None) -> tuple[Archive, Signer]:
    from twin.archive.sealed import make_key, read_key
    from twin.archive.store import Archive

    named = folder if folder.name not in ("", "..") else folder.resolve()
    path = key or named.with_name(f"{named.name}.key")
    is_new = not folder.exists() or not any(folder.iterdir())
    if path.exists():
        signer = read_key(path)
    elif is_new and key is None:
        signer = make_key(path)
        say(f"made {path} (private, keep it apart from the archive) and {path}.pub (give it to whoever checks)")
    else:
        fail(f"{path}: no key there; name the one that signs with --key", USAGE)
    return (Archive.begin(folder, signer) if is_new else Archive(folder, signer.name)), signer


def _tell_head(kept: Archive) -> None:
    if kept.heads:
        result(f"head  {kept.heads[-1]}")
