"""Rules about alerts as documents: every product is a known kind of notice, nothing is listed twice.

For twin.checks, where every rule is listed. Knows no file and no profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from twin.checks_graph import publishing
from twin.phrases import KEY, Finding, unknown
from twin.schema_alerts import USUAL

if TYPE_CHECKING:
    from twin.scenario import Scenario


def _types(s: Scenario) -> Iterator[Finding]:
    """Every product has a kind of notice, and only products have."""
    if s.alerts is None:
        return
    sent = publishing(s)
    for product in s.alerts.types:
        if product not in sent:
            yield ("alerts", "types", product, KEY), unknown("product", product, sent)
    for product in sent:
        if product not in s.alerts.types and product not in USUAL:
            message = f"'{product}' is published: say which notice that is, such as 'types: {{{product}: UPDATE}}'"
            yield ("alerts", KEY), message


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


RULES = (_types, _carried)
"""Every rule on alerts."""
