"""What alerts weigh under a policy: bytes of each, time to send them, load of the way, what is kept for how long.

Bytes are those of the very documents that would be written, of `SAMPLE` of them where there are more; posterior
samples, capsules and images have stated sizes. Knows no file but the shipped weights, whose size it asks for.

Columns: replica; carries and archives (the policy); alerts and events (notices and superevents sent); weighed (how
many documents); bytes_mean and bytes_max of those; publish_delay_s (the mean one on its way); link_use (share
of the way's time); sent_gb (over the horizon) and sent_gb_per_yr; kept_gb_per_yr and kept_once_gb (one copy);
copies; retention_s; kept_gb (all copies at the end of the retention); unweighed (workloads whose weights are not
at hand, which are not in it); withdrawn (early warnings that were not out before the merger).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from twin import words
from twin.alerts.document import documents
from twin.alerts.models import Models, models
from twin.alerts.notices import Notice, notices, policy_of, withdrawn
from twin.alerts.versions import trained
from twin.limits import replicas
from twin.schema_alerts import ARCHIVED, CARRIED, Alerts
from twin.units import YEAR_S
from workloads import card

if TYPE_CHECKING:
    from twin.record import Record
    from twin.recorded import Recorded

SAMPLE = 500
"""Most documents of a replica that are weighed."""
STRAIN_BYTES = 8
"""Of one sample of strain."""
GB = 1e9


def table(record: Record, *, every_policy: bool, known: Models | None = None) -> pd.DataFrame:
    """A row per replica under the scenario's policy, or under every policy there is, side by side."""
    own = policy_of(record)
    known = models(record) if known is None else known
    carried = [CARRIED[:k] for k in range(1, len(CARRIED) + 1)] if every_policy else [own.carries]
    rows: list[dict[str, Any]] = []
    for replica, too_late in zip(replicas(record), withdrawn(record, own), strict=True):
        sent = notices(record, own, replica)
        for carries in carried:
            policy = own.model_copy(update={"carries": carries})
            sizes = _sizes(record, policy, known, replica, len(sent))
            for archives in ARCHIVED if every_policy else (own.archives,):
                chosen = policy.model_copy(update={"archives": archives})
                row = _row(record, chosen, known, replica, sent, sizes)
                rows.append(row | {"withdrawn": too_late})
    return pd.DataFrame(rows)


def side_by_side(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per policy of a table: means over replicas, of `bytes_max` the largest."""
    policy = ["carries", "archives"]
    by = rows.drop(columns="replica").groupby(policy, sort=False)
    numbers = [name for name in rows.columns if name not in ("replica", "unweighed", *policy)]
    found = by[numbers].mean()
    found["bytes_max"] = by["bytes_max"].max()
    found["unweighed"] = by["unweighed"].first()
    return found.reset_index()


def said(carries: tuple[str, ...]) -> str:
    """What is carried, such as 'standard +dq'."""
    return " ".join(dict.fromkeys(("standard", *carries)))


def summary(record: Recorded) -> dict[str, Any]:
    """The scenario's policy in figures, means over replicas, and in words; {} where it has no `alerts`."""
    if record.policies is None or record.policies.empty:
        return {}
    own = record.policies
    first = own.iloc[0]
    keys = ["alerts", "events", "bytes_mean", "publish_delay_s", "link_use", "sent_gb_per_yr", "kept_gb_per_yr"]
    found = {key: float(own[key].mean()) for key in (*keys, "kept_once_gb", "kept_gb")}
    found["bytes_max"] = float(own["bytes_max"].max())
    found["weighed"] = float(own["weighed"].mean())
    found["withdrawn"] = float(own["withdrawn"].mean()) if "withdrawn" in own else 0.0  # older runs sent them all
    about = {"carries": str(first["carries"]), "archives": str(first["archives"]), "copies": int(first["copies"])}
    about |= {"retention_s": float(first["retention_s"]), "unweighed": str(first["unweighed"])}
    return {"alerts": about | found | {"text": _sentence(about, found)}}


def _sentence(about: dict[str, Any], found: dict[str, float]) -> str:
    part = "" if found["weighed"] == found["alerts"] else f" of {found['weighed']:.0f} weighed in a replica"
    copies = words.count(about["copies"], "copy", "copies")
    missing = f"; without the weights of {about['unweighed']}, not at hand" if about["unweighed"] else ""
    late = ""
    if found["withdrawn"]:
        each = words.digits(found["withdrawn"])
        late = f" Not out before the merger, and withdrawn: {each} early warnings a replica."
    mean, most = (words.size(found[name]) for name in ("bytes_mean", "bytes_max"))
    held = ("sent_gb_per_yr", "kept_gb_per_yr", "kept_once_gb", "kept_gb")
    sent, a_year, once, in_all = (words.size(GB * found[name]) for name in held)
    return (
        f"{about['carries']}: {mean} each on average, {most} at most{part}, sent in "
        f"{1e3 * found['publish_delay_s']:.3g} ms; {sent} a year. "
        f"{about['archives']}: {a_year} a year and {once} once are kept; {in_all} after "
        f"{about['retention_s'] / YEAR_S:.3g} yr in {copies}{missing}.{late}"
    )


def _sizes(record: Record, policy: Alerts, known: Models, replica: int, n: int) -> list[int]:
    """Bytes of the alerts that are weighed, as they are sent."""
    every = max(1, -(-n // SAMPLE))
    samples = round(policy.samples.value) if "+samples" in policy.carries else 0
    made = documents(record, policy, known, replica, every=every)
    return [len(one.text) + len(one.extension_text) + samples for one in made]


def _row(
    record: Record, policy: Alerts, known: Models, replica: int, sent: list[Notice], sizes: list[int]
) -> dict[str, Any]:
    events, n = len({notice.superevent for notice in sent}), len(sent)
    mean = sum(sizes) / len(sizes) if sizes else 0.0
    told_s = record.scenario.told_s
    per_yr = YEAR_S / told_s
    weights, images, unweighed = _programs(known)
    new = sum(len(trained(record, replica, stage)) for stage in record.scenario.stages)
    new_per_yr = new * (YEAR_S / record.scenario.horizon)
    keeps_weights = policy.archives != "digest"
    keeps_strain = policy.archives in ("weights+strain", "capsule")
    whole = policy.archives == "capsule"
    once = (sum(weights.values()) if keeps_weights else 0.0) + (policy.image.value * images if whole else 0.0)
    newest = max(weights.values(), default=0.0) + (policy.image.value if whole else 0.0)
    of_event = (strain_bytes(record, policy) if keeps_strain else 0.0) + (policy.capsule.value if whole else 0.0)
    kept_per_yr = (mean * n + of_event * events) * per_yr + (new_per_yr * newest if keeps_weights else 0.0)
    return {
        "replica": replica,
        "carries": said(policy.carries),
        "archives": policy.archives,
        "alerts": n,
        "events": events,
        "weighed": len(sizes),
        "bytes_mean": mean,
        "bytes_max": max(sizes, default=0),
        "publish_delay_s": mean / policy.bandwidth.value,
        "link_use": mean * n / (policy.bandwidth.value * told_s),
        "sent_gb": mean * n / GB,
        "sent_gb_per_yr": mean * n * per_yr / GB,
        "kept_gb_per_yr": kept_per_yr / GB,
        "kept_once_gb": once / GB,
        "copies": policy.copies,
        "retention_s": policy.retention,
        "kept_gb": policy.copies * (once + kept_per_yr * policy.retention / YEAR_S) / GB,
        "unweighed": ", ".join(unweighed) if keeps_weights else "",
    }


def strain_bytes(record: Record, policy: Alerts) -> float:
    """Of the strain that the policy states for one event: its `window` of every detector."""
    instrument = record.scenario.instrument
    return policy.window.value * len(instrument.detectors) * instrument.sample_rate * STRAIN_BYTES


def _programs(known: Models) -> tuple[dict[str, float], int, list[str]]:
    """Bytes of the shipped weights by workload, how many programs there are, and those that have none here."""
    sizes, missing = {}, []
    for workload in sorted(known.performed):
        path = card.WEIGHTS / f"{workload}.safetensors"
        if path.is_file():
            sizes[workload] = float(path.stat().st_size)
        else:
            missing.append(workload)
    return sizes, len(known.performed), missing
