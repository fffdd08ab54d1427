"""`ettwin new`: a scenario or a study of one's own, started from a shipped one with all its comments."""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote
from shutil import copyfile
from typing import Annotated

import typer

from dashboards.terminal import USAGE, fail, result, say

_LONGEST = 64
"""Letters of a scenario's name."""


def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file to write.")],
    from_: Annotated[str, typer.Option("--from", metavar="NAME", help="Shipped scenario or study to start from.")],
) -> None:
    """Start a scenario or a study of your own from a shipped one."""
    from twin.loader import find, load
    from twin.studies import request
    from twin.tree import Spot, scalar

    study = request.is_study(from_)
    if study:
        request.load(from_)
    else:
        load(from_)
    source = request.find(from_) if study else find(from_)
    text = source.read_text(encoding="utf-8-sig")
    name = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:_LONGEST].rstrip("-")
    if file.suffix not in (".yaml", ".yml") or not name:
        fail(f"{file}: give a file name that ends in .yaml and has letters a to z or digits", USAGE)
    written = name if isinstance(scalar(name, Spot("name")).value, str) else f"'{name}'"  # '2027' is a number
    text = re.sub(r"^name: .*$", f"name: {written}", text, count=1, flags=re.MULTILINE)
    schema = "study.schema.json" if study else "scenario.schema.json"
    line = f"# yaml-language-server: $schema={schema}\n"
    if not text.startswith(line):
        text = line + text
    wanted = {} if study else _wanted(text, file, source.parent)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
        for source, target in wanted.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            copyfile(source, target)
            say(f"{target} belongs to it")
    except FileExistsError:
        fail(f"{file}: exists already and is left as it is: give another name", USAGE)
    except OSError as error:
        fail(f"{file}: cannot be written: {(error.strerror or 'unknown reason').lower()}", USAGE)
    result(str(file))
    beside, option = quote(str(file.parent / schema)), " --study" if study else ""
    say(f"Next: ettwin check {quote(str(file))}    (for editors: ettwin schema{option} > {beside})")


def _wanted(text: str, file: Path, home: Path) -> dict[Path, Path]:
    """Files that the scenario `text` reads beside `file`, where they are not, and that lie in `home`: from, to.

    Raises ScenarioError when it could not be read there, such as one that is based on a file.
    """
    from twin.loader import loads

    plain = loads(text, str(file))
    every = (plain, *(loads(text, str(file), [name]) for name in plain.override_names))
    absent = (path for scenario in every for path in scenario.files.values() if not path.is_file())
    pairs = {home / p.relative_to(file.parent): p for p in absent if p.is_relative_to(file.parent)}
    return {source: target for source, target in pairs.items() if source.is_file()}
