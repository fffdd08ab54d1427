"""The public part of a document, in the form of the LVK's public alerts. For twin.alerts.document.

Says of every event what the public schema has room for, and that it is simulated. Knows no extension and no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.alerts import moments
from twin.alerts.drawn import Draw
from twin.alerts.models import Model
from twin.alerts.notices import RETRACTION, Notice

if TYPE_CHECKING:
    from twin.schema_alerts import Alerts

SEARCH = "MDC"
"""The search of every simulated alert: a mock data challenge."""
PIPELINE = "ettwin"
"""Before the workload, so that no pipeline of today is named."""
_HAVE_MASS_GAP = "MassGap"


def document(
    notice: Notice,
    policy: Alerts,
    model: Model,
    instruments: tuple[str, ...],
    classes: Draw,
    terrestrial: float,
    skymap: str | None,
) -> dict[str, Any]:
    """The public document of a notice; `terrestrial` is the probability that it is no signal."""
    return {
        "alert_type": notice.type,
        "time_created": moments.text(policy.epoch.value + notice.created_s),
        "superevent_id": notice.superevent,
        "event": None
        if notice.type == RETRACTION
        else _event(notice, policy, model, instruments, classes, terrestrial, skymap),
        "external_coinc": None,
        "urls": {},
    }


def _event(
    notice: Notice,
    policy: Alerts,
    model: Model,
    instruments: tuple[str, ...],
    classes: Draw,
    terrestrial: float,
    skymap: str | None,
) -> dict[str, Any]:
    early = notice.type == "EARLYWARNING"
    limit_hz = (policy.significant_early if early else policy.significant).value
    signal = 1.0 - terrestrial
    told = classes.value
    astrophysical = {
        "BNS": told["BNS"],
        "NSBH": told["NSBH"],
        "BBH": told["BBH"] + told[_HAVE_MASS_GAP],
    }
    return {
        "time": moments.text(policy.epoch.value + notice.merger_s),
        "far": model.far_hz,
        "significant": model.far_hz <= limit_hz,
        "instruments": list(instruments),
        "group": "CBC",
        "pipeline": f"{PIPELINE}-{model.workload or model.stage}",
        "search": SEARCH,
        "classification": {name: round(signal * p, 6) for name, p in astrophysical.items()}
        | {"Terrestrial": round(terrestrial, 6)},
        "properties": {"HasNS": told["HasNS"], "HasMassGap": told[_HAVE_MASS_GAP]},
        "duration": None,
        "central_frequency": None,
        "skymap": skymap,
    }


def is_simulated(document: Any) -> bool:
    """Whether a document says in every place there is that it is a mock event."""
    if not isinstance(document, dict) or not str(document.get("superevent_id")).startswith(moments.PREFIX):
        return False
    event = document.get("event")
    return event is None or (isinstance(event, dict) and event.get("search") == SEARCH)
