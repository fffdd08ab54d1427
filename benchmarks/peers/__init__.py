"""The engines, one file each. A file has a function per workload: work in, and out comes what runs it once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType


@dataclass(frozen=True)
class Outcome:
    """What a run did: stage completions, mean time in s at which a job left, seconds where it timed itself."""

    completions: int
    mean_end_s: float
    wall_s: float | None = None


Run = Callable[[], Outcome]


class CannotExpressError(Exception):
    """This engine has no way to say this; the message tells what is missing."""


KERNEL = "kernel"
PEERS = ("simpy", "simpy_tuned", "ciw", "salabim", "cimba", "simgrid")


def load(engine: str) -> tuple[ModuleType | None, str]:
    """The engine's file, or None and why it cannot be used on this machine."""
    try:
        module = import_module(f"benchmarks.peers.in_{engine}")
    except ModuleNotFoundError as error:
        return None, f"{error.name} is not installed"
    note = module.missing() if hasattr(module, "missing") else ""
    return (None, note) if note else (module, "")
