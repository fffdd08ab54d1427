"""Addresses hold the whole state of a page, and nothing in them leads anywhere else."""

from __future__ import annotations

import pytest

from dashboards.app.url import LONGEST, MOST, Url, address, matched, parsed


@pytest.mark.parametrize(
    ("template", "path", "names"),
    [
        ("/", "/", {}),
        ("/new", "/new/", {}),
        ("/run/{id}", "/run/first-light", {"id": "first-light"}),
        ("/run/{id}/events", "/run/first-light/events", {"id": "first-light"}),
        ("/run/{id}", "/run/a%2Fb", {"id": "a/b"}),
        ("/run/{id}", "/run/", None),
        ("/run/{id}", "/run/a/b", None),
        ("/run/{id}/events", "/run/first-light/sites", None),
    ],
)
def test_a_path_has_the_shape_of_one_template(template, path, names):
    assert matched(template, path) == names


def test_what_an_address_holds_is_read_back():
    query = {"from": "first-light", "set": ["a.b='1 d' & c=2", "x=ü"], "with": None}
    made = address("/run/{id}", query, id="a b/../c")
    path, _, search = made.partition("?")
    assert matched("/run/{id}", path) == {"id": "a b/../c"}
    url = Url(path, {}, parsed(f"?{search}"))
    assert url.get("from") == "first-light"
    assert url.all("set") == ["a.b='1 d' & c=2", "x=ü"]
    assert url.get("with", "none") == "none"


def test_values_that_are_not_allowed_give_the_default():
    url = Url("/", {}, parsed("?view=evil&n=7&x=nan&y=abc&z=1e9"))
    assert url.get("view", "cdf", ("cdf", "ccdf")) == "cdf"
    assert url.whole("n", 1, 0, 10) == 7
    assert url.number("x", 2.0, 0.0, 10.0) == 2.0
    assert url.number("y", 2.0, 0.0, 10.0) == 2.0
    assert url.number("z", 2.0, 0.0, 10.0) == 10.0


def test_a_query_without_end_is_cut():
    found = parsed("?a=" + "x" * (2 * LONGEST))
    assert len(found["a"][0]) < LONGEST
    assert parsed("?%ff%fe=%00&&&=") == {"��": ["\0"], "": [""]}


def test_of_a_query_of_many_pairs_the_first_are_read():
    assert len(parsed("?" + "&".join(f"a{k}=1" for k in range(3000)))) == MOST
