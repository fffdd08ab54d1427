"""What a scenario's pools are, in servers, EUR, MW and carbon a year: what a search makes small. Knows no run.

From twin.requirements, which takes prices and powers from the catalogue. They are of what is installed; power and
carbon are those of all servers at work, an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin import places
from twin.requirements import pools, table
from twin.requirements.uncertain import DRAWS, Chance
from twin.scenario import Scenario

COSTS = {"servers": "servers", "cost": "EUR/yr", "power": "MW", "carbon": "tCO2e/yr"}
"""What can be made small, and its unit."""
_ROWS = {"cost": "cost", "power": "power, all busy", "carbon": "carbon, all busy"}


@dataclass(frozen=True)
class Cost:
    """A number with its range (5 to 95 % of draws over the catalogue's ranges) and standing."""

    value: float
    low: float
    high: float
    unit: str
    standing: str


def cost(scenario: Scenario, what: str, *, ranged: bool = True) -> Cost:
    """One of COSTS of all pools of `scenario`; without its range, much faster, where that is not `ranged`.

    Raises RequirementsError for hardware that the catalogue does not know.
    """
    if what == "servers":
        count = float(sum(places.slots(scenario, name) for name in places.pool_names(scenario)))
        return Cost(count, count, count, COSTS[what], "scenario")
    rows = table.answer(pools.of_scenario(scenario), Chance(1, DRAWS if ranged else 0)).rows
    row = next(r for r in rows if r.part == table.INSTALLED and r.quantity == _ROWS[what])
    return Cost(row.number.value, row.number.low, row.number.high, row.unit, row.number.standing)
