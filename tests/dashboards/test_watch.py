"""Interrupts while progress is watched, each in a process of its own: who runs the tests handles them too."""

import json
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from dashboards.watch import watch

BEGIN = """
import ctypes, signal, sys
from dashboards.watch import watch

signal.signal(signal.SIGINT, signal.default_int_handler)
"""


def said(code):
    done = subprocess.run([sys.executable, "-c", BEGIN + dedent(code)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_an_interrupt_lost_in_a_callback_from_c_is_honoured_at_the_next_report():
    code, out, err = said("""
        @ctypes.CFUNCTYPE(None)
        def callback():
            signal.raise_signal(signal.SIGINT)

        try:
            with watch() as progress:
                progress(0.1, "begun")
                callback()  # Python prints the KeyboardInterrupt and goes on
                print("lost")
                progress(0.2, "going on")
        except KeyboardInterrupt:
            print("honoured", signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        """)
    assert (code, out) == (0, "lost\nhonoured True\n")
    assert "begun" in err
    assert "going on" not in err


def test_an_interrupt_elsewhere_is_raised_at_once():
    code, out, _ = said("""
        try:
            with watch(quiet=True):
                signal.raise_signal(signal.SIGINT)
                print("went on")
        except KeyboardInterrupt:
            print("raised")
        """)
    assert (code, out) == (0, "raised\n")


def test_a_caller_that_handles_interrupts_itself_goes_on_doing_so():
    code, out, _ = said("""
        signal.signal(signal.SIGINT, lambda number, frame: print("mine", flush=True))
        with watch(quiet=True) as progress:
            signal.raise_signal(signal.SIGINT)
            progress(0.5, "")
        """)
    assert (code, out) == (0, "mine\n")


def test_sigterm_ends_like_an_interrupt():
    code, out, _ = said("""
        try:
            with watch(quiet=True):
                signal.raise_signal(signal.SIGTERM)
                print("went on")
        except KeyboardInterrupt:
            print("raised", signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
        """)
    assert (code, out) == (0, "raised True\n")


def test_progress_goes_into_a_file(tmp_path):
    file = tmp_path / "progress.jsonl"
    with watch(quiet=True, file=file) as progress:
        for text in ("drawing", "compiling"):  # nothing is done yet: every word counts
            progress(0.0, text)
        for k in range(1, 1001):
            progress(k / 1000, f"step {k}")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["text"] for line in lines[:2]] == ["drawing", "compiling"]
    assert lines[-1] == {"at_s": lines[-1]["at_s"], "fraction": 1.0, "text": "step 1000"}
    assert len(lines) < 20
    assert abs(lines[0]["at_s"] - time.time()) < 60.0


def test_a_full_disk_ends_the_file_not_the_work(capsys):
    with watch(quiet=True, file=Path("/dev/full")) as progress:
        progress(0.0, "begun")
        progress(1.0, "done")
    told = "--progress /dev/full: ends here, it could not be written (No space left on device)\n"
    assert capsys.readouterr().err == told


def test_a_file_that_cannot_be_written_is_told_at_once(tmp_path, capsys):
    with pytest.raises(SystemExit), watch(quiet=True, file=tmp_path / "nowhere" / "p.jsonl"):
        pytest.fail("it went on")
    assert "cannot be written (No such file or directory); choose another file" in capsys.readouterr().err
