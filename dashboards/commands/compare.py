"""`ettwin compare`: run several cases of a scenario under the same sky and hold them against the first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dashboards import folders
from dashboards.commands.run import Replicas, Seed, Watched
from dashboards.terminal import (
    FAILED,
    Json,
    Profiles,
    Quiet,
    Set,
    Source,
    With,
    fail,
    result,
    result_json,
    retyped,
    say,
)
from dashboards.watch import watch

if TYPE_CHECKING:
    from twin.scenario import Scenario

Cases = Annotated[
    list[str] | None,
    typer.Option(
        "--case",
        metavar="NAME",
        help="A case of the scenario's 'cases', overrides joined by '+', or as-is; the first is what the others "
        "are held against. By default all of its cases; where it lists none, as-is and each override of its file.",
    ),
]
Workers = Annotated[
    int | None, typer.Option(help="Processes; by default one for each core. Changes no number.", min=1)
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Where to; by default the next runs/NAME-compared.")
]


def compare(
    context: typer.Context,
    scenario: Source,
    case: Cases = None,
    with_: With = None,
    set_: Set = None,
    seed: Seed = None,
    replicas: Replicas = None,
    profiles: Profiles = None,
    workers: Workers = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
    progress: Watched = None,
) -> None:
    """Compare cases of a scenario, paired by the same sky: table here, report.html and values in a folder."""
    from dashboards import comparison, comparison_text
    from twin.studies import answers, cases, kept
    from twin.studies.compare import compare as run

    chosen = cases.chosen(scenario, case or (), with_ or (), set_ or ())
    folder = folders.chosen(out, f"{chosen[0].scenario.name}-compared")
    _warn([case.scenario for case in chosen])
    where = tuple(profiles or [Path("profiles")])
    unfinished = folders.unfinished(folder)
    try:
        with watch(quiet, progress) as told_on:
            found = run(
                chosen,
                seed=seed,
                replicas=replicas,
                profiles=where,
                workers=workers,
                answers=unfinished,
                progress=told_on,
            )
    except KeyboardInterrupt:
        folders.interrupted(unfinished)
        raise
    command = retyped(context.obj, ("--out", "--workers", "--progress"))
    told = kept.as_dict(found, command)
    try:
        kept.save(found, folder, command, also=lambda beside: comparison.write(told, beside / "report.html"))
    except OSError as error:
        fail(f"{folder}: cannot be written ({error}); nothing was left behind", FAILED)
    answers.remove(unfinished)
    if json:
        result_json({**told, "folder": str(folder)})
    else:
        result(comparison_text.text(told))
        result(f"\nReport  {folder / 'report.html'}")


def _warn(scenarios: Sequence[Scenario]) -> None:
    """Say what does not happen in any case, and what --set undoes in some."""
    for name in dict.fromkeys(name for scenario in scenarios for name in scenario.never):
        say(f"timeline.{name} starts after the horizon: it does not happen in any case")
    for told in dict.fromkeys(told for scenario in scenarios for told in scenario.undone):
        say(told)
