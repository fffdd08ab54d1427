"""Workers on other hosts as the place of a crew: Dask finds them a server, and they come in by the twin's door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from twin.cluster.farm import Cluster, nobody
from twin.farm.channel import Channel
from twin.farm.door import Door
from twin.farm.place import FarmError, Seat
from twin.farm.secure import Scheduler, greet


class Placed:
    """Servers that have joined `scheduler`: a seat gets one of the hardware kind that `kinds` has for its pool."""

    def __init__(self, scheduler: Scheduler, kinds: Mapping[int, str]) -> None:
        self._scheduler, self._kinds = scheduler, kinds
        self._fault: str | None = None
        self._open: tuple[Door, Cluster] | None = None

    def open(self, seats: Sequence[Seat]) -> None:
        """Meet the scheduler and wait until enough servers have joined; FarmError when they do not."""
        try:
            ours = greet(self._scheduler)
        except OSError as error:
            raise nobody(self._scheduler, error) from error
        door = Door(ours, self._scheduler.certificates)

        def fail(why: str) -> None:
            self._fault = why
            door.ring()

        try:
            cluster = Cluster(self._scheduler, door.awaits, fail)
        except BaseException:
            door.close()
            raise
        self._open = door, cluster
        cluster.await_servers(Counter(self._kinds[pool] for pool, _ in seats))

    def start(self, seat: Seat) -> None:
        """Ask for a server; until there is one, nobody arrives."""
        door, cluster = self._opened()
        cluster.place(seat, self._kinds[seat[0]], door.expect(seat))

    def arrivals(self) -> list[tuple[Seat, Channel]]:
        """Who has come in; FarmError when somebody cannot."""
        if self._fault is not None:
            raise FarmError(self._fault)
        return self._opened()[0].come()

    def bells(self) -> list[int]:
        """The door's."""
        return [self._opened()[0].fileno()]

    def end(self, seat: Seat) -> None:
        """Let nobody in any more; the worker leaves when it is hung up on."""
        door, cluster = self._opened()
        door.forget(seat)
        cluster.release(seat)

    def close(self) -> None:
        """Leave the scheduler and shut the door."""
        if self._open is not None:
            door, cluster = self._open
            cluster.close()
            door.close()
            self._open = None

    def _opened(self) -> tuple[Door, Cluster]:
        if self._open is None:
            raise FarmError("workers are asked for before the place is open, or after it has closed")
        return self._open
