"""Interrupts while progress is watched, each in a process of its own: who runs the tests handles them too."""

import subprocess
import sys
from textwrap import dedent

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
