"""What is to be validated, checked before anything runs."""

from __future__ import annotations

from dataclasses import dataclass

from twin.validation.cases import CASES, Case


@dataclass(frozen=True)
class Request:
    """What to validate: `n` jobs of `workload` in each of the `cases` (None: all), on `runtime`, `repeats` times.

    While a case retrains, the `fallback_workload`, by default the same, serves on the runtime `fallback`. The
    profile is measured for `profile_s`.
    ValueError for what cannot be done.
    """

    workload: str = "detector"
    runtime: str = "onnxruntime"
    n: int = 21_200
    repeats: int = 3
    cases: tuple[str, ...] | None = None
    seed: int = 1
    fallback: str = "torch"
    profile_s: float = 180.0
    fallback_workload: str = ""

    def __post_init__(self) -> None:
        from workloads import spec

        primary, fallback = self.programs
        for workload, runtime, _ in (primary, fallback):
            known = spec.runtimes(spec.get(workload))
            if runtime not in known:
                raise ValueError(f"workload '{workload}' has no runtime '{runtime}'; it has: {', '.join(known)}")
        if primary == fallback:
            raise ValueError(f"the fallback runs on '{self.fallback}' as well; choose another runtime for it")
        unknown = [name for name in self.cases or () if name not in {case.name for case in CASES}]
        if unknown:
            names = ", ".join(f"'{case.name}'" for case in CASES)
            raise ValueError(f"no case '{unknown[0]}'; known: {names}")
        if self.n < 100 or self.repeats < 1 or not self.profile_s > 0.0:
            raise ValueError(
                f"{self.n} jobs, {self.repeats} repeats, {self.profile_s:g} s for the profile; "
                "needed: 100 jobs, 1 repeat and some time"
            )

    @property
    def programs(self) -> tuple[tuple[str, str, int], tuple[str, str, int]]:
        """The program and its fallback: workload, runtime, threads."""
        return (self.workload, self.runtime, 1), (self.fallback_workload or self.workload, self.fallback, 1)

    @property
    def title(self) -> str:
        """What is validated, in words."""
        return f"{self.workload} on {self.runtime}"

    @property
    def chosen(self) -> tuple[Case, ...]:
        """The cases, in their order."""
        return tuple(case for case in CASES if self.cases is None or case.name in self.cases)
