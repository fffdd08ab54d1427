"""`ettwin measure`: how fast and how well the real workloads do on this machine, as profiles."""

from __future__ import annotations

from datetime import UTC, datetime
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dashboards.occupancy import occupancy_rows, occupancy_table
from dashboards.terminal import USAGE, Json, fail, finite, result, result_json
from dashboards.watch import watch

if TYPE_CHECKING:
    from workloads.profile import Profile
    from workloads.spec import Workload

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[WORKLOAD]...", help="By default all that are shipped.")
]

Servers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WORKLOAD=URL",
        help="Of runtime oip: grpc://HOST:PORT/MODEL, for all workloads without 'WORKLOAD='; repeatable.",
    ),
]
Budget = Annotated[
    float, typer.Option(help="Seconds of timing per workload and runtime.", min=0.1, callback=finite)
]
Occupied = Annotated[
    bool,
    typer.Option(
        "--occupancy", help="Only what a batch takes a server of a farm here, into the profiles measured before."
    ),
]
Overlaps = Annotated[
    bool,
    typer.Option(
        "--overlaps",
        help="Only what signals close to each other do to searches, into the profiles measured before; minutes.",
    ),
]
Streams = Annotated[
    int, typer.Option(help="Detectors whose strain it is: 3 of a triangle, or 2 L-shaped ones far apart.", min=1)
]


def measure(
    workloads: Names = None,
    hardware: Annotated[str, typer.Option(help="Name of the hardware kind this machine stands for.")] = "host",
    runtime: Annotated[list[str] | None, typer.Option(help="By default all that the workload has.")] = None,
    batch: Annotated[list[int] | None, typer.Option(help="Batch sizes; by default 1, 2, 4, 8.", min=1)] = None,
    server: Servers = None,
    threads: Annotated[int, typer.Option(help="Threads of one server.", min=1)] = 1,
    budget: Budget = 60.0,
    quick: Annotated[bool, typer.Option("--quick", help="Ten times fewer tries for the decisions.")] = False,
    times: Annotated[bool, typer.Option("--times", help="Only times: the quality measured before stays.")] = False,
    quality: Annotated[
        bool, typer.Option("--quality", help="Only quality: the times measured before stay.")
    ] = False,
    occupancy: Occupied = False,
    drift: Annotated[bool, typer.Option("--drift", help="Also decisions on drifted data; takes hours.")] = False,
    overlaps: Overlaps = False,
    streams: Streams = 3,
    out: Annotated[Path, typer.Option(help="Folder that the profiles go to.")] = Path("profiles"),
    json: Json = False,
) -> None:
    """Measure service times and decisions of real workloads on this machine."""
    from twin.farm.measured import occupy
    from workloads import spec
    from workloads.measure import Request, judge_again, overlaps_again, time_again
    from workloads.measure import measure as measured
    from workloads.profile import load

    _fit_together(times, quality, occupancy, overlaps, quick, drift)
    _of_triangle(streams, occupancy, drift)
    names = workloads or [n for n in spec.names() if not overlaps or _looks_for_signals(spec.get(n))]
    for name in names:
        _check(name, runtime, overlaps, streams)
    if server:
        _name(server, names, runtime)
    batches = sorted({1, *(batch or (1, 2, 4, 8))})
    today = datetime.now(UTC).date().isoformat()
    paths: list[Path] = []
    for k, name in enumerate(names):
        with watch() as progress:

            def said(fraction: float, text: str, k: int = k) -> None:
                progress((k + fraction) / len(names), text)

            request = Request(name, hardware, runtime, batches, threads, budget, quick, drift, streams)
            again = {occupy: occupancy, time_again: times, judge_again: quality, overlaps_again: overlaps}
            what = next((one for one, asked in again.items() if asked), measured)
            paths += what(request, out, today, said)
    rows = [row for path in paths for row in (occupancy_rows if occupancy else _rows)(load(path))]
    written = [str(path) for path in paths]
    if json:
        result_json({"profiles": written, "occupancy" if occupancy else "service": rows})
    else:
        table = (occupancy_table if occupancy else _table)(rows)
        result(f"{table}\n\nProfiles  {', '.join(written)}")


def _fit_together(times: bool, quality: bool, occupancy: bool, overlaps: bool, quick: bool, drift: bool) -> None:
    if times + quality + occupancy + overlaps > 1:
        told = "--times, --quality, --occupancy and --overlaps each leave all else as it is: give one of them"
        fail(f"{told}, or none", USAGE)
    if (times or occupancy) and (quick or drift):
        fail("--times and --occupancy leave the quality as it is: leave --quick and --drift out", USAGE)
    if overlaps and drift:
        fail("--overlaps is measured on data as they were: leave --drift out", USAGE)


def _of_triangle(streams: int, occupancy: bool, drift: bool) -> None:
    if streams != 3 and (occupancy or drift):
        fail("--occupancy and --drift are measured on the triangle's 3 streams: leave --streams out", USAGE)


def _check(name: str, runtimes: list[str] | None, overlaps: bool, streams: int) -> None:
    from workloads import spec

    try:
        workload = spec.of_streams(spec.get(name), streams)
    except ValueError as error:
        fail(str(error), USAGE)
    if overlaps and not _looks_for_signals(workload):
        fail(f"--overlaps is measured of searches, and '{name}' looks for no signals", USAGE)
    if streams != spec.STREAMS and spec.streams(workload) is None:
        fail(f"'{name}' sees no detectors' streams: it takes as long for any number, leave --streams out", USAGE)
    known = spec.runtimes(workload)
    for runtime in runtimes or ():
        if runtime not in known:
            fail(f"workload '{name}' has no runtime '{runtime}'; it has: {', '.join(known)}", USAGE)


def _looks_for_signals(workload: Workload) -> bool:
    """Whether it is a search, after the merger or before it."""
    return workload.outcome == "trigger" or workload.task == "early-warning"


def _name(servers: list[str], names: list[str], runtimes: list[str] | None) -> None:
    """Name `servers` to this process, besides those that its environment names."""
    from workloads.serving import address
    from workloads.spec import SERVED

    if SERVED not in (runtimes or ()):
        fail(f"--server is of runtime {SERVED}: add --runtime {SERVED}, or leave it out", USAGE)
    environ[address.VARIABLE] = " ".join((environ.get(address.VARIABLE, ""), *servers))
    try:
        for name in names:
            address.find(name, environ)
    except address.ServerError as error:
        fail(str(error), USAGE)


def _rows(profile: Profile) -> list[dict[str, Any]]:
    return [
        {
            "workload": profile.workload,
            "runtime": profile.runtime,
            "batch": s.batch,
            "n": s.n,
            "p50_s": s.p50_s,
            "p99_s": s.p99_s,
            "per_segment_s": s.mean_s / s.batch,
            "settled": s.settled,
        }
        for s in profile.service
    ]


def _table(rows: list[dict[str, Any]]) -> str:
    head = f"{'workload':<22}{'runtime':<13}{'batch':>5}{'n':>7}{'p50':>11}{'p99':>11}{'per segment':>13}  tail"
    lines = [
        f"{r['workload']:<22}{r['runtime']:<13}{r['batch']:>5}{r['n']:>7}{1e3 * r['p50_s']:>8.2f} ms"
        f"{1e3 * r['p99_s']:>8.2f} ms{1e3 * r['per_segment_s']:>10.2f} ms  {'settled' if r['settled'] else 'open'}"
        for r in rows
    ]
    return "\n".join([head, *lines])
