"""What decides the result of a replica, as one digest: two that are equal give the same bytes. Runs nothing.

That is the scenario with all its defaults and the files it names, the seed, the profiles, the programs of this
project and their versions. Not in it: the name of the scenario, its question, how many replicas there are, and the
machine.
"""

from __future__ import annotations

import platform
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import sites
import twin
import workloads
from twin import policies
from twin.runner import PACKAGES
from twin.scenario import Scenario
from twin.schema_stages import is_function

_SUFFIXES = (".py", ".yaml", ".json", ".csv", ".npz")


@cache
def code() -> str:
    """SHA-256 of the programs and data of twin, sites and workloads, as they are on disk."""
    total = sha256()
    for package in (twin, sites, workloads):
        home = Path(str(package.__file__)).parent
        for path in sorted(path for path in home.rglob("*") if path.suffix in _SUFFIXES):
            total.update(f"{package.__name__}/{path.relative_to(home)}\0".encode())
            total.update(sha256(path.read_bytes()).digest())
    return total.hexdigest()


@cache
def versions() -> dict[str, str]:
    """Of Python and of the packages that may decide a result."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


class Identity:
    """Names scenarios by what decides their replicas; profiles are looked for in the folders `profiles` first."""

    def __init__(self, profiles: tuple[Path, ...]) -> None:
        self._profiles = profiles
        self._folders: dict[Path, str] = {}
        self._same = f"{code()} {sorted(versions().items())} {self._measured(profiles)}"

    def __call__(self, scenario: Scenario) -> str:
        """Its name, in 64 hexadecimal digits; ScenarioError where its Python routes are not there."""
        alike = scenario.model_copy(update={"name": "any", "question": "", "replicas": 1})
        files = {path: _content(file) for path, file in sorted(scenario.files.items())}
        routes: dict[str, str] = {}
        if any(is_function(stage.route) for stage in scenario.stages.values()):
            routes = policies.digests(policies.functions(scenario))
        own = f"{alike.digest} {files} {self._measured(scenario.profile_folders)} {routes}"
        return sha256(f"{self._same} {own}".encode()).hexdigest()

    def _measured(self, folders: tuple[Path, ...]) -> list[str]:
        for folder in folders:
            if folder not in self._folders:
                self._folders[folder] = _profiles_in(folder)
        return [self._folders[folder] for folder in folders]


def _profiles_in(folder: Path) -> str:
    total = sha256()
    for path in sorted(folder.glob("*/*.json")):
        total.update(f"{path.relative_to(folder)} {_content(path)}\n".encode())
    return total.hexdigest()


def _content(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
