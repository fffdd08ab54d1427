"""A what-if is judged by the loader's own rules, and may not do what a file on disk may."""

from __future__ import annotations

import pytest

from dashboards.app import effort, form, knobs, orders, whatif
from dashboards.app.drafts import KEPT, Drafts
from dashboards.app.jobs import Jobs, RefusedError
from dashboards.app.library import Library, LibraryError
from dashboards.app.whatif import Draft
from tests.dashboards.app import finished
from twin import loader


@pytest.fixture
def library():
    return Library(finished.folder())


def judged(library, text=None, with_=(), changes=(), base="first-light"):
    return whatif.judged(library, Draft.of(base, text, with_, changes))


def first_light(old="", new=""):
    text = loader.bundled()["first-light"].read_text()
    assert old in text
    return text.replace(old, new, 1)


def test_a_shipped_scenario_is_right_as_it_stands(library):
    found = judged(library)
    assert found.problems == ()
    assert found.scenario == found.before == loader.load("first-light")


def test_a_mistake_is_told_at_its_line(library):
    text = first_light("stride: 1 s ", "stride: 1 sec ")
    (problem,) = judged(library, text).problems
    line, column = whatif.place(problem)
    assert text.splitlines()[line - 1][column - 1 :].startswith("1 sec")
    assert whatif.where(problem) == f"line {line}, column {column}"
    assert form.marks(judged(library, text)) == [{"line": line, "text": problem.message}]


def test_a_mistake_in_a_change_is_told_there(library):
    (problem,) = judged(library, changes=["sites.cnaf.pools.alert.servers=2"]).problems
    assert whatif.place(problem) == (0, 0)
    assert whatif.where(problem) == "--set sites.cnaf.pools.alert.servers=2"
    assert "did you mean" in problem.message or "known" in problem.message


HOSTILE = {
    "python": ("!!python/object/apply:os.system ['true']\n", "tag"),
    "bomb": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchor"),
    "deep": ("a: " + "[" * 5000 + "]" * 5000, "nest"),
    "huge": ("name: x\n" + "# " + "x" * 1_000_001, "larger than 1 MB"),
    "null": ("name: a\0b\n", "not allowed"),
    "empty": ("", "is empty"),
    "list": ("- 1\n- 2\n", "is a mapping"),
    "twice": ("name: a\nname: b\n", "is given twice"),
    "outside": ("based_on: ../../etc/passwd.yaml\nname: x\n", "leads out"),
    "absolute": ("based_on: /etc/passwd.yaml\nname: x\n", "leads out"),
    "unknown": ("based_on: nothing-here\nname: x\n", "unknown"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_told_in_words(library, name):
    text, told = HOSTILE[name]
    found = judged(library, text)
    assert found.scenario is None
    shown = str(form.problems(found.problems))
    assert told in shown
    assert "/etc/" not in shown or name in ("outside", "absolute")


def test_no_page_names_a_python_function(library):
    text = first_light("route: failover", "route: os:system")
    (problem,) = judged(library, text).problems
    assert problem.path == "stages.detect.route"
    assert "which no page may run" in problem.message
    assert judged(library, changes=["stages.detect.route=os:system"]).scenario is None
    with pytest.raises(RefusedError, match="which no page may run"):
        orders.run(library, Draft.of("first-light", text, (), ()))


def test_no_page_reads_a_file_elsewhere(library, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("time_s,cls,snr\n1,bbh,10\n")
    for file in (str(secret), "../pyproject.csv", "nothing.csv"):
        found = judged(library, changes=[f"sky.replay={{file: {file}}}"])
        assert found.scenario is None
        assert found.problems


def test_files_beside_a_shipped_scenario_go_with_its_text(library):
    text = loader.bundled()["restless-sky"].read_text() + "\n# edited\n"
    found = judged(library, text, base="restless-sky")
    assert found.problems == ()
    assert set(whatif.files(found.scenario)) == {"restless-sky.csv"}


def test_a_base_that_is_not_there(library):
    for base in ("nothing", "run:nothing", "../first-light", "run:../small"):
        with pytest.raises(LibraryError):
            judged(library, base=base)


def test_a_finished_run_is_a_base(library):
    found = judged(library, changes=["seed=9"], base="run:small")
    assert found.scenario.seed == 9
    assert not Draft.of("run:small", None, (), ()).shipped


@pytest.mark.parametrize("name", loader.bundled())
def test_knobs_are_values_that_the_loader_takes(name):
    scenario = loader.load(name)
    found = knobs.knobs(scenario)
    assert {"horizon", "replicas", "seed"} <= {knob.path for knob in found}
    same = loader.load(name, set_=[f"{knob.path}={knob.value}" for knob in found])
    changed = whatif.changed(scenario, same)
    assert set(changed) <= {"sky.multiplicity"}


def test_only_what_is_turned_is_a_change():
    knob = knobs.Knob("sites.a.pools.b.servers", "", "", "4", "", whole=True)
    assert knobs.change(knob, 4) is None
    assert knobs.change(knob, "") is None
    assert knobs.change(knob, None) is None
    assert knobs.change(knob, 8.0) == "sites.a.pools.b.servers=8"
    ids = [{"knob": "horizon", "base": "7 d"}, {"knob": "sky.multiplicity", "base": "1"}]
    assert form.collected(ids, ["7 d", 2.5], " a.b=1 \n\n") == ["sky.multiplicity=2.5", "a.b=1"]


def test_what_differs_is_told(library):
    found = judged(library, with_=["mark"], changes=["sites.cnaf.pools.alerts.servers=2", "seed=5"])
    told = whatif.changed(whatif.base_scenario(library, "first-light"), found.scenario)
    assert told["sites.cnaf.pools.alerts.servers"] == ("1", "2")
    assert told["seed"] == ("1", "5")
    draft = Draft.of("first-light", None, ["mark"], ["horizon=1 d", "seed=5", "replicas=x"])
    assert (
        form.command(draft) == "ettwin run first-light --with mark --set 'horizon=1 d' --set replicas=x --seed 5"
    )


def test_an_estimate_grows_with_the_work(library):
    short, long = (effort.estimate(library, loader.load("first-light", set_=[f"horizon={d} d"])) for d in (1, 100))
    assert short.low_s < short.high_s < long.low_s < long.high_s
    assert short.runs == short.here == 1
    assert effort.estimate(Library(finished.folder() / "small"), loader.load("first-light")) is None


def test_drafts_are_kept_by_what_they_say(tmp_path):
    drafts = Drafts(tmp_path / "drafts")
    name = drafts.keep("name: é\r\n")
    assert drafts.keep("name: é\r\n") == name
    assert drafts.text(name) == "name: é\n"
    for wrong in ("", "../x", "0" * 16, name + "0", "*"):
        assert drafts.text(wrong) is None
    for k in range(KEPT + 5):
        drafts.keep(str(k))
    assert len(list(drafts.folder.iterdir())) == KEPT


def test_an_order_is_a_command_for_the_queue(library, tmp_path):
    library.jobs = Jobs(tmp_path / "runs", most=1)
    library.jobs._owner = -1  # nothing is started
    library.jobs.most = 0
    one = orders.run(library, Draft.of("first-light", None, ["mark"], ["horizon=1 d", "seed=5"]))
    given = one.asked.arguments
    assert given[:8] == ("run", "first-light", "--with", "mark", "--set", "horizon=1 d", "--seed", "5")
    assert given[-2:] == ("--out", str(tmp_path / "runs" / "first-light"))
    text = first_light("horizon: 7 d", "horizon: 6 d")
    two = orders.cases(library, Draft.of("first-light", text, (), ()))
    assert (two.folder / "scenario.yaml").read_text() == text
    assert two.asked.arguments[:2] == ("compare", str(two.folder / "scenario.yaml"))
    assert two.asked.result == "first-light-compared"
    assert two.asked.title == "Cases of first-light · edited"
    library.jobs._owner = None


def test_two_runs_become_cases_of_one_scenario(tmp_path):
    from dashboards.app.sidebyside import case_names, joined
    from twin.studies import cases

    first = loader.load("first-light")
    changes = ["sites.cnaf.pools.alerts.servers=3", "timeline.storm=null", "seed=9", "horizon=3 d",
               "stages.detect.route=nearest",
               "timeline.more={kind: outage, pool: cnaf.cpu, at: 1 d, lasts: 1 h}"]  # fmt: skip
    other = loader.load("first-light", set_=changes)
    path = tmp_path / "both.yaml"
    path.write_text(joined(first, other, ("first-light", "example-first-light")))
    a, b = cases.chosen(path)
    assert [a.name, b.name] == ["first-light", "example-first-light"]
    assert a.scenario == first
    assert b.scenario == other.with_({"seed": 1, "horizon": "7 d"})
    assert case_names(("Mine", "Mine 2")) == ("run-a", "run-b")
    with pytest.raises(ValueError, match="the same"):
        joined(first, first, ("a", "b"))
