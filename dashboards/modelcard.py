"""The model card of a workload as Markdown: from its weights' card and its profiles. Measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from dashboards.cardplots import pictures
from dashboards.panels import Panel, Picture
from workloads import card, decisions, spec
from workloads.overlaps import when
from workloads.premerger import overlaps
from workloads.profile import SHIPPED, Aged, Decisions, Drifted, Figure, Profile, load, pooled
from workloads.spec import Workload
from workloads.unit import Unit

_CURVES = ("curves", "reliability", "warned")
"""What a picture of quality shows, and the card lists in tables below it."""


def model_card(name: str, folders: Sequence[Path] = ()) -> str:
    """The card of workload `name`; of the profiles in `folders` and the shipped ones, those of its weights.

    It shows the pictures that lie beside it: those of `cardplots.pictures`, each as `file_name` calls it.
    """
    workload, about = spec.get(name), card.read(name)
    profiles = profiles_of(name, folders)
    drawn = pictures(profiles)
    shown = {kind: f"![{p.told}]({file_name(name, kind)})" for kind, p in drawn.items()}
    sections = [
        f"# {name}",
        f"<!-- Written by `ettwin card {name}`. Change the workload or measure again, not this file. -->",
        (type(workload).__doc__ or "").strip().split("\n\n")[0].replace("\n    ", "\n"),
        _table(("", ""), _facts(workload, about)),
        "## Trained and set",
        *_lines(about.get("held_out", {}), "on held-out data"),
        *_lines(about.get("settings_from", {}), f"settings {_value(about['settings'])}, chosen on"),
        "## How well it does",
        *_pictures(shown, "quality"),
        *_quality(profiles, drawn.get("quality")),
        *_drifted(profiles, shown),
        *_overlapped(profiles),
        *_overlapped_ahead(profiles),
        "## How long it takes",
        *_pictures(shown, "times"),
        *_service(profiles),
        "## Export",
        *_export(about.get("export")),
        "## What it is not good for",
        "\n".join(f"- {limit}" for limit in _limits(workload, profiles)),
    ]
    return "\n\n".join(sections) + "\n"


def file_name(name: str, kind: str) -> str:
    """What the picture of that kind is called, beside the card of workload `name`."""
    return f"{name}-{kind}.svg"


def profiles_of(name: str, folders: Sequence[Path] = ()) -> list[Profile]:
    """Profiles of the shipped weights of `name`, in `folders` and shipped: measured ones before scaled ones."""
    weights = card.read(name)["weights_sha256"]
    searched = (*folders, SHIPPED)
    paths = dict.fromkeys(path for folder in searched for path in sorted(folder.glob(f"*/{name}-*.json")))
    found = [profile for profile in map(load, paths) if profile.workload == name]
    mine = [profile for profile in found if profile.passport.get("weights_sha256") == weights]
    return sorted(mine, key=lambda profile: profile.passport["standing"] != "measured")


def _facts(workload: Workload, about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    spent = about.get("cost", {})
    yield "task", workload.task + (f": {workload.outcome}" if workload.outcome else "")
    yield "one unit", f"{workload.unit.meaning}: {_unit(workload.unit)}"
    yield "runtimes", ", ".join(workload.runtimes)
    yield "parameters", f"{about['parameters']:,}"
    for file, digest in about["files"].items():
        path = card.WEIGHTS / file
        yield f"`{file}`", f"{path.stat().st_size / 1024:.0f} KiB, SHA-256 `{digest[:16]}…`"
    yield "reproduced by", f"`ettwin train {workload.name} --seed {about['seed']}`, {about['steps']} steps"
    if spent:
        energy = f", {spent['energy_j']:.0f} J ({spent['energy_standing']})" if "energy_j" in spent else ""
        yield "cost", f"{spent['wall_s']:.0f} s of wall clock{energy}"
    if about.get("refined_from"):
        yield "refined from", f"`{about['refined_from']['weights_sha256'][:16]}…`"
    yield "date, versions", f"{about['date']}; {', '.join(f'{k} {v}' for k, v in about['versions'].items())}"


def _unit(unit: Unit) -> str:
    axes = " × ".join(f"{n} {axis}s" for n, axis in zip(unit.shape, unit.axes, strict=True))
    return f"{axes}, {unit.dtype}" + (
        "" if unit.rate_hz is None else f", {unit.duration_s:g} s at {unit.rate_hz:g} Hz"
    )


def _lines(content: Mapping[str, Any], of: str) -> Iterator[str]:
    if content:
        yield "\n".join(
            [f"{of.capitalize()}:", "", *(f"- {k.replace('_', ' ')}: {_value(v)}" for k, v in content.items())]
        )


def _quality(profiles: Sequence[Profile], picture: Picture | None) -> Iterator[str]:
    """What each profile found, unless another one found the same; the first one's curves are in the `picture`."""
    told: set[str] = set()
    for profile in profiles:
        measured, key = profile.decisions, str((profile.decisions, profile.quality))
        if key in told or (measured is None and profile.quality is None):
            continue
        told.add(key)
        yield f"On {profile.runtime}{_of(profile)} ({profile.passport['note']}; {profile.passport['standing']}):"
        if measured is not None:
            yield f"The program {decisions.headline(measured)}. Data: {measured.data}."
            yield _decisions(measured)
        if profile.quality is not None:
            tabled = picture.rows[0] if picture is not None and len(told) == 1 else ()
            rest = {k: v for k, v in profile.quality.items() if not tabled or k not in _CURVES}
            yield "\n".join(f"- {k.replace('_', ' ')}: {_value(v)}" for k, v in rest.items())
            yield from map(_points, tabled)
    if not told:
        yield "Not measured with these weights. Run `ettwin measure`."


def _points(panel: Panel) -> str:
    """The points of a panel with their 95 % intervals, and with n where the title does not say it."""
    every = sorted({x for points in panel.series.values() for x, _ in points})
    at = {name: dict(points) for name, points in panel.series.items()}
    tries = {f.n for points in at.values() for f in points.values()}
    many = not all(f"n={n}" in panel.title.split() for n in tries)
    rows = [
        (f"{x:.4g}", *(_figure(at[name][x], many, 4) if x in at[name] else "" for name in panel.series))
        for x in every
    ]
    told = f"{panel.y}, by {panel.x}" + (f" ({panel.title})" if panel.title else "")
    return f"{told[0].upper()}{told[1:]}:\n\n{_table((panel.x, *panel.series), rows)}"


def _decisions(measured: Decisions) -> str:
    """Probability of the outcome in %, with its 95 % interval, per class and SNR bin."""
    edges = measured.snr_edges
    head = ("class", *(f"SNR {a:g}-{b:g}" for a, b in pairwise(edges)))
    rows = [
        (cls, *(_percent(k, n) for k, n in zip(response.count, response.n, strict=True)))
        for cls, response in measured.classes.items()
    ]
    return _table(head, rows)


def _pictures(shown: Mapping[str, str], kind: str) -> Iterator[str]:
    if kind in shown:
        yield shown[kind]


def _drifted(profiles: Sequence[Profile], shown: Mapping[str, str]) -> Iterator[str]:
    """The outcome, or other figures, on data that have drifted."""
    if "drift" not in shown:
        return
    yield "## On data that have drifted"
    yield from _pictures(shown, "drift")
    if aged := next((p.ageing for p in profiles if p.ageing), ()):
        yield from _aged(aged)
    else:
        yield from _figures(next(p.drifted for p in profiles if p.drifted))


def _overlapped(profiles: Sequence[Profile]) -> Iterator[str]:
    """What is still found of signals that another one merges close to, by time apart and by how loud it is."""
    if not (found := next((p.overlaps for p in profiles if p.overlaps), ())):
        return
    yield "## With another signal close by"
    ratios = list(dict.fromkeys(o.ratio for o in found))
    yield (
        "Of signals that are found alone, the part in % that still is, with its 95 % interval, where another one "
        "merges so close and is so many times as loud; in the last column all of them. Both are black holes, "
        f"the signal of SNR {found[0].snr_edges[0]:g} to {found[0].snr_edges[-1]:g}. A trigger counts where it "
        "is nearer to the signal than to the other one. Of those not found alone some are found then, which "
        "profiles hold as well."
    )
    head = ("the other one merges", *(f"{a:g} to {b:g}" for a, b in ratios), "all")
    rows = []
    for same, after_s in dict.fromkeys((o.same, o.after_s) for o in found):
        own = [o for o in found if (o.same, o.after_s) == (same, after_s)]
        kept = [pooled([o])[0] for o in own] + [pooled(own)[0]]
        rows.append((when(same, after_s), *(_percent(r.count[0], r.n[0]) for r in kept)))
    yield _table(head, rows)


def _overlapped_ahead(profiles: Sequence[Profile]) -> Iterator[str]:
    """What is still warned of with another inspiral in the data, by when it merges and by how loud it is there."""
    if not (found := next((p.overlaps_ahead for p in profiles if p.overlaps_ahead), ())):
        return
    yield "## With another inspiral in the data"
    ratios, times = list(dict.fromkeys(o.ratio for o in found)), found[0].ahead_s
    yield (
        "Of signals that are warned of alone, the part in % that still is, with its 95 % interval, where "
        "another one is so many times as loud in the data; in the last column all of them. The signal merges "
        f"{times[0]:g} to {times[-1]:g} s after the data end, and both are of any kind. A warning counts where "
        "the merger that it names is the signal's and not the other one's. Profiles hold each time by itself."
    )
    head = ("the other one", *(f"{a:g} to {b:g}" for a, b in ratios), "all")
    rows = []
    for merges_s in dict.fromkeys(o.merges_s for o in found):
        own = [o for o in found if o.merges_s == merges_s]
        counts = [overlaps.pooled(part) for part in (*([o] for o in own), own)]
        rows.append((overlaps.when(merges_s), *(_percent(k, n) if n else "–" for k, n in counts)))
    yield _table(head, rows)


def _figures(drifted: Sequence[Drifted]) -> Iterator[str]:
    """Each figure with its 95 % interval, and the number of tries where it is not the same at all drifts."""
    yield "Amounts are assumed, responses measured: each figure with its 95 % interval, and from how many tries."
    tries = {name: {d.figures[name].n for d in drifted} for name in drifted[0].figures}
    head = ("drift", *(f"{name} (n={min(n)})" if len(n) == 1 else name for name, n in tries.items()))
    yield _table(
        head,
        [
            (_amounts(d.drift), *(_figure(f, many=len(tries[name]) > 1) for name, f in d.figures.items()))
            for d in drifted
        ],
    )


def _figure(figure: Figure, many: bool, digits: int = 3) -> str:
    tries = f", n={figure.n}" if many else ""
    value, low, high = (
        f"{v:.{digits}g}" if abs(v) < 1000 else f"{v:,.0f}" for v in (figure.value, figure.low, figure.high)
    )
    return f"{value}{tries}" if figure.low == figure.high else f"{value} ({low}-{high}{tries})"


def _amounts(drift: Mapping[str, float]) -> str:
    return ", ".join(f"{kind.replace('_', ' ')} {amount:g}" for kind, amount in drift.items()) or "none"


def _aged(aged: Sequence[Aged]) -> Iterator[str]:
    """The outcome's probability; a class's is over all bins of SNR."""
    yield (
        "Amounts are assumed, responses measured: probability of the outcome in %, with its 95 % interval. SNRs "
        "are those in the noise as it has drifted. *Claimed* is the false-alarm probability that a threshold had "
        "before."
    )
    claimed = aged[0].claimed[-1]
    head = ("drift", "noise", f"claimed {100 * claimed:g}", *aged[0].classes)
    rows = [
        (
            _amounts(a.drift),
            _percent(a.noise["count"], a.noise["n"]),
            _percent(a.raised[-1], a.noise["n"]),
            *(_percent(sum(r.count), sum(r.n)) for r in a.classes.values()),
        )
        for a in aged
    ]
    yield _table(head, rows)


def _percent(count: int, n: int) -> str:
    low, high = decisions.interval(count, n)
    return f"{100 * count / n:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def _service(profiles: Sequence[Profile]) -> Iterator[str]:
    if not profiles:
        yield "Not measured with these weights. Run `ettwin measure`."
        return
    head = ("hardware", "runtime", "threads", "batch", "p50", "p99", "per unit", "tail", "standing")
    yield _table(
        head,
        [
            (
                p.hardware + _of(p), p.runtime, str(p.threads), str(s.batch),
                f"{1e3 * s.p50_s:.2f} ms", f"{1e3 * s.p99_s:.2f} ms",
                f"{1e3 * s.mean_s / s.batch:.2f} ms", f"{'settled' if s.settled else 'open'}, n={s.n}",
                str(p.passport["standing"]),
            )
            for p in profiles
            for s in p.service
        ],
    )  # fmt: skip
    machines = dict.fromkeys(f"- {p.hardware}: {p.passport['machine']}, {p.passport['date']}" for p in profiles)
    yield "\n".join(machines)


def _export(checked: Mapping[str, Any] | None) -> Iterator[str]:
    if not checked:
        yield "Not checked when these weights were written. Train again to have it checked."
        return
    yield f"Each runtime beside the network as it was trained, on {checked['units']} realistic units:"
    rows = [
        (r, f"{row['largest_difference']:.1e}", f"{100 * row['changed']:.3g} %")
        for r, row in checked.items()
        if isinstance(row, Mapping)
    ]
    yield _table(("runtime", "largest difference", "results changed"), rows)


def _limits(workload: Workload, profiles: Sequence[Profile]) -> Iterator[str]:
    """What the workload itself says, and what follows from its unit and its profiles."""
    yield from getattr(workload, "limits", ())
    unit = workload.unit
    yield f"Any other input than {_unit(unit)}: it is refused, and so are NaN and infinite samples."
    if unit.longest_repeat is not None:
        yield f"Filled gaps and saturated stretches of {unit.longest_repeat} equal samples or more: refused."
    if unit.axes[0] == "detector":
        n = unit.may_miss
        yield f"Missing streams: {'any is' if n == 0 else f'more than {n} are'} refused."
    measured = next((p.decisions for p in profiles if p.decisions is not None), None)
    if measured is not None:
        low, high = measured.snr_edges[0], measured.snr_edges[-1]
        known = ", ".join(measured.classes)
        yield f"Events of SNR below {low:g} or above {high:g}, or of classes other than {known}: not measured."


def _of(profile: Profile) -> str:
    """Whose streams it was measured on, where that is no triangle."""
    return "" if profile.streams == spec.STREAMS else f" for {profile.streams} streams"


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_value(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
