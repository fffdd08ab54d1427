"""The numbers of a validation as frames: what its page draws and writes is what these return.

Reads the result of twin.validation as it stands in validation.json. Knows no plotly and no HTML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from twin.validation.speed import FIGURES as KNOWN_SPEED

Result = Mapping[str, Any]
"""A validation.json."""

FIGURES = {
    "p50": "median latency",
    "p95": "p95 latency",
    "p99": "p99 latency",
    "capacity": "capacity",
    "slope": "growth of the backlog",
    "recovery": "time to recover",
}
"""Every figure that is compared, in words."""
QUANTILES = ("p50", "p95", "p99")
COLUMNS = ("prediction", "model")
"""The errors a figure has, besides the floor."""


def errors_table(result: Result) -> pd.DataFrame:
    """A row per case and figure. `measured` is the median over repeats, its low and high are the extremes;
    errors, what is allowed and the floor are relative; `reason` says why there is no number."""
    return pd.DataFrame([_row(case, name) for name in FIGURES for case in result["cases"]])


def _row(case: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = case["figures"][name]
    measured = np.array(found["measured"] or [np.nan])
    row = {
        "case": case["name"],
        "figure": name,
        "unit": found["unit"],
        "measured": float(np.median(measured)),
        "measured_low": float(measured.min()),
        "measured_high": float(measured.max()),
        "predicted": _number(found["predicted"]),
        "model": float(np.median(found["model"] or [np.nan])),
        "floor": _number(found["floor"]),
        "n": found["n"],
    }
    for column in COLUMNS:
        error = found[f"{column}_error"]
        row[f"{column}_error"] = _number(error["value"])
        row |= {f"{column}_{key}": _number(error[key]) for key in ("low", "high", "allowed")}
        row[f"{column}_verdict"] = error["verdict"]
    return row | {"reason": found["prediction_error"]["reason"]}


def cases_table(result: Result) -> pd.DataFrame:
    """A row per case: how it was loaded, who else used the machine, what was lost."""
    return pd.DataFrame([_case(case) for case in result["cases"]])


def _case(case: Mapping[str, Any]) -> dict[str, Any]:
    used = case["contention"]
    return {
        "case": case["name"],
        "load": case["rho"],
        "servers": case["servers"],
        "offered_per_s": case["offered_per_s"],
        "n": case["n"],
        "repeats": case["repeats"],
        "draws": case["draws"],
        "verdict": case["verdict"],
        "own_cores": used["own_cores"],
        "other_cores": used["other_cores"],
        "steal_cores": used["steal_cores"],
        "replayed": case["replayed"],
        "lost": case["lost"],
        "slowness": case["slowness"],
        "prediction_written": case["prediction"]["written"],
        "prediction_sha256": case["prediction"]["sha256"],
        "reason": case["reason"],
    }


def speeds_table(result: Result) -> pd.DataFrame:
    """A row per case: the machine's times over the profile's, looked at before and in the repeats (extremes), and
    relative errors of what was foretold, then of what is foretold for the speed that each repeat had."""
    return pd.DataFrame([_speed(case) for case in result["cases"] if "slownesses" in case])


def _speed(case: Mapping[str, Any]) -> dict[str, Any]:
    shown = case["slownesses"]
    row = {"case": case["name"], "looked": case["slowness"], "fastest": min(shown), "slowest": max(shown)}
    for name in KNOWN_SPEED:
        row[f"{name}_foretold"] = _number(case[f"{name}_error"])
        row[f"{name}_at_its_speed"] = _number(case["known_speed"][f"{name}_error"])
    return row


def distances_table(result: Result) -> pd.DataFrame:
    """A row per case: Kolmogorov-Smirnov, and Wasserstein-1 over the mean latency; of prediction, model, floor."""
    return pd.DataFrame(
        [
            {"case": case["name"]}
            | {
                f"{column}_{kind}": _number(case["distances"][column][kind])
                for kind in ("w1", "ks")
                for column in (*COLUMNS, "floor")
            }
            for case in result["cases"]
        ]
    )


def latency_table(case: Mapping[str, Any]) -> pd.DataFrame:
    """For each share of jobs that is `slower`, the latency in s: every repeat, the prediction, every model's."""
    drawn = case["curves"]["latency"]
    return pd.DataFrame({"slower": drawn["slower"], "predicted_s": drawn["predicted_s"]} | _repeats(drawn, "_s"))


def in_system_table(case: Mapping[str, Any]) -> pd.DataFrame:
    """Jobs in the system over time: every repeat and model; of the prediction's draws median, lowest, highest.
    Empty for a case that is not told over time."""
    drawn = case["curves"].get("in_system")
    if drawn is None:
        return pd.DataFrame()
    same = {key: drawn[key] for key in ("time_s", "predicted", "predicted_low", "predicted_high")}
    return pd.DataFrame(same | _repeats(drawn, ""))


def _repeats(drawn: Mapping[str, Any], unit: str) -> dict[str, Sequence[float | None]]:
    """Columns measured_1, measured_2, …, model_1, …"""
    return {
        f"{kind}_{k}{unit}": run
        for kind in ("measured", "model")
        for k, run in enumerate(drawn[f"{kind}{unit}"], start=1)
    }


def ablation_table(result: Result) -> pd.DataFrame:
    """A row per term of the profile, case and quantile: the error of the prediction `without` it and `with_all`,
    and what it is `worth`: by how much the error's size grows without it. All relative."""
    known = {case["name"]: case for case in result["cases"]}
    terms = [ablated for ablated in result["ablation"] if ablated["without"] != "nothing"]
    rows = [
        {
            "term": ablated["without"],
            "case": case["name"],
            "figure": name,
            "without": _number(case[f"{name}_error"]),
            "with_all": _number(known[case["name"]][f"{name}_error"]),
        }
        for ablated in terms
        for case in ablated["cases"]
        for name in QUANTILES
    ]
    table = pd.DataFrame(rows, columns=["term", "case", "figure", "without", "with_all"])
    return table.assign(worth=table["without"].abs() - table["with_all"].abs())


def worths(result: Result) -> pd.DataFrame:
    """A row per term: the median over cases of the size of the error with all terms and without this one; and the
    figure (`most_in`) for which it is worth most, and how much (`most`)."""
    table = ablation_table(result).dropna(subset=["without", "with_all"])
    rows = []
    for term in dict.fromkeys(table["term"]):
        own = table[table["term"] == term]
        row: dict[str, Any] = {"term": term, "cases": int(own["case"].nunique())}
        for name in QUANTILES:
            mine = own[own["figure"] == name]
            row |= {f"{name}_{how}": float(mine[how].abs().median()) for how in ("with_all", "without")}
        best = own.loc[own["worth"].idxmax()]
        rows.append({**row, "most": float(best["worth"]), "most_in": f"{best['case']}, {best['figure']}"})
    return pd.DataFrame(rows)


def slug(name: str, taken: Sequence[str] = ()) -> str:
    """A case's name as part of an id: letters, digits and hyphens, unlike those `taken`."""
    short = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "case"
    return short if short not in taken else f"{short}-{len(taken)}"


def slugs(result: Result) -> list[str]:
    """One for every case, in their order."""
    found: list[str] = []
    for case in result["cases"]:
        found.append(slug(case["name"], found))
    return found


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
