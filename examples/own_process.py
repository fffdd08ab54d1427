"""A SimPy process of your own: watch a queue every ten seconds, hire a server while it is long.

The twin's environment is a SimPy environment; whatever SimPy can express can control the computing.
"""

from collections.abc import Generator
from typing import Any

import twin


def hire_on_demand(environment: twin.TwinEnvironment, pool: int) -> Generator[Any, Any, None]:
    """Add a server while jobs wait in `pool`, up to four; give one back when none waits."""
    hired = 0
    while True:
        yield environment.timeout(10.0)
        queued = int(environment.world.pools[pool]["queued"])
        if queued > 2 and hired < 4:
            environment.scale(pool, +1)
            hired += 1
        elif queued == 0 and hired > 0:
            environment.scale(pool, -1)
            hired -= 1


def main() -> None:
    changes = {"horizon": "5 d", "timeline.new-weights.lasts": "6 h", "timeline.storm.factor": 100}
    scenario = twin.load("first-light").with_(changes)
    pools = [f"{site}.{pool}" for site, spec in scenario.sites.items() for pool in spec.pools]

    def start(environment: twin.TwinEnvironment) -> None:
        environment.process(hire_on_demand(environment, pools.index("cnaf.alerts")))

    for name, process in (("fixed", None), ("on demand", start)):
        late = twin.run(scenario, replicas=4, start=process).summary["late"]
        print(f"{name:10s} late {100 * late['value']:.2f} % of {late['n']} alerts")


if __name__ == "__main__":
    main()
