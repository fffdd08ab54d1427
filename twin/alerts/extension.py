"""What goes along with a public document: which program said so, how sure, on what data, how it can be checked.

The public schema has no field for any of it. Each part has a standing and a source; what is not simulated is null
and says why. Its own schema is extension.schema.json. Knows no file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from twin.alerts import moments
from twin.alerts.drawn import Draw
from twin.alerts.executed import Score
from twin.alerts.models import Model
from twin.alerts.notices import Notice
from twin.alerts.versions import Served
from twin.limits import PARTS

if TYPE_CHECKING:
    from twin.schema_alerts import Alerts

KIND, VERSION = "ettwin-alert-extension", 1
SIMULATED, NOT = "simulated", "not simulated"


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of extensions."""
    content: dict[str, Any] = json.loads(
        (files("twin.alerts") / "extension.schema.json").read_text(encoding="utf-8")
    )
    return content


@dataclass(frozen=True)
class Facts:
    """What is known of one notice besides its row: see the parts below."""

    model: Model
    served: Served
    instruments: tuple[str, ...]
    classes: Draw
    area: Draw
    terrestrial: Draw
    glitch: Draw
    judge: Model | None
    score: Score | None
    judged: Score | None
    performed: Mapping[str, bool]


def extension(notice: Notice, policy: Alerts, facts: Facts, digest: str) -> dict[str, Any]:
    """The extension of the document whose bytes have SHA-256 `digest`, with the parts that the policy carries."""
    carried = {
        "+likelihood": lambda: {"likelihood": _likelihood(notice, facts)},
        "+dq": lambda: {"data_quality": _data_quality(notice, facts)},
        "+calibration": lambda: {"calibration": _calibration(notice)},
        "+samples": lambda: {"samples": _samples(policy)},
    }
    parts: dict[str, Any] = {
        "extension": KIND,
        "schema_version": VERSION,
        "simulated": True,
        "document": {
            "superevent_id": notice.superevent,
            "alert_type": notice.type,
            "number": notice.number,
            "sha256": digest,
        },
        "epoch": {"gps_s": policy.epoch.value, "standing": policy.epoch.standing, "source": policy.epoch.source},
        "model": _model(facts),
        "training": _training(policy, facts),
        "in_domain": _in_domain(notice, facts),
        "event": _event(facts) | _claim(notice, policy),
        "latency": _latency(notice),
    }
    for part in policy.carries:
        if part in carried:
            parts |= carried[part]()
    return parts


def _model(facts: Facts) -> dict[str, Any]:
    model, first, score = facts.model, facts.served.number == 1, facts.score
    if score is not None and score.weights is not None:
        return {
            "stage": model.stage,
            "variant": model.variant,
            "workload": model.workload,
            "runtime": score.runtime,
            "version": facts.served.number,
            "weights_sha256": score.weights,
            "profile_sha256": model.measured,
            "hardware": list(model.hardware),
            "standing": "measured",
            "source": "executed in this run, on the machine of its manifest; hardware: of the simulated pools",
        }
    source = (
        model.source if first else f"{model.source}; this version was trained in the simulation, it has no weights"
    )
    return {
        "stage": model.stage,
        "variant": model.variant,
        "workload": model.workload,
        "runtime": model.runtime,
        "version": facts.served.number,
        "weights_sha256": model.weights if first else None,
        "profile_sha256": model.measured,
        "hardware": list(model.hardware),
        "standing": model.standing if first else SIMULATED,
        "source": source,
    }


def _training(policy: Alerts, facts: Facts) -> dict[str, Any]:
    if facts.served.until_s is not None:
        until = moments.text(policy.epoch.value + facts.served.until_s)
        return {
            "data": "strain of this simulation",
            "until": until,
            "standing": SIMULATED,
            "source": f"retraining of {facts.model.stage}; until: when it began",
        }
    card, profile = facts.model.card, facts.model.profile
    if card is None or profile is None:
        return {"data": None, "until": None, "standing": NOT, "source": "there is no model card of these weights"}
    data = profile.decisions.data if profile.decisions else str(card["held_out"].get("data"))
    told = f"model card of {profile.workload}, {card['date']}; simulated data belong to no time"
    return {"data": data, "until": None, "standing": "measured", "source": told}


def _in_domain(notice: Notice, facts: Facts) -> dict[str, Any]:
    """Whether the event lies where the program was measured: its SNR, and the drift of the data."""
    measured, snr = _edges(facts.model), float(notice.row["snr"])
    if facts.served.passed:
        told = f"data have drifted past what was measured: {facts.served.passed}"
        return {"value": False, "standing": SIMULATED, "source": told}
    if measured is None or math.isnan(snr):
        why = "there is no measured range of SNR" if measured is None else "a noise trigger has no SNR"
        return {"value": None, "standing": NOT, "source": why}
    told = f"optimal SNR {snr:.1f}; measured from {measured[0]:g} to {measured[-1]:g}"
    return {"value": measured[0] <= snr <= measured[-1], "standing": SIMULATED, "source": told}


def _event(facts: Facts) -> dict[str, Any]:
    """Where the public document's numbers come from."""
    return {
        "classification": _drawn(facts.classes, facts.performed["classes"]) | {"value": facts.classes.value},
        "terrestrial": _drawn(facts.terrestrial, False) | {"value": facts.terrestrial.value},
        "area_90_deg2": _drawn(facts.area, facts.performed["sky_map"]) | {"value": facts.area.value},
        "false_alarm_rate": {
            "value": facts.model.far_hz,
            "performed": True,
            "standing": facts.model.standing,
            "source": f"{facts.model.source}: at the threshold, as no score is simulated",
        },
        "instruments": {
            "value": list(facts.instruments),
            "performed": True,
            "standing": SIMULATED,
            "source": "streams that delivered the segment of the event",
        },
    }


def _claim(notice: Notice, policy: Alerts) -> dict[str, Any]:
    """Where the time of the merger comes from that a false early warning names; {} of all other notices."""
    if not notice.claimed:
        return {}
    told = (
        "what the search took for a merger to come was noise; when it would be was drawn from where searches look"
    )
    time = moments.text(policy.epoch.value + notice.merger_s)
    return {"merger": {"value": time, "performed": False, "standing": "assumed", "source": told}}


def _drawn(draw: Draw, performed: bool) -> dict[str, Any]:
    """`performed`: whether a stage of the scenario does this work, and its time counts."""
    return {"performed": performed, "standing": draw.standing, "source": draw.source}


def _latency(notice: Notice) -> dict[str, Any]:
    """The ten parts in s, from the event to the notice that the row is about."""
    row = notice.row
    parts = {name: round(float(row[name]), 6) for name in PARTS}
    source = f"notice of product {row['product']}; its parts add up to latency_s"
    return {"latency_s": round(float(row["latency_s"]), 6), **parts, "standing": SIMULATED, "source": source}


def _likelihood(notice: Notice, facts: Facts) -> dict[str, Any]:
    """How much likelier the decision is for a signal than for noise, and from how many tries that is known."""
    model, score = facts.model, _score(facts.score)
    decisions = None if model.profile is None else model.profile.decisions
    if decisions is None or "bbh" not in decisions.classes:
        why = "no decisions by SNR were measured of this search"
        return {"score": score, "log10": None, "calibration": None, "standing": NOT, "source": why}
    snr, edges = float(notice.row["snr"]), decisions.snr_edges
    inside = [k for k in range(len(edges) - 1) if snr >= edges[k]]
    k = inside[-1] if inside else 0
    signal, noise = decisions.classes["bbh"], decisions.noise
    # Half a count is added, so that none of many is no certainty.
    odds = ((signal.count[k] + 0.5) / (signal.n[k] + 1.0)) / ((noise["count"] + 0.5) / (noise["n"] + 1.0))
    return {
        "score": score,
        "log10": round(math.log10(odds), 4),
        "calibration": {
            "signals": signal.n[k],
            "found": signal.count[k],
            "snr": [edges[k], edges[k + 1]],
            "noise": noise["n"],
            "false": noise["count"],
        },
        "standing": "measured" if inside and snr <= edges[-1] else "assumed",
        "source": f"{model.source}: of the decision, found or not"
        + ("" if inside else "; SNR below what was measured, or none: its lowest bin"),
    }


def _score(score: Score | None) -> dict[str, Any] | None:
    """What an executed program answered; None in replay."""
    if score is None:
        return None
    return {"value": score.value, "threshold": score.threshold, "batch": score.batch, "pool": score.pool}


def _data_quality(notice: Notice, facts: Facts) -> dict[str, Any]:
    judge = facts.judge
    return {
        "flagged": bool(notice.row["dq_flag"]),
        "missing": bool(notice.row["dq_missing"]),
        "by": None if judge is None else judge.workload,
        "weights_sha256": None if judge is None else judge.weights,
        "score": _score(facts.judged),
        "glitch_class": facts.glitch.value,
        "anomaly_score": None,
        "auxiliary_state": None,
        "standing": facts.glitch.standing,
        "source": f"flag and missing: of this run; class: {facts.glitch.source}; channels are not simulated",
    }


def _calibration(notice: Notice) -> dict[str, Any]:
    version = notice.row.get("calibration")
    told = "version of the data's time" if version else "the scenario names no version at that time"
    latency_s = round(float(notice.row["calibration_s"]), 6)
    return {"version": version or None, "latency_s": latency_s, "standing": SIMULATED, "source": told}


def _samples(policy: Alerts) -> dict[str, Any]:
    size = policy.samples
    told = f"{size.source}; held elsewhere, this is their size"
    return {"bytes": round(size.value), "held": False, "standing": size.standing, "source": told}


def _edges(model: Model) -> tuple[float, ...] | None:
    if model.profile is None:
        return None
    if model.profile.decisions is not None:
        return model.profile.decisions.snr_edges
    warned = (model.profile.quality or {}).get("warned")
    if not warned:
        return None
    return tuple(sorted({float(snr) for kind in warned.values() for cells in kind.values() for snr in cells}))
