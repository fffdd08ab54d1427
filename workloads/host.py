"""The machine that a number comes from: its processor, its system, and versions of packages. Measures nothing."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def processor() -> str:
    """The processor's own name."""
    told = Path("/proc/cpuinfo")
    for line in told.read_text().splitlines() if told.is_file() else ():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def machine() -> str:
    """The processor's name and the number of its logical cores in view."""
    return f"{processor()}, {os.cpu_count()} logical cores"


def accelerator() -> str:
    """The GPU's own name, and the machine that feeds it; RuntimeError without one."""
    import torch

    return f"{torch.cuda.get_device_name()}, on {machine()}"


def operating_system() -> str:
    """Its name and major.minor release, without the name of a build."""
    return f"{platform.system()} {'.'.join(re.findall(r'[0-9]+', platform.release())[:2])}"


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """Of each package; None for what is not installed."""
    found: dict[str, str | None] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
