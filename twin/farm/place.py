"""Where the workers of a crew come up: processes of this machine, and what any other place has to offer."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Protocol

from twin.farm.channel import Channel

Seat = tuple[int, int]
"""A server: its pool's number, and its own there."""
_LEAVE_S = 5.0


class FarmError(RuntimeError):
    """The farm cannot do what the scenario asks of it."""


class Place(Protocol):
    """What a crew asks of the place where its workers come up."""

    def open(self, seats: Sequence[Seat]) -> None:
        """Be ready to start workers for these; FarmError when there is no room for them."""

    def start(self, seat: Seat) -> None:
        """Have a worker come up for `seat`; it is among the arrivals once it can be spoken to."""

    def arrivals(self) -> list[tuple[Seat, Channel]]:
        """Who has come up since asked last; FarmError when somebody cannot."""

    def bells(self) -> list[int]:
        """Descriptors that can be read when somebody has come up."""

    def end(self, seat: Seat) -> None:
        """The worker of `seat` goes, now."""

    def close(self) -> None:
        """All workers go; they have been hung up on."""


class Here:
    """A process of this machine for every seat, connected when it starts."""

    def __init__(self) -> None:
        self._processes: dict[Seat, subprocess.Popen[bytes]] = {}
        self._started: list[tuple[Seat, Channel]] = []

    def open(self, seats: Sequence[Seat]) -> None:
        """Nothing needs to be there beforehand."""

    def start(self, seat: Seat) -> None:
        """Start a process for `seat`."""
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "twin.farm.worker", str(theirs.fileno())]
        with theirs:
            process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL)
        self._processes[seat] = process
        self._started.append((seat, Channel(ours)))

    def arrivals(self) -> list[tuple[Seat, Channel]]:
        """Those started since."""
        started, self._started = self._started, []
        return started

    def bells(self) -> list[int]:
        """None: they arrive as they start."""
        return []

    def end(self, seat: Seat) -> None:
        """Kill it."""
        process = self._processes.pop(seat)
        process.kill()
        process.wait()

    def close(self) -> None:
        """Wait for all to leave, and kill those that do not."""
        for process in self._processes.values():
            try:
                process.wait(_LEAVE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
