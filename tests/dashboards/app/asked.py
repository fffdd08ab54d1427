"""A small live run of late alerts, whose capsules lie in its own folder; made once per process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

import twin

_LOUD = {
    "horizon": "20 s",
    "drain": "5 min",
    "replicas": 1,
    "timeline": {},
    "sky.signals.bbh.rate": "45 /min",
    "sky.signals.bbh.snr": {"min": 20, "max": 60, "index": -2},
    "alerts": {"archives": "capsule"},
    "live": ["dq", "detect"],
}


@cache
def folder() -> Path:
    """A folder of results with the run 'kept': more signals than one server can localise in time."""
    for name in ("torch", "cryptography"):
        pytest.importorskip(name)
    root = Path(mkdtemp(prefix="ettwin-asked-"))
    twin.run(twin.load("first-light").with_(_LOUD)).save(root / "kept", alerts=200)
    return root
