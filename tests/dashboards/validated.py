"""A validation as `ettwin validate` writes it, of farms that are made up."""

from __future__ import annotations

from tests.twin.trials import trial
from twin.farm.contention import Used
from twin.validation.compare import compare
from twin.validation.goals import FLOORS, GOALS
from twin.validation.speed import known_speed, slownesses

ALONE, CROWDED = Used(30.0, 0.7, 0.01, 0.0), Used(30.0, 0.7, 0.4, 0.0)
TRIALS = (
    (trial(0.5, n=3000, name="load 0.5"), ALONE),
    (trial(0.8, n=3000, slow=1.1, overhead=1.05, name="load 0.8"), ALONE),
    (trial(1.2, n=3000, servers=2, slow=1.02, name="two servers, load 1.2"), ALONE),
    (trial(0.4, n=3000, batch=4, down_s=(500.0, 600.0), name="retraining <on> the fallback"), ALONE),
    (trial(0.6, n=1500, name="crowded"), CROWDED),
)


def result(trials=TRIALS):
    """The dict of validation.json."""
    speeds = [list(slownesses(one.measured, one.predicted, 1.01)) for one, _ in trials]
    cases = [
        compare(one, used.unfit).as_dict()
        | {"contention": used.as_dict(), "replayed": True, "lost": 0, "slowness": 1.01}
        | {"slownesses": speeds[k]}
        | {"known_speed": known_speed(one, speeds[k], lambda _, one=one: one.predicted)}
        | {"prediction": {"sha256": f"{k:064x}", "written": "2026-11-29T06:00:00+00:00"}, "without": {}}
        for k, (one, used) in enumerate(trials)
    ]
    return {
        "schema_version": 1,
        "workload": "detector",
        "runtime": "onnxruntime",
        "fallback": "torch",
        "n": 3000,
        "repeats": 3,
        "seed": 1,
        "profile_s": 150.0,
        "fallback_workload": "",
        "began": "2026-11-29T05:58:00+00:00",
        "seconds": 93.5,
        "machine": {"machine": "a test's imagination", "os": "none", "cores": 2},
        "versions": {"numpy": "0"},
        "goals": {**{column: dict(goals) for column, goals in GOALS.items()}, "floors": FLOORS},
        "profile": {"restart_s": 1.5, "sha256": "5d" * 32},
        "cases": cases,
        "ablation": [
            {
                "without": term,
                "cases": [
                    {"name": case["name"], **{f"{q}_error": _more(case, q, more) for q in ("p50", "p95", "p99")}}
                    for case in cases[:3]
                ],
            }
            for term, more in (("nothing", 0.0), ("idling", 0.04), ("tempo", 0.01))
        ],
    }


def _more(case, name, more):
    error = case[f"{name}_error"]
    return None if error is None else error + more
