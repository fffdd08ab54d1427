"""Every link from a page of the project to another place in it leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("workloads/**/*.md"),
    *ROOT.glob("sites/**/*.md"),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page):
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    lost = []
    for link in LINK.findall(text):
        place, _, anchor = link.partition("#")
        if "://" in place or link.startswith("mailto:"):
            continue
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_a_link_that_is_lost_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("## What is, and what is not?\n[here](#what-is-and-what-is-not) [there](none.md)")
    assert anchors(page) == {"what-is-and-what-is-not"}
    with pytest.raises(AssertionError):
        test_links_lead_somewhere(page)
