"""What is kept stays within its bytes, and is made once however many ask at once."""

from __future__ import annotations

import threading
import time

import pandas as pd
import pytest

from dashboards.app.cache import Cache


def test_what_was_asked_for_longest_ago_goes_first():
    cache = Cache(most_bytes=3_000_000)
    for name in "abc":
        cache.get(name, lambda: pd.DataFrame({"x": range(120_000)}))  # 0.96 MB each
    cache.get("a", lambda: pytest.fail("a is kept"))
    cache.get("d", lambda: pd.DataFrame({"x": range(120_000)}))
    assert cache.bytes <= cache.most_bytes
    cache.get("a", lambda: pytest.fail("a is kept"))
    made = []
    cache.get("b", lambda: made.append("again"))
    assert made == ["again"]


def test_many_who_ask_at_once_wait_for_one():
    cache, made = Cache(1_000_000), []

    def make():
        made.append(1)
        time.sleep(0.05)
        return "value"

    found = []
    threads = [threading.Thread(target=lambda: found.append(cache.get("key", make))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["value"] * 10
    assert len(made) == 1


def test_an_error_is_not_kept():
    cache = Cache(1_000_000)

    def fail():
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        cache.get("key", fail)
    assert cache.get("key", lambda: "later") == "later"


def test_what_is_counted_is_about_what_it_takes():
    rows = [{"event_id": k, "snr": k / 7.0} for k in range(10_000)]
    cache = Cache(1 << 40)
    cache.get("rows", lambda: {"rows": rows})
    assert 2e6 < cache.bytes < 4e6  # a mapping of two takes 184 bytes, a number 24 to 28
    cache.get("table", lambda: [pd.DataFrame({"x": range(1_000_000)})])
    assert 10e6 < cache.bytes < 12e6
