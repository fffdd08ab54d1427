"""What a planner is told about wrong drifts and retraining policies, word for word."""

from __future__ import annotations

import pytest

from tests.twin.wrong_ageing import AGEING
from twin.loader import ScenarioError, loads


@pytest.mark.parametrize("bad", AGEING, ids=lambda bad: bad.name)
def test_a_wrong_scenario_is_explained(bad):
    with pytest.raises(ScenarioError) as caught:
        loads(bad.text, "bad.yaml")
    assert [str(p).partition("\n")[0] for p in caught.value.problems] == bad.said
