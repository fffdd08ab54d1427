"""What it is worth that cases share sky and luck, and which of two is better by how much. Knows outcomes only.

Replica k of every case draws from the same streams, so that the difference of two cases varies less than with
seeds of their own, where its variance would be the sum of both: the ratio of the two is what pairing is worth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from twin import words
from twin.studies import stated
from twin.studies.asking import by_name
from twin.studies.evaluation import Outcome
from twin.studies.quantities import Quantity

MORE_IS_BETTER = ("published", "daily", "warned", "kept")
"""Words in the names of quantities of which more is better; of all others, less is."""


def more_is_better(name: str) -> bool:
    """Whether planners want more of this quantity."""
    return any(word in name.split(".") for word in MORE_IS_BETTER)


def about(target: str) -> str:
    """The quantity that the target of this name is about."""
    return target.replace("alert_latency.", "latency.")


def variance_ratio(a: Quantity, b: Quantity) -> float:
    """Variance of the difference with independent seeds over that of the paired difference, as the replicas
    show it.

    inf where the paired difference is the same in all replicas, NaN from fewer than two or without numbers.
    """
    if a.values.size != b.values.size or a.values.size < 2:
        return math.nan
    paired = float(np.var(b.values - a.values, ddof=1))
    alone = float(np.var(a.values, ddof=1) + np.var(b.values, ddof=1))
    if not math.isfinite(paired) or alone == 0.0:
        return math.nan
    return alone / paired if paired > 0.0 else math.inf


def table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """A row per case but the first and quantity: case, quantity, variance_ratio, removed (share of the variance
    of an unpaired difference that pairing takes away)."""
    columns = ["case", "quantity", "variance_ratio", "removed"]
    first = by_name(outcomes[0])
    rows = [
        (outcome.name, name, ratio := variance_ratio(first[name], quantity), 1.0 - 1.0 / ratio)
        for outcome in outcomes[1:]
        for name, quantity in by_name(outcome).items()
        if name in first
    ]
    return pd.DataFrame(rows, columns=columns)


def verdicts(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """A row per target and case: target, text, case, verdict, value, low, high; and what the first case's was."""
    first = {target["name"]: target["verdict"] for target in outcomes[0].targets}
    return [
        {"target": target["name"], "text": target["text"], "case": outcome.name, "verdict": target["verdict"]}
        | {key: target["estimate"][key] for key in ("value", "low", "high")}
        | {"first": first.get(target["name"])}
        for outcome in outcomes
        for target in outcome.targets
    ]


def sentences(outcomes: Sequence[Outcome]) -> list[str]:
    """Of every case but the first, for each quantity that a target is about: 'b is better than a by x ± y in
    …'."""
    first = outcomes[0]
    wanted = [about(target["name"]) for target in first.targets]
    return [told for outcome in outcomes[1:] for name in wanted for told in _sentence(first, outcome, name)]


def cautions(outcomes: Sequence[Outcome]) -> list[str]:
    """What is to be said of the quantities that a target is about."""
    wanted = [about(target["name"]) for target in outcomes[0].targets]
    return stated.cautions([outcome.quantities for outcome in outcomes], wanted)


def _sentence(first: Outcome, here: Outcome, name: str) -> Iterator[str]:
    a, b = by_name(first).get(name), by_name(here).get(name)
    if a is None or b is None:
        return
    found = stated.apart(a, b, first.saturated, here.saturated)
    if found.value is not None and found.low is None and a.values.size > 1:
        more = "more" if found.value > 0.0 else "less"
        yield (
            f"{here.name} has {words.apart(found.value, b.unit)} {more} than {first.name} in {b.text}, "
            f"{found.reason}."
        )
        return
    if found.value is None or found.low is None or found.high is None:
        yield f"{here.name} and {first.name} cannot be compared in {b.text}: {found.reason}."
        return
    half = (found.high - found.low) / 2.0
    ratio = variance_ratio(a, b)
    worth = f"; pairing took away {words.share(1.0 - 1.0 / ratio)} of its variance" if ratio > 1.0 else ""
    shown = f"{words.apart(found.value, b.unit)} ± {words.apart(half, b.unit)}"
    if found.value == 0.0 and half == 0.0:
        yield f"{here.name} and {first.name} are the same in {b.text}, in all {a.values.size} replicas."
    elif found.low <= 0.0 <= found.high:
        yield f"No difference between {here.name} and {first.name} is shown in {b.text} ({shown}{worth})."
    else:
        better = (found.value > 0.0) == more_is_better(name)
        yield f"{here.name} is {'better' if better else 'worse'} than {first.name} by {shown} in {b.text}{worth}."
