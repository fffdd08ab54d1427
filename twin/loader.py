"""Scenario files: found by name or path, read strictly, laid over their base, changed, checked.

Precedence: --set, then --with in order, then the file, then the scenario it is based on, then defaults.
Knows the disk; twin.scenario does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from twin import overrides, tree
from twin.phrases import unknown
from twin.scenario import Scenario
from twin.tree import Node, Problem, ScenarioError, Spot

__all__ = ["Problem", "ScenarioError", "bundled", "find", "load", "loads"]

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
    return _finished(_based(tree.read(find(source)), []), with_, set_)


def loads(
    text: str | bytes,
    file: str = "scenario",
    with_: Sequence[str] = (),
    set_: Mapping[str, object] | Sequence[str] = (),
) -> Scenario:
    """Like `load`, from YAML text; it may be based on a shipped scenario."""
    return _finished(_based(tree.parse(text, file), []), with_, set_)


def bundled() -> dict[str, Path]:
    """The shipped scenarios by name: beside the packages in a checkout, inside twin when installed."""
    folders = (_HERE / "examples", _HERE.parent / "examples")
    folder = next((f for f in folders if f.is_dir()), folders[0])
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(source: str | Path) -> Path:
    """The file of a shipped name or a path; ScenarioError when there is none."""
    known = bundled()
    if isinstance(source, str) and source in known and not Path(source).is_file():
        return known[source]
    if isinstance(source, str) and PurePath(source).suffix not in (".yaml", ".yml") and not Path(source).exists():
        message = f"{unknown('scenario', source, known)}. Or give a file that ends in .yaml"
        raise ScenarioError((Problem(Spot(source), "", message),))
    return Path(source)


def _finished(root: Node, with_: Sequence[str], set_: Mapping[str, object] | Sequence[str]) -> Scenario:
    stray = overrides.stray(root, Scenario)
    try:
        changes = [*overrides.named(root, with_), *overrides.from_options(set_)]
        scenario = Scenario.from_tree(overrides.applied(root, Scenario, changes))
    except ScenarioError as error:
        raise ScenarioError([*error.problems, *stray]) from None
    if stray:
        raise ScenarioError(stray)
    return scenario


def _based(root: Node, chain: list[Path]) -> Node:
    """The tree laid over the one it is based on, and that over its own base."""
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
    if not path.is_file():
        raise _wrong(base, f"there is no file '{base.value}' beside this one")
    return path


def _wrong(base: Node, message: str) -> ScenarioError:
    return ScenarioError((Problem(base.spot, "based_on", message),))
