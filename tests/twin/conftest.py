"""What tests of the twin share: its commands, typed in this process."""

from __future__ import annotations

import pytest

from dashboards.cli import main


@pytest.fixture
def ettwin(capsys):
    """Types a command; gives its exit code, what it said as result, and what beside."""

    def run(*given):
        try:
            main([str(word) for word in given])
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run
