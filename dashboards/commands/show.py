"""`ettwin show`: a scenario or a study with every default written out, as it would be run."""

from __future__ import annotations

from dashboards.terminal import Set, Source, With, result, say


def show(scenario: Source, with_: With = None, set_: Set = None) -> None:
    """Show a scenario or a study in full: inherited values, overrides and defaults, each with its unit."""
    from twin.loader import load
    from twin.studies import request

    if request.is_study(scenario):
        result(request.load(scenario, with_ or (), set_ or ()).resolved().rstrip())
        return
    found = load(scenario, with_ or (), set_ or ())
    for told in found.undone:
        say(told)
    result(found.resolved().rstrip())
