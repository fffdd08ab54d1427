"""What becomes of a target that is hit: down at once, noticed after a while, up again, used again a while later.

The part that outages, failures and traces share. Knows neither when something is hit nor why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from twin.controls import causes
from twin.controls.control import Control, Ground
from twin.controls.targets import WHOLE, Part, Target
from twin.kernel.state import DRAIN


@dataclass(frozen=True)
class Failover:
    """Routes avoid what is down from `detect_s` on, and for `fail_back_s` after it works again.

    `evacuate`: what waits at a pool then chooses another one, where its stage has one.
    """

    detect_s: float
    fail_back_s: float = 0.0
    evacuate: bool = False

    def __deepcopy__(self, memo: dict[int, Any]) -> Failover:
        """Itself: it never changes."""
        return self


@dataclass(kw_only=True)
class Incidents(Control):
    """A control that hits `targets`; running work finishes, waits again or is lost by `mode` (state.MODES).

    Flows on a link stall and go on afterwards. Without `failover` nobody notices: work is still sent there.
    """

    targets: tuple[Target, ...]
    mode: int = DRAIN
    failover: Failover | None = None

    def hit(
        self, environment: Ground, now_s: float, k: int, lasts_s: float, mode: int, mark: tuple[str, str]
    ) -> None:
        """Target number `k` is down for `lasts_s` from now on; remembered as `mark`, its kind and name."""
        found = self.targets[k].parts(environment)
        if not found:
            return
        number = found[0].b if self.targets[k].server != WHOLE else WHOLE
        for part in found:
            causes.strike(environment, part, mode)
        end_s = now_s + lasts_s
        environment.marks.append((*mark, now_s, end_s))
        failover = self.failover if number == WHOLE else None  # a pool sees by itself which server works
        noticed = failover is not None and failover.detect_s < lasts_s
        if failover is not None and noticed:
            self.plan(now_s + failover.detect_s, "notice", k, number)
        self.plan(end_s, "recover", k, number)
        if failover is not None and noticed:
            self.plan(end_s + failover.fail_back_s, "admit", k, number)

    def do(self, environment: Ground, now_s: float, verb: str, *about: int) -> None:
        """Notice, recover or use again; subclasses add what hits."""
        k, number = about
        for part in self._parts(environment, k, number):
            if verb == "notice":
                causes.shut(environment, part)
            elif verb == "recover":
                causes.recover(environment, part)
            else:
                causes.admit(environment, part)
        if verb == "notice" and self.failover is not None and self.failover.evacuate:
            for pool in self.targets[k].pools:
                environment.evacuate(pool)

    def _parts(self, environment: Ground, k: int, number: int) -> Sequence[Part]:
        target = self.targets[k]
        return (Part("server", target.pools[0], number),) if number != WHOLE else target.parts(environment)
