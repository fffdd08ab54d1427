"""Pictures of the dashboard for its documentation: python -m benchmarks.gallery.

Serves the shipped finished run and a small study that it carries out, visits their pages in Chromium, fills
docs/dashboard; a test visits them again and holds what they say against what they said. Needs playwright, Pillow
and Debian's chromium.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "dashboard"
RUN = "example-first-light"
PAGES = {
    "overview": ("/", "light"),
    "new": ("/new?from=first-light&with=mark&set=sites.cnaf.pools.alerts.servers%3D2", "light"),
    "summary": (f"/run/{RUN}", "light"),
    "timeline": (f"/run/{RUN}/timeline", "dark"),
    "sites": (f"/run/{RUN}/sites", "light"),
    "alerts": (f"/run/{RUN}/events", "light"),
    "alert": (f"/run/{RUN}/events/r0-e13609", "dark"),
    "study": ("/study/servers-for-rates?quantity=latency.p99", "light"),
}
STUDY = ("study", "servers-for-rates", "--replicas", "3", "--set", "horizon=2 d", "--quiet", "--out")
SIZE = {"width": 1280, "height": 860}
QUALITY = 72
WORDS = OUT / "words.json"
"""What each page said when its picture was taken, so that a test can tell that it still does."""
_TEXT = """() => {
  document.querySelectorAll("#content svg").forEach(one => one.remove());
  return document.querySelector("#content").innerText;
}"""
_WHEN = re.compile(r"written \S+ \S+")


def main() -> None:
    """Write them all anew."""
    from PIL import Image

    OUT.mkdir(parents=True, exist_ok=True)
    said = {}
    for name, picture, words in visited():
        file = OUT / f"{name}.webp"
        Image.open(BytesIO(picture)).save(file, quality=QUALITY, method=6)
        said[name] = words
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size / 1e3:.0f} kB")
    WORDS.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def visited() -> Iterator[tuple[str, bytes, list[str]]]:
    """Every page: its name, its picture as PNG, and what it says, line by line.

    Left out are figures, times of day, and numbers by themselves: how many lines an editor shows is the font's.
    """
    from playwright.sync_api import sync_playwright

    ettwin = [sys.executable, "-m", "dashboards.cli"]
    with TemporaryDirectory() as folder, sync_playwright() as p:
        runs = str(Path(folder) / "runs")
        command = [*ettwin, "dash", "--port", "0", "--runs", runs]
        server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        chromium = shutil.which("chromium")
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            assert server.stdout is not None
            words = server.stdout.readline().split()
            address = next(word for word in words if word.startswith("http")).rstrip("/")
            for name, (path, theme) in PAGES.items():
                if name == "study":  # last: with a result of one's own the overview is another
                    study = [*ettwin, *STUDY, str(Path(runs) / "servers-for-rates")]
                    subprocess.run(study, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
                page = browser.new_context(viewport=SIZE, color_scheme=theme).new_page()
                page.goto(address + path)
                page.wait_for_selector("#content > *")
                _rests(page)
                picture = page.screenshot()
                words = _WHEN.sub("written", page.evaluate(_TEXT)).splitlines()
                yield name, picture, [line for line in words if line.strip() and not line.isdecimal()]
        finally:
            browser.close()
            server.terminate()
            server.communicate(timeout=20)


def _rests(page: Page) -> None:
    """Wait until nothing is asked for and the page has said the same for a while."""
    before = None
    for _ in range(60):
        page.wait_for_function("() => !document.querySelector('[data-dash-is-loading=true], .loading')")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1500)  # figures are drawn
        if (now := page.inner_text("#content")) == before:
            return
        before = now
    raise TimeoutError(f"{page.url} does not come to rest")


if __name__ == "__main__":
    main()
