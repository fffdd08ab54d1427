"""What profiles know beside a program's own time reaches the plan, and leaves it term by term."""

from dataclasses import replace

import numpy as np
import pytest

import twin
from tests.twin.profiles import write_all
from tests.workloads.test_occupancy import occupancy
from twin.planner import plan
from twin.programs import programs
from workloads.occupancy import TERMS
from workloads.profile import find


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Profiles of which the glitch classifier's knows its occupancy."""
    folder = write_all(tmp_path_factory.mktemp("profiles"), hardware="epyc-core")
    known = find("glitch-classifier", "onnxruntime", "epyc-core", (folder,))
    replace(known, occupancy=occupancy(tempo=(0.9, 1.0, 1.1))).save(folder)
    return folder


def planned(folder, terms=TERMS, replica=0):
    scenario = twin.load("first-light").with_({"horizon": "1 h", "profile_terms": list(terms)})
    return plan(scenario, programs(scenario, (folder,)), 1, replica)


def without(term):
    return [t for t in TERMS if t != term]


def pool_of(planned):
    """The pool on which the glitch classifier runs."""
    queue = planned.queues[planned.queues["stage"] == planned.stage_names.index("dq")][0]
    return planned.pools[queue["pool"]], queue


def test_all_terms_are_used_unless_the_scenario_leaves_them_out(folder):
    pool, queue = pool_of(planned(folder))
    assert queue["idle_rows"][0] >= 1
    assert queue["crowd"][0] >= 0
    assert pool["tempo_n"] == 3
    bare = planned(folder, [])
    pool, queue = pool_of(bare)
    assert (queue["idle_rows"][0], queue["warm"][0], queue["crowd"][0], pool["tempo_n"]) == (0, -1, -1, 0)
    np.testing.assert_allclose(
        bare.tables[queue["table"][0]][[0, -1]],
        find("glitch-classifier", "onnxruntime", "epyc-core", (folder,)).service_table(1)[0][[0, -1]],
    )


@pytest.mark.parametrize("term", [t for t in TERMS if t != "occupancy"])
def test_each_term_is_left_out_by_itself(folder, term):
    pool, queue = pool_of(planned(folder, without(term)))
    told = {
        "idling": queue["idle_rows"][0] > 0,
        "warmth": queue["warm"][0] >= 0,
        "crowding": queue["crowd"][0] >= 0,
        "tempo": pool["tempo_n"] > 0,
    }
    assert told == {other: other != term for other in told}


def test_the_tempo_begins_elsewhere_in_every_replica(folder):
    begins = {planned(folder, replica=k).tempo.tobytes() for k in range(12)}
    assert len(begins) == 3
    assert planned(folder).tempo.tobytes() == planned(folder).tempo.tobytes()
