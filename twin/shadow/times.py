"""What the profile says of a batch that the kernel has just started: the kernel's own rule, for real batches."""

from __future__ import annotations

from twin.kernel.batches import idle_class, warmed
from twin.kernel.state import MOST_CROWD
from twin.plan import Array
from twin.world import World


def profile_s(world: World, slot: int) -> Array:
    """The inverse CDF of the service time of the batch in `slot`, shape (point,), s; call it at its start."""
    batch, record, plan = world.batches[slot], world.record, world.plan
    queue, v = world.queues[batch["queue"]], int(batch["variant"])
    pool = world.pools[queue["pool"]]
    row = int(queue["table"][v] + batch["n"] - 1)
    if queue["idle_rows"][v] > 0:
        idle_s = record["now_s"] - world.servers["freed_s"][batch["server"]]
        row += idle_class(idle_s) * int(queue["idle_rows"][v])
    times_s: Array = plan.tables[row] * pool["slowness"]
    if queue["warm"][v] >= 0:
        times_s *= warmed(record, queue["warm"][v], world.servers["warm"][batch["server"]])
    if queue["crowd"][v] >= 0:
        times_s *= plan.crowding[queue["crowd"][v], min(pool["busy"], MOST_CROWD) - 1]
    if pool["tempo_n"] > 0:
        beat = int(record["now_s"] / pool["tempo_s"]) % pool["tempo_n"]
        times_s *= plan.tempo[pool["tempo"] + beat]
    return times_s
