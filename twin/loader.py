"""Scenario files: found by name or path, read strictly, laid over their base, changed, checked.

Precedence: --set, then --with in order, then the file, then the scenario it is based on, then defaults. A case is
the overrides that it names, after those of --with.
Knows the disk; twin.scenario does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os.path import exists, isfile
from pathlib import Path, PurePath

from twin import overrides, tree
from twin.phrases import followed, unknown
from twin.scenario import Scenario
from twin.tree import Node, Problem, ScenarioError, Spot, UnreadableScenarioError

__all__ = ["Problem", "ScenarioError", "bundled", "checked", "find", "load", "loads"]

OF_SCENARIOS = ("horizon", "stages", "instrument")
"""Keys of which a scenario has one, and a study none."""
_LONGEST_CHAIN = 8
_HERE = Path(__file__).parent


def load(
    source: str | Path,
    with_: Sequence[str] = (),
    set_: Mapping[str, object] | Sequence[str] = (),
) -> Scenario:
    """The scenario of a shipped name or a file, with named (`with_`) and single (`set_`) overrides.

    Raises ScenarioError with every problem found.
    """
    return _finished(_based(_read(source), []), with_, set_)


def loads(
    text: str | bytes,
    file: str = "scenario",
    with_: Sequence[str] = (),
    set_: Mapping[str, object] | Sequence[str] = (),
) -> Scenario:
    """Like `load`, from YAML text; it may be based on a shipped scenario."""
    return _finished(_based(tree.parse(text, file), []), with_, set_)


def checked(
    source: str | Path,
    with_: Sequence[str] = (),
    set_: Mapping[str, object] | Sequence[str] = (),
) -> tuple[Scenario, dict[str, Scenario]]:
    """Like `load`, and the scenario of every override and every case of the file by "override 'NAME'" or so.

    These are tried on the scenario as its file gives it, without `with_` and `set_`. Raises ScenarioError with
    every problem found in any of them.
    """
    root = _based(_read(source), [])
    problems: list[Problem] = []
    variants: dict[str, Scenario] = {}
    known = set(_tried(root, ())[1])
    for what, chosen in overrides.variants(root).items():
        variant, found = _tried(root, chosen)
        if variant is not None:
            variants[what] = variant
        problems += [Problem(p.spot, p.path, f"with {what}: {p.message}") for p in found if p not in known]
        known.update(found)
    try:
        scenario = _finished(root, with_, set_)
    except ScenarioError as error:
        raise ScenarioError([*error.problems, *problems]) from None
    if problems:
        raise ScenarioError(problems)
    return scenario, variants


def bundled() -> dict[str, Path]:
    """The shipped scenarios by name: beside the packages in a checkout, inside twin when installed."""
    folders = (_HERE / "examples", _HERE.parent / "examples")
    folder = next((f for f in folders if f.is_dir()), folders[0])
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(source: str | Path) -> Path:
    """The file of a shipped name or a path; ScenarioError when there is none."""
    known = bundled()
    if isinstance(source, str) and source in known and not isfile(source):
        return known[source]
    if isinstance(source, str) and PurePath(source).suffix not in (".yaml", ".yml") and not exists(source):
        message = followed(unknown("scenario", source, known), "Or give a file that ends in .yaml")
        if isfile(beside := f"{source}.yaml"):
            message = f"is no shipped scenario; did you mean the file '{beside}'?"
        if (study := _studies().get(source)) is not None:
            message = f"is a study: 'ettwin study {source}' carries it out; it lies at {study}"
        raise UnreadableScenarioError((Problem(Spot(source), "", message),))
    return Path(source)


def is_study(root: Node) -> bool:
    """Whether a file that was read is a study and no scenario."""
    content = root.value if isinstance(root.value, dict) else {}
    return "scenario" in content and not any(key in content for key in OF_SCENARIOS)


def _read(source: str | Path) -> Node:
    root = tree.read(find(source))
    if is_study(root):
        raise ScenarioError((Problem(root.spot, "", f"is a study: 'ettwin study {source}' carries it out"),))
    return root


def _studies() -> dict[str, Path]:
    from twin.studies.shipped import studies

    return studies()


def _finished(root: Node, with_: Sequence[str], set_: Mapping[str, object] | Sequence[str]) -> Scenario:
    stray = overrides.stray(root, Scenario)
    try:
        single = overrides.from_options(set_)
        changes = [*overrides.named(root, with_), *single]
        undone = overrides.undone(root, with_, single)
        scenario = Scenario.from_tree(overrides.applied(root, Scenario, changes), undone)
    except ScenarioError as error:
        raise ScenarioError([*error.problems, *stray]) from None
    if stray:
        raise ScenarioError(stray)
    return scenario


def _tried(root: Node, chosen: Sequence[str]) -> tuple[Scenario | None, tuple[Problem, ...]]:
    """The scenario with the overrides `chosen`, or what is wrong with their values; of paths tells `stray`."""
    try:
        changed = overrides.applied(root, Scenario, overrides.named(root, chosen))
    except ScenarioError:
        return None, ()
    try:
        return Scenario.from_tree(changed), ()
    except ScenarioError as error:
        return None, error.problems


def _based(root: Node, chain: list[Path]) -> Node:
    """The tree laid over the one it is based on, and that over its own base."""
    root = overrides.offering(root)
    base = root.value.pop("based_on", None)
    if base is None or base.value is None:
        return root
    path = _base(base)
    if path in chain or len(chain) >= _LONGEST_CHAIN:
        names = ", ".join(p.name for p in [*chain, path])
        raise _wrong(base, f"the scenarios are based on each other without end: {names}")
    below = _based(tree.read(path), [*chain, path])
    if "cases" in root.value:
        below.value.pop("cases", None)  # what is compared there is another question
        return below.merged(root)
    return overrides.without_lost_cases(below.merged(root))


def _base(base: Node) -> Path:
    known = bundled()
    if not isinstance(base.value, str) or not base.value or "\0" in base.value:
        raise _wrong(base, "give the name of a shipped scenario or a file beside this one")
    if base.value in known:
        return known[base.value]
    if PurePath(base.value).suffix not in (".yaml", ".yml"):
        raise _wrong(base, unknown("scenario", base.value, known))
    if PurePath(base.value).is_absolute() or ".." in PurePath(base.value).parts:
        raise _wrong(base, f"'{base.value}' leads out of the scenario's folder: give a file inside it")
    path = Path(base.spot.file).parent / base.value
    if not isfile(path):
        raise _wrong(base, f"there is no file '{base.value}' beside this one")
    return path


def _wrong(base: Node, message: str) -> ScenarioError:
    return ScenarioError((Problem(base.spot, "based_on", message),))
