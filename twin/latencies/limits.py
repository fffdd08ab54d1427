"""What a log of latencies cannot tell, in sentences: sums only, too few, cut or waiting for people, drifting.

For twin.latencies; judges each leg and its law, decides nothing. Knows no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy import stats

from twin import words
from twin.latencies.laws import LEAST, Array, Fit
from twin.latencies.legs import Leg

_SURE = 0.01
"""Probability below which chance is not believed."""
_EQUAL = 3
"""So many latencies that equal the largest, or the least, look cut."""
_FAR, _FAR_TIMES = 0.999, 20.0
"""Beyond this quantile of the law, or so many medians, latencies have another cause."""
_CLOSE = 2.0
"""Of Akaike's criterion: laws that lie closer cannot be told apart."""


def of_leg(leg: Leg, law: Fit | None, why: str) -> list[str]:
    """What cannot be told of a leg, given its law, or `why` there is none."""
    told = [_sum(leg)]
    if leg.lacking:
        rows = words.count(leg.lacking, "row")
        told.append(f"{rows} of {leg.pipeline} without one of the two stamps: how long that took is not known")
    if law is None:
        return [*told, f"a law: {why}"]
    return [*told, *_law(law), *_tail(leg, law), *_edges(leg), *_time(leg)]


def of_legs(pipeline: str, stamps: tuple[str, ...], legs: Array) -> list[str]:
    """What cannot be told of legs (alert, leg) together: laws of each know nothing of the others."""
    told: list[str] = []
    if len(legs) < LEAST:
        return told
    for k, (before, after) in enumerate(pairwise(stamps)):
        rho, p = stats.spearmanr(legs[:, k], legs[:, k + 1])
        if p < _SURE:
            told.append(
                f"{pipeline}: latencies to {before} and on to {after} go together (rank correlation {rho:.2f}, "
                f"n = {len(legs)}); timers are drawn one by one, so the spread of their sum comes out wrong"
            )
    return told


def _sum(leg: Leg) -> str:
    return (
        f"what the time from {leg.start} to {leg.end} is made of: only the sum of all stages between the two "
        "stamps is in the log"
    )


def _law(law: Fit) -> Iterator[str]:
    if not law.fits:
        yield (
            f"the law: none of those a scenario knows fits (the nearest, {law.law.law}, is {law.distance:.2f} "
            f"off, probability {law.probability:.2g})"
        )
    elif law.behind < _CLOSE:
        yield f"whether the law is {law.law.law} or {law.rival}: the data do not tell them apart"


def _tail(leg: Leg, law: Fit) -> Iterator[str]:
    """Whether the longest come of something else than the law, such as people who were asked."""
    if law.beyond:
        foreseen = 1.0 - _share_until(law)
        yield (
            f"the tail: {law.beyond} of {law.n} lie beyond {words.duration(law.until_s)} and were taken as longer "
            f"than that; the law has {words.share(foreseen)} there, the log {words.share(law.beyond / law.n)}"
        )
        return
    far_s = max(law.quantile(_FAR), 0.0)
    beyond = int((leg.seconds > far_s).sum())
    unlikely = stats.binom.sf(beyond - 1, leg.n, 1.0 - _FAR) if beyond else 1.0
    middle_s = float(np.median(leg.seconds))
    longest_s = float(leg.seconds.max())
    if unlikely < _SURE or longest_s > _FAR_TIMES * middle_s:
        yield (
            f"the tail: the longest is {words.duration(longest_s)}, {longest_s / middle_s:.0f} times the median; "
            "people or failures may be behind it, and one law cannot hold both (cut it with --until)"
        )


def _share_until(law: Fit) -> float:
    from twin.latencies.laws import distribution

    return float(distribution(law.law).cdf(law.until_s))


def _edges(leg: Leg) -> Iterator[str]:
    """Whether the log looks cut, or rounded."""
    for word, edge_s in (("largest", float(leg.seconds.max())), ("least", float(leg.seconds.min()))):
        equal = int((leg.seconds == edge_s).sum())
        if equal >= _EQUAL and leg.seconds.max() > leg.seconds.min():
            yield (
                f"what lies beyond {words.duration(edge_s)}: {equal} latencies equal the {word}, which looks "
                "clipped or rounded"
            )


def _time(leg: Leg) -> Iterator[str]:
    """Whether latencies changed while the log was written."""
    rho, p = stats.spearmanr(leg.event_s, leg.seconds)
    if p < _SURE:
        way = "longer" if rho > 0.0 else "shorter"
        yield (
            f"one law for all the time: latencies got {way} (rank correlation with the event's time {rho:.2f}, "
            f"n = {leg.n})"
        )
