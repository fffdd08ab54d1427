"""Whether LoadGen agrees with our profile and with the twin, as far as the figures say. Knows no measurement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MARGIN = 0.05
"""Times and throughputs that differ by no more are taken for the same."""


def verdicts(content: Mapping[str, Any]) -> dict[str, str]:
    """A sentence for each comparison in `content`; one refusal where the machine was not ours alone."""
    if unfit := content["contention"]["unfit"]:
        return {"all": f"none: {unfit}"}
    stream, server = content["single_stream"], content["server"]
    told = {
        "SingleStream p50 and the profile": of_ratio(stream["p50_over_profile"]),
        "SingleStream p90 and the profile": of_ratio(stream["p90_over_profile"]),
        "Offline and the profile": of_ratio(content["offline"]["over_profile"]),
    }
    for fed, twin in server["twin"].items():
        told[f"Server and the twin {fed}"] = of_capacity(server["per_s"], twin)
    return told


def of_ratio(ratio: Mapping[str, float]) -> str:
    """What the 95 % interval `low` to `high` of a ratio says: within the margin of 1, beyond it, or neither."""
    low, high = ratio["low"], ratio["high"]
    interval = f"ratio {low:.3f} to {high:.3f}"
    if low >= 1 - MARGIN and high <= 1 + MARGIN:
        return f"agrees within {MARGIN:.0%}: {interval}"
    if high < 1 - MARGIN or low > 1 + MARGIN:
        return f"differs by more than {MARGIN:.0%}: {interval}"
    return f"undecided: {interval}; wanted within {MARGIN:.0%}, or beyond"


def of_capacity(per_s: float, twin: Mapping[str, Any]) -> str:
    """Whether LoadGen's rate `per_s` is one that the twin's runs have, which are as long as LoadGen's."""
    low, high = twin["per_s_of_95_percent_of_runs"]
    said = f"{per_s:.0f}/s, the twin's runs {low:.0f} to {high:.0f}/s, ratio {twin['loadgen_over_twin']:.3f}"
    return f"agrees: {said}" if low <= per_s <= high else f"differs: {said}"
