"""Rules about alerts as documents: every product is a known kind of notice, nothing is listed twice.

For twin.checks, where every rule is listed. Knows no file and no profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from twin.alerts import moments
from twin.checks_graph import publishing
from twin.phrases import KEY, Finding, unknown
from twin.schema_alerts import usual

if TYPE_CHECKING:
    from twin.scenario import Scenario
    from twin.schema_alerts import Alerts


def _types(s: Scenario) -> Iterator[Finding]:
    """Every product has a kind of notice, and only products have."""
    if s.alerts is None:
        return
    sent = publishing(s)
    for product in s.alerts.types:
        if product not in sent:
            yield ("alerts", "types", product, KEY), unknown("product", product, sent)
    for product in sent:
        if product not in s.alerts.types and not usual(product):
            message = f"'{product}' is published: say which notice that is, such as 'types: {{{product}: UPDATE}}'"
            yield ("alerts", KEY), message


def too_long(s: Scenario, alerts: Alerts) -> str:
    """What is wrong where a run goes on after the days that the ids of superevents name; '' if nothing."""
    verdict_s = 0.0 if alerts.retract_after is None else alerts.retract_after.value
    last_s = alerts.epoch.value + s.horizon + s.drain + verdict_s
    if last_s < moments.END_S:
        return ""
    latest_s = max(moments.END_S - (last_s - alerts.epoch.value), 0.0)
    return (
        "the run would go on after 2079, and the six digits of the day in an alert's id name days from 1980 "
        f"to 2079: give an epoch of at most {latest_s:.10g} s, in GPS time"
    )


def _dated(s: Scenario) -> Iterator[Finding]:
    """Everything happens while the six digits of a superevent's day name one day only."""
    if s.alerts is not None and (message := too_long(s, s.alerts)):
        yield ("alerts", "epoch"), message


def _carried(s: Scenario) -> Iterator[Finding]:
    """What is carried or kept has something to be of."""
    if s.alerts is None:
        return
    carries = s.alerts.carries
    for k, part in enumerate(carries):
        if part in carries[:k]:
            yield ("alerts", "carries", k), f"'{part}' is listed twice"
    if s.alerts.retracts == "flagged" and s.alerts.retract_after is None:
        yield ("alerts", "retracts"), "nothing is retracted without 'retract_after': give it, or leave this out"


RULES = (_types, _dated, _carried)
"""Every rule on alerts."""
