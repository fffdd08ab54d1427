"""The pictures of a model card: quality, what drift does to it, how long it takes.

Every number in them is in a table of the card or in a profile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dashboards.panels import Panel, Picture, Points
from workloads import ageing, curves
from workloads.profile import Aged, Figure, Profile
from workloads.sky import SIGNALS
from workloads.spec import STREAMS

_INTERVALS = "Bars are 95 % intervals."


def pictures(profiles: Sequence[Profile]) -> dict[str, Picture]:
    """The pictures that `profiles` of one workload have the numbers for: 'quality', 'drift', 'times'."""
    found = {}
    for kind, made in (("quality", _quality), ("drift", _drift), ("times", _times)):
        picture = made(profiles)
        if picture is not None:
            found[kind] = picture
    return found


def _quality(profiles: Sequence[Profile]) -> Picture | None:
    """Decisions by class and SNR; warnings by class, time ahead and SNR; or the curves that the quality holds."""
    measured = next((p for p in profiles if p.decisions is not None or p.quality is not None), None)
    if measured is None:
        return None
    if (found := measured.decisions) is not None:
        centres = [float(np.sqrt(a * b)) for a, b in pairwise(found.snr_edges)]
        series = {
            cls: [(x, _percent(k, n)) for x, k, n in zip(centres, r.count, r.n, strict=True)]
            for cls, r in found.classes.items()
        }
        verb = "found" if found.outcome == "trigger" else "flagged"
        told = f"Events {verb} in % by class against SNR, on {measured.runtime}. {_INTERVALS}"
        return Picture(told, [[Panel("", "SNR", f"{verb} in %", series, (True, False))]])
    quality = measured.quality or {}
    if "warned" in quality:
        return _warned(quality["warned"])
    if rows := quality.get("reliability"):
        series = {"happened": [(r["said"], Figure(r["happened"], r["low"], r["high"], r["n"])) for r in rows]}
        told = f"How often what was said with a probability happened. {_INTERVALS}"
        return Picture(told, [[Panel("", "probability said", "happened", series, expected=curves.DIAGONAL)]])
    return _curves(quality["curves"]) if "curves" in quality else None


def _curves(found: Sequence[Mapping[str, Any]]) -> Picture:
    """A panel for each of the `found` curves, as `workloads.curves` makes them."""
    panels = [
        Panel(
            curve["title"],
            curve["x"],
            curve["y"],
            {name.replace("_", " "): curves.points(rows) for name, rows in curve["series"].items()},
            (curve["log"][0], curve["log"][1]),
            curves.points(curve["expected"]),
        )
        for curve in found
    ]
    told = "; ".join(f"{p.y} against {p.x} ({p.title})" for p in panels)
    told = f"{told[0].upper()}{told[1:]}."
    if any(_wide(points) for p in panels for points in p.series.values()):
        told += f" {_INTERVALS}"
    if any(p.expected for p in panels):
        told += f" Grey is what is expected{', with its 95 % band' * any(_wide(p.expected) for p in panels)}."
    return Picture(told, [panels], unlike=True)


def _wide(points: Points) -> bool:
    return any(f.high > f.low for _, f in points)


def _warned(counts: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> Picture:
    """Inspirals warned of against their final SNR: a panel per class, a line per time before the merger."""
    panels = [
        Panel(
            cls,
            "final SNR",
            "warned in %",
            {
                f"{ahead} s ahead": [
                    (float(snr), _percent(int(count), int(n))) for snr, (count, n, *_) in cells.items()
                ]
                for ahead, cells in by_time.items()
            },
            (True, False),
        )
        for cls, by_time in counts.items()
    ]
    return Picture(f"Inspirals warned of in % against final SNR, by class. {_INTERVALS}", [panels])


def _drift(profiles: Sequence[Profile]) -> Picture | None:
    """A column per kind of drift; decisions in one row, any other figures in a row each."""
    if aged := next((p.ageing for p in profiles if p.ageing), ()):
        drifts = [a.drift for a in aged]
        rows: dict[str, dict[str, list[Figure]]] = {"outcome in %": _outcomes(aged)}
    elif drifted := next((p.drifted for p in profiles if p.drifted), ()):
        drifts = [d.drift for d in drifted]
        rows = {name: {name: [d.figures[name] for d in drifted]} for name in drifted[0].figures}
    else:
        return None
    kinds = list(dict.fromkeys(kind for drift in drifts for kind in drift))
    return Picture(
        f"What drifted data do, against the amount of each kind of drift: {', '.join(rows)}. {_INTERVALS}",
        [[_panel(kind, y, drifts, lines) for kind in kinds] for y, lines in rows.items()],
    )


def _panel(
    kind: str, y: str, drifts: Sequence[Mapping[str, float]], lines: Mapping[str, Sequence[Figure]]
) -> Panel:
    inside = [k for k, drift in enumerate(drifts) if not drift or list(drift) == [kind]]
    at = sorted((drifts[k].get(kind, 0.0), k) for k in inside)
    series = {name: [(x, figures[k]) for x, k in at] for name, figures in lines.items()}
    return Panel("", kind.replace("_", " "), y, series)


def _outcomes(aged: Sequence[Aged]) -> dict[str, list[Figure]]:
    """The outcome's probability in % for noise, signals, and glitches of all families together."""
    found: dict[str, list[Figure]] = {"noise": [], "signals": [], "glitches": []}
    for a in aged:
        found["noise"].append(_percent(a.noise["count"], a.noise["n"]))
        for name, here in (("signals", True), ("glitches", False)):
            mine = [r for cls, r in a.classes.items() if (cls in SIGNALS) == here]
            found[name].append(_percent(sum(sum(r.count) for r in mine), sum(sum(r.n) for r in mine)))
    return found


def _times(profiles: Sequence[Profile]) -> Picture | None:
    """Time per unit against the batch: a line from median to median, a bar up to the 99 % quantile."""
    series = {
        f"{p.runtime} on {p.hardware}"
        + (f", {p.threads} threads" if p.threads != 1 else "")
        + (f", {p.streams} streams" if p.streams != STREAMS else ""): [
            (
                float(s.batch),
                Figure(1e3 * s.p50_s / s.batch, 1e3 * s.p50_s / s.batch, 1e3 * s.p99_s / s.batch, s.n),
            )
            for s in p.service
        ]
        for p in profiles
    }
    if not series:
        return None
    told = "Median time per unit in ms against the batch size, by runtime. Bars reach up to the 99 % quantile."
    return Picture(told, [[Panel("", "batch", "ms per unit", series, (True, True))]])


def _percent(count: int, n: int) -> Figure:
    share = ageing.share(count, n)
    return Figure(100 * share.value, 100 * share.low, 100 * share.high, n)
