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
    out: Annotated[Path, typer.Option(help="Folder that the profiles go to.")] = Path("profiles"),
    json: Json = False,
) -> None:
    """Measure service times and decisions of real workloads on this machine."""
    from twin.farm.measured import occupy
    from workloads import spec
    from workloads.measure import Request, judge_again, time_again
    from workloads.measure import measure as measured
    from workloads.profile import load

    _fit_together(times, quality, occupancy, quick or drift)
    names = workloads or list(spec.names())
    for name in names:
        _check(name, runtime)
    if server:
        _name(server, names, runtime)
    batches = sorted({1, *(batch or (1, 2, 4, 8))})
    today = datetime.now(UTC).date().isoformat()
    paths: list[Path] = []
    for k, name in enumerate(names):
        with watch() as progress:

            def said(fraction: float, text: str, k: int = k) -> None:
                progress((k + fraction) / len(names), text)

            request = Request(name, hardware, runtime, batches, threads, budget, quick, drift)
            what = occupy if occupancy else time_again if times else judge_again if quality else measured
            paths += what(request, out, today, said)
    rows = [row for path in paths for row in (occupancy_rows if occupancy else _rows)(load(path))]
    written = [str(path) for path in paths]
    if json:
        result_json({"profiles": written, "occupancy" if occupancy else "service": rows})
    else:
        table = (occupancy_table if occupancy else _table)(rows)
        result(f"{table}\n\nProfiles  {', '.join(written)}")


def _fit_together(times: bool, quality: bool, occupancy: bool, of_quality: bool) -> None:
    if times + quality + occupancy > 1:
        fail("--times, --quality and --occupancy each leave all else as it is: give one of them, or none", USAGE)
    if (times or occupancy) and of_quality:
        fail("--times and --occupancy leave the quality as it is: leave --quick and --drift out", USAGE)


def _check(name: str, runtimes: list[str] | None) -> None:
    from workloads import spec

    try:
        known = spec.runtimes(spec.get(name))
    except ValueError as error:
        fail(str(error), USAGE)
    for runtime in runtimes or ():
        if runtime not in known:
            fail(f"workload '{name}' has no runtime '{runtime}'; it has: {', '.join(known)}", USAGE)


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
