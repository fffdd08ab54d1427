"""Alerts as documents: valid against the LVK's schema and our own, the same each time, marked as simulated."""

from __future__ import annotations

import base64
import io
import json
import re
from collections import Counter
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

import twin
from tests.twin.alerted import EVERYTHING, SHORT, made, record, scenario
from twin.alerts import drawn, moments, official, public
from twin.alerts.document import Document, documents
from twin.alerts.extension import schema
from twin.alerts.models import AlertError, models
from twin.alerts.notices import counts, notices, published, sent
from twin.alerts.versions import Versions
from twin.alerts.writing import check
from twin.limits import PARTS

NAMES = tuple(SHORT)
SHA = re.compile(r"[0-9a-f]{64}")


def broken(content, rules):
    return list(official.broken_rules(content, rules))


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_is_valid_by_the_official_schema(name):
    assert made(name)
    for one in made(name):
        assert broken(one.public, official.json_schema()) == []
        assert official.from_avro(official.to_avro(one.public)) == [
            one.public
            if one.public["event"] is None
            else {**one.public, "event": {**one.public["event"], "mchirp_source": None}}
        ]


@pytest.mark.parametrize("name", NAMES)
def test_every_extension_is_valid_and_names_its_document(name):
    for one in made(name):
        assert broken(one.extension, schema()) == []
        assert one.extension["document"]["sha256"] == sha256(one.text).hexdigest()
        parts = one.extension["latency"]
        assert sum(parts[part] for part in PARTS) == pytest.approx(parts["latency_s"], abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_published_product_has_its_notice(name):
    run = record(name)
    rows = sent(run, run.scenario.alerts, published(run))
    kinds = Counter(run.scenario.alerts.type_of(product) for product in rows["product"])
    events = rows.drop_duplicates("event_id")
    kinds["RETRACTION"] += int((~events["is_signal"]).sum())
    kinds["INITIAL"] += int(events["is_signal"].sum())
    assert Counter(one.public["alert_type"] for one in made(name)) == +kinds
    assert counts(run, run.scenario.alerts) == [len(made(name))]
    assert len(made(name)) == len({one.name for one in made(name)})


@pytest.mark.parametrize("name", NAMES)
def test_simulated_cannot_be_mistaken(name):
    for one in made(name):
        assert re.fullmatch(r"MS\d{6}[a-z]+", one.public["superevent_id"])
        assert one.public["event"] is None or one.public["event"]["search"] == "MDC"
        assert one.public["event"] is None or one.public["event"]["pipeline"].startswith("ettwin-")
        assert one.extension["simulated"] is True
        assert public.is_simulated(one.public)


def test_an_alert_that_hides_that_it_is_simulated_is_not_written():
    one = next(one for one in made("et") if one.public["event"])
    real = {**one.public, "superevent_id": one.public["superevent_id"][1:]}
    with pytest.raises(AlertError, match="does not say that it is simulated"):
        check(replace(one, public=real))
    search = {**one.public, "event": {**one.public["event"], "search": "AllSky"}}
    with pytest.raises(AlertError, match="does not say that it is simulated"):
        check(replace(one, public=search))
    with pytest.raises(AlertError, match='alert_type: "NEWS" is none of EARLYWARNING'):
        check(replace(one, public={**one.public, "alert_type": "NEWS"}))
    with pytest.raises(AlertError, match="lacks model"):
        check(Document(one.name, one.public, {k: v for k, v in one.extension.items() if k != "model"}))


def test_the_same_run_gives_the_same_bytes():
    again = twin.run(scenario("et", carries=EVERYTHING, retract_after="30 min"))
    found = list(documents(again, again.scenario.alerts, models(again), 0))
    assert [(d.text, d.extension_text) for d in found] == [(d.text, d.extension_text) for d in made("et")]


def test_a_document_is_the_same_whatever_else_is_written():
    run = record("et")
    every_third = list(documents(run, run.scenario.alerts, models(run), 0, every=3))
    assert every_third == list(made("et"))[::3]


def test_notices_of_a_superevent_are_numbered_in_time():
    by_id = {}
    for notice in notices(record("q13-premerger"), record("q13-premerger").scenario.alerts, 0):
        by_id.setdefault(notice.superevent, []).append(notice)
    for own in by_id.values():
        assert [notice.number for notice in own] == list(range(1, len(own) + 1))
        assert [n.created_s for n in own] == sorted(n.created_s for n in own)
        assert own[-1].type in ("RETRACTION", "INITIAL")
    assert any([n.type for n in own][:2] == ["EARLYWARNING", "PRELIMINARY"] for own in by_id.values())


def test_only_what_was_flagged_is_retracted_if_so_wished():
    run = twin.run(
        scenario("first-light", {"stages.alert.gate": None}, retract_after="10 min", retracts="flagged")
    )
    rows = run.alerts[run.alerts["outcome"] == "published"].drop_duplicates("event_id")
    found = Counter(notice.type for notice in notices(run, run.scenario.alerts, 0))
    assert found["RETRACTION"] == int(rows["dq_flag"].sum()) > 0
    assert found["INITIAL"] == int((~rows["dq_flag"]).sum()) > 0


def test_a_retraction_says_nothing_of_the_event():
    gone = [one for one in made("first-light") if one.public["alert_type"] == "RETRACTION"]
    assert gone
    assert all(one.public["event"] is None for one in gone)


def test_instruments_are_those_that_were_up():
    run, found = record("et"), set()
    for notice, one in zip(notices(run, run.scenario.alerts, 0), made("et"), strict=True):
        told = tuple(one.extension["event"]["instruments"]["value"])
        found.add(told)
        assert told == _up(run, notice)
    assert len(found) > 1
    assert all(told for told in found)


def _up(run, notice):
    from twin.instrument import downtimes, observing

    segment = np.array([int(notice.row["event_time_s"] / run.scenario.instrument.stride)])
    up = observing(run.scenario, downtimes(run.scenario, run.seed, 0)).up(segment)[:, 0]
    return tuple(name for name, here in zip(run.scenario.instrument.detectors, up, strict=True) if here)


def test_which_model_said_so():
    run = record("first-light")
    model = made("first-light")[0].extension["model"]
    own = next(use.profile for use in run.programs.uses if use.stage == "detect" and use.variant == "primary")
    assert model["workload"] == own.workload == "detector"
    assert model["weights_sha256"] == own.passport["weights_sha256"]
    assert model["profile_sha256"] == own.digest
    assert model["hardware"] == ["epyc-core"]
    assert model["version"] == 1


def test_a_model_that_was_trained_anew_has_another_version_and_no_weights():
    weights = {"kind": "retraining", "of": "detect", "at": "30 min", "lasts": "10 min"}
    run = twin.run(scenario("first-light", {"timeline": {"new": weights}}))
    found = {"before": set(), "during": set(), "after": set()}
    sent = notices(run, run.scenario.alerts, 0)
    for notice, one in zip(sent, documents(run, run.scenario.alerts, models(run), 0), strict=True):
        model, t = one.extension["model"], notice.row["event_time_s"]
        when = "before" if t < 1700 else "during" if 1900 < t < 2300 else "after" if t > 2500 else None
        if when:
            found[when].add((model["workload"], model["version"], model["weights_sha256"] is None))
        if t > 2500:
            assert one.extension["training"]["until"] == "2035-01-01T00:30:00.000Z"
    assert found["before"] == {("detector", 1, False)}
    assert found["after"] == {("detector", 2, True)}
    assert found["during"] <= {("matched-filter", 1, False)}


def test_versions_follow_the_trainings_where_models_age():
    run = twin.run(twin.load("q07-retraining").with_({"replicas": 1, "horizon": "2 d", "alerts": {}}))
    served = Versions(run, 0).at("detect", "primary", 3600.0)
    assert served.number == 1
    assert served.passed is not None


@pytest.mark.parametrize(
    ("carries", "parts"),
    [
        (["+likelihood"], {"likelihood"}),
        (["standard", "+dq", "+calibration"], {"data_quality", "calibration"}),
        (["+samples"], {"samples"}),
    ],
)
def test_the_extension_carries_what_the_policy_says(carries, parts):
    run = record("et")
    policy = run.scenario.alerts.model_copy(update={"carries": tuple(carries)})
    one = next(documents(run, policy, models(run), 0))
    assert {"likelihood", "data_quality", "calibration", "samples"} & set(one.extension) == parts
    check(one)


def test_nothing_goes_along_with_a_standard_alert():
    run = record("et")
    policy = run.scenario.alerts.model_copy(update={"carries": ("standard",)})
    one = next(documents(run, policy, models(run), 0))
    assert one.extension is None
    assert one.extension_text == b""


def test_times_and_names():
    assert moments.text(1_735_257_618.0) == "2035-01-01T00:00:00.000Z"
    assert moments.text(1_126_259_462.391 + 1.0) == "2015-09-14T09:50:45.391Z"  # 17 leap seconds then, 18 assumed
    assert [moments.letters(n) for n in (0, 25, 26, 51, 52, 701, 702)] == ["a", "z", "aa", "az", "ba", "zz", "aaa"]
    assert len({moments.letters(n) for n in range(20_000)}) == 20_000


def test_classes_are_drawn_as_they_were_measured():
    profile = models(record("et")).classes
    rows = profile.quality["calibration"]["BBH"]["bins"]
    values = [drawn.classes(profile, "bbh", False, np.random.default_rng(k)) for k in range(3000)]
    assert {v.standing for v in values} == {"drawn from measured"}
    assert all(sum(v.value[n] for n in drawn.ASTROPHYSICAL) == pytest.approx(1.0, abs=1e-5) for v in values)
    wanted = sum(true * total / n for n, total, true in rows.values() if n) / sum(t for _, _, t in rows.values())
    assert np.mean([v.value["BBH"] for v in values]) == pytest.approx(wanted, abs=0.01)


def test_what_was_not_measured_is_assumed():
    known = models(record("et"))
    bns = drawn.classes(known.classes, "bns", False, np.random.default_rng(1))
    assert (bns.standing, "only 1 of class BNS" in bns.source) == ("assumed", True)
    blip = drawn.classes(known.classes, "blip", False, np.random.default_rng(1))
    assert (blip.standing, "not measured on what is no signal" in blip.source) == ("assumed", True)
    loud = drawn.area_deg2(known.sky_map, 200.0, False, np.random.default_rng(1))
    assert (loud.standing, "SNR 32-64" in loud.source) == ("assumed", True)
    noise = drawn.area_deg2(known.sky_map, float("nan"), False, np.random.default_rng(1))
    assert (noise.standing, "SNR 8-16" in noise.source) == ("assumed", True)


def test_areas_are_drawn_as_they_were_measured():
    profile = models(record("et")).sky_map
    values = [drawn.area_deg2(profile, 20.0, False, np.random.default_rng(k)) for k in range(2000)]
    assert {v.standing for v in values} == {"drawn from measured"}
    low, median, high = profile.quality["area_90_deg2"]["16-32"]
    assert np.median([v.value for v in values]) == pytest.approx(median, rel=0.02)
    assert low <= min(v.value for v in values) <= max(v.value for v in values) <= high


def test_a_sky_map_holds_what_it_says():
    from astropy.io import fits

    run = record("et")
    policy = run.scenario.alerts.model_copy(update={"skymaps": True})
    one = next(d for d in documents(run, policy, models(run), 0) if d.public["event"])
    check(one)
    content = base64.b64decode(one.public["event"]["skymap"])
    assert len(content) <= 50_000
    table = fits.open(io.BytesIO(content))[1]
    uniq, density = table.data["UNIQ"], table.data["PROBDENSITY"]
    cells = np.pi / (3.0 * 4.0 ** (np.log2(uniq // 4) // 2))
    assert cells.sum() == pytest.approx(4.0 * np.pi)
    assert (density * cells).sum() == pytest.approx(1.0)
    order = np.argsort(-density)
    held = np.searchsorted(np.cumsum((density * cells)[order]), 0.9)
    area = cells[order][: held + 1].sum() * np.degrees(1.0) ** 2
    assert area == pytest.approx(one.extension["event"]["area_90_deg2"]["value"], rel=0.02)
    assert official.from_avro(official.to_avro(one.public))[0]["event"]["skymap"] == one.public["event"]["skymap"]


def test_the_extension_schema_is_itself_valid():
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema())
    assert all(SHA.fullmatch(one.extension["model"]["weights_sha256"]) for one in made("work-graph"))


def test_documents_are_one_line_of_json():
    for one in made("work-graph"):
        assert one.text.count(b"\n") == 1
        assert json.loads(one.text) == one.public


def test_a_live_run_tells_the_scores_of_what_was_executed():
    crowded = {"sky.signals.bbh.rate": "6 /min", "sky.glitches.rate": "3 /min", "stages.alert.gate": None}
    crowded |= {"stages.detect.fallback": None, "stages.detect.fallback_runtime": None}
    changes = {"horizon": "1 min", "seed": 4, "live": ["detect", "dq"], **crowded}
    run = twin.run(scenario("first-light", changes, carries=EVERYTHING))
    sent = notices(run, run.scenario.alerts, 0)
    found = list(documents(run, run.scenario.alerts, models(run), 0))
    assert {notice.row["dq_flag"] for notice in sent} == {True, False}
    for notice, one in zip(sent, found, strict=True):
        check(one)
        score, judged = one.extension["likelihood"]["score"], one.extension["data_quality"]["score"]
        rows = run.live.set_index("order").loc[score["batch"]]
        event = notice.row["event_id"]
        assert event in list(rows["events"]) if event >= 0 else -event - 1 in list(rows["segments"])
        assert score["value"] > score["threshold"]
        assert (judged["value"] > judged["threshold"]) == notice.row["dq_flag"]
        told = run.manifest["live"]["programs"]["detect"][0]
        assert one.extension["model"]["weights_sha256"] == told["weights_sha256"]
        assert one.extension["data_quality"]["glitch_class"] is None


def test_in_replay_there_are_no_scores():
    for one in made("first-light"):
        assert one.extension["likelihood"]["score"] is None
        assert one.extension["data_quality"]["score"] is None
