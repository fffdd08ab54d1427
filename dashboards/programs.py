"""The measured programs that a run rests on: where their profiles are, service times, decisions, passports.

For the dashboard and notebooks. A profile is shown only if it is the one the run used, by its digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboards import style
from dashboards.tables import replica_text
from twin import event_rows, words
from twin.recorded import Recorded
from workloads.profile import QUANTILES, SHIPPED, Profile, ProfileError, load

_PASSPORT = ("standing", "machine", "os", "date", "load_1min", "note", "source")


@dataclass(frozen=True)
class Used:
    """A profile that the run names: `profile` is None where `why` says that it cannot be shown."""

    name: str
    digest: str
    profile: Profile | None
    why: str = ""

    @property
    def key(self) -> str:
        """What it is called in an address: 'epyc-core/detector-onnxruntime'."""
        return self.name.removesuffix(".json")


def used(record: Recorded, folders: Sequence[Path] = ()) -> list[Used]:
    """The profiles that `record` was run with, sought in `folders` and among the shipped ones."""
    named = record.manifest.get("profiles", {})
    return [_found(str(name), str(digest), (*folders, SHIPPED)) for name, digest in sorted(named.items())]


def passports(several: Sequence[Used]) -> pd.DataFrame:
    """One row per profile: program, runtime, hardware, times of one unit, standing, machine, versions, weights."""
    rows: list[dict[str, Any]] = []
    for one in several:
        profile = one.profile
        if profile is None:
            rows.append({"program": one.key, "problem": one.why})
            continue
        passport, service = profile.passport, profile.service[0]
        rows.append(
            {
                "program": profile.workload,
                "runtime": profile.runtime,
                "hardware": profile.hardware,
                "threads": profile.threads,
                "p50_s": service.p50_s,
                "p99_s": service.p99_s,
                "n": service.n,
                "tail": "settled" if service.settled else "open",
                "largest_batch": profile.service[-1].batch,
                **{key: str(passport.get(key, "")) for key in _PASSPORT},
                "versions": ", ".join(f"{k} {v}" for k, v in passport.get("versions", {}).items()),
                "weights": str(passport.get("weights_sha256") or "")[:12],
                "profile": one.digest[:12],
                "problem": "",
            }
        )
    return pd.DataFrame(rows)


def service_table(profile: Profile) -> pd.DataFrame:
    """Distribution of the time of a call by batch size: batch, share, time_s."""
    share = np.linspace(0.0, 1.0, QUANTILES)
    return pd.concat(
        [
            pd.DataFrame({"batch": s.batch, "share": share, "time_s": s.quantiles_s, "n": s.n})
            for s in profile.service
        ],
        ignore_index=True,
    )


def service(profile: Profile, origin: str) -> go.Figure:
    """Share of calls that took at most so long, a line per batch size."""
    figure = go.Figure()
    for k, one in enumerate(profile.service):
        table = np.asarray(one.quantiles_s)
        name = f"batch {one.batch} (n = {one.n:,}{'' if one.settled else ', tail open'})"
        figure.add_trace(
            go.Scatter(
                x=1e3 * table,
                y=np.linspace(0.0, 100.0, QUANTILES),
                mode="lines",
                name=name,
                line={"color": style.SEQUENCE[k % 8], "width": 1.8, "dash": style.DASHES[k % len(style.DASHES)]},
                hovertemplate="%{y:.1f} % within %{x:.4g} ms<extra>" + f"batch {one.batch}" + "</extra>",
            )
        )
    figure.update_xaxes(title_text="time of a call, ms (log scale)", **style.log_ticks())
    figure.update_yaxes(title_text="% of calls", range=[0, 101])
    first = profile.service[0]
    return style.titled(
        figure,
        f"Service times: {style.safe(profile.workload)} on {style.safe(profile.hardware)}",
        f"{style.safe(profile.runtime)}, {words.count(profile.threads, 'thread')}; "
        f"{profile.passport['standing']} on {style.safe(profile.passport['machine'])}, {profile.passport['date']}",
        origin,
        height=420,
        description=f"Distribution of service times by batch size. One unit: median "
        f"{words.duration(first.p50_s)}, 99 % within {words.duration(first.p99_s)}.",
    )


def fates_table(record: Recorded, first: event_rows.Mask | None = None) -> pd.DataFrame:
    """What became of events, by class: a row per class and outcome with n; published if anything was published.

    `first`, as twin.event_rows has it of the record's alerts, spares the work where it is at hand.
    """
    first = event_rows.first(record.alerts) if first is None else first
    rows = record.alerts.loc[first, ["cls", "outcome"]].astype("category")
    counted = rows.groupby(["cls", "outcome"], observed=True).size().reset_index(name="n")
    return counted.astype({"cls": str, "outcome": str}).sort_values(["cls", "n"], ascending=[True, False])


def fates(record: Recorded, table: pd.DataFrame | None = None) -> go.Figure:
    """Shares of what became of the events of every class."""
    table = fates_table(record) if table is None else table
    total = table.groupby("cls")["n"].sum().sort_values(ascending=False)
    figure = go.Figure()
    for outcome in [key for key in _FATES if key in set(table["outcome"])]:
        own = table[table["outcome"] == outcome].set_index("cls")["n"].reindex(total.index).fillna(0.0)
        colour, hatch, name = _FATES[outcome]
        figure.add_trace(
            go.Bar(
                y=[f"{style.safe(cls)} ({n:,})" for cls, n in total.items()],
                x=100.0 * own / total,
                customdata=own,
                orientation="h",
                name=name,
                marker={
                    "color": colour,
                    "pattern": {"shape": hatch, "fillmode": "overlay", "fgcolor": "white", "size": 6},
                },
                hovertemplate="%{y}: %{customdata:,} " + name + " (%{x:.3g} %)<extra></extra>",
            )
        )
    figure.update_layout(barmode="stack", bargap=0.35)
    figure.update_xaxes(title_text="% of the events of a class", range=[0, 100])
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="")
    vetoed = table[table["outcome"] == "vetoed"]
    told = [f"{row['cls']} {row['n']:,}" for row in vetoed.to_dict("records")]
    return style.styled(
        figure,
        "What became of signals, glitches and noise triggers",
        f"Events of {replica_text(record)} by class, n in brackets; glitches that no search reported have no row",
        record,
        height=210 + 30 * len(total),
        description=f"Fates of events by class. Vetoed: {words.sequence(told) or 'none'}.",
    )


_FATES: dict[str, tuple[str, str, str]] = {
    "published": (style.BLUE, "", "published"),
    "vetoed": (style.ORANGE, "/", "vetoed by data quality"),
    "missed": (style.GREY, "", "missed by the searches"),
    "stale": (style.PURPLE, "\\", "dropped as stale"),
    "expired": (style.SKY, "x", "past their deadline"),
    "rejected": (style.GREEN, "-", "turned away"),
    "shed": ("#8C6D31", "|", "shed under load"),
    "failed": ("#7A1F1F", "+", "given up"),
    "lost": (style.VERMILION, "x", "lost in an outage"),
    "unfinished": ("#F0E442", ".", "unfinished"),
}
"""Colour, hatch and words of what may become of an event."""


def _found(name: str, digest: str, folders: Sequence[Path]) -> Used:
    hardware, _, file = name.partition("/")
    other = False
    for folder in folders:
        places = {f"{path.parent.name}/{path.name}": path for path in folder.glob("*/*.json")}
        if name not in places or not hardware or not file:
            continue
        try:
            profile = load(places[name])
        except ProfileError as error:
            return Used(name, digest, None, str(error))
        if profile.digest == digest:
            return Used(name, digest, profile)
        other = True
    why = "is another one here: measured again, or shipped by another version" if other else "is not at hand here"
    return Used(name, digest, None, f"the profile {digest[:12]}… that the run used {why}")


def about(profile: Profile) -> dict[str, Any]:
    """The passport of a profile, flat, for a table of keys and values."""
    told = {key: profile.passport[key] for key in _PASSPORT if profile.passport.get(key) not in (None, "")}
    versions = ", ".join(f"{k} {v}" for k, v in profile.passport.get("versions", {}).items())
    decided = profile.decisions
    more: dict[str, Any] = {} if decided is None else {
        "threshold": f"{decided.threshold:.6g}",
        "noise": f"{decided.noise_probability:.3g} of {decided.noise['n']:,} segments of noise {decided.outcome}",
        "data": decided.data,
    }  # fmt: skip
    headline = (profile.quality or {}).get("headline")
    return (
        told
        | {"versions": versions, "weights": str(profile.passport.get("weights_sha256") or "none")}
        | more
        | ({"quality": str(headline)} if headline else {})
    )
