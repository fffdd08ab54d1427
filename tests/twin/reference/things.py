"""What the reference moves about: jobs, batches, queues, servers, pools, links. Knows no rule."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from types import SimpleNamespace

from twin.kernel.state import FREE, PARTS


@dataclass(eq=False)
class Job:
    entity: int
    segment: int
    site: int
    born_s: float
    since_s: float
    stage: int = -1
    queue: int = -1
    shard: int = 0
    attempt: int = 0
    flag: int = 0
    missing: int = 0
    variant: int = 0
    entered_s: float = 0.0
    enqueued_s: float = 0.0
    outage_mark_s: float = 0.0
    hold_mark_s: float = 0.0
    transfer_s: float = 0.0
    join_s: float = 0.0
    queue_s: float = 0.0
    batch_s: float = 0.0
    outage_s: float = 0.0
    load_s: float = 0.0
    compute_s: float = 0.0
    timer_s: float = 0.0

    def parts(self):
        return tuple(getattr(self, part) for part in PARTS)


@dataclass(eq=False)
class Meeting:
    """Branches or shards of one entity that are not complete yet.

    Of shards, where they become stale together: the queues that have taken up one, and how the first ended early.
    """

    came: int = 0
    present: int = 0
    flag: int = 0
    missing: int = 0
    begun: set = field(default_factory=set)
    gone: int | None = None


@dataclass(eq=False)
class Wait:
    """A job that waits for verdicts on `pending` segments."""

    job: Job
    pending: int = 0
    over: bool = False


@dataclass(eq=False)
class Batch:
    jobs: list
    queue: Queue
    variant: int
    left_s: float = 0.0
    fails: bool = False
    server: Server | None = None
    start_s: float = 0.0
    load_s: float = 0.0
    runs: int = 0

    @property
    def slot(self):
        return self.queue.slot + self.variant


@dataclass(eq=False)
class Queue:
    """Waiting jobs of one stage at one pool, the batches that run, and those that were preempted (a stack)."""

    number: int
    stage: SimpleNamespace
    pool: Pool
    slot: int
    mean_s: float
    variants: list
    tables: list
    idle_rows: list
    warmth: list
    crowding: list
    decide: list
    memory_bytes: list
    load_time_s: list
    jobs: deque = field(default_factory=deque)
    running: list = field(default_factory=list)
    suspended: list = field(default_factory=list)
    timer_s: float = -1.0
    hold_s: float = 0.0
    hold_since_s: float = -1.0
    still_s: float = 0.0
    still_since_s: float = -1.0

    @property
    def still(self):
        """Whether no variant is there to serve it."""
        return self.stage.variant is None

    def outage_clock_s(self, now_s):
        """Time in which its pool was out, or was there and no variant was."""
        still_s = self.still_s + (now_s - self.still_since_s if self.still_since_s >= 0.0 else 0.0)
        return self.pool.outage_clock_s(now_s) + still_s

    def hold_clock_s(self, now_s):
        return self.hold_s + (now_s - self.hold_since_s) if self.hold_since_s >= 0.0 else self.hold_s


@dataclass(eq=False)
class Server:
    """`held`: slot of a program → when it was last used."""

    number: int
    state: int = FREE
    batch: Batch | None = None
    held: dict = field(default_factory=dict)
    used_bytes: float = 0.0
    freed_s: float = float("-inf")
    taken_s: float = 0.0
    warm: float = 0.0

    def forget(self):
        self.held.clear()
        self.used_bytes = 0.0
        self.freed_s = float("-inf")


@dataclass(eq=False)
class Pool:
    number: int
    site: int
    servers: int
    memory_bytes: float
    keep_warm_s: float
    resident: bool
    all: list
    free: list
    queues: list = field(default_factory=list)
    busy: int = 0
    surplus: int = 0
    up: bool = True
    open: bool = True
    transit: int = 0
    seen_load: float = 0.0
    slowness: float = 1.0
    tempo: list = field(default_factory=list)
    tempo_s: float = 1.0
    outage_s: float = 0.0
    outage_since_s: float = -1.0
    turn_due: bool = False
    in_turn: bool = False
    swaps: int = 0
    killed: int = 0
    preempted: int = 0
    areas_s: list = field(default_factory=lambda: [0.0, 0.0, 0.0])

    @property
    def queued(self):
        return sum(len(q.jobs) + sum(len(b.jobs) for b in q.suspended) for q in self.queues)

    @property
    def works(self):
        return self.up and self.servers > 0

    def load(self):
        """Jobs here and on their way, per server."""
        if self.servers <= 0:
            return float("inf")
        return (self.queued + self.transit + self.busy) / self.servers

    def outage_clock_s(self, now_s):
        return self.outage_s + (now_s - self.outage_since_s) if self.outage_since_s >= 0.0 else self.outage_s


@dataclass(eq=False)
class Link:
    """A fluid: `progress` is what each flow that was always there has moved; flows are [finish, order, job]."""

    latency_s: float
    bandwidth: float
    share: float
    open: bool
    progress: float = 0.0
    last_s: float = 0.0
    order: int = 0
    token: int = 0
    flows: list = field(default_factory=list)
    sent: int = 0
    bytes: float = 0.0
    busy_s: float = 0.0

    def rate(self):
        return self.bandwidth * self.share / len(self.flows)


def records(table):
    """Rows of a structured array as objects with plain Python numbers and lists."""
    columns = {name: table[name].tolist() for name in table.dtype.names}
    return [SimpleNamespace(**{name: values[k] for name, values in columns.items()}) for k in range(table.size)]
