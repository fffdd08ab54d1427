"""`ettwin study`: many runs of a scenario that answer one question, from a file or from options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dashboards import folders
from dashboards.commands.compare import Workers
from dashboards.commands.run import Replicas, Seed, Watched
from dashboards.terminal import (
    FAILED,
    USAGE,
    Ca,
    Cert,
    Json,
    Key,
    Profiles,
    Quiet,
    Set,
    With,
    certificates,
    fail,
    result,
    result_json,
    retyped,
    say,
)
from dashboards.watch import watch

if TYPE_CHECKING:
    from twin.cluster.places import Place
    from twin.studies.request import Request

What = Annotated[
    str,
    typer.Argument(metavar="STUDY", help="A study's YAML file or shipped name; with --vary a scenario instead."),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        metavar="KEY=VALUES",
        help="A dotted key with its values, such as seed=1,2,4; or a range of five: KEY=1:16:5, of equal factors "
        "KEY=1:16:log5.",
    ),
]
Sample = Annotated[
    str | None,
    typer.Option(
        metavar="HOW:N", help="Not all values with all others: N points, sobol:64 or latin-hypercube:50."
    ),
]
Report = Annotated[
    list[str] | None,
    typer.Option("--report", metavar="QUANTITY", help="What is told and drawn, such as latency.p99 or lost."),
]
Where = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="WHERE",
        help="Dask workers: tls://HOST:PORT of a scheduler, jobs of a batch system (slurm:8, htcondor:8), local; "
        "see docs/studying.md.",
    ),
]
Tag = Annotated[
    str | None, typer.Option("--tag", metavar="NAME", help="Only cluster workers that have this resource.")
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where to; by default the next runs/NAME.")]
SHOWN_DAMAGED = 3
"""Damaged answers that the terminal names; the manifest names all."""
_ASIDE = ("--out", "--workers", "--cluster", "--tag", "--ca", "--cert", "--key", "--progress")


def study(
    context: typer.Context,
    what: What,
    vary: Vary = None,
    sample: Sample = None,
    report: Report = None,
    with_: With = None,
    set_: Set = None,
    seed: Seed = None,
    replicas: Replicas = None,
    profiles: Profiles = None,
    workers: Workers = None,
    cluster: Where = None,
    tag: Tag = None,
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
    progress: Watched = None,
) -> None:
    """Run a study: the answer here, tables and report.html in a folder. Interrupted, the same command goes on."""
    from dashboards import study_page, study_text
    from twin.studies import answers, saved
    from twin.studies.study import carried_out

    place = _place(cluster, tag, ca, cert, key)
    asked = _request(what, vary, sample, report, with_, set_, seed, replicas)
    folder = folders.chosen(out, asked.name)
    unfinished = folders.unfinished(folder)
    where = tuple(profiles or [Path("profiles")])
    for name in asked.asked.scenario.never:
        say(f"timeline.{name} starts after the horizon: it does not happen in the scenario as it stands")
    try:
        with watch(quiet, progress) as told_on:
            found = carried_out(
                asked, workers=workers, cluster=place, profiles=where, answers=unfinished, progress=told_on
            )
    except KeyboardInterrupt:
        folders.interrupted(unfinished)
        raise
    _tell_damaged(found.manifest["answers_damaged"])
    for name, failure in found.failures.items():
        say(f"{name} failed: {failure}")
    command = retyped(context.obj, _ASIDE)
    try:
        saved.save(found, folder, command, also=lambda b: study_page.write(found, command, b / "report.html"))
    except OSError as error:
        fail(f"{folder}: cannot be written ({error}); what was computed is kept in {unfinished}", FAILED)
    answers.remove(unfinished)
    if json:
        result_json({**saved.as_dict(found, command), "folder": str(folder)})
    else:
        result(study_text.text(found))
        result(f"\nReport  {folder / 'report.html'}")
    if found.found.points and len(found.failures) == len(found.found.points):
        fail("every point failed", FAILED)


def _tell_damaged(damaged: Sequence[str]) -> None:
    """Say which kept answers could not be used, if there are any."""
    from twin import words

    if not damaged:
        return
    told = "; ".join(damaged[:SHOWN_DAMAGED])
    more = len(damaged) - SHOWN_DAMAGED
    told += f"; and {more:,} more, see manifest.json" if more > 0 else ""
    what = words.count(len(damaged), "kept answer")
    say(f"{what} could not be used; what was needed of that has been computed again: {told}")


def _request(
    what: str,
    vary: list[str] | None,
    sample: str | None,
    report: list[str] | None,
    with_: list[str] | None,
    set_: list[str] | None,
    seed: int | None,
    replicas: int | None,
) -> Request:
    from twin.studies import request

    if vary:
        return request.of_options(
            what, vary, sample, report or (), with_ or (), set_ or (), seed=seed, replicas=replicas
        )
    if sample or report:
        fail("--sample and --report go with --vary: a study's file says that itself", USAGE)
    return request.load(what, with_ or (), set_ or (), seed=seed, replicas=replicas)


def _place(
    cluster: str | None, tag: str | None, ca: str | None, cert: str | None, key: str | None
) -> Place | None:
    if cluster is None:
        if tag or ca or cert or key:
            fail("--tag, --ca, --cert and --key go with --cluster: add it, or leave them out", USAGE)
        return None
    from twin.cluster.places import place
    from twin.farm.secure import AddressError

    try:
        return place(cluster, certificates(ca, cert, key), tag or "")
    except AddressError as error:
        fail(str(error), USAGE)
