"""Inspirals in the same data: drawn as loud as each other, counted in cells, and what searches make of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from workloads import card, decisions, measure, profile, spec
from workloads.premerger import examples, overlapping, window
from workloads.premerger.overlaps import (
    CELLS,
    MERGES_S,
    RATIOS,
    SOUGHT_S,
    Cell,
    OverlapAhead,
    cell_of,
    pooled,
    when,
)
from workloads.premerger.quality import EarlyWarning

SEARCHES = ("early-warning", "early-warning-filter")


def test_every_pair_is_in_the_cell_that_holds_it():
    for k, cell in enumerate(CELLS):
        found = cell_of(np.array([np.mean(cell.merges_s)]), np.array([np.sqrt(cell.ratio[0] * cell.ratio[1])]))
        assert found.tolist() == [k]
    assert len(CELLS) == (len(MERGES_S) - 1) * (len(RATIOS) - 1)
    far = cell_of(np.array([50.0, 50.0]), np.array([1e-3, 1e3]))
    assert [CELLS[k].ratio for k in far] == [RATIOS[:2], RATIOS[-2:]]


def test_a_cell_is_told_in_words():
    assert [when(ends) for ends in ((-360.0, -60.0), (-60.0, 8.0), (100.0, 400.0))] == [
        "merged 60 to 360 s before the data end",
        "merges 60 s before the data end to 8 s after",
        "merges 100 to 400 s after the data end",
    ]
    assert str(Cell((8.0, 100.0), (1.0, 2.0))) == (
        "merges 8 to 100 s after the data end, 1 to 2 times as loud in the data"
    )


@pytest.mark.parametrize("merges_s", [(-360.0, -60.0), (100.0, 400.0), (400.0, 700.0)])
@pytest.mark.parametrize("ahead_s", [10.0, 120.0])
def test_both_of_a_pair_are_as_loud_in_the_data_as_each_other(ahead_s, merges_s):
    pytest.importorskip("lalsimulation")
    for seed in range(3):
        pair = overlapping.draw(ahead_s, merges_s, np.random.default_rng(seed))
        assert merges_s[0] <= pair.merges_s <= merges_s[1]
        own, other = (np.sqrt(np.sum(window.whitened(strain[None]) ** 2)) for strain in (pair.signal, pair.other))
        assert overlapping.SNR_HEARD[0] * 0.85 < own < overlapping.SNR_HEARD[1] * 1.15
        assert other == pytest.approx(own, rel=0.2)


def names(monkeypatch, what):
    """A program that is told the truth: it warns of a merger in as many seconds as `what` says, None: of none."""
    drawn = []

    def draw(ahead_s, merges_s, rng):
        pair = overlapping.Pair(np.full((3, 4), 1.0), np.full((3, 4), 100.0), float(np.mean(merges_s)))
        drawn.append((ahead_s, pair))
        return pair

    def program(units):
        ahead_s, pair = drawn[-1]
        ratio = (units[0, 0, 0] - 1.0) / 100.0
        said = what(ahead_s, pair.merges_s, ratio)
        one = np.ones(1)
        return EarlyWarning(one, np.array([said is not None]), one * (said or 0.0), one)

    program.workload = SimpleNamespace(name="ear", task="early-warning")
    monkeypatch.setattr(overlapping, "draw", draw)
    monkeypatch.setattr(overlapping, "noise", lambda n, rng: np.zeros((1, 3, 4)))
    return program


def test_a_perfect_search_names_the_louder_one_and_loses_what_is_fainter(monkeypatch):
    program = names(monkeypatch, lambda ahead_s, merges_s, ratio: merges_s if ratio >= 1.0 else ahead_s)
    found = overlapping.overlaps(program, 5, tries=2)
    assert tuple((o.merges_s, o.ratio) for o in found) == CELLS
    for one in found:
        assert (one.ahead_s, one.n, one.alone, one.gained) == (examples.AHEAD_S, (2,) * 5, (2,) * 5, (0,) * 5)
        assert one.kept == ((0,) * 5 if one.ratio[0] >= 1.0 else (2,) * 5)


def test_a_time_that_is_off_or_nearer_to_the_other_one_warns_of_nothing(monkeypatch):
    late = 1.1 * overlapping.NEAR_S
    program = names(monkeypatch, lambda ahead_s, merges_s, ratio: ahead_s + late)
    assert all(sum(one.alone) == 0 for one in overlapping.overlaps(program, 5, tries=1))
    program = names(monkeypatch, lambda ahead_s, merges_s, ratio: None if ratio == 0.0 else ahead_s)
    for one in overlapping.overlaps(program, 5, tries=1):
        assert (one.alone, one.gained) == ((0,) * 5, (1,) * 5)


def test_only_what_warns_of_mergers_is_asked():
    with pytest.raises(ValueError, match="glitch-classifier does not warn of mergers"):
        overlapping.overlaps(spec.load("glitch-classifier"), 1)


def test_counts_add_up_over_cells_and_at_one_time():
    one = OverlapAhead((8.0, 100.0), (1.0, 2.0), (10.0, 30.0), (9, 9), (7, 5), (3, 1), (0, 1))
    assert pooled([one, one]) == (8, 24)
    assert pooled([one, one], 30.0) == (2, 10)


def test_a_profile_keeps_them_and_one_without_is_as_it_was(tmp_path):
    shipped = profile.load(profile.SHIPPED / "epyc-core" / "early-warning-filter-numpy.json")
    kept = profile.load(replace(shipped, hardware="x").save(tmp_path))
    assert kept.overlaps_ahead == shipped.overlaps_ahead
    assert '"overlaps' not in replace(shipped, overlaps_ahead=())._text()


def test_they_are_added_to_the_profile_there_is(tmp_path, monkeypatch):
    shipped = profile.load(profile.SHIPPED / "epyc-core" / "early-warning-filter-numpy.json")
    given = replace(shipped, hardware="x", overlaps_ahead=())
    given.save(tmp_path)
    one = OverlapAhead((8.0, 100.0), (1.0, 2.0), (10.0,), (3,), (2,), (1,), (0,))
    asked = []
    monkeypatch.setattr(overlapping, "overlaps", lambda p, *rest: asked.append(rest[-1]) or (one,))
    request = measure.Request("early-warning-filter", "x", quick=True)
    [path] = measure.overlaps_again(request, tmp_path, "2026-01-02")
    found = profile.load(path)
    assert found.overlaps_ahead == (one,)
    assert found.passport["note"].endswith("; overlaps measured 2026-01-02")
    assert replace(found, overlaps_ahead=(), passport=given.passport) == given
    assert asked == [1]


@pytest.mark.parametrize("name", SEARCHES)
def test_every_shipped_search_has_been_tried_in_every_cell(name):
    paths = [p for p in profile.SHIPPED.glob(f"epyc-core/{name}-*.json") if profile.load(p).workload == name]
    assert paths
    for path in paths:
        found = profile.load(path)
        assert tuple((o.merges_s, o.ratio) for o in found.overlaps_ahead) == CELLS, path
        assert found.passport["weights_sha256"] == card.read(name)["weights_sha256"]
        assert {n for o in found.overlaps_ahead for n in o.n} == {overlapping.TRIES}


def shipped(name):
    runtime = "numpy" if name == "early-warning-filter" else "onnxruntime"
    return profile.load(profile.SHIPPED / "epyc-core" / f"{name}-{runtime}.json").overlaps_ahead


FAINT = (0.25, 0.5, 1.0)
ROWS = {
    "8 to 400 s after the data end": (
        lambda o: SOUGHT_S[0] <= o.merges_s[0] < SOUGHT_S[1],
        {"2 to 4": (2.0,), "1 to 2": (1.0,), "0.5 to 1": (0.5,), "0.25 to 0.5": (0.25,)},
    ),
    "400 to 700 s after": (lambda o: o.merges_s[0] == SOUGHT_S[1], {"2 to 4": (2.0,), "up to 2": FAINT}),
    "60 s before to 8 s after": (lambda o: o.merges_s[1] == SOUGHT_S[0], {"2 to 4": (2.0,), "up to 2": FAINT}),
    "60 to 360 s before": (lambda o: o.merges_s[1] < 0.0, {"2 to 4": (2.0,), "up to 2": FAINT}),
}


def told(found, ahead_s=None):
    kept, n = pooled(found, ahead_s)
    low, high = (100 * x for x in decisions.interval(kept, n))
    share = "100 %" if kept == n else f"{100 * kept / n:.1f} %"
    return f"{share} ({low:.1f} to {'100' if high == 100 else f'{high:.1f}'})"


def lines():
    """Of the tables in docs/sky.md."""
    every = [shipped(name) for name in SEARCHES[::-1]]
    for when_, (where, ratios) in ROWS.items():
        for k, (said, lows) in enumerate(ratios.items()):
            cells = [told([o for o in found if where(o) and o.ratio[0] in lows]) for found in every]
            yield f"| {'' if k else when_} | {said} | {' | '.join(cells)} |".replace("|  |", "| |")
    for ahead_s in examples.AHEAD_S:
        cells = [
            told([o for o in found if where(o) and (o.ratio[0] >= 1.0) == louder], ahead_s)
            for found in every
            for where, louder in ((ROWS["8 to 400 s after the data end"][0], loud) for loud in (True, False))
        ]
        yield f"| {ahead_s:g} s | {' | '.join(cells)} |"


def test_the_page_tells_what_the_profiles_hold():
    page = (Path(__file__).parents[2] / "docs" / "sky.md").read_text()
    for line in lines():
        assert line in page
