"""Why things are down, closed, slow or withdrawn, counted: a thing is well again when its last cause is gone.

The one place where controls that overlap meet. The counts are the environment's (`causes`), under texts such as
'down pool 3', so that they are copied and kept with a run. Knows targets, not why they are hit.
"""

from __future__ import annotations

from twin.controls.control import Ground
from twin.controls.targets import Part


def strike(environment: Ground, part: Part, mode: int) -> None:
    """One more cause takes `part` down; what runs there finishes, waits again or is lost (state.MODES)."""
    _more(environment, f"down {part}")
    if part.kind == "pool":
        environment.down(part.a, mode)
    elif part.kind == "server":
        environment.fail(part.a, part.b, mode)
    else:
        _set_share(environment, part)


def recover(environment: Ground, part: Part) -> None:
    """One cause less: after the last, `part` works again, and opens to routes if that was only waited for."""
    if _fewer(environment, f"down {part}") > 0:
        return
    if part.kind == "pool":
        environment.restore(part.a)
    elif part.kind == "server":
        environment.repair(part.a, part.b)
    else:
        _set_share(environment, part)
    for _ in range(environment.causes.pop(f"held {part}", 0)):
        _open(environment, part)


def shut(environment: Ground, part: Part) -> None:
    """One more cause for routes to avoid `part`."""
    if _more(environment, f"closed {part}") > 1:
        return
    if part.kind == "pool":
        environment.close(part.a)
    elif part.kind == "link":
        environment.link_close(part.a, part.b)


def admit(environment: Ground, part: Part) -> None:
    """One cause less for routes to avoid `part`; while it is down it stays closed, until it works again."""
    if environment.causes.get(f"down {part}", 0) > 0:
        _more(environment, f"held {part}")
    else:
        _open(environment, part)


def degrade(environment: Ground, part: Part, factor: float) -> None:
    """One more cause for `part` to be `factor` times slower, or to have that share of its bandwidth."""
    _more(environment, f"{_DEGRADED[part.kind]} {part} {factor!r}")
    _set_degraded(environment, part)


def improve(environment: Ground, part: Part, factor: float) -> None:
    """One cause less of what `degrade` does."""
    _fewer(environment, f"{_DEGRADED[part.kind]} {part} {factor!r}")
    _set_degraded(environment, part)


def withdraw(environment: Ground, stage: int, variant: int) -> None:
    """One more cause for this variant of the stage not to be there."""
    if _more(environment, f"out stage {stage} {variant}") == 1:
        environment.withdraw(stage, variant)


def reinstate(environment: Ground, stage: int, variant: int) -> None:
    """One cause less: after the last, this variant of the stage is there again."""
    if _fewer(environment, f"out stage {stage} {variant}") == 0:
        environment.reinstate(stage, variant)


_DEGRADED = {"pool": "slow", "link": "share"}


def _open(environment: Ground, part: Part) -> None:
    if _fewer(environment, f"closed {part}") > 0:
        return
    if part.kind == "pool":
        environment.reopen(part.a)
    elif part.kind == "link":
        environment.link_reopen(part.a, part.b)


def _set_degraded(environment: Ground, part: Part) -> None:
    if part.kind == "link":
        _set_share(environment, part)
    else:
        environment.degrade(part.a, _product(environment, f"slow {part} "))


def _set_share(environment: Ground, part: Part) -> None:
    down = environment.causes.get(f"down {part}", 0) > 0
    environment.link_share(part.a, part.b, 0.0 if down else _product(environment, f"share {part} "))


def _product(environment: Ground, prefix: str) -> float:
    """The product of the factors that stand after `prefix`; exactly 1 when none does."""
    product = 1.0
    for key in sorted(key for key in environment.causes if key.startswith(prefix)):
        product *= float(key.removeprefix(prefix)) ** environment.causes[key]
    return product


def _more(environment: Ground, key: str) -> int:
    environment.causes[key] = environment.causes.get(key, 0) + 1
    return environment.causes[key]


def _fewer(environment: Ground, key: str) -> int:
    left = environment.causes.pop(key) - 1
    if left > 0:
        environment.causes[key] = left
    return left
