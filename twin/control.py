"""A control on any SimPy environment: the generator that drives it. Knows no kernel.

`TwinEnvironment` acts out the controls of its plan by itself. Beside it, a process of your own is an ordinary
SimPy generator that calls `down`, `restore`, `scale`, `swap` and the other actions.
"""

from __future__ import annotations

from collections.abc import Generator
from math import inf
from typing import Any, Protocol

from twin.plan import Control

Process = Generator[Any, Any, None]


class Clock(Protocol):
    """A SimPy environment."""

    @property
    def now(self) -> float:
        """The present, in s."""

    def timeout(self, delay: float) -> Any:
        """An event `delay` seconds from now."""


def process(environment: Clock, control: Control) -> Process:
    """The SimPy process that carries out `control`, which changes on the way."""
    while control.next_s < inf:
        yield environment.timeout(max(0.0, control.next_s - environment.now))
        control.act(environment)
