"""A what-if: a scenario to start from, its text as edited, and changes on top, checked by the loader's own rules.

What strangers may send is what `judged` lets through: no Python function is named, no file outside is read.
Knows no Dash and no job.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboards.app.library import RUN, Library, LibraryError
from twin import loader, phrases
from twin.scenario import Scenario
from twin.schema_stages import is_function
from twin.studies.compare import Case, Comparison
from twin.tree import Problem, ScenarioError

OF_RUN = "run:"
"""Before the id of a run whose scenario is started from."""
HERE = "editor"
"""What the edited text is called as a file."""


@dataclass(frozen=True)
class Draft:
    """What is put together: `base` is a shipped scenario or 'run:ID', `text` the editor's, None if unchanged."""

    base: str
    text: str | None = None
    with_: tuple[str, ...] = ()
    set_: tuple[str, ...] = ()
    seed: int | None = None
    replicas: int | None = None

    @classmethod
    def of(cls, base: str, text: str | None, with_: Sequence[str], changes: Sequence[str]) -> Draft:
        """The draft with these `changes`, 'path=value' each; seed and replicas may be among them."""
        own: dict[str, int] = {}
        rest = []
        for change in changes:
            key, _, value = change.partition("=")
            if key in ("seed", "replicas") and value.strip().isascii() and value.strip().isdecimal():
                own[key] = int(value)
            else:
                rest.append(change)
        return cls(base, text, tuple(with_), tuple(rest), own.get("seed"), own.get("replicas"))

    @property
    def shipped(self) -> bool:
        """Whether a command can name the scenario: it is shipped, and its text is as it was."""
        return self.text is None and not self.base.startswith(OF_RUN)

    @property
    def changes(self) -> tuple[str, ...]:
        """Everything that goes on top, seed and replicas among it."""
        own = [("seed", self.seed), ("replicas", self.replicas)]
        return (*self.set_, *(f"{key}={value}" for key, value in own if value is not None))

    def options(self) -> list[str]:
        """What follows the scenario on the command line."""
        words = [word for name in self.with_ for word in ("--with", name)]
        words += [word for change in self.set_ for word in ("--set", change)]
        for name, value in (("--seed", self.seed), ("--replicas", self.replicas)):
            if value is not None:
                words += [name, str(value)]
        return words


@dataclass(frozen=True)
class Judged:
    """The scenario of a draft, or what is wrong with it; and `before` its changes, as it stands with `with_`."""

    scenario: Scenario | None
    before: Scenario | None
    problems: tuple[Problem, ...] = ()


def bases(library: Library) -> dict[str, Scenario]:
    """The shipped scenarios by name, read once; those of which a file is damaged are left out."""
    return library.cache.get("bases", _bases)


def _bases() -> dict[str, Scenario]:
    found = {}
    for name, path in loader.bundled().items():
        try:
            found[name] = loader.load(path)
        except ScenarioError:
            continue
    return found


def base_text(library: Library, base: str) -> str:
    """The text that the editor begins with; UnknownError and the like for a base that is not there."""
    return _file(library, base).read_text(encoding="utf-8")


def base_scenario(library: Library, base: str) -> Scenario:
    """The scenario that is started from, as it stands; read once."""
    path = _file(library, base)
    return library.cache.get(("base", path, path.stat().st_mtime_ns), lambda: loader.load(path))


def judged(library: Library, draft: Draft) -> Judged:
    """The scenario that `draft` makes, checked as a file is, or every problem with it, each at its line."""
    base = base_scenario(library, draft.base)
    path = _file(library, draft.base)
    before: Scenario | None = base
    try:
        if draft.text is None:
            before = loader.load(path, draft.with_)
            scenario = loader.load(path, draft.with_, draft.changes)
        else:
            home = path.with_name(HERE)
            before = loader.loads(draft.text, str(home), draft.with_)
            scenario = loader.loads(draft.text, str(home), draft.with_, draft.changes)
    except ScenarioError as error:
        return Judged(None, before, error.problems)
    problems = tuple(_refused(scenario, path.parent))
    return Judged(None if problems else scenario, before, problems)


def changed(there: Scenario, here: Scenario) -> dict[str, tuple[str, str]]:
    """Every input that differs: dotted path to what it is there and here; '-' is none."""
    pair = (Case("there", there), Case("here", here))
    found = Comparison(pair, (), there.seed, there.replicas).changes()["here"]
    for key in ("name", "question"):
        if getattr(there, key) != getattr(here, key):
            found = {key: (getattr(there, key), getattr(here, key)), **found}
    return found


def files(scenario: Scenario) -> dict[str, bytes]:
    """Files beside a shipped scenario that an edited text names, by their name; to be put beside the text."""
    return {path.name: path.read_bytes() for path in scenario.files.values() if path.is_file()}


def place(problem: Problem) -> tuple[int, int]:
    """Line and column in the editor's text; 0, 0 for a problem that lies elsewhere, such as in a change."""
    return (problem.line, problem.column) if Path(problem.file).name == HERE else (0, 0)


def where(problem: Problem) -> str:
    """Where a problem lies, in words."""
    line, column = place(problem)
    if line:
        return f"line {line}, column {column}"
    return "" if Path(problem.file).name == HERE else problem.file.rpartition("/")[2]


def _refused(scenario: Scenario, home: Path) -> Iterator[Problem]:
    """What a page may not ask for, though a file on disk may."""
    for name, stage in scenario.stages.items():
        if is_function(stage.route):
            message = f"'{stage.route}' names a Python function, which no page may run: use 'ettwin run'"
            yield scenario.problem(f"stages.{name}.route", message)
    for path, file in scenario.files.items():
        if file.is_symlink() or not file.resolve().is_relative_to(home.resolve()):
            yield scenario.problem(path, f"'{file.name}' leads out of the scenario's folder")
        elif not file.is_file():
            yield scenario.problem(path, f"there is no file '{file.name}' beside the scenario")


def _file(library: Library, base: str) -> Path:
    if base.startswith(OF_RUN):
        return library.entry(base.removeprefix(OF_RUN), RUN).folder / "resolved.yaml"
    known = loader.bundled()
    if base not in known:
        raise BaseError(phrases.unknown("scenario", base[:80], known))
    return known[base]


class BaseError(LibraryError):
    """There is no such scenario to start from."""

    title = "There is no such scenario"
