"""What a stage runs, and which of its keys says so. Knows no profile's content and no kernel."""

from __future__ import annotations

from collections.abc import Iterator

from twin.schema_stages import Stage
from workloads.profile import UnheardOfError


def variants(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """What a stage runs: 'primary' or 'fallback', workload and runtime."""
    if stage.work is not None:
        yield "primary", stage.work, stage.runtime
        if stage.fallback is not None:
            yield "fallback", stage.fallback, stage.fallback_runtime or stage.runtime


def key_of(error: UnheardOfError, variant: str) -> str:
    """The key of a stage that says what nobody has heard of."""
    if error.of == "runtime":
        return "runtime" if variant == "primary" else "fallback_runtime"
    return "work" if variant == "primary" else "fallback"
