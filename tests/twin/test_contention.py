"""Who else used the machine: exact on readings that are made up, and true of this process."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from twin.farm.contention import MOST_CORES, Contention, Reading, Used, read, verdict


def between(*readings):
    """What a clock that gives these readings says was used between the first and the last."""
    given = iter(readings)
    asked = []

    def reader(pids):
        asked.append(set(pids))
        return next(given)

    contention = Contention(reader)
    contention.start([1, 2])
    return contention.stop([1, 3]), asked


def test_cores_are_seconds_of_cpu_per_second():
    used, asked = between(
        Reading(100.0, 500.0, 5.0, {1: 40.0, 2: 10.0}), Reading(110.0, 515.0, 5.2, {1: 45.0, 2: 14.0})
    )
    assert asked == [{1, 2}, {1, 3}]
    assert used.as_dict() == pytest.approx(
        {"seconds": 10.0, "own_cores": 0.9, "other_cores": 0.6, "steal_cores": 0.02}
    )
    assert used.unfit == (
        "not measurable here: other processes used 0.60 cores; allowed: 0.05. End other work and try again"
    )


def test_a_worker_that_died_is_found_in_its_parent():
    used, _ = between(Reading(0.0, 0.0, 0.0, {1: 1.0, 2: 6.0}), Reading(10.0, 10.0, 0.0, {1: 16.0, 3: 1.0}))
    assert used.own_cores == pytest.approx(1.0)
    assert used.other_cores == pytest.approx(0.0)
    assert used.unfit is None


def test_ticks_that_were_counted_twice_make_no_negative_neighbour():
    used, _ = between(Reading(0.0, 0.0, 0.0, {1: 0.0}), Reading(10.0, 9.9, 0.0, {1: 10.0}))
    assert used.other_cores == 0.0


@pytest.mark.parametrize(
    ("other", "steal", "told"),
    [
        (MOST_CORES, MOST_CORES, None),
        (0.06, 0.0, "other processes used 0.06 cores; allowed"),
        (0.0, 0.2, "the machine's host took 0.20 cores; allowed"),
        (0.5, 0.2, "other processes used 0.50 cores and the machine's host took 0.20 cores; allowed"),
    ],
)
def test_what_is_too_much_is_said(other, steal, told):
    found = verdict(other, steal)
    assert found is None if told is None else told in found
    assert Used(1.0, 0.0, other, steal).unfit == found


def test_nothing_ends_that_was_not_begun():
    contention = Contention(lambda pids: Reading(0.0, 0.0, 0.0, {}))
    with pytest.raises(RuntimeError, match=r"Contention\.stop: nothing was started; call start first"):
        contention.stop([1])


def test_this_process_uses_what_it_says():
    me = os.getpid()
    before, own_s = read([me]), time.process_time()
    while time.process_time() - own_s < 0.3:
        sum(range(10_000))
    after = read([me])
    assert after.used_s[me] - before.used_s[me] == pytest.approx(0.3, abs=0.05)
    assert after.busy_s - before.busy_s >= 0.25
    assert after.time_s > before.time_s


def test_a_child_counts_when_it_is_waited_for_and_who_is_gone_is_left_out():
    me = os.getpid()
    child = subprocess.Popen([sys.executable, "-c", "sum(i * i for i in range(3_000_000))"])
    before = read([me])
    child.wait()
    after = read([me, child.pid])
    assert after.used_s.keys() == {me}
    assert after.used_s[me] - before.used_s[me] > 0.05
