"""How fast the dashboard is with a year of a million alerts, and of two: `python -m benchmarks.dashboard`.

A run is a real week of first-light in five or ten replicas, its alerts and timeline laid end to end for 52 weeks:
a real record's tables at the size of a year. Headless Chromium goes from page to page, changes a class and a
window, and then ten browsers do so at once. Times are those of this machine, from the click to the figure drawn;
the first one of each page with nothing of the run kept on the server when the overview was opened. Beside them
what server and browser computed meanwhile, which says the same on a machine that does other things too, and the
kilobytes that were sent, compressed. What the server takes by itself is asked of it by as many
clients that draw nothing.

Writes the figures into docs/dashboard.md as well, with --out.
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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd
import psutil

import twin
from benchmarks.pages import fill
from twin.record import Record

WEEKS, WEEK_S = 52, 7 * 86400.0
REPLICAS = (5, 10)
PATH = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).parents[1] / "docs" / "dashboard.md"
PAGES = ("Summary", "Timeline", "Sites", "Models & DQ", "Alerts")
NEWEST, OTHER = "year", "year-before"
"""The overview lists both runs; the server reads the first one ahead, and nothing of the other."""
BROWSERS = 10
WARM_S = 5.0
"""After its start the server reads what is shipped; nobody is asked to wait for that here."""
UPDATE = "/_dash-update-component"
_DRAWN = """() => {
  const graphs = [...document.querySelectorAll("#content .dash-graph")];
  const grid = document.querySelector(".ag-center-cols-container .ag-row a");
  return !document.querySelector(".loading") && graphs.every(one => one.querySelector(".main-svg")) &&
    (graphs.length > 0 || grid !== null);
}"""


def main(arguments: list[str] | None = None) -> None:
    """Make the runs, measure, print, and write it down where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("--weeks", type=int, default=WEEKS)
    parser.add_argument("--replicas", type=int, nargs="+", default=REPLICAS, help="of each run that is looked at")
    parser.add_argument("--browsers", type=int, default=BROWSERS)
    parser.add_argument("--out", type=Path, help="a JSON file for the figures, which docs/dashboard.md then tells")
    asked = parser.parse_args(arguments)
    found: dict[str, Any] = {"cores": os.cpu_count(), "weeks": asked.weeks, "browsers": asked.browsers, "runs": []}
    for replicas in asked.replicas:
        with tempfile.TemporaryDirectory(prefix="ettwin-year-") as folder:
            found["runs"].append(measured(Path(folder), asked.weeks, replicas, asked.browsers))
    text = json.dumps(found, indent=1)
    print(text)
    if asked.out is not None:
        asked.out.write_text(text + "\n", encoding="utf-8")
        fill(PAGE, "measured: dashboard", told(found))


def told(found: Mapping[str, Any]) -> str:
    """The figures as a table in Markdown: seconds of each run, of which the server computed those in brackets."""
    runs = found["runs"]
    heads = [f"{run['alerts'] / 1e6:.1f} million alerts, {run['run_mib']:.0f} MB" for run in runs]
    lines = [
        f"| s until it is drawn (s the server computed) | {' | '.join(heads)} |",
        "|---" * (1 + len(runs)) + "|",
    ]
    for name in runs[0]["pages"]:
        cells = [f"{run['pages'][name]['s']:.1f} ({run['pages'][name]['server_cpu_s']:.1f})" for run in runs]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    many = f"{found['browsers']} browsers at once"
    for name, key, form in (
        (f"{many}, median", "median_s", "{:.1f}"),
        (f"{many}: server / browsers computed for a page", "", "{server_cpu_s:.2f} / {browsers_cpu_s:.2f}"),
    ):
        cells = [form.format(run["at_once"][key]) if key else form.format(**run["at_once"]) for run in runs]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    answers = [f"{run['answers']['median_s']:.2f}" for run in runs]
    lines.append(f"| as many clients that draw nothing: an answer of the server, median | {' | '.join(answers)} |")
    kilobytes = [[page["kb"] for name, page in run["pages"].items() if "first" not in name] for run in runs]
    weights = [f"{min(kb):.0f} to {max(kb):.0f}" for kb in kilobytes]
    lines.append(f"| kB of a page, compressed | {' | '.join(weights)} |")
    held = [f"{run['server_mib']:,.0f}, {run['server_mib_after']:,.0f}" for run in runs]
    lines.append(f"| MiB of the server after one browser, after all | {' | '.join(held)} |")
    return "\n".join([*lines, ""])


def measured(folder: Path, weeks: int, replicas: int, browsers: int) -> dict[str, Any]:
    """The figures of one server that has nothing kept, on two runs in `folder` that are alike."""
    record = year(weeks, replicas)
    record.save(folder / NEWEST)
    shutil.copytree(folder / NEWEST, folder / OTHER, copy_function=os.link)
    alerts = len(record.alerts)
    del record
    size = sum(path.stat().st_size for path in (folder / NEWEST).iterdir())
    with served(folder) as (address, process):
        program, pages, bodies = one_browser(address, process.pid)
        once = memory_mib(process.pid)
        return {
            "replicas": replicas,
            "alerts": alerts,
            "run_mib": round(size / 2**20, 1),
            **program,
            "pages": pages,
            "server_mib": once,
            "at_once": at_once(address, process.pid, browsers),
            "answers": answers(address, process.pid, browsers, bodies),
            "server_mib_after": memory_mib(process.pid),
        }


def year(weeks: int, replicas: int) -> Record:
    """A week of first-light, `weeks` times end to end."""
    record = twin.run(twin.load("first-light").with_({"replicas": replicas}))
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


Costs = dict[str, dict[str, float]]


def one_browser(address: str, pid: int) -> tuple[dict[str, float], Costs, list[str]]:
    """What the overview and the programs of the pages take; seconds, computing and kilobytes of every page the
    first and the second time, of two changes, and of another run; and what was posted for each page."""
    bodies: list[str] = []
    with browser() as chromium:
        page, scale = chromium.new_page(), _Scale(pid)
        page.on("response", scale.see)
        page.on("request", lambda request: bodies.append(request.post_data) if _is_page(request) else None)
        begun = time.perf_counter()
        page.goto(address)
        page.wait_for_selector(_run(NEWEST))
        program = {"first_paint_s": round(time.perf_counter() - begun, 2), "program_kb": scale.taken()["kb"]}
        opened = lambda run: _timed(page, scale, lambda: page.locator(_run(run)).click(), "Summary")  # noqa: E731
        found: Costs = {"Summary, first": opened(NEWEST)}
        for turn in ("first", "again"):
            for name in PAGES if turn == "again" else PAGES[1:]:
                found[f"{name}, {turn}"] = _timed(page, scale, lambda n=name: _tab(page, n), name)
        _timed(page, scale, lambda: _tab(page, "Summary"), "Summary")
        found["Summary, another class"] = _timed(page, scale, lambda: _choose(page), "Summary")
        _timed(page, scale, lambda: _tab(page, "Timeline"), "Timeline")
        found["Timeline, another window"] = _timed(page, scale, lambda: _window(page), "Timeline")
        page.locator("a.home").click()
        page.wait_for_selector(_run(OTHER))
        page.wait_for_timeout(1000)
        found["Summary of another run"] = opened(OTHER)
        return program, found, bodies[1 : 1 + len(PAGES)]


def at_once(address: str, pid: int, browsers: int) -> dict[str, float]:
    """Seconds to a page when several browsers click at the same time, each on another page than its neighbour, and
    what server and browsers computed for a page."""
    times: list[float] = []
    with browser() as chromium:
        pages = [chromium.new_context().new_page() for _ in range(browsers)]
        for page in pages:
            page.goto(f"{address}/run/{NEWEST}")
        for page in pages:
            page.wait_for_function(_DRAWN, timeout=60_000)
        scale = _Scale(pid)
        for turn in range(1, len(PAGES)):
            begun, waiting = time.perf_counter(), {}
            for k, page in enumerate(pages):
                waiting[page] = PAGES[(k + turn) % len(PAGES)]
                _tab(page, waiting[page])
            while waiting:
                for page in [page for page, name in waiting.items() if _is(page, name)]:
                    times.append(time.perf_counter() - begun)
                    del waiting[page]
        computed = scale.taken()
    each = {f"{name}_cpu_s": round(computed[f"{name}_cpu_s"] / len(times), 3) for name in ("server", "browsers")}
    return {
        "median_s": round(float(np.median(times)), 2),
        "worst_s": round(max(times), 2),
        "pages": len(times),
        **each,
    }


def answers(address: str, pid: int, clients: int, bodies: Sequence[str]) -> dict[str, float]:
    """Seconds to the server's answer, for as many clients that ask for page after page and draw nothing."""
    head = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}

    def ask(k: int) -> list[float]:
        """How long each answer took this client."""
        took = []
        for turn in range(len(bodies)):
            begun = time.perf_counter()
            body = bodies[(k + turn) % len(bodies)].encode()
            with urlopen(Request(address + UPDATE, body, head), timeout=60) as response:
                response.read()
            took.append(time.perf_counter() - begun)
        return took

    scale = _Scale(pid)
    with ThreadPoolExecutor(clients) as threads:
        times = [one for each in threads.map(ask, range(clients)) for one in each]
    cpu_s = scale.taken()["server_cpu_s"]
    told = {"median_s": float(np.median(times)), "worst_s": max(times), "server_cpu_s": cpu_s / len(times)}
    return {name: round(value, 3) for name, value in told.items()}


class _Scale:
    """What answers weigh, and what they take server and browsers to compute."""

    def __init__(self, pid: int) -> None:
        self._server, self._bytes = pid, 0
        self._cpu_s = self._computed_s()

    def see(self, response: Any) -> None:
        """Count an answer by what it says of its length."""
        self._bytes += int(response.headers.get("content-length", 0))

    def taken(self) -> dict[str, float]:
        """Kilobytes, and seconds of computing by server and browsers since last time."""
        before, self._cpu_s = self._cpu_s, self._computed_s()
        kb, self._bytes = round(self._bytes / 1e3), 0
        server_s, browsers_s = (round(now - then, 2) for now, then in zip(self._cpu_s, before, strict=True))
        return {"server_cpu_s": server_s, "browsers_cpu_s": browsers_s, "kb": kb}

    def _computed_s(self) -> tuple[float, float]:
        """What the server has computed so far, and all other processes that this one has started."""
        others = [one for one in psutil.Process().children(recursive=True) if one.pid != self._server]
        return _cpu_s(psutil.Process(self._server)), sum(map(_cpu_s, others))


def _cpu_s(process: psutil.Process) -> float:
    """What a process and those of its own that have ended computed; nothing of one that has ended meanwhile."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _timed(page: Any, scale: _Scale, act: Any, name: str) -> dict[str, float]:
    scale.taken()
    begun = time.perf_counter()
    act()
    page.wait_for_selector(f"nav.tabs a.here:text-is('{name}')", timeout=60_000)
    page.wait_for_function(_DRAWN, timeout=60_000)
    return {"s": round(time.perf_counter() - begun, 2), **scale.taken()}


def _run(id: str) -> str:
    return f"a.result[href='/run/{id}']"


def _is_page(request: Any) -> bool:
    """Whether a browser asks for a page."""
    return UPDATE in request.url and '"content.children' in (request.post_data or "").replace("..", "")


def _tab(page: Any, name: str) -> None:
    page.locator(f"nav.tabs a:text-is('{name}')").click()


def _is(page: Any, name: str) -> bool:
    """Whether the page of that name is there, and drawn."""
    here = page.evaluate("() => (document.querySelector('nav.tabs a.here') || {}).textContent")
    return bool(here == name and page.evaluate(f"({_DRAWN})()"))


def _choose(page: Any) -> None:
    """Another class of signals."""
    page.locator("input[placeholder='all classes']").click()
    with page.expect_response(f"**{UPDATE}*", timeout=60_000):
        page.locator("[role=option]").first.click()
    page.wait_for_timeout(30)


def _window(page: Any) -> None:
    """From day 100 on."""
    field = page.get_by_label("From, days")
    field.fill("100")
    field.press("Tab")
    page.wait_for_function(
        "() => { const g = document.querySelector('.js-plotly-plot');"
        " return g && g._fullLayout && g._fullLayout.xaxis && Math.abs(g._fullLayout.xaxis.range[0] - 100) < 1 }",
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
