"""What may fail: a server of a pool, a pool, a link, or a site with all its pools and links.

Numbers are those of the plan. Knows no control, no cause and no scenario.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from twin.controls.control import Ground
from twin.kernel.state import GONE

WHOLE = -1


class Part(NamedTuple):
    """One thing that is up or down by itself: 'pool' a, 'server' b of pool a, or 'link' from site a to b."""

    kind: str
    a: int
    b: int = WHOLE

    def __str__(self) -> str:
        return f"{self.kind} {self.a}" if self.b == WHOLE else f"{self.kind} {self.a} {self.b}"


@dataclass(frozen=True)
class Target:
    """What fails together: whole pools and links (source, target), or the `server`-th server of the one pool."""

    name: str
    pools: tuple[int, ...] = ()
    links: tuple[tuple[int, int], ...] = ()
    server: int = WHOLE

    def parts(self, environment: Ground) -> tuple[Part, ...]:
        """What it is made of now; nothing when the pool has no such server (any more)."""
        if self.server == WHOLE:
            return (*(Part("pool", p) for p in self.pools), *(Part("link", *link) for link in self.links))
        (pool,) = self.pools
        standing = servers(environment, pool)
        return (Part("server", pool, standing[self.server]),) if self.server < len(standing) else ()

    def __deepcopy__(self, memo: dict[int, Any]) -> Target:
        """Itself: it never changes."""
        return self


def servers(environment: Ground, pool: int) -> list[int]:
    """Numbers of the servers of `pool` that are there, working or broken, but not taken away."""
    rows = environment.world.servers
    return [int(n) for n in np.sort(rows["number"][(rows["pool"] == pool) & (rows["state"] != GONE)])]
