"""`ettwin new`: a scenario of one's own, started from a shipped one with all its comments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from dashboards.terminal import USAGE, fail, result, say

_SCHEMA_LINE = "# yaml-language-server: $schema=scenario.schema.json\n"


def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file to write.")],
    from_: Annotated[str, typer.Option("--from", metavar="NAME", help="Shipped scenario to start from.")],
) -> None:
    """Start a scenario of your own from a shipped one."""
    from twin.loader import find, load

    load(from_)
    text = find(from_).read_text(encoding="utf-8")
    name = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")
    if file.suffix not in (".yaml", ".yml") or not name:
        fail(f"{file}: give a file name that ends in .yaml", USAGE)
    text = re.sub(r"^name: .*$", f"name: {name}", text, count=1, flags=re.MULTILINE)
    if not text.startswith(_SCHEMA_LINE):
        text = _SCHEMA_LINE + text
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        fail(f"{file}: exists already and is left as it is: give another name", USAGE)
    except OSError as error:
        fail(f"{file}: cannot be written: {(error.strerror or 'unknown reason').lower()}", USAGE)
    result(str(file))
    say(f"Next: ettwin check {file}    (for editors: ettwin schema > {file.parent / 'scenario.schema.json'})")
