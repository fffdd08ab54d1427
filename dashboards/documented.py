"""How many alerts `ettwin run` writes as documents, and what it says of them. Knows no document."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from dashboards.terminal import FAILED, USAGE, fail, say
from twin import words

if TYPE_CHECKING:
    from twin.record import Record
    from twin.scenario import Scenario


def most(given: str | None, skymaps: bool, scenario: Scenario) -> int | None:
    """How many documents of a replica are written: 0 none, None all. Found out before anything is simulated.

    Leaves where those that are asked for cannot be written; where nobody asked, says why there will be none.
    """
    from twin.alerts.models import AlertError
    from twin.alerts.writing import USUAL

    wanted = USUAL if given is None else _number(given)
    if wanted == 0:
        if skymaps:
            fail(f"--skymaps: go into alerts, and --alerts {given} writes none: leave one of them out", USAGE)
        return 0
    try:
        _ready(scenario)
    except AlertError as error:
        if given is not None:
            fail(f"--alerts {given}: {error}", FAILED)
        say(f"no alerts are written: {error}")
        return 0
    except ModuleNotFoundError as error:
        if given is not None or skymaps or scenario.alerts is not None:
            raise
        extra = "pip install 'et-twin[alerts]'"
        say(f"no alerts are written: no module '{error.name}': {extra}, or give --alerts none")
        return 0
    return wanted


def tell(record: Record, folder: Path) -> None:
    """Say where the alerts of the run are, how many, and how to have the others; and their capsules."""
    from twin.alerts import writing
    from twin.archive import of_run
    from twin.record import NOTED

    told = record.manifest.get(NOTED)
    if told is None:
        return
    n, of = told["written"], told["of"]
    if of == 0:
        say("no alert was sent, so none is written")
    elif n == of:
        say(f"{words.count(n, 'alert')} {'is' if n == 1 else 'are'} in {folder / writing.FOLDER}")
    else:
        rest = f"all: ettwin alerts {shlex.quote(str(folder))} --write DIR"
        say(f"{n:,} of {of:,} alerts are in {folder / writing.FOLDER}, the first in time; {rest}")
    if of_run.wanted(record):
        _tell_capsules(record, folder)


def _tell_capsules(record: Record, folder: Path) -> None:
    from twin.archive import of_run

    if why := of_run.why_none(record):
        say(f"no capsules: {why}")
        return
    from twin.alerts.accounts import strain_bytes

    place, policy = folder / of_run.FOLDER, record.scenario.alerts
    assert policy is not None
    n = len(list((place / "capsules").glob("*.json")))
    held = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    stated = words.size(n * strain_bytes(record, policy))
    say(f"{n:,} capsules are in {place}, signed by a key that is not kept; note its public one")
    say(
        f"they take {words.size(held)} with the models: the strain that programs were given; the policy is "
        f"accounted with alerts.window of every detector, {stated} for as many"
    )


def _number(given: str) -> int | None:
    if given == "all":
        return None
    if given == "none":
        return 0
    if not (given.isascii() and given.isdigit() and len(given) <= 12):
        fail(f"--alerts {given}: give how many, or 'all' or 'none'", USAGE)
    return int(given)


def _ready(scenario: Scenario) -> None:
    """Raise ModuleNotFoundError where something that documents need is not installed.

    AlertError where there can be none of this scenario.
    """
    from twin.alerts import notices, official

    official.ready()
    policy = notices.policy_for(scenario)
    if policy.skymaps:
        from twin.alerts import skymap

        skymap.ready()
    if policy.archives == "capsule" and scenario.live:
        from twin.archive import sealed

        sealed.passing()
