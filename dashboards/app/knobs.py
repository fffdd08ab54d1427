"""The few values of a scenario that planners turn first, as fields of a form. Knows no Dash.

Which they are follows from what the scenario has: how often signals come, servers, when models are trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from twin import tree
from twin.scenario import Scenario

SKY, COMPUTING, TIMELINE, RUN = "What arrives", "Servers", "What happens", "The run"


@dataclass(frozen=True)
class Knob:
    """A value at a dotted `path`: `value` is what it is now, as a scenario writes it; `whole` ones are counted."""

    path: str
    label: str
    group: str
    value: str
    help: str
    number: bool = False
    whole: bool = False
    least: float | None = None
    most: float | None = None


def knobs(scenario: Scenario) -> list[Knob]:
    """Those of `scenario`, in the order of the form."""
    plain: dict[str, Any] = tree.parse(scenario.resolved(), "resolved").plain()
    return [*_sky(plain), *_pools(plain), *_timeline(plain), *_run(plain)]


def change(knob: Knob, given: object) -> str | None:
    """What the field holds as a change 'path=value'; None where it is what the scenario has, or empty."""
    text = _written(given, knob.whole)
    return None if text in ("", knob.value) else f"{knob.path}={text}"


def _written(given: object, whole: bool) -> str:
    if given is None:
        return ""
    if isinstance(given, float) and (whole or given.is_integer()):
        return str(int(given))
    return str(given).strip()


def _sky(plain: Mapping[str, Any]) -> Iterator[Knob]:
    sky = plain["sky"]
    if sky.get("signals"):
        text = "Signals of all classes come so many times as often as their rates say"
        value = _written(sky.get("multiplicity") or 1.0, False)
        yield Knob("sky.multiplicity", "Signals ×", SKY, value, text, number=True, least=1e-3, most=1e6)
    if sky.get("glitches"):
        text = "Noise transients of all classes together, in each detector; with a unit, such as 0.5 /min"
        path = "sky.glitches.rate"
        yield Knob(path, "Glitches per detector", SKY, _value(sky["glitches"]["rate"]), text)


def _pools(plain: Mapping[str, Any]) -> Iterator[Knob]:
    for site, about in plain["sites"].items():
        for name, pool in about.get("pools", {}).items():
            hardware = pool.get("hardware") or "server"
            yield Knob(
                f"sites.{site}.pools.{name}.servers",
                f"{site} · {name}",
                COMPUTING,
                str(pool["servers"]),
                f"Servers of kind {hardware}",
                number=True,
                whole=True,
                least=1,
                most=100_000,
            )


_FIELDS = {
    "retraining": {
        "every": ("every", "From one training to the next, such as 7 d"),
        "at": ("at", "Start, from the beginning of the run, such as 4 d 2 h"),
        "lasts": ("lasts", "How long the training takes, such as 30 min"),
    },
    "withdrawal": {"lasts": ("lasts", "How long the model is out of service, such as 12 h")},
    "storm": {"factor": ("× glitches", "So many times as many glitches while it lasts")},
    "outage": {"lasts": ("lasts", "How long it is down, such as 20 min")},
}


def _timeline(plain: Mapping[str, Any]) -> Iterator[Knob]:
    for name, entry in plain.get("timeline", {}).items():
        for key, (label, text) in _FIELDS.get(entry["kind"], {}).items():
            if entry.get(key) is not None:
                value = _written(entry[key], False)
                yield Knob(f"timeline.{name}.{key}", f"{name} · {label}", TIMELINE, value, text)


def _run(plain: Mapping[str, Any]) -> Iterator[Knob]:
    yield Knob("horizon", "Simulated time", RUN, str(plain["horizon"]), "With a unit, such as 7 d")
    text = "Independent repetitions: more of them make intervals narrower"
    yield Knob(
        "replicas", "Replicas", RUN, str(plain["replicas"]), text, number=True, whole=True, least=1, most=10_000
    )
    text = "Runs of the same seed have the same sky and luck, so that they can be compared"
    yield Knob("seed", "Seed", RUN, str(plain["seed"]), text, number=True, whole=True, least=0)


def _value(given: Any) -> str:
    return str(given["value"] if isinstance(given, dict) else given)
