"""Signals close to each other: drawn as they come in a sky, counted in cells, and what searches make of them."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from workloads import card, decisions, measure, overlapping, profile, spec
from workloads.overlaps import APART_S, CELLS, RATIOS, SAME_S, SITUATIONS, Cell, cell_of
from workloads.profile import Overlap, Response, pooled
from workloads.spec import Outputs

SEARCHES = [n for n in spec.names() if spec.get(n).outcome == "trigger"]


def test_every_pair_is_in_the_cell_that_holds_it():
    for k, cell in enumerate(CELLS):
        after_s, ratio = np.mean(cell.after_s), np.sqrt(cell.ratio[0] * cell.ratio[1])
        for sign in (1.0, -1.0) if cell.same else (1.0,):
            found = cell_of(np.array([cell.same]), np.array([sign * after_s]), np.array([ratio]))
            assert found.tolist() == [k]
    assert len(CELLS) == (len(SAME_S) + len(APART_S) - 2) * (len(RATIOS) - 1)
    far = cell_of(np.array([False, False]), np.array([0.5, 0.5]), np.array([1e-3, 1e3]))
    assert [CELLS[k].ratio for k in far] == [(0.125, 0.5), (2.0, 8.0)]


def test_a_cell_is_told_in_words():
    given = ((True, (0.1, 0.3)), (False, (1.0, 2.0)), (False, (-4.0, -2.0)))
    assert [str(Cell(*one, (1.0, 2.0))) for one in given] == [
        "0.1 to 0.3 s apart in the same second, 1 to 2 times as loud",
        "1 to 2 s later, 1 to 2 times as loud",
        "2 to 4 s earlier, 1 to 2 times as loud",
    ]


@pytest.mark.parametrize(("same", "after_s"), SITUATIONS)
def test_pairs_are_drawn_as_a_sky_at_random_has_them(same, after_s):
    tries = overlapping.draw(same, after_s, 4000, np.random.default_rng(1))
    other_s = tries.offset_s + tries.after_s
    assert (((other_s >= 0.0) & (other_s < 1.0)) == same).all()
    apart = np.abs(tries.after_s) if same else tries.after_s
    assert after_s[0] <= apart.min()
    assert apart.max() <= after_s[1]
    low, high = after_s
    grid = np.linspace(low, high, 2001)
    inside = np.maximum(1.0 - np.abs(grid), 0.0)
    density = inside if same else 1.0 - inside
    assert apart.mean() == pytest.approx(np.average(grid, weights=density), abs=0.03 * (high - low))


def hears(monkeypatch, late_s=0.0):
    """A program that looks the loudest injection of each second up, and triggers so much late."""

    def outputs(program, strain, starts_s, progress=None):
        own = [[i for i in strain._injections if t <= i.time_s < t + 1.0] for t in starts_s]
        top = [max(events, key=lambda i: i.snr) for events in own]
        at = np.array([i.time_s for i in top]) - starts_s + late_s
        n = len(starts_s)
        return Outputs(np.ones(n), np.ones(n, bool), None, at)

    monkeypatch.setattr(decisions, "outputs", outputs)
    ear = SimpleNamespace(name="ear", outcome="trigger", unit=SimpleNamespace(duration_s=1.0))
    return SimpleNamespace(workload=ear)


def test_a_perfect_search_finds_the_louder_one_of_a_second_and_all_others(monkeypatch):
    found = overlapping.overlaps(hears(monkeypatch), 5, events=4)
    assert tuple((o.same, o.after_s, o.ratio) for o in found) == CELLS
    for one in found:
        assert (one.kept.n, one.gained.n) == ((4, 4, 4), (0, 0, 0))
        hidden = one.same and one.ratio[0] >= 1.0
        assert one.kept.count == ((0, 0, 0) if hidden else (4, 4, 4))


def test_a_trigger_that_is_far_from_the_merger_finds_nothing(monkeypatch):
    found = overlapping.overlaps(hears(monkeypatch, 1.1 * overlapping.NEAR_S), 5, events=2)
    assert all(sum(one.kept.n) == 0 for one in found)


def test_only_searches_are_asked():
    with pytest.raises(ValueError, match="glitch-classifier looks for no signals"):
        overlapping.overlaps(spec.load("glitch-classifier"), 1)


def test_the_detector_loses_what_is_hidden_and_little_else(monkeypatch):
    monkeypatch.setattr(overlapping, "SITUATIONS", ((True, (0.1, 0.3)), (False, (4.0, 8.0))))
    monkeypatch.setattr(overlapping, "RATIOS", (2.0, 8.0))
    same, apart = overlapping.overlaps(spec.load("detector"), 11, events=8)
    assert sum(same.kept.n) > 10
    assert sum(same.kept.count) < 0.3 * sum(same.kept.n)
    assert sum(apart.kept.count) > 0.8 * sum(apart.kept.n)


def test_counts_add_up_over_cells():
    counts = Response((3, 4), (1, 2)), Response((2, 1), (0, 1))
    one = Overlap(True, (0.0, 0.1), (1.0, 2.0), (6.0, 10.0, 16.0), *counts)
    assert pooled([one, one]) == (Response((14,), (6,)), Response((6,), (2,)))


def test_a_profile_keeps_its_overlaps_and_one_without_is_as_it_was(tmp_path):
    shipped = profile.load(profile.SHIPPED / "epyc-core" / "detector-torch.json")
    kept = profile.load(replace(shipped, hardware="x").save(tmp_path))
    assert kept.overlaps == shipped.overlaps
    assert '"overlaps"' not in replace(shipped, overlaps=())._text()


@pytest.mark.parametrize("name", SEARCHES)
def test_every_shipped_search_has_been_tried_in_every_cell(name):
    for path in profile.SHIPPED.glob(f"epyc-core/{name}-*.json"):
        found = profile.load(path)
        if found.workload != name or found.streams != spec.STREAMS:
            continue
        assert tuple((o.same, o.after_s, o.ratio) for o in found.overlaps) == CELLS, path
        assert found.passport["weights_sha256"] == card.read(name)["weights_sha256"]
        tried = {k + g for o in found.overlaps for k, g in zip(o.kept.n, o.gained.n, strict=True)}
        assert tried == {overlapping.EVENTS}


def test_overlaps_are_added_to_the_profiles_there_are(tmp_path, monkeypatch):
    shipped = profile.load(profile.SHIPPED / "epyc-core" / "detector-torch.json")
    given = replace(shipped, hardware="x", overlaps=())
    given.save(tmp_path)
    one = Overlap(True, (0.0, 0.1), (1.0, 2.0), (6.0, 10.0), Response((3,), (1,)), Response((2,), (0,)))
    asked = []
    monkeypatch.setattr(overlapping, "overlaps", lambda p, *rest: asked.append((p.runtime, rest[-1])) or (one,))
    request = measure.Request("detector", "x", ("torch",), quick=True)
    for date in ("2026-01-02", "2026-01-03"):
        [path] = measure.overlaps_again(request, tmp_path, date)
        found = profile.load(path)
        assert found.overlaps == (one,)
        assert found.passport["note"].endswith(f"; overlaps measured {date}")
        assert found.passport["note"].count("overlaps") == 1
        assert replace(found, overlaps=(), passport=given.passport) == given
    assert asked == [("torch", overlapping.EVENTS // measure.QUICK)] * 2


ROWS = {
    "in the same second": (
        lambda o: o.same, {"2 to 8": (2.0,), "1 to 2": (1.0,), "0.5 to 1": (0.5,), "0.125 to 0.5": (0.125,)}
    ),
    "in another second, within 1 s": (
        lambda o: not o.same and max(map(abs, o.after_s)) == 1.0, {"2 to 8": (2.0,), "up to 2": (0.125, 0.5, 1.0)}
    ),
    "1 to 2 s away": (lambda o: not o.same and max(map(abs, o.after_s)) == 2.0, {"any": (0.125, 0.5, 1.0, 2.0)}),
    "2 to 8 s away": (lambda o: not o.same and max(map(abs, o.after_s)) > 2.0, {"any": (0.125, 0.5, 1.0, 2.0)}),
}  # fmt: skip


def test_the_page_tells_what_the_profiles_hold():
    page = (Path(__file__).parents[2] / "docs" / "sky.md").read_text()
    found = {
        name: profile.load(profile.SHIPPED / "epyc-core" / f"{name}.json").overlaps
        for name in ("detector-onnxruntime", "hybrid-torch", "matched-filter-torch")
    }
    for when, (where, ratios) in ROWS.items():
        for first, (said, lows) in zip((True, *[False] * len(ratios)), ratios.items(), strict=False):
            cells = []
            for overlaps in found.values():
                kept, _ = pooled([o for o in overlaps if where(o) and o.ratio[0] in lows])
                share = kept.count[0] / kept.n[0]
                low, high = (100 * x for x in decisions.interval(kept.count[0], kept.n[0]))
                cells.append("100 %" if share == 1.0 else f"{100 * share:.1f} %")
                cells[-1] += f" ({low:.1f} to {'100' if high == 100 else f'{high:.1f}'})"
            assert f"| {when if first else ''} | {said} | {' | '.join(cells)} |".replace("|  |", "| |") in page
    assert "beyond 2 s none of 1,776 that the filter finds is lost" in " ".join(page.split())
