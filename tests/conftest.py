"""The order of the tests: files that take longest begin, so that no worker is left with one of them at the end.

Whoever gives out whole files (`--dist loadfile --no-loadscope-reorder`) keeps this order.
"""

from __future__ import annotations

LONG = (
    "test_workloads.py",
    "test_remote.py",
    "test_farm.py",
    "test_theory.py",
    "test_exactness.py",
    "test_train.py",
    "test_cli_validate.py",
    "test_bench.py",
    "test_studies.py",
    "test_inference_shipped.py",
    "test_drift.py",
    "test_recording.py",
    "test_ciw.py",
    "test_search.py",
    "test_alerts_command.py",
    "test_alerts_bundled.py",
    "test_controls_in_runs.py",
    "test_archive_capsule.py",
    "test_oip.py",
    "test_dataquality_shipped.py",
)
"""By how long they took together with what they share."""


def pytest_collection_modifyitems(items):
    """Long files first; the others, and the tests in each, as they were found."""
    rank = {name: k for k, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONG)))
