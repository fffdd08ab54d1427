"""What all controls are: plain data that says when it acts next, and acts. Knows no plan, no scenario, no SimPy.

A run is copied and kept on disk together with its controls, so a control holds numbers, texts and tuples only:
no generator, no function, no random generator. Its chance comes from twin.kernel.chance by number.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any, ClassVar, Protocol

Due = tuple[Any, ...]
"""(time in s, order, verb, what it is about …): something a control will do."""


class Ground(Protocol):
    """What a control may see of the computing and do to it, at the time it is."""

    world: Any
    causes: dict[str, int]
    marks: list[tuple[str, str, float, float]]

    @property
    def now(self) -> float:
        """The present, in s."""

    def down(self, pool: int, mode: int = 0) -> None:
        """The pool starts nothing new; what runs finishes, waits again or is lost."""

    def restore(self, pool: int) -> None:
        """The pool works again."""

    def fail(self, pool: int, server: int, mode: int = 0) -> bool:
        """A server breaks; False when it was not there to break."""

    def repair(self, pool: int, server: int) -> bool:
        """A server works again; False when it was not broken."""

    def scale(self, pool: int, by: int) -> None:
        """The pool has more servers, or fewer."""

    def withdraw(self, stage: int, variant: int) -> None:
        """This variant of the stage is out of service; the first that is there serves."""

    def reinstate(self, stage: int, variant: int) -> None:
        """This variant of the stage is there again."""

    def judge(self, stage: int, variant: int, responses: Any, noise: float, pool: int | None = None) -> None:
        """This variant of the stage decides otherwise from now on: on all its pools, or on one."""

    def degrade(self, pool: int, slowness: float) -> None:
        """What the pool starts takes so many times as long."""

    def close(self, pool: int) -> None:
        """Routes avoid the pool."""

    def reopen(self, pool: int) -> None:
        """Routes may choose the pool again."""

    def evacuate(self, pool: int) -> None:
        """What waits at the pool chooses again."""

    def link_share(self, source: int, target: int, share: float) -> None:
        """The link has this share of its bandwidth."""

    def link_close(self, source: int, target: int) -> None:
        """Routes avoid what lies behind the link."""

    def link_reopen(self, source: int, target: int) -> None:
        """Routes may use the link again."""

    def load(self, pool: int) -> float:
        """Jobs at the pool and on their way there, per server."""


@dataclass(kw_only=True)
class Control(ABC):
    """Something that happens to the computing. Subclasses say what is due first, and what follows from it."""

    kinds: ClassVar[dict[str, type[Control]]] = {}
    """Every class of controls by its name; a subclass joins by being written."""

    name: str
    agenda: list[Due] = field(default_factory=list)
    ordered: int = 0
    """How much was put on the agenda so far; 0: the control has not been set up yet."""

    def __init_subclass__(cls) -> None:
        """A new kind of control is known by its name."""
        Control.kinds[cls.__name__] = cls

    def __post_init__(self) -> None:
        """Put what comes first on the agenda, unless the control is a copy of one that has run."""
        if self.ordered == 0:
            for time_s, verb, *about in self.first():
                self.plan(time_s, verb, *about)

    @property
    def next_s(self) -> float:
        """When it acts next, in s since the start of the run; inf when it is over."""
        return float(self.agenda[0][0]) if self.agenda else inf

    def act(self, environment: Ground) -> None:
        """Do all that is due at `next_s`, in the order in which it was planned."""
        due_s = self.next_s
        while self.agenda and self.agenda[0][0] <= due_s:
            _, _, verb, *about = heapq.heappop(self.agenda)
            self.do(environment, due_s, verb, *about)

    def plan(self, time_s: float, verb: str, *about: int) -> None:
        """Put something on the agenda; what would never happen is left away."""
        self.ordered += 1
        if time_s < inf:
            heapq.heappush(self.agenda, (float(time_s), self.ordered, verb, *about))

    @abstractmethod
    def first(self) -> Iterator[Due]:
        """What comes first: (time in s, verb, what it is about …)."""

    @abstractmethod
    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """Do what was planned for `now_s`."""
