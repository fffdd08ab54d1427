"""Pages of the documentation whose parts come from a benchmark: each between a marker that names it and an end."""

from __future__ import annotations

import re
from pathlib import Path


def fill(page: Path, mark: str, content: str) -> None:
    """Put `content` into the file `page`, as `filled` does."""
    page.write_text(filled(page.read_text(encoding="utf-8"), mark, content), encoding="utf-8")


def filled(page: str, mark: str, content: str) -> str:
    """The page with `content`, whole lines, between the marker and the next end; ValueError where it has none."""
    marked = re.compile(rf"(<!-- {re.escape(mark)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not marked.search(page):
        raise ValueError(f"the page has no '<!-- {mark} -->' … '<!-- end -->'")
    return marked.sub(lambda found: f"{found[1]}{content}{found[2]}", page)
