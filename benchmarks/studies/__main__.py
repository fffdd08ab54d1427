"""`python -m benchmarks.studies [NAME …]`: run the studies, keep their comparisons, draw their figures.

Their tables are put between the markers of docs/studies.md. All of them take about half an hour on two cores.
"""

from __future__ import annotations

import json
import os
import sys

from benchmarks.studies import FIGURES, HERE, PAGE, SHOWN
from benchmarks.studies.picture import draw
from benchmarks.studies.tables import filled, table
from twin.studies import cases, kept
from twin.studies.compare import compare


def main(names: list[str]) -> None:
    """Run the studies of these names, or all."""
    for name in names or SHOWN:
        print(name, flush=True)
        found = compare(
            cases.chosen(name),
            workers=os.cpu_count() or 1,
            progress=lambda done, text: print(f"{100 * done:3.0f} %  {text}", flush=True),
        )
        result = kept.as_dict(found, f"ettwin compare {name}")
        (HERE / f"{name}.json").write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
        draw(result, SHOWN[name], FIGURES / f"{name}.svg")
        PAGE.write_text(filled(PAGE.read_text(), name, table(result, SHOWN[name])))


if __name__ == "__main__":
    main(sys.argv[1:])
