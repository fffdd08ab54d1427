"""What a batch takes a server of a farm, as rows and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workloads.occupancy import Taken
    from workloads.profile import Profile


def occupancy_rows(profile: Profile) -> list[dict[str, Any]]:
    """One row per kind of occupancy of a profile that knows its own, and one per other term."""
    from workloads.occupancy import IDLE_EDGES_S

    known = profile.occupancy
    if known is None:
        return []
    named = {"workload": profile.workload, "runtime": profile.runtime}
    kinds = [(f"busy, batch {size}", taken) for size, taken in sorted(known.busy.items())]
    kinds += [(f"idle over {1e3 * IDLE_EDGES_S[k - 1]:g} ms", taken) for k, taken in sorted(known.idle.items())]
    rows = [{**named, "kind": kind, **_taken(taken)} for kind, taken in kinds]
    factors = [
        *((f"{k + 1} busy servers", factor) for k, factor in enumerate(known.crowding)),
        (f"tempo, least in {known.tempo_s:g} s", min(known.tempo, default=1.0)),
        (f"tempo, most in {known.tempo_s:g} s", max(known.tempo, default=1.0)),
    ]
    rows += [{**named, "kind": kind, "factor": factor} for kind, factor in factors]
    return [*rows, {**named, "kind": "new worker", "n": 1, "mean_s": known.restart_s}]


def occupancy_table(rows: list[dict[str, Any]]) -> str:
    """The rows as text."""
    head = f"{'workload':<22}{'runtime':<13}{'server':<24}{'n':>7}{'mean':>12}{'p50':>12}{'p99':>12}"
    return "\n".join([head, *(_line(row) for row in rows)])


def _taken(taken: Taken) -> dict[str, Any]:
    points = len(taken.quantiles_s) - 1
    p50_s, p99_s = (taken.quantiles_s[round(q * points)] for q in (0.5, 0.99))
    return {"n": taken.n, "mean_s": taken.mean_s, "p50_s": p50_s, "p99_s": p99_s}


def _line(row: dict[str, Any]) -> str:
    named = f"{row['workload']:<22}{row['runtime']:<13}{row['kind']:<24}"
    if "factor" in row:
        return f"{named}{'':>7}{row['factor']:>9.3f} x"
    times = (f"{1e3 * row[key]:>9.2f} ms" for key in ("mean_s", "p50_s", "p99_s") if key in row)
    return f"{named}{row['n']:>7}{''.join(times)}"
