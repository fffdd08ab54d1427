"""Works out what the other pages of a run show while the first one is looked at: who looks on need not wait.

Knows no page and no Dash. One run at a time; of those that wait, the one that was looked at last.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock, Thread

log = logging.getLogger("ettwin.dash")


class Ahead:
    """Has `prepare` work out the run of an id, in a thread of its own."""

    def __init__(self, prepare: Callable[[str], object]) -> None:
        self._prepare = prepare
        self._lock = Lock()
        self._wanted: str | None = None
        self._works = False

    def want(self, id: str) -> None:
        """Prepare this run next."""
        with self._lock:
            self._wanted = id
            if not self._works:
                Thread(target=self._work, name="ahead", daemon=True).start()
            self._works = True

    def _work(self) -> None:
        while (id := self._next()) is not None:
            try:
                self._prepare(id)
            except Exception as error:  # the page itself will tell who asks for it
                log.debug("not prepared: %s: %s", id, error)

    def _next(self) -> str | None:
        with self._lock:
            id, self._wanted = self._wanted, None
            self._works = id is not None
            return id
