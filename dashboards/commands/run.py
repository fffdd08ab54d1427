"""`ettwin run`: simulate a scenario, write its run directory, tell the planner what came out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboards import documented, folders
from dashboards.terminal import (
    FAILED,
    TARGET_MISSED,
    USAGE,
    Ca,
    Cert,
    Json,
    Key,
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
    scheduler,
)
from dashboards.watch import Progress, watch

if TYPE_CHECKING:
    from twin.engine import TwinEnvironment
    from twin.farm.secure import Scheduler
    from twin.record import Record
    from twin.runner import Start
    from twin.scenario import Scenario

Case = Annotated[
    list[str] | None,
    typer.Option(
        "--case",
        metavar="NAME",
        help="Run this case of the scenario's 'cases', or overrides joined by '+': 'ettwin compare' runs several.",
    ),
]
Live = Annotated[
    str | None,
    typer.Option("--live", metavar="STAGES", help="Execute these stages' real programs, such as detect,dq."),
]
Recorded = Annotated[
    Path | None,
    typer.Option("--recorded", metavar="RUN", help="Replay the live stages of an earlier run directory."),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option("--checkpoint", metavar="DIR", help="Keep what is done; the same command goes on from it."),
]
Farm = Annotated[
    str | None,
    typer.Option(
        "--farm",
        metavar="[tls://HOST:PORT]",
        help="Live stages on worker processes, in real time: of this machine, or of hosts that have joined a Dask "
        "scheduler (see docs/farm.md). Not with --recorded.",
    ),
]
Log = Annotated[
    Path | None,
    typer.Option("--log", metavar="FILE", help="Write what happens on the farm as it happens: see ettwin shadow."),
]
Seed = Annotated[int | None, typer.Option(help="Chance; by default the scenario's.", min=0, max=10**18 - 1)]
Replicas = Annotated[
    int | None, typer.Option(help="Independent runs; by default the scenario's.", min=1, max=10_000)
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="The run directory; by default the next runs/NAME.")
]
Watched = Annotated[
    Path | None,
    typer.Option("--progress", metavar="FILE", help="Also write progress there, a JSON object a line."),
]
Alerts = Annotated[
    str | None,
    typer.Option(
        "--alerts",
        metavar="N|all|none",
        help="How many alerts are written as documents, the first in time; by default 200 (docs/alerts.md).",
    ),
]
Skymaps = Annotated[bool, typer.Option("--skymaps", help="With sky maps in those documents.")]

_ASIDE = ("--out", "--checkpoint", "--farm", "--log", "--progress", "--ca", "--cert", "--key", "--alerts")
"""Options that have no say in what a replay gives."""


def run(
    context: typer.Context,
    scenario: Source,
    case: Case = None,
    with_: With = None,
    set_: Set = None,
    live: Live = None,
    farm: Farm = None,
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
    log: Log = None,
    recorded: Recorded = None,
    seed: Seed = None,
    replicas: Replicas = None,
    profiles: Profiles = None,
    out: Out = None,
    checkpoint: Checkpoint = None,
    alerts: Alerts = None,
    skymaps: Skymaps = False,
    json: Json = False,
    quiet: Quiet = False,
    progress: Watched = None,
    fail_on_target: Annotated[
        bool, typer.Option("--fail-on-target", help="Exit with code 5 when a target is missed.")
    ] = False,
) -> None:
    """Run a scenario: summary here, tables and report.html in the run directory."""
    chosen, source_text = _read(scenario, case, with_, _with_skymaps(_with_live(set_ or [], live), skymaps))
    most = documented.most(alerts, skymaps, chosen)
    folder = folders.chosen(out, chosen.name)
    _fit_together(chosen, checkpoint, farm is not None, recorded)
    on_farm = _farm(farm, ca, cert, key)
    where, watched = tuple(profiles or [Path("profiles")]), (watch(quiet, progress), progress)
    try:
        with _logged(log, chosen, seed, replicas, on_farm) as start:
            record = _simulated(chosen, seed, replicas, where, recorded, checkpoint, watched, on_farm, start)
        folder = folders.free(folder, out, chosen.name)
        replay = ["--recorded", str(folder)] if chosen.live and recorded is None else []
        command = retyped([*context.obj, *replay], _ASIDE)
        record = replace(record, source_text=source_text, manifest={**record.manifest, "command": command})
        record = record.noting(most)
        _save(record, folder, most, quiet)
    except KeyboardInterrupt:
        kept = "nothing was written" if checkpoint is None else f"the same command goes on from {checkpoint}"
        say(f"interrupted; {kept}")
        raise
    if checkpoint is not None:
        from twin import resume

        resume.remove(checkpoint)
    summary = record.summary
    _tell(summary, folder, json)
    if fail_on_target and summary["verdict"] == "missed":
        sys.exit(TARGET_MISSED)


def _read(
    source: str, cases: list[str] | None, with_: list[str] | None, changes: list[str]
) -> tuple[Scenario, str]:
    """The scenario that is asked for and the text of its file, read before the run: it may change meanwhile."""
    from twin.loader import find, load

    if cases and len(cases) > 1:
        both = f"'{cases[0]}+{cases[1]}' is both at once"
        fail(f"--case {cases[1]}: a run is of one case; 'ettwin compare' runs several, {both}", USAGE)
    if cases:
        from twin.studies.cases import single

        chosen = single(source, cases[0], with_ or (), changes)
    else:
        chosen = load(source, with_ or (), changes)
    for told in chosen.undone:
        say(told)
    return chosen, find(source).read_text(encoding="utf-8-sig")


def _tell(summary: Mapping[str, Any], folder: Path, json: bool) -> None:
    if json:
        result_json({**summary, "run": str(folder)})
    else:
        from dashboards import text

        result(text.text(summary))
        result(f"\nReport  {folder / 'report.html'}")


def _fit_together(scenario: Scenario, checkpoint: Path | None, farm: bool, recorded: Path | None) -> None:
    """Leave when options ask for what cannot be had at once."""
    if checkpoint is not None and scenario.live:
        fail(f"--checkpoint {checkpoint}: live stages are recorded in the run directory, not here", USAGE)
    if checkpoint is not None and any(":" in stage.route for stage in scenario.stages.values()):
        fail(f"--checkpoint {checkpoint}: what a Python route remembers cannot be kept", USAGE)
    if farm and not scenario.live:
        fail("--farm executes live stages: name some with --live, such as --live detect,dq", USAGE)
    if farm and recorded is not None:
        fail("--farm executes, --recorded replays: leave one of them out", USAGE)


def _farm(farm: str | None, ca: str | None, cert: str | None, key: str | None) -> bool | Scheduler:
    """Where live stages run on workers: nowhere, here, or where a scheduler says."""
    if farm in (None, "here"):
        if ca or cert or key:
            fail("--ca, --cert and --key are for --farm tls://HOST:PORT: add it, or leave them out", USAGE)
        return farm is not None
    return scheduler(str(farm), ca, cert, key)


@contextmanager
def _logged(
    log: Path | None, scenario: Scenario, seed: int | None, replicas: int | None, farm: bool | Scheduler
) -> Iterator[Start | None]:
    """What has the farm write its log, if one is wanted."""
    if log is None:
        yield None
        return
    if not farm or (replicas or scenario.replicas) > 1:
        fail(f"--log {log}: is that of one run on a farm: needs --farm and --replicas 1", USAGE)
    from twin.farm.journal import Journal

    about = {"scenario": scenario.name, "seed": scenario.seed if seed is None else seed, "replica": 0}
    try:
        journal = Journal(log, about)
    except OSError as error:
        fail(f"--log {log}: cannot be written ({error.strerror}); choose another file", USAGE)
    with journal:
        yield journal.attach
    if journal.failure is not None:
        say(f"--log {log}: ends too early, it could not be written ({journal.failure.strerror})")


def _simulated(
    scenario: Scenario,
    seed: int | None,
    replicas: int | None,
    profiles: tuple[Path, ...],
    recorded: Path | None,
    checkpoint: Path | None,
    watched: tuple[AbstractContextManager[Progress], Path | None],
    farm: bool | Scheduler,
    start: Start | None,
) -> Record:
    import twin

    earlier = None if recorded is None else twin.open(recorded)
    if earlier is not None and earlier.live is None:
        fail(f"--recorded {recorded}: holds no live stages", USAGE)
    if earlier is not None and not scenario.live:
        fail(f"--recorded {recorded}: needs --live with the stages to replay", USAGE)
    for name in scenario.never:
        say(f"timeline.{name} starts after the horizon: it does not happen in this run")
    context, file = watched
    with context as progress:
        start, progress = _seen(None if checkpoint else file, scenario, bool(farm), start, progress)
        return twin.run(
            scenario,
            seed=seed,
            replicas=replicas,
            profiles=profiles,
            recorded=earlier,
            progress=progress,
            checkpoint=checkpoint,
            farm=farm,
            start=start,
        )


def _seen(
    file: Path | None, scenario: Scenario, farm: bool, start: Start | None, progress: Progress
) -> tuple[Start | None, Progress]:
    """`start` and `progress`, with which the present of the run is written beside a `file` of progress."""
    if file is None:
        return start, progress
    from twin.sofar import SoFar

    seen = SoFar(file.with_suffix(".now.json"), scenario, farm)

    def begin(environment: TwinEnvironment) -> None:
        if start is not None:
            start(environment)
        seen.start(environment)

    return begin, seen.told(progress)


def _save(record: Record, folder: Path, most: int | None, quiet: bool) -> None:
    from dashboards import report

    def also(beside: Path) -> None:
        report.write(record, beside / "report.html")

    try:
        with watch(quiet) as progress:
            record.save(folder, also, progress, most)
    except OSError as error:
        fail(f"{folder}: cannot be written ({error}); nothing was left behind", FAILED)
    documented.tell(record, folder)


def _with_skymaps(changes: Sequence[str], skymaps: bool) -> list[str]:
    return [*changes, *(["alerts.skymaps=true"] if skymaps else [])]


def _with_live(changes: Sequence[str], live: str | None) -> list[str]:
    if live is None:
        return list(changes)
    names = list(dict.fromkeys(name.strip() for name in live.split(",") if name.strip()))
    if not names:
        fail(f"--live {live!r}: give names of stages, such as detect,dq", USAGE)
    return [*changes, f"live=[{', '.join(names)}]"]
