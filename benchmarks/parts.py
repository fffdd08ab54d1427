"""Benchmarks that are measured part by part into one file: the command line they share, and what a part says."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from workloads import spec
from workloads.spec import Progress


def parser(prog: str, out: Path) -> argparse.ArgumentParser:
    """Of `python -m <prog> [PART …] [--effort X] [--out FILE]`."""
    made = argparse.ArgumentParser(prog=f"python -m {prog}")
    made.add_argument("parts", nargs="*")
    made.add_argument("--effort", type=float, default=1.0, help="fraction of the full number of tries")
    made.add_argument("--out", type=Path, default=out)
    return made


def chosen(
    given: argparse.ArgumentParser, asked: Sequence[str], known: Iterable[str], hint: str = ""
) -> Sequence[str]:
    """The parts asked for, or all; ends the command at one that is not known."""
    names = tuple(known)
    if unknown := set(asked) - set(names):
        given.error(f"no part {', '.join(sorted(unknown))}; known: {', '.join(names)}{hint}")
    return asked or names


def judged(name: str, effort: float, seed: int, progress: Progress = lambda done, text: None) -> dict[str, Any]:
    """The quality of workload `name` on its default runtime."""
    program = spec.load(name)
    quality = spec.get(name).judge(program, effort, seed, progress)  # type: ignore[attr-defined]
    return {"runtime": program.runtime, "headline": quality.headline, **quality.figures}


def tenths(name: str) -> Callable[[float, str], None]:
    """Tells progress each time another tenth is done."""
    told = [0]

    def said(done: float, text: str) -> None:
        if int(10 * done) > told[0]:
            told[0] = int(10 * done)
            print(f"{name}: {text}", flush=True)

    return said


def read(path: Path) -> dict[str, Any]:
    """What the file holds; nothing if there is none."""
    return json.loads(path.read_text()) if path.is_file() else {}  # type: ignore[no-any-return]


def put(path: Path, part: str, row: Any) -> None:
    """Put `row` into the place of what the file said of `part`."""
    path.write_text(json.dumps(read(path) | {part: row}, indent=1) + "\n")
