"""Where the replicas of a study may run besides this process: a cluster by its address or its batch system.

Knows no Dask, so that a wrong address is told at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from twin.farm.secure import AddressError, Certificates, Scheduler

Kind = Literal["local", "scheduler", "slurm", "htcondor"]
QUEUES: tuple[Kind, ...] = ("slurm", "htcondor")
MOST = 10_000


@dataclass(frozen=True)
class Place:
    """Dask workers of one `kind`: `number` processes of this machine (0: as asked for), or jobs of a batch system;
    or those that have joined `scheduler`. Only workers with the resource `tag` are used, where one is given."""

    kind: Kind
    number: int = 0
    scheduler: Scheduler | None = None
    tag: str = ""

    @property
    def name(self) -> str:
        """How it is called in messages."""
        if self.scheduler is not None:
            return self.scheduler.address
        return f"{self.kind}:{self.number}" if self.number else self.kind


def place(text: str, certificates: Certificates | None = None, tag: str = "") -> Place:
    """The place called 'local', 'local:2', 'tls://HOST:PORT', 'tcp://HOST:PORT', 'slurm:8' or 'htcondor:8'.

    Raises AddressError for anything else, for TLS without certificates, and for tcp to another machine.
    """
    if "://" in text:
        return Place("scheduler", scheduler=Scheduler(text, certificates), tag=tag)
    if certificates is not None:
        raise AddressError(f"--cluster {text}: certificates are for tls://HOST:PORT: leave them out")
    kind, colon, number = text.partition(":")
    if kind == "local" and (not colon or _is_count(number)):
        return Place("local", int(number or 0), tag=tag)
    for queue in QUEUES:
        if kind == queue and _is_count(number):
            return Place(queue, int(number), tag=tag)
    raise AddressError(
        f"--cluster {text}: give local, local:2, tls://HOST:PORT, or jobs of a batch system: slurm:8, htcondor:8"
    )


def _is_count(text: str) -> bool:
    return text.isdigit() and 1 <= int(text) <= MOST
