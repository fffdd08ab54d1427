"""The questions of planners, answered: comparisons as JSON, with tables and figures for docs/studies.md."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "studies.md"
FIGURES = HERE.parents[1] / "docs" / "studies"

LATENCY = ("latency.p50", "latency.p90")
BUSY = ("busy.epyc-core",)
SHOWN: dict[str, tuple[str, ...]] = {
    "q01-capacity": (*LATENCY, "dead_time", "lost", *BUSY),
    "q02-sum-of-parts": ("work.search", "work.warn", "work.posterior", *BUSY),
    "q04-models": (*LATENCY, "published", "lost", "false_alerts", *BUSY),
    "q05-hardware": (*LATENCY, "lost", *BUSY, "busy.a100", "busy.gpu"),
    "q06-sites": (*LATENCY, "late", "lost", "traffic"),
    "q07-retraining": (
        "kept.detect",
        "alarms.detect",
        "false_alerts",
        "late",
        "trainings.detect",
        "server_h.detect",
    ),
    "q08-surge": ("latency.p50", "late", "lost", "missed.beside", "dead_time", "recovery"),
    "q09-data-quality": (*LATENCY, "vetoed", "lost", "false_alerts", "shift_hours", "shift_rejected", *BUSY),
    "q10-scaling": ("latency.p50", "overlaps", *BUSY, "traffic"),
    "q11-alerts": ("alert_bytes", "publish_delay", "sent", "archived", "archive"),
    "q13-premerger": ("warned.bns.0", "warned.bns.30", "warned.bns.120", "warned.nsbh.30", *BUSY),
    "crowded-sky": ("beside", "missed.beside", "missed.alone", "lost", "published"),
    "et-2l": (*LATENCY, "published", "lost", "false_alerts", *BUSY),
    "lvk-o4": (*LATENCY, "early-warning.p50", "warned.bns.0", "warned.bns.30", "lost"),
}
"""The quantities that each study is about; the rest is in its JSON."""
