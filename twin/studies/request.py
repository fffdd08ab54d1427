"""A study as it was asked for, read from a file or from options and checked before anything is run.

For the commands and twin.studies.study. Knows the disk; runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import isfile
from pathlib import Path, PurePath
from typing import Any

from pydantic import ValidationError

from twin import loader, overrides, phrases, tree
from twin.scenario import Scenario
from twin.studies.axes import option
from twin.studies.kinds import Asked
from twin.studies.registry import KINDS
from twin.studies.schema import model
from twin.studies.shipped import studies
from twin.tree import Node, Problem, ScenarioError, Spot, UnreadableScenarioError, planted
from twin.written import text as written

BASE = "scenario.yaml"
"""What a study's folder calls the scenario that was varied."""


@dataclass(frozen=True)
class Request:
    """A checked study: of which kind it is, what its driver is given, its text as it was given."""

    name: str
    question: str
    kind: str
    asked: Asked
    text: str
    said: Any
    """The section that was read (twin.studies.schema)."""
    root: Node
    """What it was read from."""

    def problem(self, path: str, message: str) -> Problem:
        """A problem that was found later on, pointing at its line."""
        return phrases.problem(self.root, tuple(path.split(".")), message)

    @property
    def changes(self) -> dict[str, Any]:
        """What was set in the scenario for all points, by dotted path, in plain values."""
        return {path: _plain(node) for path, node in self.asked.set_.items()}

    def resolved(self, scenario: str | None = None) -> str:
        """The study as YAML with every default written out; of `scenario`, where one is given, without changes."""
        plain: dict[str, Any] = {"schema_version": 1, "name": self.name}
        if self.question:
            plain["question"] = self.question
        plain["scenario"] = scenario or str(self.said.scenario)
        if scenario is None:
            if self.asked.with_:
                plain["with"] = list(self.asked.with_)
            if self.asked.set_:
                plain["set"] = self.changes
        plain["seed"] = self.asked.seed
        if self.asked.precision is None:
            plain["replicas"] = self.asked.replicas
        else:
            plain["precision"] = _dumped(self.asked.precision)
        if self.asked.report:
            plain["report"] = list(self.asked.report)
        if self.asked.sample is not None:
            plain["sample"] = _dumped(self.asked.sample)
        own = self.asked.section
        plain[self.kind] = _dumped(own) if hasattr(own, "model_dump") else _plain(self.asked.node)
        return written(plain)


def load(
    source: str | Path,
    with_: Sequence[str] = (),
    set_: Sequence[str] = (),
    seed: int | None = None,
    replicas: int | None = None,
) -> Request:
    """The study of a shipped name or a file, with more changes to its scenario than it has, another seed or number
    of replicas. Raises ScenarioError with what is wrong with it, before anything is run."""
    path = find(source)
    root = tree.read(path)
    if "scenario" not in root.value and any(key in root.value for key in loader.OF_SCENARIOS):
        text = "is a scenario, not a study: say what is to be varied with --vary KEY=VALUES, or write a study"
        raise ScenarioError((Problem(root.spot, "", text),))
    return _request(_changed(root, with_, set_, seed, replicas), path.read_text(encoding="utf-8-sig"))


def is_study(source: str) -> bool:
    """Whether a shipped name or a file is of a study; False also for what cannot be read."""
    if not isfile(source):
        return source in studies() and source not in loader.bundled()
    try:
        return loader.is_study(tree.read(Path(source)))
    except ScenarioError:
        return False


def of_options(
    scenario: str,
    vary: Sequence[str],
    sample: str | None = None,
    report: Sequence[str] = (),
    with_: Sequence[str] = (),
    set_: Sequence[str] = (),
    seed: int | None = None,
    replicas: int | None = None,
) -> Request:
    """A sweep of the scenario called so, as the options of `ettwin study` say it."""
    here = Spot("study")
    entries: dict[str, Node] = {}
    for text in vary:
        key, node = option(text)
        if key in entries:
            raise ScenarioError(
                (Problem(node.spot, "", f"'{key}' is varied already: give all its values at once"),)
            )
        entries[key] = node
    value = {
        "schema_version": planted(1, here),
        "name": planted(_name(scenario), here),
        "scenario": planted(scenario, Spot(scenario)),
        "vary": Node(entries, here, here),
    }
    if sample is not None:
        value["sample"] = _sample(sample)
    if report:
        value["report"] = planted(list(report), Spot("--report"))
    root = _changed(Node(value, here, here), with_, set_, seed, replicas)
    request = _request(root, "")
    return replace(request, text=request.resolved())


def of_values(scenario: Scenario, name: str, said: Mapping[str, Any]) -> Request:
    """A study of a scenario at hand, from plain values by the keys of a study's YAML; for Python."""
    here = Spot("study")
    head = {"schema_version": 1, "name": name, "scenario": scenario.name}
    root = planted(head | {key: value for key, value in said.items() if value is not None}, here)
    request = _request(root, "", scenario)
    return replace(request, text=request.resolved())


def _request(root: Node, text: str, given: Scenario | None = None) -> Request:
    try:
        said = model().model_validate(root.plain())
    except ValidationError as error:
        raise ScenarioError(phrases.problems(root, model(), error.errors(include_url=False))) from None
    kind = _kind(root, said)
    with_ = getattr(said, "with") or ()
    changes = root.value["set"].value if said.set else {}
    source = "" if given is not None else _source(root.value["scenario"])
    scenario = loader.load(source, with_, changes) if given is None else given.with_(changes) if changes else given
    if said.seed is not None and said.seed != scenario.seed:
        scenario = scenario.with_({"seed": root.value["seed"]})
    if scenario.live:
        problem = scenario.problem(
            "live", "live stages are executed in real time: study the scenario without them"
        )
        raise ScenarioError((problem,))
    asked = Asked(
        section=getattr(said, kind),
        scenario=scenario,
        replicas=scenario.replicas if said.replicas is None else said.replicas,
        seed=scenario.seed,
        precision=said.precision,
        report=said.report or (),
        sample=said.sample,
        node=root.value[kind],
        source=source,
        with_=tuple(with_),
        set_=changes,
    )
    if (check := KINDS[kind].check) is not None:
        try:
            asked = replace(asked, points=check(asked) or ())
        except ScenarioError as error:
            raise ScenarioError(_placed(root, kind, problem) for problem in error.problems) from None
    return Request(said.name, said.question, kind, asked, text, said, root)


def _kind(root: Node, said: Any) -> str:
    """The one kind that the study is of; ScenarioError for none, for two, and for keys that go with another
    one."""
    kinds = [name for name in KINDS if getattr(said, name) is not None]
    if not kinds:
        text = f"does not say what to do: give one of {', '.join(KINDS)}"
        raise ScenarioError((Problem(root.spot, "", text),))
    wrong = [
        Problem(root.value[name].key, name, f"beside {kinds[0]}: a study is of one kind") for name in kinds[1:]
    ]
    if said.sample is not None and kinds[0] != "vary":
        wrong.append(Problem(root.value["sample"].key, "sample", f"goes with vary, not with {kinds[0]}"))
    if said.precision is not None and said.replicas is not None:
        wrong.append(Problem(root.value["precision"].key, "precision", "beside replicas: give one of them"))
    if said.precision is not None and not KINDS[kinds[0]].takes_precision:
        text = f"{kinds[0]} chooses the number of replicas by itself: leave precision away"
        wrong.append(Problem(root.value["precision"].key, "precision", text))
    if wrong:
        raise ScenarioError(wrong)
    return kinds[0]


def _placed(root: Node, kind: str, problem: Problem) -> Problem:
    """A problem that names a part of the study, moved to its line."""
    if problem.spot.line or problem.spot.file not in (kind, "replicas", "precision", "report"):
        return problem
    path = (problem.spot.file, *(part for part in problem.path.split(".") if part))
    return phrases.problem(root, path, problem.message)


def _source(node: Node) -> str | Path:
    """What the study calls its scenario: a shipped one, or a file in the study's own folder."""
    given = str(node.value)
    if not node.spot.line or given in loader.bundled():
        return given
    path = PurePath(given)
    if path.suffix not in (".yaml", ".yml"):
        message = f"{phrases.unknown('scenario', given, loader.bundled())}. Or give a file that ends in .yaml"
    elif path.is_absolute() or ".." in path.parts:
        message = f"'{given}' leads out of the study's folder: give a file inside it"
    elif not (found := Path(node.spot.file).parent / given).is_file():
        message = f"there is no file '{given}' beside this one"
    else:
        return found
    raise ScenarioError((Problem(node.spot, "scenario", message),))


def find(source: str | Path) -> Path:
    """The file of a study's shipped name or a path; ScenarioError when there is none."""
    known = studies()
    if isinstance(source, str) and source in known and not Path(source).is_file():
        return known[source]
    if PurePath(source).suffix not in (".yaml", ".yml") and not Path(source).exists():
        message = f"{phrases.unknown('study', str(source), known)}. Or give a file that ends in .yaml"
        if str(source) in loader.bundled():
            message = (
                f"is a scenario, not a study: say what to vary, such as --vary KEY=1,2,4, or 'ettwin run {source}'"
            )
        raise UnreadableScenarioError((Problem(Spot(str(source)), "", message),))
    return Path(source)


def _changed(
    root: Node, with_: Sequence[str], set_: Sequence[str], seed: int | None, replicas: int | None
) -> Node:
    """The study's tree with what the command line says beside it."""
    value = dict(root.value)
    if with_:
        before = value["with"].plain() if "with" in value else ()
        before = (before,) if isinstance(before, str) else before
        value["with"] = planted([*before, *with_], Spot(f"--with {' '.join(with_)}"))
    if set_:
        before = value["set"].value if "set" in value else {}
        more = {path: Node(node.value, node.spot, node.spot) for path, node in overrides.from_options(set_)}
        value["set"] = Node({**before, **more}, Spot("--set"), Spot("--set"))
    if seed is not None:
        value["seed"] = planted(seed, Spot(f"--seed {seed}"))
    if replicas is not None:
        value["replicas"] = planted(replicas, Spot(f"--replicas {replicas}"))
        value.pop("precision", None)
    return Node(value, root.spot, root.key)


def _sample(text: str) -> Node:
    """'sobol:64' or 'latin-hypercube:50', as after --sample."""
    spot = Spot(f"--sample {text}")
    method, _, points = text.partition(":")
    given: dict[str, object] = {"method": method}
    if points:
        given["points"] = int(points) if points.isdigit() else points
    return planted(given, spot)


def _name(scenario: str) -> str:
    """A name of a study of that scenario."""
    stem = "".join(letter if letter.isalnum() else "-" for letter in PurePath(scenario).stem.lower())
    return "-".join(part for part in stem.split("-") if part.isascii() and part) + "-varied"


def _plain(node: object) -> Any:
    """A tree, or a value, as YAML is written from: tuples are lists."""
    plain = node.plain() if isinstance(node, Node) else node
    if isinstance(plain, Mapping):
        return {key: _plain(value) for key, value in plain.items()}
    return [_plain(value) for value in plain] if isinstance(plain, list | tuple) else plain


def _dumped(section: Any) -> Any:
    return section.model_dump(mode="json", exclude_none=True)
