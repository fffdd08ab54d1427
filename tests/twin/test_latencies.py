"""Logs of alerts: laws that are known are found again, bad rows are told, and what cannot be told is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from twin.latencies import backtest, laws, limits, timers
from twin.latencies.clock import LEAPS, gps_s
from twin.latencies.legs import legs, together
from twin.latencies.stamps import Columns, LogError, read
from twin.loader import load
from twin.schema_times import Time
from twin.times import law_of

TRUE = {
    "fast": (("lognormal", 2.0, 0.4), ("gamma", 4.0, 3.0)),
    "slow": (("weibull", 15.0, 2.5), ("exponential", 8.0, 0.0)),
}
"""By pipeline, law, mean in s and shape from event to upload and on to the alert."""
O3 = Path(__file__).parents[3] / "shared" / "data" / "o3_superevents.csv"


def law(kind, mean_s, shape):
    from twin.controls.laws import Law

    return Law(kind, mean_s, shape)


def drawn(of, n, seed):
    return laws.distribution(law(*of)).rvs(n, random_state=np.random.default_rng(seed))


def simulated(n=1500, seed=3):
    """Rows of a log whose laws are TRUE."""
    rows = []
    for p, (name, of) in enumerate(TRUE.items()):
        upload, alert = (drawn(one, n, [seed, p, k]) for k, one in enumerate(of))
        event = 1.4e9 + np.sort(np.random.default_rng([seed, p]).uniform(0, 3e7, n))
        for k in range(n):
            times = event[k], event[k] + upload[k], event[k] + upload[k] + alert[k]
            rows.append((f"S{p}{k}", name, *(f"{t:.6f}" for t in times)))
    return rows


def csv(folder, rows, header="event,pipeline,event_time,upload_time,alert_time"):
    path = folder / "log.csv"
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return read(csv(tmp_path_factory.mktemp("log"), simulated()))


@pytest.fixture(scope="module")
def fits(log):
    return {leg.name: (leg, laws.fitted(leg.seconds, np.random.default_rng(1))) for leg in legs(log)}


def test_a_known_law_is_found_again(fits):
    assert list(fits) == ["fast/upload", "fast/alert", "slow/upload", "slow/alert"]
    for (leg, found), of in zip(fits.values(), [one for pair in TRUE.values() for one in pair], strict=True):
        true = law(*of)
        if true.law != "exponential":  # which is a gamma and a weibull too
            assert found.law.law == true.law, leg.name
            assert found.shape[0] < true.shape < found.shape[1]
        assert found.mean_s[0] < true.mean_s < found.mean_s[1]
        assert found.fits
        for q in (0.5, 0.9, 0.99):
            assert found.quantile(q) == pytest.approx(true.quantile(q), rel=0.08)


def test_a_law_that_is_not_among_them_does_not_fit():
    rng = np.random.default_rng(5)
    two = np.concatenate([rng.normal(10.0, 0.5, 300), rng.normal(60.0, 2.0, 300)])
    found = laws.fitted(two, np.random.default_rng(1))
    assert not found.fits
    assert found.probability == pytest.approx(1 / 200)


def test_the_probability_is_that_of_fitted_laws(monkeypatch):
    """Samples of the law itself are as often improbable as they should be: evenly from 0 to 1."""
    monkeypatch.setattr(laws, "DRAWS", 39)
    p = [
        laws.fitted(drawn(("lognormal", 2.0, 0.4), 60, [9, k]), np.random.default_rng(k)).probability
        for k in range(20)
    ]
    assert 0.3 < np.mean(p) < 0.7
    assert sum(x < 0.05 for x in p) <= 4


def test_a_tail_that_is_cut_does_not_bend_the_law(monkeypatch):
    monkeypatch.setattr(laws, "DRAWS", 39)
    monkeypatch.setattr(laws, "DRAWS_CUT", 9)
    seconds = drawn(("gamma", 4.0, 3.0), 800, 11)
    bent = np.concatenate([seconds, np.full(80, 5000.0)])  # somebody was asked
    whole, cut = (laws.fitted(bent, np.random.default_rng(1), until_s) for until_s in (np.inf, 9.0))
    assert not whole.fits
    assert cut.beyond == int((bent > 9.0).sum())
    body = laws.fit("gamma", seconds, 9.0)
    assert (body.mean_s, body.shape) == (pytest.approx(4.0, rel=0.08), pytest.approx(3.0, rel=0.15))
    assert laws.fit("lognormal", seconds, np.inf).mean_s == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize(
    "of", [("lognormal", 461.0, 0.7), ("weibull", 30.0, 1.5), ("gamma", 4.0, 3.0), ("exponential", 8.0, 0.0)]
)
def test_cut_latencies_give_the_numbers_that_whole_ones_have(of):
    seconds = drawn(of, 4000, 21)
    found = laws.fit(of[0], seconds, float(np.quantile(seconds, 0.75)))
    assert found.mean_s == pytest.approx(of[1], rel=0.05)
    assert found.shape == pytest.approx(of[2], rel=0.05)


def test_the_past_foretells_what_follows_the_same_law(log, fits):
    for leg, _ in fits.values():
        tested = backtest.backtest(leg.seconds, 0.5)
        assert (tested.before, tested.after) == (750, 750)
        assert tested.holds
        assert tested.foretold[0.9] == pytest.approx(tested.found[0.9].value, rel=0.12)
    sums = backtest.of_sums(together(log, "fast")[1], 0.5, np.random.default_rng(1))
    assert sums.holds
    assert backtest.backtest(fits["fast/upload"][0].seconds[:30], 0.5) is None


def test_the_past_does_not_foretell_what_has_changed():
    seconds = np.concatenate([drawn(("gamma", 4.0, 3.0), 300, 1), drawn(("gamma", 12.0, 3.0), 300, 2)])
    tested = backtest.backtest(seconds, 0.5)
    assert not tested.holds
    assert tested.covered.high < 0.9


def test_what_cannot_be_told_is_said(log, fits):
    said = {name: " | ".join(limits.of_leg(leg, found, "")) for name, (leg, found) in fits.items()}
    assert all("only the sum of all stages between the two stamps is in the log" in told for told in said.values())
    leg = fits["fast/upload"][0]
    few = limits.of_leg(leg, None, "it takes 20 latencies, there are 7")
    assert few[-1] == "a law: it takes 20 latencies, there are 7"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: np.minimum(s, np.quantile(s, 0.9)), "looks clipped or rounded"),
        (lambda s: np.where(np.arange(s.size) % 40, s, 200.0 * s), "people or failures may be behind it"),
        (lambda s: s * np.linspace(1.0, 4.0, s.size), "latencies got longer"),
    ],
)
def test_what_bends_a_law_is_said(fits, change, told):
    from dataclasses import replace

    leg = fits["fast/upload"][0]
    bent = replace(leg, seconds=change(leg.seconds[:400]), event_s=leg.event_s[:400])
    found = laws.fitted(bent.seconds, np.random.default_rng(1))
    assert told in " | ".join(limits.of_leg(bent, found, ""))
    straight = replace(leg, seconds=leg.seconds[:400], event_s=leg.event_s[:400])
    right = laws.fitted(straight.seconds, np.random.default_rng(1))
    assert told not in " | ".join(limits.of_leg(straight, right, ""))


def test_legs_that_go_together_are_told():
    rng = np.random.default_rng(4)
    load_factor = rng.uniform(1.0, 3.0, 200)
    joint = np.stack([load_factor * rng.uniform(1, 2, 200), load_factor * rng.uniform(1, 2, 200)], axis=1)
    assert "timers are drawn one by one" in limits.of_legs("x", ("upload", "alert"), joint)[0]
    assert limits.of_legs("x", ("upload", "alert"), rng.uniform(1, 2, (200, 2))) == []


def test_every_bad_row_is_told(tmp_path):
    good = [(f"S{k}", "gstlal", 1.4e9 + 100 * k, 1.4e9 + 100 * k + 5 + k / 50, "") for k in range(30)]
    bad = {
        ("Sa", "gstlal", "yesterday", 1.4e9, ""): "event_time: 'yesterday' is no time",
        ("Sb", "gstlal", "2023-05-29T18:15:00", 1.4e9, ""): "event_time: '2023-05-29T18:15:00' has no time zone",
        ("Sc", "gstlal", 1.4e9, 1.4e9 - 3, ""): "upload is not after event, but -3 s from it",
        ("Sd", "gstlal", 1.4e9, 1.4e9 + 9, 1.4e9 + 4): "alert is not after upload, but -5 s from it",
        ("Se", "gstlal", 1.4e9, 1.715964e9, ""): "is one of the two no GPS?",
        ("Sf", "", 1.4e9, 1.4e9 + 3, ""): "pipeline is missing",
        ("Sg", "gstlal", "", 1.4e9 + 3, ""): "event_time is missing",
        ("S0", "gstlal", 1.4e9, 1.4e9 + 3, ""): "S0 of gstlal stands at line 2 already",
        ("Sh", "gstlal", 1.4e9): "has 3 cells, the header has 5",
        ("Si", "gstlal", 1.4e9, "nan", ""): "upload_time: nan is no GPS time",
        ("", "", "", "", ""): "is empty but for its commas",
    }
    found = read(csv(tmp_path, [*good, *bad]))
    assert len(found.rows) == 30
    assert len(found.wrong) == len(bad)
    assert [row.where for row in found.wrong] == [f"line {32 + k}" for k in range(len(bad))]
    at = {row.where: row.why for row in found.wrong}
    for k, told in enumerate(bad.values()):
        assert told in at[f"line {32 + k}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ('{"event_time":', "holds no row that can be used, such as line 1: is no JSON"),
        ("a,b\n1,2\n", "has no column 'event_time'; it has: a, b. Name yours with --event-time COLUMN"),
        ("event_time,x\n1e9,2\n", "has none of the columns upload_time"),
        ("event_time,upload_time\nx,y\n", "holds no row that can be used, such as line 2: event_time"),
        ("event_time,event_time\n1,2\n", "line 1: a column is named twice"),
        ("event_time,upload_time,upload_latency_s\n1e9,2e9,3\n", "choose one with --stamp upload=upload_time"),
        ('[{"event_time": 1', "is no JSON"),
        ('event_time,upload_time\n"1e9,2', "line 2: is no CSV"),
    ],
)
def test_a_file_that_is_no_log_is_explained(tmp_path, text, told):
    path = tmp_path / "log"
    path.write_text(text)
    with pytest.raises(LogError) as caught:
        read(path)
    assert told in str(caught.value)


def test_csv_json_and_lines_hold_the_same(tmp_path):
    rows = [
        {
            "event": f"S{k}",
            "pipeline": "p",
            "event_time": 1.4e9 + 9 * k,
            "upload_latency_s": 5 + k,
            "alert_time": None,
        }
        for k in range(5)
    ]
    forms = {
        "list.json": json.dumps(rows),
        "inside.json": json.dumps({"made": "today", "alerts": rows}),
        "lines.json": "\n".join(map(json.dumps, rows)),
        "table.csv": "event,pipeline,event_time,upload_latency_s,alert_time\n"
        + "\n".join(f"{r['event']},p,{r['event_time']},{r['upload_latency_s']}," for r in rows),
    }
    found = []
    for name, text in forms.items():
        (tmp_path / name).write_text(text)
        log = read(tmp_path / name)
        found.append([(r.event, r.event_s, r.since_s) for r in log.rows])
        assert (log.stamps, log.wrong) == (("upload", "alert"), ())
    assert found[1:] == found[:-1]
    assert found[0][2] == ("S2", 1.4e9 + 18, (7.0, None))


def test_times_are_gps_or_utc():
    assert gps_s("2015-09-14T09:50:45.391Z") == pytest.approx(1126259462.391, abs=1e-6)
    assert gps_s("2019-04-25 08:18:05.011549 UTC") == pytest.approx(1240215503.011549, abs=1e-6)
    assert gps_s("2019-04-25T10:18:05+02:00") == 1240215503.0
    assert gps_s(1240215503) == gps_s("1240215503.0") == 1240215503.0
    assert len(LEAPS) == 18
    assert (LEAPS[0], LEAPS[-1]) == (datetime(1981, 7, 1, tzinfo=UTC), datetime(2017, 1, 1, tzinfo=UTC))
    for wrong in (True, None, "12:00", "nan", -1.0, 5e9, "1970-01-01T00:00:00Z"):
        with pytest.raises(ValueError, match=r"is no|lies outside"):
            gps_s(wrong)


def test_a_leap_second_is_a_time_where_there_was_one():
    assert gps_s("2016-12-31T23:59:59Z") == 1167264016.0
    assert gps_s("2016-12-31T23:59:60Z") == gps_s("2017-01-01T00:59:60+01:00") == 1167264017.0
    assert gps_s("2016-12-31 23:59:60.5 UTC") == 1167264017.5
    assert gps_s("2017-01-01T00:00:00Z") == 1167264018.0
    for wrong in ("2017-12-31T23:59:60Z", "2016-12-31T22:59:60Z", "2016-12-31T23:58:60Z"):
        with pytest.raises(
            ValueError, match="is a leap second where there was none: the last was at the end of 2016"
        ):
            gps_s(wrong)
    with pytest.raises(ValueError, match="is no time"):
        gps_s("2016-12-31T23:59:61Z")


def test_leap_seconds_are_those_of_others():
    time = pytest.importorskip("astropy.time")
    for moment in (*LEAPS, datetime(1990, 6, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)):
        assert gps_s(moment.isoformat()) == pytest.approx(time.Time(moment).gps, abs=1e-6)


def test_a_law_becomes_a_time_that_a_scenario_draws_from(log, fits):
    for leg, found in fits.values():
        told = timers.value(leg, found, log)
        time = Time.model_validate(told)
        assert time.standing == "measured"
        assert log.sha256[:12] in time.source
        assert law_of(time).quantile(0.7) == pytest.approx(found.quantile(0.7), rel=2e-3)


def test_a_log_becomes_an_overlay_of_a_scenario(tmp_path, ettwin, fits):
    path, out = csv(tmp_path, simulated()[:400]), tmp_path / "mine.yaml"
    given = ["latencies", path, "--quiet", "--into", "lvk-o4", "--out", out]
    timed = ["--timer", "gstlal-event=fast/alert", "--timer", "gstlal=fast/upload"]
    code, told, err = ettwin(*given, *timed)
    assert (code, "fast/upload: event to upload, n = 400" in told) == (0, True), err
    plain, measured = load(out), load(out, with_=["measured"])
    assert plain.with_({"name": "lvk-o4"}) == load("lvk-o4")
    assert measured.stages["gstlal-event"].wait.law is not None
    assert measured.stages["gstlal"].time.standing == "measured"
    assert plain.case_overrides == {"as-is": (), "measured": ("measured",)}
    assert ettwin(*given, *timed)[0] == 2  # it is there
    line = next(line for line in told.splitlines() if "--set" in line)
    import shlex

    changed = load("lvk-o4", set_=[shlex.split(line)[-1].replace("STAGE", "gstlal-event")])
    assert changed.stages["gstlal-event"].wait.standing == "measured"


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (["--timer", "x=fast/alert"], 2, "--timer, --into and --out belong together"),
        (["--until", "5"], 2, "--until 5: a duration needs a unit"),
        (["--stamp", "alert"], 2, "--stamp alert: write NAME=COLUMN"),
        (["--stamp", "alert=nothing"], 4, "has no column 'nothing'"),
        (["--timer", "x=fast/alert", "--into", "lvk-o4", "--out", "o.yaml"], 2, "unknown stage 'x'"),
        (["--timer", "gstlal=fast/x", "--into", "lvk-o4", "--out", "o.yaml"], 2, "unknown leg 'fast/x'"),
        (["--timer", "detect=fast/alert", "--into", "first-light", "--out", "o.yaml"], 2, "runs 'detector'"),
        (["--timer", "gstlal=fast/alert", "--into", "lvk-o4", "--out", "o.txt"], 2, "ends in .yaml"),
    ],
)
def test_wrong_usage_says_what_to_do(tmp_path, ettwin, monkeypatch, given, code, told):
    def fitted(*given):
        raise AssertionError("it was fitted before the options were read")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(laws, "fitted", fitted)
    path = csv(tmp_path, simulated(60))
    found = ettwin("latencies", path, "--quiet", *given)
    assert found[0] == code
    assert told in found[2]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.csv"]


def test_the_same_seed_gives_the_same_answer(tmp_path, ettwin, monkeypatch):
    monkeypatch.setattr(laws, "DRAWS", 19)
    path = csv(tmp_path, simulated(80))
    one, again, other = (ettwin("latencies", path, "--json", "--quiet", "--seed", s)[1] for s in (1, 1, 2))
    assert one == again != other
    assert json.loads(one)["legs"][0]["law"]["value"]["standing"] == "measured"


@pytest.mark.skipif(not O3.is_file(), reason=f"no {O3}")
def test_the_superevents_of_o3():
    stamps = (("created", "created_latency_s"), ("preliminary", "first_preliminary_latency_s"))
    log = read(O3, Columns("t0_gps_s", None, stamps))
    created, preliminary = legs(log)
    assert (len(log.rows), log.wrong, log.pipelines) == (74, (), ("all",))
    assert (created.n, preliminary.n, preliminary.lacking) == (74, 73, 1)
    found = laws.fitted(preliminary.seconds, np.random.default_rng(1))
    assert not found.fits
    assert "people or failures may be behind it" in " ".join(limits.of_leg(preliminary, found, ""))
