"""Statistical failures: each target on its own, or several at once from a common cause. Renewal processes.

The j-th draw about a target is a pure function of the key and the target's name, so that what-ifs share their
failures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from math import inf

from twin.controls.control import Due, Ground
from twin.controls.incidents import Incidents
from twin.controls.laws import Law, chance


@dataclass(kw_only=True)
class Renewing(Incidents):
    """Processes that are up for a time of `up`, then down for one of `down`, and so on, new at `from_s`.

    Nothing fails from `until_s` on. Draws are numbers of the stream `key`.
    """

    up: Law
    down: Law
    key: int
    from_s: float = 0.0
    until_s: float = inf

    def stream(self, k: int) -> int:
        """The key of the draws about target number `k`."""
        return int.from_bytes(sha256(f"{self.key} {self.targets[k].name}".encode()).digest()[:8])

    def failing(self, since_s: float, key: int, process: int, j: int) -> Iterator[Due]:
        """The `j`-th failure of a process that is up since `since_s`, if it comes in time."""
        at_s = since_s + self.up.draw(key, 2 * j)
        if at_s < self.until_s:
            yield at_s, "fail", process, j

    def repair_s(self, key: int, j: int) -> float:
        """How long the `j`-th repair of a process takes."""
        return self.down.draw(key, 2 * j + 1)


@dataclass(kw_only=True)
class Failures(Renewing):
    """Every target fails on its own."""

    def first(self) -> Iterator[Due]:
        """The first failure of each target."""
        for k in range(len(self.targets)):
            yield from self.failing(self.from_s, self.stream(k), k, 0)

    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """The target fails and its next failure is planned; what follows is any incident's."""
        if verb != "fail":
            super().do(environment, now_s, verb, *about)
            return
        k, j = about
        key = self.stream(k)
        lasts_s = self.repair_s(key, j)
        mark = ("failures", f"{self.name} {self.targets[k].name}")
        self.hit(environment, now_s, k, lasts_s, self.mode, mark)
        for due in self.failing(now_s + lasts_s, key, k, j + 1):
            self.plan(*due)


@dataclass(kw_only=True)
class CommonCause(Renewing):
    """One cause, such as a power cut, takes each target down with `probability`, all for the same time."""

    probability: float

    def first(self) -> Iterator[Due]:
        """The first time the cause strikes."""
        yield from self.failing(self.from_s, self.key, 0, 0)

    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """The cause strikes and its next time is planned; what follows is any incident's."""
        if verb != "fail":
            super().do(environment, now_s, verb, *about)
            return
        _, j = about
        lasts_s = self.repair_s(self.key, j)
        for k, target in enumerate(self.targets):
            if chance(self.stream(k), j) < self.probability:
                mark = ("failures", f"{self.name} {target.name}")
                self.hit(environment, now_s, k, lasts_s, self.mode, mark)
        for due in self.failing(now_s + lasts_s, self.key, 0, j + 1):
            self.plan(*due)
