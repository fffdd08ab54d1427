"""A small finished run of each kind that pages show, made once per process: in folders of their own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import twin
from dashboards.app.library import Library

SMALL = {"horizon": "8 h", "replicas": 2, "timeline": {}, "sky.signals.bbh.rate": "1 /min"}


@cache
def folder() -> Path:
    """A folder of results with the run 'small': a morning of first-light with many signals."""
    root = Path(mkdtemp(prefix="ettwin-finished-"))
    scenario = twin.load("first-light", set_={**SMALL, "timeline.tier-1": OUTAGE})
    twin.run(scenario).save(root / "small")
    return root


OUTAGE = {"kind": "outage", "pool": "cnaf.cpu", "at": "3 h", "lasts": "20 min"}


def library() -> Library:
    """A library of that folder, with nothing read yet."""
    return Library(folder())
