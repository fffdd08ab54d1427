"""How fast the dashboard is with a year of a million alerts: `python -m benchmarks.dashboard [--out FILE]`.

The run is a real week of first-light in ten replicas, its alerts and timeline laid end to end for 52 weeks: a real
record's tables at the size of a year. Headless Chromium goes from page to page, changes a class and a window, and
then ten browsers do so at once. Times are those of this machine, from the click to the figure drawn; the first one
of each page with nothing of the run kept on the server. Beside them what the server computed meanwhile, which says
the same on a machine that does other things too, and the kilobytes that were sent, compressed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import twin
from twin.record import Record

WEEKS, WEEK_S = 52, 7 * 86400.0
PATH = Path(__file__).with_suffix(".json")
PAGES = ("Summary", "Timeline", "Sites", "Models & DQ", "Alerts")
_RUN = "a[href='/run/year']"
BROWSERS = 10
WARM_S = 5.0
"""After its start the server reads what is shipped; nobody is asked to wait for that here."""
_DRAWN = """() => {
  const graphs = [...document.querySelectorAll("#content .dash-graph")];
  const grid = document.querySelector(".ag-center-cols-container .ag-row a");
  return !document.querySelector(".loading") && graphs.every(one => one.querySelector(".main-svg")) &&
    (graphs.length > 0 || grid !== null);
}"""


def main(arguments: list[str] | None = None) -> None:
    """Make the run, measure, print, and write it down where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("--weeks", type=int, default=WEEKS)
    parser.add_argument("--browsers", type=int, default=BROWSERS)
    parser.add_argument("--out", type=Path, help="where the figures go as JSON")
    asked = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="ettwin-year-"))
    try:
        found = measured(folder, asked.weeks, asked.browsers)
    finally:
        shutil.rmtree(folder)
    text = json.dumps(found, indent=1)
    print(text)
    if asked.out is not None:
        asked.out.write_text(text + "\n", encoding="utf-8")


def measured(folder: Path, weeks: int, browsers: int) -> dict[str, Any]:
    """The figures of one server that has nothing kept, on the run in `folder`."""
    record = year(weeks)
    record.save(folder / "year")
    alerts = len(record.alerts)
    del record
    size = sum(path.stat().st_size for path in (folder / "year").iterdir())
    with served(folder) as (address, process):
        first = one_browser(address, process.pid)
        once = memory_mib(process.pid)
        many = at_once(address, browsers)
        return {
            "alerts": alerts,
            "run_mib": round(size / 2**20, 1),
            "cores": os.cpu_count(),
            "one_browser": first,
            "server_mib": once,
            "browsers": browsers,
            "at_once": many,
            "server_mib_after": memory_mib(process.pid),
        }


def year(weeks: int) -> Record:
    """A week of first-light, `weeks` times end to end."""
    record = twin.run(twin.load("first-light"))
    events = int(record.alerts["event_id"].max()) + 1
    segments = int(WEEK_S / record.scenario.instrument.stride)
    alerts = pd.concat([_later(record.alerts, k, events, segments) for k in range(weeks)], ignore_index=True)
    week = record.timeline[record.timeline["time_s"] < WEEK_S]
    timeline = pd.concat([_moved(week, k, ("time_s",)) for k in range(weeks)], ignore_index=True)
    marks = pd.concat([_moved(record.marks, k, ("start_s", "end_s")) for k in range(weeks)], ignore_index=True)
    scenario = record.scenario.with_({"horizon": f"{7 * weeks} d"})
    return replace(record, scenario=scenario, alerts=alerts, timeline=timeline, marks=marks)


def _later(alerts: pd.DataFrame, k: int, events: int, segments: int) -> pd.DataFrame:
    ids = alerts["event_id"].to_numpy(np.int64)
    own = alerts.assign(event_id=np.where(ids >= 0, ids + k * events, ids - k * segments))
    return _moved(own, k, ("event_time_s", "published_s"))


def _moved(frame: pd.DataFrame, k: int, names: Sequence[str]) -> pd.DataFrame:
    """`frame` with these times `k` weeks later."""
    return frame.assign(**{name: frame[name] + k * WEEK_S for name in names})


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server of the results in `folder`: its address and process."""
    command = [sys.executable, "-m", "dashboards.cli", "dash", "--runs", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        time.sleep(WARM_S)
        yield line.split()[2].rstrip("/"), process
    finally:
        process.terminate()
        process.wait(20)


def one_browser(address: str, pid: int) -> dict[str, Any]:
    """Seconds, computing and kilobytes of every page the first and the second time, and of two changes on them."""
    with browser() as chromium:
        page, weigh = chromium.new_page(), _Scale(pid)
        page.on("response", weigh.see)
        begun = time.perf_counter()
        page.goto(address)
        page.wait_for_selector(_RUN)
        found: dict[str, Any] = {
            "first_paint_s": round(time.perf_counter() - begun, 2),
            "program_kb": weigh.taken()["kb"],
        }
        found["Summary, first"] = _timed(page, weigh, lambda: page.locator(_RUN).first.click(), "Summary")
        for turn in ("first", "again"):
            for name in PAGES if turn == "again" else PAGES[1:]:
                found[f"{name}, {turn}"] = _timed(page, weigh, lambda n=name: _tab(page, n), name)
        _timed(page, weigh, lambda: _tab(page, "Summary"), "Summary")
        found["class changed"] = _timed(page, weigh, lambda: _choose(page), "Summary")
        _timed(page, weigh, lambda: _tab(page, "Timeline"), "Timeline")
        found["window changed"] = _timed(page, weigh, lambda: _window(page), "Timeline")
        return found


def at_once(address: str, browsers: int) -> dict[str, float]:
    """Seconds to a page when several browsers click at the same time, each on another page than its neighbour."""
    times: list[float] = []
    with browser() as chromium:
        pages = [chromium.new_context().new_page() for _ in range(browsers)]
        for page in pages:
            page.goto(f"{address}/run/year")
        for page in pages:
            page.wait_for_function(_DRAWN, timeout=60_000)
        for turn in range(1, len(PAGES)):
            begun, waiting = time.perf_counter(), {}
            for k, page in enumerate(pages):
                waiting[page] = PAGES[(k + turn) % len(PAGES)]
                _tab(page, waiting[page])
            while waiting:
                for page in [page for page, name in waiting.items() if _is(page, name)]:
                    times.append(time.perf_counter() - begun)
                    del waiting[page]
    return {"median_s": round(float(np.median(times)), 2), "worst_s": round(max(times), 2), "pages": len(times)}


class _Scale:
    """What answers weigh, and what they take the server."""

    def __init__(self, pid: int) -> None:
        self._pid, self._bytes, self._cpu_s = pid, 0, 0.0

    def see(self, response: Any) -> None:
        """Count an answer by what it says of its length."""
        self._bytes += int(response.headers.get("content-length", 0))

    def taken(self) -> dict[str, float]:
        """Kilobytes and the server's seconds of computing since last time."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        cpu_s = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
        found = {"server_cpu_s": round(cpu_s - self._cpu_s, 2), "kb": round(self._bytes / 1e3)}
        self._bytes, self._cpu_s = 0, cpu_s
        return found


def _timed(page: Any, weigh: _Scale, act: Any, name: str) -> dict[str, float]:
    weigh.taken()
    begun = time.perf_counter()
    act()
    page.wait_for_selector(f"nav.tabs a.here:text-is('{name}')", timeout=60_000)
    page.wait_for_function(_DRAWN, timeout=60_000)
    return {"s": round(time.perf_counter() - begun, 2), **weigh.taken()}


def _tab(page: Any, name: str) -> None:
    page.locator(f"nav.tabs a:text-is('{name}')").click()


def _is(page: Any, name: str) -> bool:
    """Whether the page of that name is there, and drawn."""
    here = page.evaluate("() => (document.querySelector('nav.tabs a.here') || {}).textContent")
    return bool(here == name and page.evaluate(f"({_DRAWN})()"))


def _choose(page: Any) -> None:
    """Another class of signals."""
    page.locator("input[placeholder='all classes']").click()
    with page.expect_response("**/_dash-update-component*", timeout=60_000):
        page.locator("[role=option]").first.click()
    page.wait_for_timeout(30)


def _window(page: Any) -> None:
    """From day 100 on."""
    field = page.get_by_label("From, days")
    field.fill("100")
    field.press("Tab")
    page.wait_for_function(
        "() => { const g = document.querySelector('.js-plotly-plot');"
        " return g && g._fullLayout && Math.abs(g._fullLayout.xaxis.range[0] - 100) < 1 }",
        timeout=60_000,
    )


@contextmanager
def browser() -> Iterator[Any]:
    """Headless Chromium: that of the system."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        found = driver.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        try:
            yield found
        finally:
            found.close()


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return round(int(text.split("VmRSS:")[1].split()[0]) / 1024, 0)


if __name__ == "__main__":
    main()
