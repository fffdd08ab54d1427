"""Pictures of the dashboard for its documentation: python -m benchmarks.gallery.

Serves the shipped finished run and a small study that it carries out, visits their pages in Chromium, fills
docs/dashboard. Needs playwright, Pillow and Debian's chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

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


def main() -> None:
    """Write them all anew."""
    from playwright.sync_api import sync_playwright

    OUT.mkdir(parents=True, exist_ok=True)
    ettwin = [sys.executable, "-m", "dashboards.cli"]
    with TemporaryDirectory() as folder, sync_playwright() as p:
        runs = str(Path(folder) / "runs")
        command = [*ettwin, "dash", "--port", "0", "--runs", runs]
        server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        chromium = shutil.which("chromium")
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            assert server.stdout is not None
            address = next(word for word in server.stdout.readline().split() if word.startswith("http")).rstrip(
                "/"
            )
            for name, (path, theme) in PAGES.items():
                if name == "study":  # last: with a result of one's own the overview is another
                    study = [*ettwin, *STUDY, str(Path(runs) / "servers-for-rates")]
                    subprocess.run(study, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
                page = browser.new_context(viewport=SIZE, color_scheme=theme).new_page()
                page.goto(address + path)
                page.wait_for_selector("#content > *")
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(1500)  # figures are drawn
                file = OUT / f"{name}.webp"
                Image.open(BytesIO(page.screenshot())).save(file, quality=QUALITY, method=6)
                print(f"{file.relative_to(ROOT)}  {file.stat().st_size / 1e3:.0f} kB")
        finally:
            browser.close()
            server.terminate()
            server.wait(20)


if __name__ == "__main__":
    main()
