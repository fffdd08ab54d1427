"""The kernel's answers are those of queueing theory: the table of benchmarks/theory in short."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

from benchmarks.theory import chains, exact, priorities, table
from benchmarks.theory.__main__ import main
from benchmarks.theory.statistics import beside_exact
from benchmarks.theory.system import simulate

SEEDS = range(20)
JOBS = 30_000
SYSTEMS = table.systems()


@cache
def runs(name):
    return table.run(name, SEEDS, JOBS)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_kernel_gives_the_exact_answers(name):
    off = [row for row in table.rows(name, runs(name)) if not row.keeps(table.exact_comparisons())]
    assert not off, off


@pytest.mark.parametrize("name", table.asymptotic())
def test_the_kernel_comes_close_to_what_holds_in_the_limit(name):
    (row,) = table.rows(name, table.run(name, range(4), 10_000))
    assert row.mean == pytest.approx(row.expected, rel=table.MEAN_FIELD_TOLERANCE)


HEAD_OF_LINE_S = exact.cobham_s(priorities.CLASSES)
WRONG = {
    "M/M/8, 6 % more": ("M/M/8 0.8", "mean time in system, s", 1.06 * exact.mmc_sojourn_s(6.4, 1.0, 8)),
    "M/M/1 for M/D/1": ("M/D/1 0.8", "mean time in system, s", exact.mmc_sojourn_s(0.8, 1.0, 1)),
    "M/M/4 for M/D/4": ("M/D/4 0.8", "mean time in system, s", exact.mmc_sojourn_s(3.2, 1.0, 4)),
    "waiting for loss": ("M/G/8/8 lognormal", "fraction lost", exact.erlang_c(6.4, 8)),
    "one place more": ("M/M/4/10 1.1", "fraction turned away", exact.bounded(4.4, 1.0, 4, 11)[0]),
    "one attempt more": ("attempts with pauses", "fraction given up", 0.3**5),
    "head of line for resume": (
        "3 classes, interrupt and resume 0.8",
        "mean time of class 1, s",
        HEAD_OF_LINE_S[1],
    ),
    "resume for repeat": (
        "2 classes, interrupt and repeat",
        "mean time of class 1, s",
        exact.resumed_s(priorities.TWO)[1],
    ),
    "no breakdowns": ("M/M/1, pool down and drained", "mean time in system, s", exact.mmc_sojourn_s(0.6, 1.0, 1)),
    "independent servers": (
        "M/M/2, servers fail and drain",
        "mean time in system, s",
        chains.breaking_s(0.6, 1.0, 1, 1 / 20, 1 / 4),
    ),
    "batches of 7 for 8": ("M/M(1..8)/1", "mean time in system, s", chains.bulk(4.0, 1.0, 7)[0]),
    "no maximal wait": ("batches of 2, or after 1.5 s", "mean wait, s", 0.5),
    "branches of a fork are independent": ("fork-join of two M/M/1 0.7", "mean time until joined, s", 5.0),
    "a shard less": ("8 shards, always a free server", "mean time until all are done, s", 363 / 140),
    "no time-out": ("waiting for a verdict, not too long", "mean wait, s", 1.0),
    "common queue": (
        "shorter of two queues (least-loaded) 0.8",
        "mean time in system, s",
        exact.mmc_sojourn_s(0.8, 1.0, 1),
    ),
    "one flow after the other": ("M/D/1-PS link 0.8", "mean time of size 1, s", 3.0),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_is_noticed(wrong):
    name, quantity, answer = WRONG[wrong]
    k = [q.name for q in SYSTEMS[name].quantities].index(quantity)
    row = beside_exact(name, quantity, answer, wrong, runs(name)[:, k])
    assert not row.keeps(table.exact_comparisons()), row


def test_time_at_pools_that_jobs_do_not_know_of_is_noticed():
    system = SYSTEMS["M/M/8 0.8"]
    less = replace(system, jobs_in_pools=lambda run: 0.999 * system.jobs_in_pools(run))
    with pytest.raises(ValueError, match=r"M/M/8 0.8, seed 3: pools and jobs differ by 0.001 about time spent"):
        simulate(less, 3, 1000)


def test_work_that_is_left_is_noticed():
    overloaded = replace(SYSTEMS["M/M/8 0.8"], rates={"work": 20.0})
    with pytest.raises(
        ValueError, match=r"M/M/8 0.8, seed 3: work is left at the end: .*give it more time to drain"
    ):
        simulate(overloaded, 3, 1000)


def test_the_command_writes_a_row_for_every_comparison(tmp_path, capsys):
    out = tmp_path / "theory.json"
    main(["--small", "--out", str(out)])  # too small to say whether anything is off
    report = json.loads(out.read_text())
    assert len(report["exact"]) + len(report["ciw"]) == report["comparisons"] == table.comparisons()
    printed = capsys.readouterr().out
    assert all(row["system"] in printed for row in report["exact"] + report["ciw"] + report["asymptotic"])


def test_small_sizes_never_replace_the_table(capsys):
    with pytest.raises(SystemExit):
        main(["--small"])
    assert "give --out FILE, another than theory.json" in capsys.readouterr().err
