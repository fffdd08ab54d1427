"""What every command shares: where output goes, what exit codes mean. Knows no command."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from twin.farm.secure import Certificates, Scheduler

SCHEMA_VERSION = 1
"""Of the objects that --json writes."""

INTERNAL, USAGE, INVALID, FAILED, TARGET_MISSED = 1, 2, 3, 4, 5
"""Exit codes; 0 is success and 130 an interrupt."""
DIFFERENT = TARGET_MISSED
"""An alert that was asked about again differs: what was wanted is not so, as with a target."""

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change one value by its dotted key, such as horizon='2 d'. Comes after --case and --with, and wins.",
    ),
]
With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="NAME",
        help="Apply a named set of changes from the scenario's 'overrides'; of several the last wins.",
    ),
]
Source = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A shipped name (see 'ettwin list') or a YAML file.")
]
Profiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--profiles",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="Measured profiles, before the shipped ones; by default ./profiles.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Ca = Annotated[
    str | None, typer.Option("--ca", metavar="FILE", help="Certificate of the farm's authority, for tls://….")
]
Cert = Annotated[str | None, typer.Option("--cert", metavar="FILE", help="Our certificate, signed by it.")]
Key = Annotated[str | None, typer.Option("--key", metavar="FILE", help="The key of our certificate.")]


def result(text: str) -> None:
    """Write a result to standard output."""
    typer.echo(text)


def result_json(content: dict[str, Any]) -> None:
    """Write a result as one JSON object."""
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    result(json.dumps({"schema_version": SCHEMA_VERSION, **content}, indent=2, ensure_ascii=not unicode))


def say(text: str) -> None:
    """Tell the user something that is not the result, on standard error."""
    typer.echo(text, err=True)


def fail(text: str, code: int) -> NoReturn:
    """Say what went wrong and leave with `code`."""
    say(text)
    sys.exit(code)


def finite(given: float | None) -> float | None:
    """A number given as an option, for typer: neither nan nor infinity."""
    if given is not None and not math.isfinite(given):
        raise typer.BadParameter(f"{given} is not a finite number.")
    return given


def scheduler(address: str, ca: str | None, cert: str | None, key: str | None) -> Scheduler:
    """The scheduler there; leave when the address or the certificates cannot be used."""
    from twin.farm.secure import AddressError, Scheduler

    try:
        return Scheduler(address, certificates(ca, cert, key))
    except AddressError as error:
        fail(str(error), USAGE)


def certificates(ca: str | None, cert: str | None, key: str | None) -> Certificates | None:
    """The three files as one; leave when some of them are missing."""
    from twin.farm.secure import Certificates

    given = ca, cert, key
    if any(given) and not all(given):
        fail("--ca, --cert and --key belong together: give all three, or none", USAGE)
    return Certificates(ca, cert, key) if ca and cert and key else None


def with_value(arguments: Sequence[str], option: str, value: str) -> list[str]:
    """The same, but `option` without an address after it means `value`: typer knows no such options."""
    nexts = [*arguments[1:], ""]
    return [
        f"{option}={value}" if word == option and "://" not in after else word
        for word, after in zip(arguments, nexts, strict=True)
    ]


def retyped(given: Iterable[str], aside: Sequence[str]) -> str:
    """What to type for the same numbers: as given, but for the options `aside`, which take a value, and for how
    the result is told."""
    kept: list[str] = []
    words = iter(given)
    for word in words:
        if word in aside:
            next(words)
        elif word not in ("--quiet", "--json") and not word.startswith(tuple(f"{name}=" for name in aside)):
            kept.append(word)
    return shlex.join(["ettwin", *kept])


def columns(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns of text."""
    listed = list(rows)
    width = max((len(left) for left, _ in listed), default=0)
    return "\n".join(f"{left:<{width}}  {right}".rstrip() for left, right in listed)
