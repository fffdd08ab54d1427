"""An alert is asked about again: the archived model runs on the archived strain, and either says the same or not.

What was changed since it was signed is refused (ArchiveError) before anything runs. Knows no run directory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.archive import origin
from twin.archive.capsule import Capsule
from twin.archive.sealed import ArchiveError, MissingError
from twin.archive.store import Archive, Model
from twin.archive.tolerance import Execution, Tolerance, between, difference

AGREES, DIFFERS, UNCHECKED = "agrees", "differs", "cannot be checked"


@dataclass(frozen=True)
class Answer:
    """What asking one program again gave. Scores, their difference and what is allowed are None where none ran."""

    stage: str
    model: str
    runtime: str
    verdict: str
    why: str
    recorded: float
    now: float | None = None
    difference: float | None = None
    allowed: float | None = None


def ask(
    capsule: Capsule, archive: Archive, runtime: str | None = None, versions: Sequence[str] = ()
) -> list[Answer]:
    """The answer of every program that had a say in the alert.

    In `runtime` instead of the recorded one, and with the models of `versions` instead of those that ran, where
    given. ArchiveError when something was changed, or a version is of a workload that had no say.
    """
    others = {model.workload: model for model in map(archive.model, versions)}
    asked = capsule.about["asked"]
    if extra := set(others) - {about["workload"] for about in asked}:
        raise ArchiveError(f"{capsule.name}: {', '.join(sorted(extra))} had no say in this alert")
    here = {"hardware": origin.hardware(), "versions": origin.versions()}
    return [_answer(capsule, archive, about, runtime, others.get(about["workload"]), here) for about in asked]


def verdict(answers: Sequence[Answer]) -> str:
    """Of all programs together: one that differs outweighs one that cannot be checked, and both all that agree."""
    said = {answer.verdict for answer in answers}
    return next(word for word in (DIFFERS, UNCHECKED, AGREES) if word in said)


def _answer(
    capsule: Capsule,
    archive: Archive,
    about: Mapping[str, Any],
    runtime: str | None,
    other: Model | None,
    here: Mapping[str, Any],
) -> Answer:
    chosen = runtime or about["runtime"]
    recorded = about["scores"][about["own"]]
    then = Execution(about["runtime"], about["threads"], **_then(capsule))
    now = Execution(chosen, about["threads"], **here)
    called = other.name if other else f"{about['workload']}@{about['version'][:12]}"

    def unchecked(why: str) -> Answer:
        return Answer(about["stage"], called, chosen, UNCHECKED, why, recorded)

    if missing := _missing(about["workload"], chosen):
        return unchecked(missing)
    allowed = between(about["workload"], then, now)
    if allowed is None:
        return unchecked(
            f"how far {about['runtime']} and {chosen} may differ was not measured for {about['workload']}"
        )
    try:
        model = other or archive.model(about["version"])
        with archive.extracted(model) as folder:
            found = _run(capsule, about, chosen, folder)
    except MissingError as error:
        return unchecked(str(error))
    if isinstance(found, str):
        return unchecked(found)
    return _judged(about, called, chosen, allowed, *found)


def _then(capsule: Capsule) -> dict[str, Any]:
    """Hardware and versions that gave the recorded scores; None unless they made the capsule's strain as well."""
    executed, made = capsule.about["executed"], capsule.about["strain_made"]
    return dict(executed) if executed == made else {"hardware": None, "versions": None}


def _missing(workload: str, runtime: str) -> str:
    """What this installation lacks to run `workload` in `runtime`; '' for nothing."""
    from workloads import spec
    from workloads.runtime import EXTRA, PACKAGE, installed

    if workload not in spec.names():
        return f"this version has no workload '{workload}'"
    known = spec.runtimes(spec.get(workload))
    if runtime not in known:
        return f"'{workload}' has no runtime '{runtime}'; it has: {', '.join(known)}"
    if not installed(runtime):
        extra = EXTRA.get(PACKAGE.get(runtime, ""), "live")
        return f"runtime '{runtime}' is not installed here, or finds no GPU: pip install 'et-twin[{extra}]'"
    return ""


def _run(capsule: Capsule, about: Mapping[str, Any], runtime: str, folder: Path) -> tuple[float, bool] | str:
    """Score and outcome of the alert's own window, run in its whole batch; or why there are none."""
    from workloads.card import WeightsError
    from workloads.serving.address import ServerError
    from workloads.spec import load
    from workloads.unit import BadInputError

    try:
        program = load(about["workload"], runtime, about["threads"], folder)
        outputs = program(capsule.windows[about["windows"]])
    except (WeightsError, ServerError, BadInputError) as error:
        return str(error)
    return float(outputs.score[about["own"]]), bool(outputs.outcome[about["own"]])


def _judged(
    about: Mapping[str, Any], called: str, runtime: str, allowed: Tolerance, now: float, outcome: bool
) -> Answer:
    recorded = about["scores"][about["own"]]
    apart = difference(recorded, now)
    agrees = apart <= allowed.allowed and outcome == about["outcome"]
    why = f"score {recorded!r} then, {now!r} now: {apart:.3g} apart, allowed {allowed.allowed:.3g} ({allowed.why})"
    if outcome != about["outcome"]:
        why += f"; the threshold lies between: {_said(about['outcome'])} then, {_said(outcome)} now"
    word = AGREES if agrees else DIFFERS
    return Answer(about["stage"], called, runtime, word, why, recorded, now, apart, allowed.allowed)


def _said(outcome: bool) -> str:
    return "above" if outcome else "below"
