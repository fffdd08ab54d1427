"""What is asked of ettwin: a what-if, cases, two runs paired, a study, a validation, an alert again.

Knows no Dash. Everything is checked again here: what a page has shown as right is not taken on trust.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dashboards.app import replays, sidebyside, validations, whatif
from dashboards.app.job import PROGRESS, Job
from dashboards.app.jobs import Jobs, RefusedError
from dashboards.app.library import Library
from dashboards.app.validations import Validation
from dashboards.app.whatif import Draft
from twin.scenario import Scenario
from twin.studies import shipped

FILE = "scenario.yaml"
_TITLE = 70


def run(library: Library, draft: Draft) -> Job:
    """A job that runs what `draft` makes; RefusedError when that is not a scenario, or no job is taken."""
    scenario = _right(library, draft)
    return _submitted(library, draft, scenario, "run", scenario.name)


def cases(library: Library, draft: Draft) -> Job:
    """A job that compares the cases, or else the overrides, of what `draft` makes."""
    scenario = _right(library, draft)
    if not scenario.case_overrides and not scenario.override_names:
        raise RefusedError("This scenario has neither cases nor overrides to compare.")
    return _submitted(library, draft, scenario, "compare", f"{scenario.name}-compared")


def pair(library: Library, ids: Sequence[str]) -> Job:
    """A job that runs the scenarios of two finished runs again, paired by the same sky."""
    if len(ids) != 2:
        raise RefusedError("Two runs are compared anew: tick just two.")
    first, other = (library.record(id).scenario for id in ids)
    try:
        text = sidebyside.joined(first, other, (ids[0], ids[1]))
    except ValueError as error:
        raise RefusedError(f"These two cannot be compared anew: {error}.") from error
    files = {FILE: text.encode(), **whatif.files(first), **whatif.files(other)}

    def arguments(home: Path, out: Path) -> list[str]:
        return ["compare", str(home / FILE), *_shared(home, out, "compare")]

    title = f"{ids[0]} against {ids[1]}"[:_TITLE]
    return _jobs(library).submit("compare", title, f"{first.name}-compared", arguments, files)


def study(library: Library, name: str) -> Job:
    """A job that carries out the shipped study of this name; RefusedError when none is called so."""
    if name not in shipped.studies():
        raise RefusedError(f"There is no shipped study '{name[:80]}'.")

    def arguments(home: Path, out: Path) -> list[str]:
        return ["study", name, *_shared(home, out, "study")]

    return _jobs(library).submit("study", f"Study {name}", name, arguments)


def validation(library: Library, asked: Validation) -> Job:
    """A job that holds the twin against a farm of this machine; RefusedError for what no validation could be."""
    if problem := asked.problem():
        raise RefusedError(problem)

    def arguments(home: Path, out: Path) -> list[str]:
        return [validations.KIND, *asked.options(), *_shared(home, out, validations.KIND)]

    return _jobs(library).submit(validations.KIND, asked.title[:_TITLE], "validation", arguments)


def replay(library: Library, run: str, event: str) -> Job:
    """A job that asks the archived models about an alert again; RefusedError where the run keeps no capsules.

    One that is under way for this alert is given back.
    """
    path = replays.asked_with(library, run, event)
    if isinstance(path, str):
        raise RefusedError(path)
    before = replays.latest(library, run, event)
    if before is not None and not before.ended:
        return before

    def arguments(home: Path, out: Path) -> list[str]:
        return ["replay", str(path), "--json"]

    name, shown_at = f"{run}-{event}-replayed", replays.shown_at(run, event)
    return _jobs(library).submit(
        replays.KIND, f"Replay of {event} of {run}"[:_TITLE], name, arguments,
        answers=replays.ANSWERS, shown_at=shown_at,
    )  # fmt: skip


def _right(library: Library, draft: Draft) -> Scenario:
    found = whatif.judged(library, draft)
    if found.scenario is None:
        raise RefusedError(f"The scenario is not right yet: {found.problems[0].message}.")
    return found.scenario


def _submitted(library: Library, draft: Draft, scenario: Scenario, kind: str, name: str) -> Job:
    files: dict[str, bytes] = {}
    if not draft.shipped:
        text = whatif.base_text(library, draft.base) if draft.text is None else draft.text
        files = {FILE: text.encode(), **whatif.files(scenario)}

    def arguments(home: Path, out: Path) -> list[str]:
        source = draft.base if draft.shipped else str(home / FILE)
        return [kind, source, *draft.options(), *_shared(home, out, kind)]

    changes = [*draft.with_, *draft.changes, *(["edited"] if draft.text is not None else [])]
    title = " · ".join([scenario.name, *changes])
    short = title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
    return _jobs(library).submit(kind, short if kind == "run" else f"Cases of {short}", name, arguments, files)


def _shared(home: Path, out: Path, kind: str) -> list[str]:
    workers = ["--workers", "2"] if kind in ("compare", "study") else []
    return [*workers, "--quiet", "--progress", str(home / PROGRESS), "--out", str(out)]


def _jobs(library: Library) -> Jobs:
    if library.jobs is None:
        raise RefusedError("This dashboard only shows results: it starts nothing.")
    return library.jobs
