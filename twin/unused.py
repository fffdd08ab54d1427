"""What a run had and never used: told from its tables, at no cost. Influence proper is a study (`influence`).

For the summary. It sees entries of the timeline after the horizon, fallbacks that never served, stages that did
nothing, pools that never worked and links that carried nothing; it does not see values that happen not to matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twin import words
from twin.kernel.state import VARIANTS
from twin.recorded import Recorded


def summary(record: Recorded) -> dict[str, Any]:
    """The keys of the scenario that came to nothing in any replica, and a sentence; {} where there are none."""
    found = dict(_unused(record))
    if not found:
        return {}
    text = f"Never came into play: {words.sequence([f'{key} ({why})' for key, why in found.items()])}."
    return {"unused": {"keys": list(found), "text": text}}


def _unused(record: Recorded) -> Iterator[tuple[str, str]]:
    """Dotted key and why."""
    scenario = record.scenario
    for name in scenario.never:
        yield f"timeline.{name}", "starts after the horizon"
    done = record.stages.groupby(["stage", "variant"], observed=True)["done"].sum()
    for name, stage in scenario.stages.items():
        served = [bool(done.get((name, variant), 0)) for variant in VARIANTS]
        if stage.on and not any(served):
            yield f"stages.{name}", "did nothing"
            continue
        given = stage.fallback or ()
        for k, _ in enumerate(given):
            if not served[k + 1]:
                place = f".{k}" if len(given) > 1 else ""
                yield f"stages.{name}.fallback{place}", "never served"
    for pool, use in record.pools.groupby("pool", observed=True)["use"].max().items():
        if not use:
            site, _, name = str(pool).partition(".")
            yield f"sites.{site}.pools.{name}", "never worked"
    carried = set(zip(record.links["source"].astype(str), record.links["target"].astype(str), strict=True))
    for name in scenario.links:
        a, _, b = name.partition("--")
        if not carried & {(a, b), (b, a)}:
            yield f"links.{name}", "carried nothing"
