"""`ettwin` as it is typed, but in this process: what it says where, and the code it leaves with."""

from __future__ import annotations

from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from typing import NamedTuple

from dashboards.cli import main


class Done(NamedTuple):
    """What `subprocess.run` would tell."""

    returncode: int
    stdout: str
    stderr: str


def ettwin(*given, cwd):
    """The command, typed in the folder `cwd`."""
    out, err, code = StringIO(), StringIO(), 0
    with chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        try:
            main([str(word) for word in given])
        except SystemExit as left:
            code = int(left.code or 0)
    return Done(code, out.getvalue(), err.getvalue())
