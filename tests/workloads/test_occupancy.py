"""What a batch takes a server: the table of every combination of terms, and what is kept in a profile."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from workloads.occupancy import IDLE_EDGES_S, POINTS, TERMS, Occupancy, read, taken
from workloads.profile import ProfileError, Service, find, load

CLASSES = len(IDLE_EDGES_S) + 1
GRID = np.linspace(0, 1, POINTS)


def spread(mean_s, n=4000, seed=1):
    return mean_s * np.random.default_rng(seed).gamma(50.0, 1 / 50.0, n)


def occupancy(**changes):
    known = Occupancy(
        busy={1: taken(spread(1e-3)), 4: taken(spread(2.5e-3))},
        idle={2: taken(spread(1.2e-3)), 5: taken(spread(2e-3))},
        warmth=(1.3, 1.1, 1.05, 1.0, 1.0),
        crowding=(1.0, 1.3),
        tempo=(0.9, 1.1),
        tempo_s=1.0,
        restart_s=2.0,
        passport={"date": "2026-11-29"},
    )
    return replace(known, **changes)


def test_the_mean_of_a_stored_inverse_cdf_is_that_of_its_times():
    times_s = spread(3e-3)
    kept = taken(times_s)
    assert kept.n == 4000
    assert kept.mean_s == pytest.approx(times_s.mean())
    quantiles_s = np.array(kept.quantiles_s)
    assert ((quantiles_s[1:] + quantiles_s[:-1]) / 2).mean() == pytest.approx(times_s.mean(), rel=2e-3)


def test_a_table_has_a_row_for_every_batch_and_idle_class():
    table = occupancy().table(4)
    assert table.shape == (CLASSES, 4, POINTS)
    assert (np.diff(table, axis=-1) >= 0).all()
    np.testing.assert_allclose(table[0, 0], occupancy().busy[1].quantiles_s)
    np.testing.assert_allclose(table[0, 3], occupancy().busy[4].quantiles_s)
    between = (2 * np.array(occupancy().busy[1].quantiles_s) + np.array(occupancy().busy[4].quantiles_s)) / 3
    np.testing.assert_allclose(table[0, 1], between)


def test_an_idle_server_takes_as_much_longer_for_any_batch_and_unmeasured_classes_are_as_the_nearest():
    table = occupancy().table(4)
    for k, nearest in {1: 2, 2: 2, 3: 2, 4: 5, 5: 5, 7: 5}.items():
        np.testing.assert_allclose(table[k, 0], occupancy().idle[nearest].quantiles_s)
        np.testing.assert_allclose(table[k, 3] - table[0, 3], table[k, 0] - table[0, 0], atol=1e-12)


def test_a_term_that_is_left_out_leaves_the_others_as_they_are():
    full = occupancy().table(4)
    plain = occupancy().table(4, set(TERMS) - {"idling"})
    np.testing.assert_array_equal(plain, full[0])
    assert occupancy(idle={}).table(4).shape == (4, POINTS)
    even = occupancy().table(4, {"occupancy"})
    assert even.mean() == pytest.approx(plain.mean(), rel=5e-3)
    assert even.std(axis=1) == pytest.approx(np.hypot(plain.std(axis=1), 0.1 * plain.mean(axis=1)), rel=0.1)


def test_a_larger_batch_than_was_measured_is_refused():
    with pytest.raises(ValueError, match="measured for batches 1, 4"):
        occupancy().table(5)


def test_it_is_read_back_as_it_was_written():
    assert read(json.loads(json.dumps(asdict(occupancy())))) == occupancy()


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("busy", {"4": {"n": 1, "mean_s": 1.0, "quantiles_s": [1.0] * POINTS}}, "a batch of one"),
        ("busy", {"1": {"n": 1, "mean_s": 1.0, "quantiles_s": [1.0] * 5}}, "129 quantiles"),
        ("idle", {"2": {"n": 1, "mean_s": 1.0, "quantiles_s": [0.0] * POINTS}}, "more than 0"),
        ("crowding", [1.0, 0.0], "more than 0"),
        ("tempo", [-1.0], "more than 0"),
        ("warmth", [1.0, 1.0], "5 factors of warmth, or none"),
        ("tempo_s", 0.0, "more than 0"),
    ],
)
def test_what_is_none_is_refused(part, value, message):
    content = json.loads(json.dumps(asdict(occupancy()))) | {part: value}
    with pytest.raises(ValueError, match=message):
        read(content)


def test_a_profile_keeps_it_and_says_what_to_measure_for_more(tmp_path):
    shipped = find("detector", "onnxruntime", "epyc-core", ())
    known = replace(shipped, occupancy=occupancy())
    again = load(known.save(tmp_path))
    assert again.occupancy == occupancy()
    assert again.digest == known.digest != replace(known, occupancy=None).digest
    assert again.occupancy_table(4).shape == (CLASSES, 4, POINTS)
    np.testing.assert_array_equal(again.occupancy_table(4, ()), again.service_table(4))
    with pytest.raises(
        ProfileError, match=r"Lower max_batch or run 'ettwin measure detector .*--occupancy --batch 6"
    ):
        again.occupancy_table(6)


def test_a_profile_without_it_gives_its_programs_own_time():
    own = Service(1, 10, True, 1.0, 1.0, 1.0, (1.0,) * 257)
    profile = replace(find("detector", "onnxruntime", "epyc-core", ()), service=(own,), occupancy=None)
    np.testing.assert_array_equal(profile.occupancy_table(1), profile.service_table(1))


def test_the_usual_time_leaves_slow_spells_out():
    busy = {1: taken([0.01] * 100)}
    spells = Occupancy(busy, {}, (), (1.0,), (0.9, 0.9, 0.9, 1.3), 1.0, 0.5, {})
    assert spells.usual_s == pytest.approx(0.009)
    assert replace(spells, tempo=()).usual_s == pytest.approx(0.01)
