"""Whether two measurements of the same weights decide alike, and both as one. Knows no model and no machine.

What a program decides depends on its weights and on rounding, not on the machine. So a quick measurement here
is held against a long one made elsewhere; where they agree, their counts add up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scipy.stats import fisher_exact

from workloads.profile import Decisions, Response

LEAST_PROBABILITY = 1e-3
"""Two measurements agree unless chance explains their difference less often than this."""

Cell = tuple[int, int, int, int]


def pooled(here: Decisions, elsewhere: Decisions) -> tuple[Decisions | None, float]:
    """Both measurements as one, or None where they disagree; and how often chance differs that much.

    Every cell (noise; each class and SNR bin) is compared by Fisher's exact test; the smallest of their
    probabilities, times the number of cells, is what is judged (Bonferroni).
    """
    asked = [(d.outcome, d.threshold, d.snr_edges, d.classes.keys()) for d in (here, elsewhere)]
    if asked[0] != asked[1]:
        return None, 0.0
    tests = [fisher_exact([[k, n - k], [m, o - m]]).pvalue for k, n, m, o in _cells(here, elsewhere)]
    probability = min(1.0, min(tests) * len(tests))
    if probability < LEAST_PROBABILITY:
        return None, probability
    noise = {key: here.noise[key] + elsewhere.noise[key] for key in ("n", "count")}
    classes = {cls: _sum(here.classes[cls], elsewhere.classes[cls]) for cls in here.classes}
    data = f"{elsewhere.data}; and here: {here.data}"
    together = Decisions(
        here.outcome, here.threshold, noise, here.snr_edges, classes, data, _confusions(here, elsewhere)
    )
    return together, probability


def _cells(here: Decisions, elsewhere: Decisions) -> Iterator[Cell]:
    """Count and number of tries here, then elsewhere."""
    yield here.noise["count"], here.noise["n"], elsewhere.noise["count"], elsewhere.noise["n"]
    for cls, a in here.classes.items():
        b = elsewhere.classes[cls]
        yield from zip(a.count, a.n, b.count, b.n, strict=True)


def _confusions(here: Decisions, elsewhere: Decisions) -> dict[str, Any] | None:
    a, b = here.confusion, elsewhere.confusion
    if a is None or b is None or a["classes"] != b["classes"]:
        return None
    counts = [[x + y for x, y in zip(*rows, strict=True)] for rows in zip(a["counts"], b["counts"], strict=True)]
    by_snr = [answers["unknown_by_snr"] for answers in (a, b) if "unknown_by_snr" in answers]
    found = {cls: [sum(row) for row in zip(*(by[cls] for by in by_snr), strict=True)] for cls in here.classes}
    return {"classes": a["classes"], "counts": counts} | ({"unknown_by_snr": found} if len(by_snr) == 2 else {})


def _sum(a: Response, b: Response) -> Response:
    n = tuple(x + y for x, y in zip(a.n, b.n, strict=True))
    return Response(n, tuple(x + y for x, y in zip(a.count, b.count, strict=True)))
