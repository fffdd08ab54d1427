"""Jobs are processes of their own that outlive the server; whatever becomes of them is told."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from dashboards.app import job
from dashboards.app.job import Limits
from dashboards.app.jobs import Jobs, RefusedError
from dashboards.app.library import UnknownError

PYTHON = (sys.executable, "-c")
QUICK = "import sys; sys.stderr.write('a word\\n')"
SLOW = "import time; time.sleep(60)"
WRITES = "import sys, pathlib; pathlib.Path(sys.argv[1]).mkdir()"
STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


@pytest.fixture
def made():
    """Makes queues; ends their jobs after the test."""
    queues = []

    def make(folder, most=1, **more):
        queue = Jobs(folder, most, **more)
        queues.append(queue)
        return queue

    yield make
    for queue in queues:
        for one in queue.all():
            if not one.ended:
                queue.cancel(one.id)
        until(lambda queue=queue: all(one.ended for one in queue.all()), queue)
        queue.close()


def until(so, *queues, within_s=20.0):
    """Wait until it is so, as the server would look after the queues meanwhile."""
    end_s = time.monotonic() + within_s
    while not so():
        assert time.monotonic() < end_s, "it took too long"
        for queue in queues:
            queue.tick()
        time.sleep(0.02)


def is_gone(number):
    """Whether there is no such process, or only what its parent has not taken note of."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def start(queue, code, title="a job", name="result"):
    def arguments(home, out):
        return [code, str(out)]

    return queue.submit("run", title, name, arguments, program=PYTHON)


def ended(queue, id):
    until(lambda: queue.job(id).ended, queue)
    return queue.job(id)


def test_a_job_runs_and_ends(tmp_path, made):
    queue = made(tmp_path)
    one = start(queue, WRITES)
    found = ended(queue, one.id)
    assert (found.state, found.fraction, found.words) == ("finished", 1.0, "")
    assert (tmp_path / "result").is_dir()
    assert found.ended_s >= found.started_s


def test_others_wait_in_the_order_in_which_they_came(tmp_path, made):
    queue = made(tmp_path, most=1)
    first, second, third = (start(queue, SLOW) for _ in range(3))
    assert [queue.job(one.id).state for one in (first, second, third)] == ["running", "queued", "queued"]
    assert [queue.job(one.id).position for one in (first, second, third)] == [None, 1, 2]
    assert [one.asked.result for one in (first, second, third)] == ["result", "result-2", "result-3"]
    queue.cancel(second.id)
    assert queue.job(second.id).state == "cancelled"
    assert queue.job(third.id).position == 1
    queue.cancel(first.id)
    until(lambda: queue.job(third.id).state == "running", queue)


def test_a_job_that_fails_says_why(tmp_path, made):
    queue = made(tmp_path)
    code = "import sys; sys.exit('scenario.yaml:3:1: error: name: give a name')"
    found = ended(queue, start(queue, code).id)
    assert (found.state, found.words) == ("failed", "scenario.yaml:3:1: error: name: give a name")


@pytest.mark.parametrize(
    ("code", "says", "state"),
    [(5, "differs", "finished"), (5, "", "failed"), (3, "differs", "failed")],
)
def test_an_answer_is_one_whatever_code_it_comes_with(tmp_path, made, code, says, state):
    queue = made(tmp_path)
    program = f"import sys; sys.stdout.write({says!r}); sys.exit({code})"
    one = queue.submit(
        "replay",
        "an alert",
        "result",
        lambda home, out: [program],
        program=PYTHON,
        answers=(4, 5),
        shown_at="/here",
    )
    found = ended(queue, one.id)
    assert (found.state, found.asked.shown_at) == (state, "/here")


def test_one_that_does_not_listen_is_ended_by_force(tmp_path, made):
    queue = made(tmp_path, limits=Limits(grace_s=0.3))
    one = queue.submit(
        "run", "stubborn", "result", lambda home, out: [STUBBORN, str(home / "up")],
        program=(sys.executable, "-c"),
    )  # fmt: skip
    until(lambda: (one.folder / "up").exists(), queue)
    child = queue.job(one.id).process["child"]
    queue.cancel(one.id)
    assert queue.job(one.id).cancelling
    found = ended(queue, one.id)
    assert found.state == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


KEEPS = "import sys, pathlib, time; pathlib.Path(sys.argv[1] + '.partial').mkdir(); time.sleep(60)"


def test_a_job_that_is_cancelled_says_whether_what_is_done_is_kept(tmp_path, made):
    queue = made(tmp_path, most=2)
    plain, keeping = start(queue, SLOW, name="plain"), start(queue, KEEPS, name="kept")
    until(lambda: (tmp_path / "kept.partial").exists(), queue)
    for one in (plain, keeping):
        queue.cancel(one.id)
    assert ended(queue, plain.id).words == "It was cancelled. Nothing was written."
    assert "What is done is kept: the same, started again, goes on" in ended(queue, keeping.id).words


def test_a_job_that_is_killed_is_told_as_killed(tmp_path, made):
    queue = made(tmp_path)
    one = start(queue, SLOW)
    until(lambda: "child" in queue.job(one.id).process, queue)
    os.kill(queue.job(one.id).process["child"], signal.SIGKILL)
    found = ended(queue, one.id)
    assert found.state == "killed"
    assert "SIGKILL" in found.words


def test_a_machine_that_goes_down_leaves_a_killed_job(tmp_path, made):
    queue = made(tmp_path)
    one = start(queue, SLOW)
    until(lambda: "child" in queue.job(one.id).process, queue)
    process = queue.job(one.id).process
    os.kill(process["supervisor"], signal.SIGKILL)
    os.kill(process["child"], signal.SIGKILL)
    found = ended(queue, one.id)
    assert found.state == "killed"
    assert "the machine went down" in found.words
    queue.tick()
    assert json.loads((found.folder / job.END).read_text())["state"] == "killed"


def test_what_outlives_its_supervisor_is_still_cancelled(tmp_path, made):
    queue = made(tmp_path)
    one = start(queue, SLOW)
    until(lambda: "child" in queue.job(one.id).process, queue)
    above = queue.job(one.id).process["supervisor"]
    os.kill(above, signal.SIGKILL)
    until(lambda: is_gone(above), queue)
    assert queue.job(one.id).state == "running"
    queue.cancel(one.id)
    assert ended(queue, one.id).state == "killed"


def test_jobs_outlive_the_server(tmp_path, made):
    before = made(tmp_path)
    running, waiting = start(before, SLOW), start(before, WRITES)
    before.close()
    after = made(tmp_path)
    after.tick()
    assert [after.job(one.id).state for one in (running, waiting)] == ["running", "queued"]
    after.cancel(running.id)
    assert ended(after, running.id).state == "cancelled"
    assert ended(after, waiting.id).state == "finished"


def test_of_two_servers_one_starts_jobs(tmp_path, made):
    first, second = made(tmp_path), made(tmp_path)
    one = start(first, SLOW)
    other = start(second, WRITES)
    second.tick()
    assert second.job(other.id).state == "queued"
    first.cancel(one.id)
    until(lambda: second.job(other.id).ended, first)


def test_a_job_that_takes_too_long_is_stopped(tmp_path, made):
    queue = made(tmp_path, limits=Limits(wall_s=0.2))
    found = ended(queue, start(queue, SLOW).id)
    assert found.state == "stopped"
    assert "longer than" in found.words


def test_memory_has_a_limit(tmp_path, made):
    queue = made(tmp_path, limits=Limits(memory_bytes=256 << 20))
    found = ended(queue, start(queue, "x = bytearray(1 << 30)").id)
    assert found.state == "failed"
    assert "MemoryError" in found.words


def test_files_have_a_limit(tmp_path, made):
    queue = made(tmp_path, limits=Limits(file_bytes=10_000))
    code = "import sys; open(sys.argv[1], 'wb').write(bytes(100_000))"
    found = ended(queue, start(queue, code).id)
    assert found.state == "failed"
    assert "File too large" in found.words


def test_no_job_is_taken_on_a_full_disk(tmp_path, made):
    queue = made(tmp_path, free_bytes=lambda path: 35_000_000)
    with pytest.raises(RefusedError, match=r"is full: 35 MB are left, a job needs 300 MB. Remove some results"):
        start(queue, QUICK)
    assert queue.all() == []


def test_no_job_is_taken_when_too_many_wait(tmp_path, made):
    queue = made(tmp_path, limits=Limits(waiting=1))
    start(queue, SLOW)
    start(queue, QUICK)
    with pytest.raises(RefusedError, match="1 jobs are waiting already"):
        start(queue, QUICK)


def test_progress_is_on_disk_with_the_time_that_is_left(tmp_path):
    folder = tmp_path / ".jobs" / "1"
    folder.mkdir(parents=True)
    job.new(folder, job.Asked("run", "a job", (), "result", 0.0))
    lines = [(100.0, 0.0, "compiling"), (130.0, 0.0, "replica 1"), (140.0, 0.25, "replica 1: 3 d of 7 d")]
    text = "".join(json.dumps({"at_s": at, "fraction": f, "text": t}) + "\n" for at, f, t in lines)
    (folder / job.PROGRESS).write_text(text + '{"at_s": 141.0, "fra')
    held = job.hold(folder)
    found = job.read(folder, now_s=145.0)
    assert (found.state, found.fraction, found.text) == ("running", 0.25, "replica 1: 3 d of 7 d")
    assert found.left_s == pytest.approx(30.0 - 5.0)
    os.close(held)
    assert job.read(folder, now_s=146.0).state == "killed"


def test_a_long_file_of_progress_is_read_at_its_ends(tmp_path):
    folder = tmp_path / ".jobs" / "1"
    folder.mkdir(parents=True)
    job.new(folder, job.Asked("run", "a job", (), "result", 0.0))
    lines = [{"at_s": float(k), "fraction": k / 10_000, "text": f"step {k}"} for k in range(5_000)]
    (folder / job.PROGRESS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    held = job.hold(folder)
    found = job.read(folder, now_s=4999.0)
    assert found.text == "step 4999"
    assert found.left_s == pytest.approx(5001.0, rel=1e-3)
    os.close(held)


def test_a_damaged_job_is_left_out(tmp_path, made):
    queue = made(tmp_path)
    one = start(queue, QUICK)
    ended(queue, one.id)
    broken = queue.home / "7"
    broken.mkdir()
    (broken / job.ASKED).write_text("{")
    assert [found.id for found in queue.all()] == [one.id]
    with pytest.raises(UnknownError, match="no job '7'"):
        queue.job("7")
    with pytest.raises(UnknownError, match="no job"):
        queue.job("../../etc")
    assert int(start(queue, QUICK).id) == 8


def test_the_end_is_told_on_a_full_disk(tmp_path, monkeypatch):
    folder = tmp_path / ".jobs" / "1"
    folder.mkdir(parents=True)
    job.new(folder, job.Asked("run", "a job", (), "result", 0.0))
    assert (folder / job.SPARE).stat().st_size > 4096
    usual = Path.write_text

    def full(path, *given, **more):
        if (folder / job.SPARE).exists():
            raise OSError(28, "No space left on device")
        return usual(path, *given, **more)

    monkeypatch.setattr(Path, "write_text", full)
    job.end(folder, job.FAILED, "No space left on device", 1.0)
    assert job.read(folder, 2.0).words == "No space left on device"
