"""A dashboard that is served for real, and a Chromium that visits it and notes everything that should not be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

CHROMIUM = shutil.which("chromium")
ROOT = Path(__file__).parents[3]
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


class Served:
    """`ettwin dash` of the results in `folder`, on a free port of this machine."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.address = ""
        self.start()

    def start(self, port: str = "0") -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "dashboards.cli", "dash", "--runs", str(self.folder), "--port", port]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with (self.folder.parent / "dash.err").open("a") as err:
            self._process = subprocess.Popen(
                [*command, *self._options],
                cwd=self.folder.parent,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
        line = self._process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, (line, (self.folder.parent / "dash.err").read_text())
        self.address = found[0].rstrip("/")
        end_s = time.monotonic() + 20.0
        while time.monotonic() < end_s:
            try:
                with urlopen(f"{self.address}/healthy", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(15)
        self._process.stdout.close()

    def restart(self) -> None:
        """End it and start it again on the same port."""
        port = self.address.rpartition(":")[2]
        self.stop()
        self.start(port)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def memory_bytes(self) -> int:
        """Resident memory of the server."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return 1024 * int(re.search(r"VmRSS:\s+(\d+)", status)[1])


class Watched:
    """What a page did that it should not have: errors in the console, requests that leave the machine."""

    def __init__(self, page, address: str) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self._hear(message, page.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url, address))

    def _hear(self, message, shown: str) -> None:
        """An error; not that a page of which the dashboard says that there is none was answered with 404."""
        unknown = message.location.get("url") == shown and "status of 404" in message.text
        if message.type == "error" and not unknown:
            self.errors.append(f"{message.text} {message.location}")

    def _note(self, url: str, address: str) -> None:
        if not url.startswith((address + "/", "data:", "blob:")):
            self.requests.append(url)

    def check(self) -> None:
        """Nothing of the kind happened."""
        assert self.errors == [], self.errors
        assert self.requests == []


@contextmanager
def visited(browser, served: Served, theme: str = "light", width: int = 1280) -> Iterator:
    """A fresh browser's page on the dashboard; what it should not do fails at the end."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, accept_downloads=True,
        permissions=["clipboard-read", "clipboard-write"],
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(15_000)
    watched = Watched(page, served.address)
    page.watched = watched
    try:
        yield page
        watched.check()
    finally:
        context.close()


def settled(page) -> None:
    """Wait until a page is shown and nothing is asked for any more."""
    page.wait_for_selector("#content > *")
    page.wait_for_function("() => !document.querySelector('[data-dash-is-loading=true]')")
    page.wait_for_load_state("networkidle")
