"""`ettwin compare`: run several cases of a scenario under the same sky and hold them against the first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dashboards import folders
from dashboards.commands.run import Replicas, Seed
from dashboards.terminal import FAILED, Json, Profiles, Set, Source, With, fail, result, result_json, retyped, say
from dashboards.watch import watch

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
    int | None,
    typer.Option(help="Cases run at once; by default as many as there are cores. Changes no number.", min=1),
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
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Compare cases of a scenario, paired by the same sky: table here, report.html and values in a folder."""
    from dashboards import comparison, comparison_text
    from twin.studies import cases, kept
    from twin.studies.compare import compare as run

    chosen = cases.chosen(scenario, case or (), with_ or (), set_ or ())
    folder = folders.chosen(out, f"{chosen[0].scenario.name}-compared")
    for name in dict.fromkeys(name for case in chosen for name in case.scenario.never):
        say(f"timeline.{name} starts after the horizon: it does not happen in any case")
    where = tuple(profiles or [Path("profiles")])
    at_once = min(workers or os.cpu_count() or 1, len(chosen))
    try:
        with watch(quiet) as progress:
            found = run(chosen, seed=seed, replicas=replicas, profiles=where, workers=at_once, progress=progress)
    except KeyboardInterrupt:
        say("interrupted; nothing was written")
        raise
    command = retyped(context.obj, ("--out", "--workers"))
    told = kept.as_dict(found, command)
    try:
        kept.save(found, folder, command, also=lambda beside: comparison.write(told, beside / "report.html"))
    except OSError as error:
        fail(f"{folder}: cannot be written ({error}); nothing was left behind", FAILED)
    if json:
        result_json({**told, "folder": str(folder)})
    else:
        result(comparison_text.text(told))
        result(f"\nReport  {folder / 'report.html'}")
