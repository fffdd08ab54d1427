"""`ettwin worker`: offer servers of this host to the farms of twins, over a Dask scheduler."""

from __future__ import annotations

from typing import Annotated

import typer

from dashboards.terminal import USAGE, Ca, Cert, Key, fail, say, scheduler


def worker(
    address: Annotated[str, typer.Argument(metavar="tls://HOST:PORT", help="The Dask scheduler to join.")],
    hardware: Annotated[
        str, typer.Option("--hardware", metavar="KIND", help="Kind of each server, as pools name it: epyc-core.")
    ],
    servers: Annotated[int, typer.Option("--servers", min=1, help="How many this host offers.")] = 1,
    cores: Annotated[
        str | None,
        typer.Option("--cores", metavar="N,N…", help="Keep the servers on these cores, dealt out evenly."),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="ADDRESS", help="Our address for the scheduler, where Dask guesses wrong."),
    ] = None,
    ca: Ca = None,
    cert: Cert = None,
    key: Key = None,
) -> None:
    """Serve twins until interrupted: see docs/farm.md."""
    chosen = _cores(cores)
    where = scheduler(address, ca, cert, key)
    from twin.cluster import farm

    farm.join(where, hardware, servers, chosen, host or "", say)


def _cores(text: str | None) -> list[int]:
    try:
        return [int(number) for number in text.split(",")] if text else []
    except ValueError:
        fail(f"--cores {text}: give numbers of cores, such as 0,1", USAGE)
