"""What the text of a target means in a scenario: 'site', 'site.pool', 'site.pool.3', 'site.pool.*', 'site--site'.

For checks, the plan and traces of failures. Knows no control's rules and no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.phrases import unknown
from twin.schema_timeline import Scaling

if TYPE_CHECKING:
    from twin.controls.targets import Target
    from twin.scenario import Scenario

SITE, POOL, SERVER, SERVERS, LINK = "site", "pool", "server", "servers", "link"


def kind(text: str) -> str:
    """What a target's text speaks of, by its form alone: a site, pool, server, each of its servers, or a link."""
    if "--" in text:
        return LINK
    dots = text.count(".")
    return (SITE, POOL)[dots] if dots < 2 else SERVERS if text.endswith(".*") else SERVER


def complaint(scenario: Scenario, text: str) -> str:
    """What is wrong with the text of a target; nothing when there is such a thing."""
    if kind(text) == LINK:
        return _link_complaint(scenario, text)
    site, *below = text.split(".")
    if site not in scenario.sites:
        return unknown("site", site, scenario.sites)
    pools = scenario.sites[site].pools
    if below and below[0] not in pools:
        return f"{unknown('pool', below[0], pools)} (at {site})"
    if len(below) < 2 or below[1:] == ["*"]:
        return ""
    servers = slots(scenario, f"{site}.{below[0]}")
    if len(below) > 2 or not below[1].isdecimal() or int(below[1]) >= servers:
        return f"'{text}': a server is written '{site}.{below[0]}.0' to '.{servers - 1}', or '.*' for each of them"
    return ""


def _link_complaint(scenario: Scenario, text: str) -> str:
    ends = text.split("--")
    if len(ends) != 2 or ends[0] == ends[1]:
        return f"'{text}': a link is written 'site--site', with two different sites"
    wrong = [end for end in ends if end not in scenario.sites]
    return unknown("site", wrong[0], scenario.sites) if wrong else ""


def targets(scenario: Scenario, text: str) -> tuple[Target, ...]:
    """What the text of a target names, by the numbers of the plan: several for all servers by themselves."""
    from twin.controls.targets import Target  # numba is not needed to check a scenario

    sites, pools = list(scenario.sites), pool_names(scenario)
    if kind(text) == LINK:
        a, b = (sites.index(end) for end in text.split("--"))
        return (Target(text, links=((a, b), (b, a))),)
    if kind(text) == SITE:
        here = sites.index(text)
        there = [k for k in range(len(sites)) if k != here]
        own = tuple(k for k, name in enumerate(pools) if name.startswith(f"{text}."))
        return (Target(text, own, tuple(link for k in there for link in ((here, k), (k, here)))),)
    site, pool, *server = text.split(".")
    number = pools.index(f"{site}.{pool}")
    if not server:
        return (Target(text, (number,)),)
    numbers = range(slots(scenario, f"{site}.{pool}")) if server == ["*"] else [int(server[0])]
    return tuple(Target(f"{site}.{pool}.{k}", (number,), server=k) for k in numbers)


def pool_names(scenario: Scenario) -> list[str]:
    """Every pool as 'site.pool', by the numbers of the plan."""
    return [f"{site}.{name}" for site, spec in scenario.sites.items() for name in spec.pools]


def slots(scenario: Scenario, pool: str) -> int:
    """How many servers a pool may have at most, those that a scaling policy may add included."""
    site, _, name = pool.partition(".")
    most = [e.max_servers for e in scenario.timeline.values() if isinstance(e, Scaling) and e.pool == pool]
    return max(scenario.sites[site].pools[name].servers, *most, 0)
