"""What a stage runs, and which of its keys says so. Knows no profile's content and no kernel."""

from __future__ import annotations

from collections.abc import Iterator

from twin.schema_stages import Stage
from workloads.profile import UnheardOfError


def variants(stage: Stage) -> Iterator[tuple[int, str, str]]:
    """What a stage runs, its own first and then its fallbacks: number, workload and runtime."""
    for k, rung in enumerate(stage.ladder):
        yield k, rung.work, str(rung.runtime)


def key_of(error: UnheardOfError, stage: Stage, k: int) -> str:
    """The key of a stage that says of its variant number `k` what nobody has heard of."""
    if k == 0:
        return "runtime" if error.of == "runtime" else "work"
    given = stage.fallback or ()
    key = "fallback" if len(given) == 1 else f"fallback.{k - 1}"
    if error.of != "runtime":
        return key
    return "fallback_runtime" if given[k - 1].runtime is None else f"{key}.runtime"
