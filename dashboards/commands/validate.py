"""`ettwin validate`: how well does the twin foretell what a farm of this machine does?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboards.terminal import TARGET_MISSED, USAGE, Json, fail, result, result_json, say
from dashboards.watch import watch

if TYPE_CHECKING:
    from twin.validation.request import Request

Case = Annotated[
    list[str] | None,
    typer.Option("--case", metavar="NAME", help="Only this case, such as 'load 0.9'; repeatable. By default all."),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder; by default the next runs/validation.")
]


def validate(
    workload: Annotated[str, typer.Argument(metavar="[WORKLOAD]", help="The farm's program.")] = "detector",
    runtime: Annotated[str, typer.Option(help="What it runs on.")] = "onnxruntime",
    fallback: Annotated[str, typer.Option(help="Runtime that serves while a case retrains.")] = "torch",
    case: Case = None,
    n: Annotated[int, typer.Option("--n", help="Jobs of each case.", min=100)] = 21_200,
    repeats: Annotated[int, typer.Option(help="How often the farm runs each case; 1 tells no floor.", min=1)] = 3,
    seed: Annotated[int, typer.Option(help="Chance of arrivals and draws.", min=0)] = 1,
    budget: Annotated[float, typer.Option(help="Seconds of timing for the profile.", min=1.0)] = 180.0,
    out: Out = None,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
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

    request = _request(workload, runtime, fallback, case, n, repeats, seed, budget)
    folder = folders.chosen(out, "validation")
    try:
        with watch(quiet) as progress:
            found = validated(request, folder, progress)
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


def without_curves(found: dict[str, Any]) -> dict[str, Any]:
    """The same result, but for what only a page draws."""
    cases = [{key: value for key, value in case.items() if key != "curves"} for case in found["cases"]]
    return {**found, "cases": cases}


def _request(
    workload: str,
    runtime: str,
    fallback: str,
    cases: list[str] | None,
    n: int,
    repeats: int,
    seed: int,
    budget: float,
) -> Request:
    """What is asked for; leave when it cannot be done."""
    from twin.validation.request import Request

    try:
        return Request(
            workload=workload,
            runtime=runtime,
            n=n,
            repeats=repeats,
            cases=tuple(cases) if cases else None,
            seed=seed,
            fallback=fallback,
            profile_s=budget,
        )
    except ValueError as error:
        fail(str(error), USAGE)
