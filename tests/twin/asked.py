"""Routes in Python, for tests of scenarios that name one."""

from __future__ import annotations


def in_turn(question):
    """Segments go to the open pools in turn."""
    return question.pools[question.segment % len(question.pools)]


def to_cnaf(question):
    """By name."""
    return "cnaf.cpu"


def nowhere(question):
    """Everything is turned away."""
    return


def astray(question):
    """A pool that does not exist."""
    return "cnaf.gpu"


NUMBER = 3
