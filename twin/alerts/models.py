"""Which program said so: of every search, its workload, weights, training, and what was measured of it.

For twin.alerts.extension and public. Reads profiles and cards; executes and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.checks_graph import stride_of
from twin.programs import Programs, pool_spec, programs
from workloads import card
from workloads.profile import Profile, find

if TYPE_CHECKING:
    from twin.record import Record
    from twin.scenario import Scenario

CLASSES, SKY_MAP = "source-classes", "sky-map"
"""Workloads whose measured quality documents are drawn from."""
_STANDIN = ("numpy", "epyc-core")
"""Runtime and hardware of the shipped profile that stands for them where a scenario has no such stage."""


class AlertError(ValueError):
    """Alerts cannot be written or read: what is missing or wrong, and what to do."""


@dataclass(frozen=True)
class Model:
    """The program of one stage and variant. Without a workload, only its efficiency was stated."""

    stage: str
    variant: str
    hardware: tuple[str, ...]
    far_hz: float
    """False alarms per second at the threshold that decides."""
    workload: str | None = None
    runtime: str | None = None
    profile: Profile | None = None
    card: Mapping[str, Any] | None = None
    standing: str = "assumed"
    source: str = ""

    @cached_property
    def measured(self) -> str | None:
        """SHA-256 of the profile."""
        return None if self.profile is None else self.profile.digest

    @property
    def weights(self) -> str | None:
        """SHA-256 of the weights that were measured."""
        return None if self.profile is None else self.profile.passport.get("weights_sha256")


@dataclass(frozen=True)
class Models:
    """Of a run: searches by stage and variant, stages that flag, and the judges that documents are drawn from."""

    searches: Mapping[tuple[str, str], Model]
    flags: Mapping[str, Model]
    classes: Profile
    sky_map: Profile
    performed: frozenset[str] = field(default_factory=frozenset)
    """Workloads that stages of the scenario run."""


def models(record: Record, folders: tuple[Path, ...] = (Path("profiles"),)) -> Models:
    """The models of a run, from the programs it ran with, or from profiles in `folders` and the shipped ones.

    Raises AlertError when those are not the profiles of the run.
    """
    scenario = record.scenario
    known = record.programs
    if known is None:
        known = programs(scenario, (*folders, *scenario.profile_folders))
        _same(record, known)
    found = {(use.stage, use.variant): _model(scenario, known, use.stage, use.variant) for use in known.uses}
    for name, stage in scenario.stages.items():
        if stage.finds is not None:
            hardware = tuple(dict.fromkeys(pool_spec(scenario, pool).hardware for pool in stage.on))
            told = f"stages.{name}.finds: {stage.finds.source}"
            rate_hz = stage.finds.false_alarms
            found[name, "primary"] = Model(
                name, "primary", hardware, rate_hz, standing=stage.finds.standing, source=told
            )
    roles = {name: stage.role for name, stage in scenario.stages.items()}
    ran = {use.profile.workload: use.profile for use in known.uses}
    return Models(
        searches={key: model for key, model in found.items() if roles[key[0]] == "trigger"},
        flags={key[0]: model for key, model in found.items() if roles[key[0]] == "flag" and key[1] == "primary"},
        classes=ran.get(CLASSES) or find(CLASSES, *_STANDIN, ()),
        sky_map=ran.get(SKY_MAP) or find(SKY_MAP, *_STANDIN, ()),
        performed=frozenset(ran),
    )


def _model(scenario: Scenario, known: Programs, stage: str, variant: str) -> Model:
    own = [use for use in known.uses if (use.stage, use.variant) == (stage, variant)]
    profile, decision = own[0].profile, own[0].program.decision
    far_hz = 0.0 if decision is None else decision.noise / stride_of(scenario, stage)
    return Model(
        stage,
        variant,
        tuple(dict.fromkeys(use.profile.hardware for use in own)),
        far_hz,
        workload=profile.workload,
        runtime=profile.runtime,
        profile=profile,
        card=_card(profile),
        standing=str(profile.passport["standing"]),
        source=f"profile of {profile.workload} on {profile.runtime}, {profile.passport['date']}",
    )


def _card(profile: Profile) -> Mapping[str, Any] | None:
    """The shipped card of the weights that the profile was measured with; None where they are others."""
    try:
        content = card.read(profile.workload)
    except card.WeightsError:
        return None
    return content if content["weights_sha256"] == profile.passport.get("weights_sha256") else None


def _same(record: Record, known: Programs) -> None:
    """Raise AlertError unless these are the profiles that the record's manifest names."""
    wanted = record.manifest.get("profiles", {})
    for use in known.uses:
        path = use.profile.path
        name = "" if path is None else f"{path.parent.name}/{path.name}"
        if wanted.get(name) != use.profile.digest:
            raise AlertError(
                f"the profile {name} found here is not the one of the run: give the run's with --profiles DIR"
            )
