"""What happens to the computing during a run, as SimPy processes: outages and retraining. Knows no kernel.

Every process is an ordinary generator on an environment that offers `down`, `restore`, `scale` and `swap`;
write your own in the same way and start it with `environment.process(...)`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol

from twin.plan import Control
from twin.state import FALLBACK, PRIMARY

Process = Generator[Any, Any, None]


class Controls(Protocol):
    """What a control process may do to the computing, at the time it is."""

    @property
    def now(self) -> float:
        """The present, in seconds."""

    def timeout(self, delay: float) -> Any:
        """An event `delay` seconds from now."""

    def down(self, pool: int) -> None:
        """Start nothing new in this pool."""

    def restore(self, pool: int) -> None:
        """Let this pool work again."""

    def scale(self, pool: int, by: int) -> None:
        """Add servers to this pool, or take some away."""

    def swap(self, stage: int, variant: int) -> None:
        """Start this variant of the stage's program from now on."""


def process(environment: Controls, control: Control) -> Process:
    """The SimPy process that carries out `control`."""
    return {"outage": outage, "retraining": retraining}[control.kind](environment, control)


def outage(environment: Controls, control: Control) -> Process:
    """A pool drains: what runs finishes, nothing new starts until it is back."""
    yield environment.timeout(control.at_s - environment.now)
    environment.down(control.pool)
    yield environment.timeout(control.lasts_s)
    environment.restore(control.pool)


def retraining(environment: Controls, control: Control) -> Process:
    """A stage's model is away: its fallback runs instead, and the training takes servers of a pool."""
    yield environment.timeout(control.at_s - environment.now)
    environment.swap(control.stage, FALLBACK)
    if control.takes_servers:
        environment.scale(control.pool, -control.takes_servers)
    yield environment.timeout(control.lasts_s)
    environment.swap(control.stage, PRIMARY)
    if control.takes_servers:
        environment.scale(control.pool, control.takes_servers)
