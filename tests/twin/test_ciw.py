"""The kernel and Ciw, an independent program, agree about the systems that both can express."""

from __future__ import annotations

import pytest

from benchmarks.theory import peer, table
from benchmarks.theory.statistics import beside_peer

SEEDS = range(12)
JOBS = 4_000


@pytest.mark.parametrize("name", peer.peers())
def test_kernel_and_ciw_agree(name):
    rows = table.peer_rows(name, table.run(name, SEEDS, JOBS), table.run_peer(name, SEEDS, JOBS))
    off = [row for row in rows if not row.keeps(table.peer_comparisons())]
    assert rows
    assert not off, off


def test_a_ciw_that_differs_is_noticed():
    name = "M/M/8 0.8"
    theirs = table.run_peer(name, SEEDS, JOBS)[:, 1]
    row = beside_peer(name, "P(wait > 0)", "M/M/4 in Ciw", table.run("M/D/4 0.8", SEEDS, JOBS)[:, 1], theirs)
    assert not row.keeps(table.peer_comparisons()), row
