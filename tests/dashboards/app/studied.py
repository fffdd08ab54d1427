"""Small folders of studies with made-up outcomes, as `ettwin study` writes them; made once per process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

from dashboards import study_page
from twin.studies import request, saved, tables
from twin.studies.evaluation import Outcome
from twin.studies.kinds import Found
from twin.studies.quantities import Quantity
from twin.studies.registry import KINDS
from twin.studies.study import Study

SERVERS, RATE = "sites.cnaf.pools.alerts.servers", "sky.signals.bbh.rate"
HOSTILE = "</script><script>alert(1)</script>"
COMMAND = "ettwin study mine.yaml"


@cache
def folder() -> Path:
    """A folder of results with the studies 'swept' (a point of it failed) and 'torn', a sensitivity."""
    root = Path(mkdtemp(prefix="ettwin-studies-"))
    asked = request.of_options(
        "first-light", (f"{SERVERS}=1,2,4", f"{RATE}=1e5 /yr,2e5 /yr"), None, ("lost",), (), ("horizon=2 d",)
    )
    points = KINDS["vary"].check(asked.asked)
    outcomes = [_outcome(k, point.name) for k, point in enumerate(points)]
    found = KINDS["vary"].drive(asked.asked, lambda points, replicas: outcomes)
    save(Study(asked, found, _about("vary", found)), root / "swept")
    torn = Found(points, outcomes, (SERVERS,), ("Measure a.b first.",), {"tornado": _tornado()})
    study = Study(asked, torn, _about("sensitivity", torn))
    object.__setattr__(study.request, "kind", "sensitivity")
    save(study, root / "torn")
    return root


def save(study: Study, path: Path) -> None:
    """Write the folder as the command does."""
    saved.save(study, path, COMMAND, lambda beside: study_page.write(study, COMMAND, beside / "report.html"))


def _outcome(k: int, name: str) -> Outcome:
    if k == 5:
        return Outcome(name, [], [], [], "", HOSTILE)
    values = np.array([0.01 * k, 0.01 * k + 0.02, 0.01 * k + 0.01])
    lost = Quantity("lost", "lost, of detectable signals", "", values, 90)
    late = Quantity("latency.p50", "median latency", "s", 10.0 + values, 90)
    return Outcome(name, [lost, late], [], [], "d")


def _about(kind: str, found: Found) -> dict[str, object]:
    about = {"study": "first-light-varied", "kind": kind, "scenario": "first-light", "scenario_digest": "d"}
    about |= {"seed": 1, "points": len(found.points), "versions": {"python": "3.11"}, "code": "c"}
    return {**about, "failures": tables.failures(found)}


def _tornado() -> pd.DataFrame:
    numbers = {"base": 12.0, "low": 7.0, "high": 13.0, "low_difference": -5.0, "low_from": -5.1, "low_to": -4.9}
    numbers |= {"high_difference": 1.0, "high_from": 0.9, "high_to": 1.1, "swing": 6.0}
    texts = {"quantity": "lost", "text": "lost", "unit": "", "key": "a.b", "reason": ""}
    return pd.DataFrame([{**texts, **numbers, "certain": True, "at_low": "1 s", "at_high": "9 s"}])
