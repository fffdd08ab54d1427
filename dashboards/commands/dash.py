"""`ettwin dash`: the planners' dashboard, served to this machine's browsers until it is interrupted."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from dashboards.terminal import USAGE, fail, result, say

Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where results are, and where new ones go.")]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", help="Port; 0 takes a free one.", min=0, max=65535)]
Remote = Annotated[
    bool,
    typer.Option("--allow-remote", help="Listen beyond this machine: whoever reaches it may run jobs; no login."),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--served-as", metavar="NAME", help="Host name in browsers' addresses, besides this machine's own."
    ),
]
AtOnce = Annotated[
    int | None, typer.Option("--jobs", help="Jobs at once; by default one for two cores.", min=1, max=256)
]
Memory = Annotated[float, typer.Option("--job-memory", metavar="GIB", help="A job's address space.", min=0.5)]
Hours = Annotated[float, typer.Option("--job-hours", metavar="H", help="How long a job may take.", min=0.01)]


def dash(
    runs: Runs = Path("runs"),
    host: Host = "127.0.0.1",
    port: Port = 8050,
    allow_remote: Remote = False,
    served_as: Names = None,
    jobs: AtOnce = None,
    job_memory: Memory = 8.0,
    job_hours: Hours = 4.0,
) -> None:
    """Serve the dashboard: choose a scenario, turn its knobs, watch it run, compare, export."""
    from dashboards.app.job import Limits
    from dashboards.app.jobs import Jobs
    from dashboards.app.security import LOOPBACK

    local = host in LOOPBACK
    if not local and not allow_remote:
        fail(
            f"--host {host}: would let others in, who could run jobs: there is no login. Add --allow-remote if "
            "that is meant, or reach it through 'ssh -L 8050:127.0.0.1:8050'",
            USAGE,
        )
    if allow_remote and local:
        fail(f"--allow-remote: --host {host} is this machine only; give another --host, or leave it out", USAGE)
    _writable(runs)
    listening = _bound(host, port)
    names = {*LOOPBACK, *(served_as or ()), *(() if local else (host, socket.gethostname(), socket.getfqdn()))}
    limits = Limits(memory_bytes=int(job_memory * 2**30), wall_s=job_hours * 3600.0)
    made = Jobs(runs, jobs, limits)
    shown = f"[{host}]" if ":" in host else host
    _serve(runs, names, made, listening, f"http://{shown}:{listening.getsockname()[1]}/", local)


def _serve(runs: Path, names: set[str], jobs: object, listening: socket.socket, address: str, local: bool) -> None:
    from waitress.server import create_server

    from dashboards.app.jobs import Jobs
    from dashboards.app.security import LARGEST_BYTES
    from dashboards.app.server import THREADS, create, warm

    assert isinstance(jobs, Jobs)
    site = create(runs, names, jobs)
    if not local:
        say("anyone who reaches this address can start jobs and read results")
    warm(site)
    site.jobs.open()
    server = create_server(
        site.app.server,
        sockets=[listening],
        threads=THREADS,
        ident="ettwin",
        max_request_body_size=2 * LARGEST_BYTES,
        channel_timeout=60,
        connection_limit=256,
        clear_untrusted_proxy_headers=True,
    )
    signal.signal(signal.SIGTERM, _end)
    result(f"ettwin dash  {address}  (Ctrl-C ends it)")
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        left = sum(not one.ended for one in site.jobs.all())
        site.jobs.close()
        server.close()
        if left:
            say(f"{left} of its jobs are not over: those that run go on, others wait for the next 'ettwin dash'")


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Have the server end as Ctrl-C does."""
    raise KeyboardInterrupt


def _writable(runs: Path) -> None:
    """Leave when results cannot be written there."""
    from tempfile import TemporaryDirectory

    try:
        runs.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=runs, prefix=".ettwin-"):
            pass
    except OSError as error:
        fail(f"--runs {runs}: cannot be written to ({error.strerror}); choose another folder", USAGE)


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there; leave when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        fail(
            f"--port {port}: {host} cannot be listened on ({error.strerror}); choose another, or 0 for any", USAGE
        )
    return listening
