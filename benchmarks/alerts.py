"""Is every alert of every case of every bundled scenario valid? `python -m benchmarks.alerts [NAME]…`

Each case is run for an hour or so in one replica; all its alerts are written as by `ettwin run --alerts all` and
read again as by `ettwin alerts`; what is wrong with any of them is named.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import twin
from twin.alerts import kept
from twin.loader import bundled
from twin.studies.cases import single

LONGER = {"q07-retraining": "26 h", "restless-sky": "3 h", "lvk-o4": "6 h"}
"""How long it takes until something happens, where an hour is not enough."""


def horizon(name: str) -> str:
    """The short horizon of a bundled scenario."""
    return LONGER.get(name, "1 h")


def main(names: list[str]) -> None:
    """Print a line per case; exit with 1 where an alert is wrong."""
    total = wrong = 0
    for name in names or bundled():
        for case in ("", *twin.load(name).case_overrides):
            found = _alerts(name, case)
            bad = {alert: one.problems for alert, one in found.items() if one.problems or not one.simulated}
            total, wrong = total + len(found), wrong + len(bad)
            print(f"{name} {case}: {len(found)} alerts, {len(bad)} wrong", *bad.items(), flush=True)
    print(f"{total:,} alerts, {wrong:,} wrong")
    sys.exit(wrong > 0)


def _alerts(name: str, case: str) -> dict[str, kept.Reading]:
    changes = [f"horizon={horizon(name)}", "replicas=1"]
    scenario = single(name, case, (), changes) if case else twin.load(name, set_=changes)
    with TemporaryDirectory() as folder:
        return kept.read_all(twin.run(scenario).save(Path(folder) / "run", alerts=None))


if __name__ == "__main__":
    main(sys.argv[1:])
