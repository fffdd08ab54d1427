"""Servers of other hosts for a farm: finds one of the right kind for every seat, and has hosts offer theirs.

A seat is one long task on a host that offers the resource named after its hardware and has a unit of it free: Dask
itself would also queue it behind another, though a third host joins. The task starts a process that goes to the
twin's door (`twin.farm.door`). What the farm computes never passes through Dask, so that a run goes on without its
scheduler; only replacements wait until it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import secrets
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import dask.config
from distributed import Client, Future, Security, Worker

from twin.farm.door import Post
from twin.farm.host import Host
from twin.farm.place import FarmError, Seat
from twin.farm.secure import Scheduler, greet

Say = Callable[[str], None]
LOOK_S, RETRY_S, CONNECT_S = 0.2, 1.0, 5.0
"""How often tasks are looked after, a scheduler that does not answer is called again, and how long it may take."""
QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1 s",
    "distributed.admin.tick.limit": "1 h",
    "distributed.admin.system-monitor.interval": "10 s",
}
"""Dask watches itself a hundred times a second, on the cores that the farm's programs are timed on."""
_log = logging.getLogger(__name__)
_host: Host | None = None


@dataclass
class _Offer:
    """A host's `servers` by kind, and the keys of the tasks that it holds already: each has one of them."""

    servers: dict[str, float]
    held: set[Any]

    def free(self, kind: str) -> int:
        """How many more seats of that kind it can take."""
        return max(0, round(self.servers.get(kind, 0.0)) - len(self.held))


@dataclass
class _Task:
    """What a seat waits for, on the host at `address`."""

    future: Future[Any]
    address: str


class Cluster:
    """A client of `scheduler`, whose waiting is done in a thread of its own.

    `awaits` tells whether a post's worker has not come yet, `failed` hears in words that one cannot come.
    FarmError when the scheduler is not there.
    """

    def __init__(self, scheduler: Scheduler, awaits: Callable[[Post], bool], failed: Say) -> None:
        self._scheduler, self._awaits, self._failed = scheduler, awaits, failed
        try:
            self._client = self._connected()
        except OSError as error:
            raise nobody(scheduler, error) from error
        self._is_lost = False
        self._asked: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._wanted: dict[Seat, tuple[str, Post]] = {}
        self._tasks: dict[Seat, _Task] = {}
        self._thread = threading.Thread(target=self._look_after, daemon=True, name="ettwin-cluster")
        self._thread.start()

    def await_servers(self, needed: Mapping[str, int]) -> None:
        """Until so many servers of each kind are free; FarmError when they are not in the scheduler's time."""
        late_s = time.monotonic() + self._scheduler.wait_s
        while True:
            free: Counter[str] = Counter()
            for offer in self._offers().values():
                free.update({kind: offer.free(kind) for kind in offer.servers})
            missing = [kind for kind, n in needed.items() if free[kind] < n]
            if not missing:
                return
            if time.monotonic() > late_s:
                address, kind = self._scheduler.address, missing[0]
                raise FarmError(
                    f"{address}: not enough servers are free after {self._scheduler.wait_s:g} s. Needed: "
                    f"{_listed(needed)}; there are: {_listed(+free) or 'none'}. Start a worker: ettwin worker "
                    f"{address} --hardware {kind} --servers {needed[kind] - free[kind]}"
                )
            time.sleep(LOOK_S)

    def place(self, seat: Seat, kind: str, post: Post) -> None:
        """Have a server of that kind go to `post`, in place of any other for `seat`; returns at once."""
        self._asked.put(lambda: self._want(seat, kind, post))

    def release(self, seat: Seat) -> None:
        """Nobody is needed for `seat`; returns at once."""
        self._asked.put(lambda: self._forget(seat))

    def close(self) -> None:
        """Leave the scheduler, which forgets what still waits for a server."""
        self._asked.put(None)
        self._thread.join()
        self._client.close(timeout=RETRY_S)

    def _connected(self) -> Client:
        """A new client; OSError when nobody answers."""
        client = Client(
            self._scheduler.address,
            security=security(self._scheduler),
            timeout=CONNECT_S,
            set_as_default=False,
            direct_to_workers=False,
            name="ettwin",
        )
        for name in ("distributed", "distributed.client"):  # what happens is said here, in our words
            logging.getLogger(name).setLevel(logging.CRITICAL)
        return client

    def _offers(self) -> dict[str, _Offer]:
        """What each host that has joined offers, by its address."""
        joined, held = self._client.scheduler_info(n_workers=-1)["workers"], self._client.processing()
        offers = {a: _Offer(dict(w["resources"]), set(held.get(a, ()))) for a, w in joined.items()}
        for task in self._tasks.values():
            if task.address in offers and not task.future.done():
                offers[task.address].held.add(task.future.key)
        return offers

    def _look_after(self) -> None:
        """What is asked is done in its order, and it is looked after the tasks of those who have not come yet."""
        try:
            while True:
                with contextlib.suppress(queue.Empty):
                    if (ask := self._asked.get(timeout=LOOK_S)) is None:
                        return
                    ask()
                if self._is_connected():
                    self._wanted = {seat: want for seat, want in self._wanted.items() if self._awaits(want[1])}
                    with contextlib.suppress(OSError, CancelledError):  # the scheduler has gone meanwhile
                        self._look_at_all()
        except Exception as error:  # whatever it is, the run has to hear of it
            self._failed(f"{self._scheduler.address}: {type(error).__name__}: {error}")

    def _look_at_all(self) -> None:
        for seat, (kind, post) in list(self._wanted.items()):
            offers, task = self._offers(), self._tasks.get(seat)
            if task is not None and task.future.status in ("finished", "error"):
                why = _why(task.future)
                if self._awaits(post):
                    del self._wanted[seat]
                    self._failed(f"the worker of server {seat} could not come: {why}")
            elif task is None or task.future.status != "pending" or task.address not in offers:
                self._cancel(seat)
                self._submit(seat, kind, post, offers)

    def _submit(self, seat: Seat, kind: str, post: Post, offers: Mapping[str, _Offer]) -> None:
        """To the host that has most servers free; to none while all are taken."""
        address = max(offers, key=lambda a: offers[a].free(kind), default="")
        if address and offers[address].free(kind) > 0:
            key = f"ettwin-{seat[0]}-{seat[1]}-{secrets.token_hex(8)}"
            given = {"resources": {kind: 1}, "workers": [address], "allow_other_workers": False}
            self._tasks[seat] = _Task(
                self._client.submit(man, asdict(post), key=key, pure=False, **given), address
            )

    def _is_connected(self) -> bool:
        """Tries to be, and says what has changed."""
        status = self._client.status
        if status == "closed":  # it tried for CONNECT_S
            with contextlib.suppress(OSError, FarmError):
                self._client = self._connected()
                status = self._client.status
        if self._is_lost != (status != "running"):
            self._is_lost = not self._is_lost
            what = "is gone: the run goes on, and who is lost is replaced when it is back"
            _log.warning("the scheduler at %s %s", self._scheduler.address, what if self._is_lost else "is back")
        return not self._is_lost

    def _want(self, seat: Seat, kind: str, post: Post) -> None:
        self._forget(seat)
        self._wanted[seat] = kind, post

    def _forget(self, seat: Seat) -> None:
        self._wanted.pop(seat, None)
        self._cancel(seat)

    def _cancel(self, seat: Seat) -> None:
        if (task := self._tasks.pop(seat, None)) is not None:
            task.future.cancel()


def man(post: Mapping[str, Any]) -> tuple[int, str]:
    """The task of a seat, on the host that got it: what `Host.man` gives, when the twin has hung up."""
    if _host is None:
        raise FarmError("this Dask worker was not started by 'ettwin worker'")
    return _host.man(Post(**post))


def nobody(scheduler: Scheduler, error: OSError) -> FarmError:
    """What to say when it does not answer."""
    return FarmError(
        f"no scheduler answers at {scheduler.address} ({error}): start one there, or correct the address; "
        "docs/farm.md says how"
    )


def join(scheduler: Scheduler, hardware: str, servers: int, cores: Sequence[int], address: str, say: Say) -> None:
    """Offer `servers` of a kind of hardware to the twins of `scheduler`, until interrupted.

    `address` is what the scheduler is to call us by, where it matters. When the scheduler goes, twins are served
    until they hang up; then we join again. FarmError when certificates do not fit or cores cannot be dealt out.
    """
    global _host
    _host = Host(scheduler.certificates, servers, cores, say)
    logging.getLogger("distributed").setLevel(logging.ERROR)
    try:
        with dask.config.set(QUIET):
            asyncio.run(_join(_host, scheduler, hardware, servers, address, say))
    finally:
        _host.close()


async def _join(host: Host, scheduler: Scheduler, hardware: str, servers: int, address: str, say: Say) -> None:
    while True:
        await _found(scheduler, say)
        earlier = host.processes()  # of twins that go on without the scheduler that they came by
        with tempfile.TemporaryDirectory(prefix="ettwin-") as folder:
            worker = Worker(
                scheduler.address,
                nthreads=servers,
                resources={hardware: servers - len(earlier)},
                executor=_Patient(servers),
                security=security(scheduler),
                host=address or None,
                protocol=scheduler.address.partition(":")[0],
                dashboard_address="127.0.0.1:0",
                local_directory=folder,
                memory_limit=0,
                death_timeout=CONNECT_S,
            )
            async with worker:
                say(f"joined {scheduler.address} as {hardware} × {servers - len(earlier)}")
                await _offered(worker, host, hardware, servers, earlier)
        busy = f"; servers that stay with their twins: {len(host.processes())}" if host.processes() else ""
        say(f"the scheduler at {scheduler.address} is gone{busy}")


async def _offered(worker: Worker, host: Host, hardware: str, servers: int, earlier: frozenset[int]) -> None:
    """Until the worker leaves; what `earlier` processes leave is offered too."""
    finished = asyncio.ensure_future(worker.finished())
    while not (await asyncio.wait({finished}, timeout=LOOK_S))[0]:
        if earlier != (left := earlier & host.processes()):
            earlier = left
            with contextlib.suppress(OSError):  # the scheduler goes
                await worker.set_resources(**{hardware: servers - len(earlier)})


async def _found(scheduler: Scheduler, say: Say) -> None:
    """Wait until the scheduler answers."""
    has_said = False
    while True:
        try:
            await asyncio.to_thread(greet, scheduler)
        except OSError as error:
            if not has_said:
                say(f"no scheduler answers at {scheduler.address} yet ({error})")
            has_said = True
            await asyncio.sleep(RETRY_S)
        else:
            return


class _Patient(ThreadPoolExecutor):
    """Seats outlive the scheduler: they are not waited for when Dask shuts down."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=cancel_futures)


def _why(future: Future[Any]) -> str:
    if future.status == "error":
        return f"{type(future.exception()).__name__}: {future.exception()}"
    code, last = future.result()
    return f"its process left with code {code}: {last.strip()}"


def security(scheduler: Scheduler) -> Security:
    """What Dask needs to speak to it."""
    files = scheduler.certificates
    if files is None:
        return Security(require_encryption=False)
    return Security(
        tls_ca_file=files.ca,
        tls_client_cert=files.cert,
        tls_client_key=files.key,
        tls_worker_cert=files.cert,
        tls_worker_key=files.key,
        require_encryption=True,
    )


def _listed(servers: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} × {n}" for kind, n in sorted(servers.items()))
