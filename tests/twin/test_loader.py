"""Loading: precedence, completeness, round trips, and that a changed copy is checked again."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.twin.wrong import SMALL
from twin.editors import json_schema
from twin.loader import ScenarioError, bundled, checked, load, loads
from twin.scenario import Scenario


@pytest.fixture
def small():
    return loads(SMALL)


@pytest.mark.parametrize("name", bundled())
def test_every_shipped_scenario_is_right_and_says_what_it_asks(name):
    scenario = load(name)
    assert scenario.name == name
    assert scenario.question
    for override in scenario.override_names:
        changed = load(name, with_=[override])
        assert loads(changed.resolved()) == changed != scenario


@pytest.mark.parametrize("name", bundled())
def test_resolved_loads_back_to_the_same_scenario(name):
    scenario = load(name)
    again = loads(scenario.resolved())
    assert again == scenario
    assert again.digest == scenario.digest
    assert again.resolved() == scenario.resolved()


def test_resolved_writes_every_default_with_its_unit(small):
    text = small.resolved()
    for line in ("stride: 1 s", "sample_rate: 2048 Hz", "drain: 1 h", "late: 60 s", "max_batch: 1",
                 "value: 1 MB", "value: 32 KiB", "value: 10 Gbit/s", "latitude: 44.494 deg",
                 "question: ''", "runtime: onnxruntime", "fallback_runtime: onnxruntime",
                 "threads: 1"):  # fmt: skip
        assert line in text


def test_a_bare_number_counts_as_assumed(small):
    rate = small.sky.glitches.rate
    assert (rate.value, rate.standing, rate.source) == (0.5 / 60, "assumed", "given without a source")


def test_a_missing_link_is_modelled_and_said_to_be_assumed():
    scenario = loads(SMALL.replace("links:\n  sos-enattos--cnaf: {latency: 4 ms}\n", ""))
    link = scenario.link("cnaf", "sos-enattos")
    assert link == scenario.link("sos-enattos", "cnaf")
    assert link.latency.value == pytest.approx(0.0042, abs=1e-4)
    assert (link.latency.standing, link.bandwidth.value) == ("assumed", 10e9 / 8)


def test_a_place_of_ones_own_needs_its_coordinates():
    text = SMALL.replace("cnaf", "my-hall").replace(
        "  my-hall:\n", "  my-hall: \n    latitude: 50 deg\n    longitude: 8 deg\n"
    )
    site = loads(text).sites["my-hall"]
    assert (site.latitude, site.longitude) == (50.0, 8.0)


def test_precedence_is_set_then_with_then_file_then_base(tmp_path):
    (tmp_path / "base.yaml").write_text(SMALL)
    top = tmp_path / "top.yaml"
    top.write_text(
        "based_on: base.yaml\nname: top\nseed: 2\nreplicas: 3\ndrain: 3 h\n"
        "overrides:\n  a: {seed: 5, replicas: 5}\n  b: {seed: 6}\n"
    )
    assert (load(top).seed, load(top).name, load(top).horizon) == (2, "top", 86_400.0)
    chosen = load(top, with_=["a", "b"], set_=["replicas=9"])
    assert (chosen.seed, chosen.replicas, chosen.drain) == (6, 9, 3 * 3600.0)
    assert load(top, with_=["b", "a"]).seed == 5
    assert load(top, set_={"seed": 4}).seed == 4
    assert load(top).based_on is None


def test_mappings_merge_lists_are_replaced_null_removes(tmp_path):
    (tmp_path / "base.yaml").write_text(SMALL)
    top = tmp_path / "top.yaml"
    top.write_text(
        "based_on: base.yaml\nstages:\n  detect: {on: [cnaf.cpu], max_batch: 8}\n"
        "timeline: {storm: null, outage: null}\n"
    )
    scenario = load(top)
    detect = scenario.stages["detect"]
    assert (detect.on, detect.max_batch, detect.work) == (("cnaf.cpu",), 8, "detector")
    assert list(scenario.timeline) == ["weights"]


def test_a_mistake_in_the_base_points_into_the_base(tmp_path):
    (tmp_path / "base.yaml").write_text(SMALL.replace("servers: 8", "servers: 0"))
    (tmp_path / "top.yaml").write_text("based_on: base.yaml\nseed: -1\n")
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "top.yaml")
    assert [(p.file, p.line) for p in caught.value.problems] == [
        (str(tmp_path / "base.yaml"), 21),
        (str(tmp_path / "top.yaml"), 2),
    ]


def test_scenarios_may_not_be_based_on_each_other(tmp_path):
    (tmp_path / "a.yaml").write_text("based_on: b.yaml\n")
    (tmp_path / "b.yaml").write_text("based_on: a.yaml\n")
    with pytest.raises(ScenarioError, match=r"based on each other without end: b\.yaml, a\.yaml, b\.yaml"):
        load(tmp_path / "a.yaml")


def test_with_copies_and_checks_again(small):
    more = small.with_({"sites.cnaf.pools.cpu.servers": 16, "stages.localise.time": "3 s"})
    assert more.sites["cnaf"].pools["cpu"].servers == 16
    assert more.stages["localise"].time.value == 3.0
    assert small.sites["cnaf"].pools["cpu"].servers == 8
    with pytest.raises(ScenarioError, match=r"takes\.servers: 4 servers are more than cnaf\.cpu has"):
        small.with_({"sites.cnaf.pools.cpu.servers": 2})


def test_defaults_follow_what_they_depend_on(small):
    assert small.targets.late == 60.0
    assert small.with_({"targets.alert_latency.p99": "2 min"}).targets.late == 120.0
    assert small.with_({"instrument.stride": "2 s"}).stages["dq"].payload.value == 2 * 2048 * 2 * 8


def test_an_entry_is_added_whole_and_removed_with_null(small):
    storm = {"kind": "storm", "factor": 3, "at": "1 h", "lasts": "1 h", "classes": ["blip"]}
    assert small.with_({"timeline.second": storm}).timeline["second"].classes == ("blip",)
    assert "storm" not in small.with_({"timeline.storm": None}).timeline
    assert small.with_({"timeline": {}}).timeline == {}


def test_the_value_of_a_bare_number_can_be_named(small):
    assert small.with_({"sky.glitches.rate.value": "1 /min"}).sky.glitches.rate.value == 1 / 60


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            "sites.cnaf.pools.gpu.servers=8",
            "--set sites.cnaf.pools.gpu.servers=8: error: sites.cnaf.pools.gpu.servers: "
            "unknown pool 'gpu'; did you mean 'cpu'? Known: cpu",
        ),
        (
            "sites.bonn.pools.cpu.servers=8",
            "--set sites.bonn.pools.cpu.servers=8: error: sites.bonn.pools.cpu.servers: "
            "unknown site 'bonn'; known: sos-enattos, cnaf",
        ),
        (
            "timeline.strom.factor=3",
            "--set timeline.strom.factor=3: error: timeline.strom.factor: "
            "unknown timeline entry 'strom'; did you mean 'storm'? Known: weights, storm, outage",
        ),
        (
            "stages.dq.max_btch=3",
            "--set stages.dq.max_btch=3: error: stages.dq.max_btch: "
            "unknown key 'max_btch'; did you mean 'max_batch'?",
        ),
        (
            "stages.dq.on.0=x",
            "--set stages.dq.on.0=x: error: stages.dq.on.0: a list is replaced as a whole: leave '.0' away",
        ),
        ("name.first=x", "--set name.first=x: error: name.first: there is nothing inside 'name'"),
        ("horizon=12", "--set horizon=12: error: horizon: a duration needs a unit: write '12 s' or '12 ms'"),
        ("seed=1.5", "--set seed=1.5: error: seed: a whole number is needed, not 1.5"),
        ("seed=.nan", "--set seed=.nan: error: '.nan' is not a finite number"),
        ("seed=[1", "--set seed=[1: error: not a YAML value: did not find expected ',' or ']'"),
        ("seed", "--set seed: error: write it as 'path=value', such as 'seed=7'"),
        ("=7", "--set =7: error: write it as 'path=value', such as 'seed=7'"),
        ("seed=", "--set seed=: error: give a value after '=', or null"),
        (
            "timeline.more={kind: outage, at: 1 h}",
            "--set timeline.more={kind: outage, at: 1 h}: error: timeline.more.lasts: is missing; add 'lasts: …'",
        ),
        (
            "targets={lost: 1 %, lost: 2 %}",
            "--set targets={lost: 1 %, lost: 2 %}: error: lost: is given twice: leave one of them out",
        ),
        (
            "stages.detect.after=localise",
            "--set stages.detect.after=localise: error: stages.detect.after: "
            "the stages go round in a circle: detect after localise after detect",
        ),
    ],
)
def test_a_wrong_option_is_named_in_the_message(option, said):
    with pytest.raises(ScenarioError) as caught:
        loads(SMALL, set_=[option])
    assert str(caught.value) == said


OF_THE_FILE = {
    "based_on": "based_on=first-light: error: based_on: cannot be changed; the base is read before any change: "
    "give it in the file",
    "overrides.more": "overrides.more={seed: 2}: error: overrides.more: cannot be changed; named sets are read "
    "from the file: add it there, or give the changes themselves",
    "cases": "cases={a: [tiny]}: error: cases: cannot be changed; they are read from the file: add it there; "
    "'--case' also takes overrides joined by '+'",
}


@pytest.mark.parametrize("said", OF_THE_FILE.values(), ids=OF_THE_FILE)
def test_what_only_a_file_can_say_is_refused(said):
    with pytest.raises(ScenarioError) as caught:
        loads(SMALL, set_=[said.partition(": error")[0]])
    assert str(caught.value) == f"--set {said}"


def test_an_override_cannot_change_what_there_is_to_choose():
    text = SMALL.replace("overrides:\n", "overrides:\n  more: {cases: {a: [tiny]}}\n")
    with pytest.raises(
        ScenarioError, match=r"^scenario:48:10: error: overrides\.more\.cases: cannot be changed; "
    ):
        loads(text)


def test_what_a_set_undoes_of_an_override_is_told():
    pools = "sites.cnaf.pools"
    for option, lost in ((f"{pools}.cpu.servers=6", True), (f"{pools}.cpu={{hardware: host, servers: 4}}", True),
                         (f"{pools}.cpu.servers=4", False), (f"{pools}.cpu.threads=2", False)):  # fmt: skip
        told = f"--set {option} comes after override 'tiny' and undoes its {pools}.cpu.servers"
        assert loads(SMALL, with_=["tiny"], set_=[option]).undone == ((told,) if lost else ())
        assert loads(SMALL, set_=[option]).undone == ()


CHECKED = """
overrides:
  tiny: {sites.cnaf.pools.cpu.servers: 4}
  few: {sites.cnaf.pools.cpu.servers: 3}
  wrong: {drain: 12, stages.dq.max_batch: 9999}
  stray: {stages.dk.max_batch: 2}
  late: {timeline.outage.at: 2 h 10 min, timeline.outage.lasts: 1 h}
cases: {as-is: [], both: [tiny, late], lost: [tinny]}
"""


def test_every_override_and_every_case_is_checked(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(SMALL.partition("overrides:")[0] + CHECKED)
    with pytest.raises(ScenarioError) as caught:
        checked(path)
    assert [(p.line, p.path, p.message) for p in caught.value.problems] == [
        (41, "timeline.weights.takes.servers", "with override 'few': 4 servers are more than cnaf.cpu has (3)"),
        (51, "drain", "with override 'wrong': a duration needs a unit: write '12 s' or '12 ms'"),
        (51, "stages.dq.max_batch", "with override 'wrong': 9999 must be at most 4096"),
        (52, "overrides.stray.stages.dk.max_batch", "unknown stage 'dk'; known: dq, detect, localise, alert"),
        (54, "cases.lost", "unknown override 'tinny'; did you mean 'tiny'? Known: tiny, few, wrong, stray, late"),
    ]  # fmt: skip


def test_what_is_wrong_without_an_override_is_told_once(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(SMALL.replace("horizon: 1 d", "horizon: 12"))
    with pytest.raises(ScenarioError) as caught:
        checked(path)
    assert [p.path for p in caught.value.problems] == ["horizon"]


def test_what_is_checked_is_what_is_chosen(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(SMALL + "cases: {as-is: [], small: [tiny], again: [tiny]}\n")
    scenario, variants = checked(path, set_=["seed=3"])
    assert scenario == load(path, set_=["seed=3"])
    assert variants == {"override 'tiny'": load(path, with_=["tiny"])}


def test_an_unknown_override_is_met_with_the_known_ones():
    with pytest.raises(
        ScenarioError, match=r"^--with tinny: error: unknown override 'tinny'; did you mean 'tiny'\?"
    ):
        loads(SMALL, with_=["tinny"])


def test_where_points_at_the_deepest_part_that_was_given(small):
    assert small.where("sites.cnaf.pools.cpu.servers") == "scenario:21:38"
    assert small.where("stages.dq.max_batch") == "scenario:25:3"
    changed = small.with_({"stages.dq.max_batch": 8})
    assert changed.where("stages.dq.max_batch") == "override stages.dq.max_batch=8"
    assert "error: stages.dq.max_batch: never measured" in str(
        changed.problem("stages.dq.max_batch", "never measured")
    )


def test_profile_folders_are_beside_the_file_that_lists_them(tmp_path):
    (tmp_path / "base.yaml").write_text(SMALL)
    assert load(tmp_path / "base.yaml").profile_folders == (tmp_path / "profiles",)


def test_a_kind_of_hardware_needs_neither_catalogue_nor_folder_to_be_loaded():
    scenario = loads(SMALL.replace("hardware: host", "hardware: my-box"))
    assert loads(scenario.resolved()).sites["cnaf"].pools["cpu"].hardware == "my-box"


def test_retrainings_may_take_all_servers_together_or_more_after_each_other(small):
    second = {"kind": "retraining", "of": "dq", "at": "2 h 10 min", "lasts": "1 h"}
    takes = {"pool": "cnaf.cpu", "servers": 4}
    trained = small.with_({"stages.dq.fallback": "matched-filter"})
    assert len(trained.with_({"timeline.second": {**second, "takes": takes}}).timeline) == 4
    later = {**second, "at": "2 h 31 min", "takes": {**takes, "servers": 8}}
    assert len(trained.with_({"timeline.second": later}).timeline) == 4
    with pytest.raises(ScenarioError, match=r"together with 'weights' takes 12 servers"):
        trained.with_({"timeline.second": {**later, "at": "2 h 30 min"}})


def test_inputs_say_where_every_number_comes_from(small):
    rows = {row.key: row for row in small.inputs()}
    assert rows["instrument.calibration"].standing == "assumed"
    assert rows["instrument.calibration"].source == "nobody says"
    assert (rows["horizon"].value, rows["horizon"].standing) == ("1 d", "scenario")
    assert rows["sky.glitches.snr.min"].value == "6.5"
    assert not any(key.startswith("overrides") for key in rows)


def test_work_is_segment_work_up_to_the_trigger(small):
    kinds = [small.work_of(stage) for stage in small.stages]
    assert kinds == ["segment", "segment", "candidate", "candidate"]


def test_a_scenario_does_not_change(small):
    with pytest.raises(ValidationError, match="frozen"):
        small.seed = 3


def test_the_same_words_are_the_same_scenario_wherever_they_stood(small):
    assert loads("# a comment\n" + SMALL, "elsewhere.yaml") == small
    assert loads("# a comment\n" + SMALL).digest == small.digest
    assert small.with_({"seed": 2}).digest != small.digest
    assert (
        loads(SMALL.replace("overrides:\n  tiny: {sites.cnaf.pools.cpu.servers: 4}\n", "")).digest == small.digest
    )


def test_every_field_is_explained_to_editors():
    schema = json_schema()
    for name, field in Scenario.model_fields.items():
        described = field.description or "$ref" in schema["else"]["properties"][name]
        assert described, name
    assert schema["then"]["properties"].keys() == schema["else"]["properties"].keys()
    assert "required" in schema["else"]
    assert "required" not in schema["then"]


def test_yaml_1_1_traps_are_closed():
    scenario = loads(SMALL.replace("schema_version: 1", "schema_version: 1\nquestion: no\nseed: 010\n"))
    assert (scenario.question, scenario.seed) == ("no", 10)
    assert loads(SMALL.replace("factor: 20", "factor: 1e2")).timeline["storm"].factor == 100.0


@pytest.mark.parametrize(
    "question", ["1e5", "nan", "on", "true", "~", "a: b", "*x", "- y", "two\nlines", "12 s", "'", "#"]
)
def test_any_question_survives_being_written(small, question):
    changed = small.with_({"question": question})
    assert loads(changed.resolved()) == changed
