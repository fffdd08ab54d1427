"""What one part of a scenario says about another: names that must exist, shares that must sum to one.

One function per rule, each yields what breaks it; those on stages are in twin.checks_stages and
twin.checks_graph, those on sky, timeline and drifts in twin.checks_sky, _timeline and _ageing. For twin.scenario;
knows no file and no profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from sites import catalogue
from twin import (
    checks_ageing,
    checks_alerts,
    checks_graph,
    checks_instrument,
    checks_shifts,
    checks_sky,
    checks_stages,
    checks_timeline,
)
from twin.phrases import KEY, Finding, followed, problem, unknown
from twin.tree import Node, Problem

if TYPE_CHECKING:
    from twin.scenario import Scenario

MOST_SEGMENTS = 400_000_000
MOST_REPORTS = 400_000_000
"""In one replica; the kernel takes minutes for so many."""


def all_of(scenario: Scenario, tree: Node) -> list[Problem]:
    """Every broken rule."""
    found = []
    for rule in RULES:
        for location, message in rule(scenario):
            at_key = location[-1] == KEY
            found.append(problem(tree, location[: len(location) - at_key], message, at_key=at_key))
    return found


def _instrument(s: Scenario) -> Iterator[Finding]:
    instrument = s.instrument
    if instrument.site not in s.sites:
        yield ("instrument", "site"), unknown("site", instrument.site, s.sites)
    if len(set(instrument.detectors)) < len(instrument.detectors):
        yield ("instrument", "detectors"), "names a detector twice"
    if s.horizon / instrument.stride > MOST_SEGMENTS:
        yield ("horizon",), f"makes more than {MOST_SEGMENTS:,} segments: shorten it or lengthen the stride"
    if s.drain / instrument.stride > MOST_SEGMENTS:
        yield ("drain",), f"is longer than {MOST_SEGMENTS:,} segments: shorten it"


def _reports(s: Scenario) -> Iterator[Finding]:
    asked = any(stage.route == "stale-least-loaded" for stage in s.stages.values())
    if asked and (s.horizon + s.drain) / s.load_reports > MOST_REPORTS:
        yield ("load_reports",), f"pools would report more than {MOST_REPORTS:,} times: make it longer"


def _warm_up(s: Scenario) -> Iterator[Finding]:
    if s.warm_up >= s.horizon:
        yield ("warm_up",), "leaves out the whole run: make it shorter than the horizon"
    elif s.warm_up and s.alerts is not None:
        yield ("warm_up",), "alerts as documents are accounted for over the whole run: leave it or 'alerts' away"


def _places(s: Scenario) -> Iterator[Finding]:
    known = catalogue.sites()
    for name, site in s.sites.items():
        if (site.latitude is None) != (site.longitude is None):
            yield ("sites", name, KEY), "needs both latitude and longitude, or neither"
        elif site.latitude is None and name not in known:
            message = followed(unknown("site", name, known), "For a site of your own, give latitude and longitude")
            yield ("sites", name, KEY), message


def _links(s: Scenario) -> Iterator[Finding]:
    for name in s.links:
        ends = name.split("--")
        if len(ends) != 2 or ends[0] == ends[1]:
            yield ("links", name, KEY), f"'{name}': a link is written 'site--site', with two different sites"
            continue
        for end in ends:
            if end not in s.sites:
                yield ("links", name, KEY), unknown("site", end, s.sites)
        if "--".join(reversed(ends)) in list(s.links)[: list(s.links).index(name)]:
            yield ("links", name, KEY), f"'{name}': this link is given twice; it holds in both directions"


def _targets(s: Scenario) -> Iterator[Finding]:
    quantiles = sorted(s.targets.alert_latency, key=lambda name: int(name[1:]))
    for low, high in pairwise(quantiles):
        if s.targets.alert_latency[low] > s.targets.alert_latency[high]:
            yield ("targets", "alert_latency", high), f"is less than the target of {low}"
    sent = checks_graph.publishing(s)
    if s.targets.product is not None and s.targets.product not in sent:
        yield ("targets", "product"), unknown("product", s.targets.product, sent)


def _profiles(s: Scenario) -> Iterator[Finding]:
    for k, folder in enumerate(s.profiles):
        if checks_sky.leads_out(folder):
            yield ("profiles", k), f"'{folder}' leads out of the scenario's folder: give a folder inside it"


def _profile_terms(s: Scenario) -> Iterator[Finding]:
    if s.profile_terms and "occupancy" not in s.profile_terms:
        yield (
            ("profile_terms",),
            "lists no 'occupancy', which the other terms change: add it, or give [] for programs' own times alone",
        )


RULES = (
    _instrument,
    _reports,
    *checks_instrument.RULES,
    *checks_sky.RULES,
    _warm_up,
    _places,
    _links,
    *checks_stages.RULES,
    *checks_graph.RULES,
    *checks_timeline.RULES,
    *checks_ageing.RULES,
    *checks_alerts.RULES,
    *checks_shifts.RULES,
    _targets,
    _profiles,
    _profile_terms,
)
"""Every rule; a new one is a function in this list."""
