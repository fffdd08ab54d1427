"""Validations that pages ask for: of what, how large, and whether that can be. Knows no page and no job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from twin import words
from twin.validation.cases import CASES
from workloads import spec

KIND = "validate"
"""Of job."""
NEEDED = ("onnxruntime", "torch")
"""Runtimes of a program and of what serves while it is trained anew, as a validation takes them by itself."""
LIMITS = {"n": (100, 1_000_000), "repeats": (1, 20), "seconds": (1, 3600)}
_CALLED = {"n": "Jobs of each case", "repeats": "Repeats", "seconds": "Seconds for the profile"}


@dataclass(frozen=True)
class Validation:
    """What is asked for: `n` jobs of `workload` in each of `cases` (none: all), `repeats` times.

    The profile is measured for `seconds`. Numbers are as a page sends them, None where its field is empty.
    """

    workload: str
    cases: Sequence[str] = ()
    n: float | None = 21_200
    repeats: float | None = 3
    seconds: float | None = 180

    @property
    def title(self) -> str:
        """In a few words."""
        return f"Validation of {self.workload}" + (f": {words.sequence(self.cases)}" if self.cases else "")

    def problem(self) -> str:
        """Why it cannot be; nothing where it can."""
        if self.workload not in workloads():
            return f"'{self.workload[:40]}' cannot be validated from here; known: {', '.join(workloads())}."
        known = [case.name for case in CASES]
        for name in self.cases:
            if name not in known:
                return f"There is no case '{name[:40]}'; known: {', '.join(known)}."
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if not isinstance(value, int | float) or not least <= value <= most or value % 1:
                return f"{_CALLED[name]}: a whole number from {least:,} to {most:,} is needed."
        return ""

    def options(self) -> list[str]:
        """What follows `ettwin validate`."""
        chosen = [word for name in self.cases for word in ("--case", name)]
        size = {"--n": self.n, "--repeats": self.repeats, "--budget": self.seconds}
        return [self.workload, *chosen, *(word for key, value in size.items() for word in (key, f"{value:.0f}"))]


@cache
def workloads() -> tuple[str, ...]:
    """The workloads whose programs run on both runtimes that are NEEDED."""
    known = ((name, spec.runtimes(spec.get(name))) for name in spec.names())
    return tuple(name for name, runtimes in known if set(NEEDED) <= set(runtimes))
