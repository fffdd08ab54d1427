"""`python -m benchmarks.studies [NAME …]`: run the studies, keep their results, draw their figures.

Their tables are put between the markers of docs/studies.md. All of them take about an hour on two cores.
"""

from __future__ import annotations

import json
import os
import sys

from benchmarks.studies import FIGURES, HERE, PAGE, SHOWN
from benchmarks.studies.needed import NEEDED
from benchmarks.studies.picture import draw
from benchmarks.studies.tables import Result, filled, table
from twin.studies import cases, kept
from twin.studies.compare import compare


def main(names: list[str]) -> None:
    """Run the studies of these names, or all."""
    for name in names or (*SHOWN, *NEEDED):
        print(name, flush=True)
        if name in NEEDED:
            made, tabled, drawn = NEEDED[name]
            result = made()
            drawn(result, FIGURES / f"{name}.svg")
            _keep(name, result, tabled(result))
        else:
            compared = _compared(name)
            draw(compared, SHOWN[name], FIGURES / f"{name}.svg")
            _keep(name, compared, table(compared, SHOWN[name]))


def _compared(name: str) -> Result:
    found = compare(
        cases.chosen(name),
        workers=os.cpu_count() or 1,
        progress=lambda done, text: print(f"{100 * done:3.0f} %  {text}", flush=True),
    )
    return kept.as_dict(found, f"ettwin compare {name}")


def _keep(name: str, result: Result, shown: str) -> None:
    """The result as JSON, and its table on the page."""
    (HERE / f"{name}.json").write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    PAGE.write_text(filled(PAGE.read_text(), name, shown))


if __name__ == "__main__":
    main(sys.argv[1:])
