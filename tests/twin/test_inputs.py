"""Inputs of a run: profiles where durations are drawn, this machine where programs are executed."""

from __future__ import annotations

import twin
from tests.twin.profiles import write_all
from twin.inputs import inputs
from twin.programs import programs


def test_a_live_stage_rests_on_this_run_and_not_on_a_profile(tmp_path):
    folder = write_all(tmp_path, hardware="epyc-core")
    scenario = twin.load("first-light").with_({"live": ["detect"]})
    known = programs(scenario, (folder,))
    table = inputs(scenario, known).set_index("key")
    assert table.loc["stages.detect", ["value", "standing"]].tolist() == ["executed, see table live", "measured"]
    assert table.loc["stages.detect", "source"] == "the machine that ran it"
    profiled = {key.partition(" on ")[0] for key in table.index if " on " in key}
    assert profiled == {f"stages.{use.stage}" for use in known.uses} - {"stages.detect"} != set()
