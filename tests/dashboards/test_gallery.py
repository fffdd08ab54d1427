"""The pictures of the dashboard in its documentation show what its pages say."""

import json

import pytest

from benchmarks import gallery
from tests.dashboards.app.browser import CHROMIUM

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


def test_every_page_says_what_it_said_when_its_picture_was_taken():
    pytest.importorskip("playwright.sync_api")
    said = json.loads(gallery.WORDS.read_text(encoding="utf-8"))
    assert {path.stem for path in gallery.OUT.glob("*.webp")} == set(said) == set(gallery.PAGES)
    for name, picture, words in gallery.visited():
        assert picture.startswith(b"\x89PNG")
        assert words == said[name], f"{name}: draw it again, 'python -m benchmarks.gallery'"
