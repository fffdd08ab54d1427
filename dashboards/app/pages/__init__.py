"""The pages, in the order of the navigation. A new one is a file here and a name below.

A page is a module with

    PATH      its template, such as '/run/{id}/events': names in braces are one step of the path
    NAME      what the navigation calls it
    layout    (library, url) -> component: the page as its address says. Raises LibraryError for the frame to tell.
              Pure: starts nothing, writes nothing
    connect   (app, library) -> None: its callbacks. They are registered once, before there is any page

Every control that changes what is shown has the id {'query': KEY} and a `value`: the frame keeps the address in
step with it, and `layout` sets it from `url.get(KEY)`.
"""

from __future__ import annotations

from types import ModuleType

from dashboards.app.pages import (
    alert,
    compare,
    comparison,
    config,
    events,
    history,
    job,
    jobs,
    live,
    models,
    new,
    overview,
    sites,
    studies,
    study,
    summary,
    validate,
    validation,
    watched,
)

PAGES: tuple[ModuleType, ...] = (
    overview,
    new,
    compare,
    comparison,
    studies,
    study,
    validate,
    validation,
    jobs,
    job,
    live,
    watched,
    summary,
    history,
    sites,
    models,
    events,
    alert,
    config,
)
