"""`ettwin validate`: how well does the twin foretell what a farm of this machine does?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboards.commands.run import Watched as Progress
from dashboards.terminal import TARGET_MISSED, USAGE, Json, Quiet, fail, finite, result, result_json, say
from dashboards.watch import watch

if TYPE_CHECKING:
    from twin.validation.request import Request
    from twin.validation.watched import Watched

Case = Annotated[
    list[str] | None,
    typer.Option("--case", metavar="NAME", help="Only this case, such as 'load 0.9'; repeatable. By default all."),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder; by default the next runs/validation.")
]


def validate(
    what: Annotated[
        str, typer.Argument(metavar="[SCENARIO|WORKLOAD]", help="A scenario's search, or a workload.")
    ] = "detector",
    stage: Annotated[str | None, typer.Option(help="Of a scenario; by default its first with a fallback.")] = None,
    runtime: Annotated[str | None, typer.Option(help="What it runs on.")] = None,
    fallback: Annotated[str | None, typer.Option(help="Runtime that serves while a case retrains.")] = None,
    case: Case = None,
    n: Annotated[int, typer.Option("--n", help="Jobs of each case.", min=100)] = 21_200,
    repeats: Annotated[int, typer.Option(help="How often the farm runs each case; 1 tells no floor.", min=1)] = 3,
    seed: Annotated[int, typer.Option(help="Chance of arrivals and draws.", min=0)] = 1,
    budget: Annotated[
        float, typer.Option(help="Seconds of timing for the profile.", min=1.0, callback=finite)
    ] = 180.0,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
    progress: Progress = None,
    fail_on_target: Annotated[
        bool, typer.Option("--fail-on-target", help="Exit with code 5 when a case misses a goal.")
    ] = False,
) -> None:
    """Measure a profile, foretell a farm of this machine, run it, and tell how far the two are apart.

    Needs a machine that does nothing else. When interrupted, the same command goes on.
    """
    from dashboards import folders, validation
    from dashboards import validation_text as text
    from twin.validation.trial import validate as validated

    programs = _programs(what, stage, runtime, fallback)
    request = _request(programs, case, n, repeats, seed, budget)
    folder = folders.chosen(out, "validation")
    try:
        with watch(quiet, progress) as told, _watched(progress) as watched:
            found = validated(request, folder, told, watched)
    except KeyboardInterrupt:
        say(f"interrupted; the same command goes on from {folder}.partial")
        raise
    page = validation.write(found, folder / "report.html")
    if json:
        result_json({**without_curves(found), "validation": str(folder)})
    else:
        result(text.text(found))
        result(f"\nReport  {page}")
    if fail_on_target and text.kind(found) == "missed":
        sys.exit(TARGET_MISSED)


@contextmanager
def _watched(file: Path | None) -> Iterator[Watched | None]:
    """What writes how the validation goes beside a `file` of progress; nothing without one."""
    if file is None:
        yield None
        return
    from twin.validation.watched import Watched

    with Watched(file.with_suffix(".now.json")) as watched:
        yield watched


def without_curves(found: dict[str, Any]) -> dict[str, Any]:
    """The same result, but for what only a page draws."""
    cases = [{key: value for key, value in case.items() if key != "curves"} for case in found["cases"]]
    return {**found, "cases": cases}


def _programs(what: str, stage: str | None, runtime: str | None, fallback: str | None) -> dict[str, str]:
    """Workloads and runtimes: of a workload, or of a stage of a scenario."""
    from twin.loader import bundled, load
    from workloads import spec

    if what in spec.names():
        if stage is not None:
            fail(f"--stage {stage}: '{what}' is a workload and has none; leave it out, or name a scenario", USAGE)
        return {"workload": what, "runtime": runtime or "onnxruntime", "fallback": fallback or "torch"}
    if what not in bundled() and not Path(what).exists():
        known = f"workloads: {', '.join(spec.names())}; scenarios: {', '.join(bundled())}"
        fail(f"'{what}' is no workload and no scenario; {known}, or a YAML file", USAGE)
    stages = {name: s for name, s in load(what).stages.items() if s.work is not None}
    if stage is not None and stage not in stages:
        fail(f"--stage {stage}: no stage of that name has a workload; those that have: {', '.join(stages)}", USAGE)
    chosen = stages[stage or next((name for name, s in stages.items() if s.fallback), next(iter(stages)))]
    _, *below = chosen.ladder
    return {
        "workload": str(chosen.work),
        "runtime": runtime or chosen.runtime,
        "fallback": fallback or (str(below[0].runtime) if below else "torch"),
        "fallback_workload": below[0].work if below else "",
    }


def _request(
    programs: dict[str, str], cases: list[str] | None, n: int, repeats: int, seed: int, budget: float
) -> Request:
    """What is asked for; leave when it cannot be done."""
    from twin.validation.request import Request

    chosen = tuple(cases) if cases else None
    try:
        return Request(**programs, n=n, repeats=repeats, cases=chosen, seed=seed, profile_s=budget)
    except ValueError as error:
        fail(str(error), USAGE)
