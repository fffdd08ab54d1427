"""The shipped sites and hardware kinds: complete, plausible, each with its origin; damaged files are named."""

from __future__ import annotations

import re

import pytest

from sites import catalogue
from sites.catalogue import CatalogueError
from sites.spec import STANDINGS, Hardware, Site

GOOD = "description: a core\npower_w: 5\nstanding: assumed\nsource: a guess\n"


def test_the_candidate_sites_and_the_computing_centres_are_known():
    assert set(catalogue.sites()) == {
        "amsterdam", "barcelona", "budapest", "cascina", "cern", "cnaf", "emr", "karlsruhe", "lusatia", "lyon",
        "sos-enattos",
    }  # fmt: skip
    assert {"host", "epyc-core"} <= set(catalogue.hardware())


@pytest.mark.parametrize("site", catalogue.sites().values(), ids=lambda site: site.name)
def test_every_site_is_in_europe_and_says_how_it_is_known(site):
    assert 35 < site.latitude_deg < 60
    assert -10 < site.longitude_deg < 30
    assert re.fullmatch("[A-Z]{2}", site.country)
    assert site.standing in STANDINGS
    assert site.source


@pytest.mark.parametrize("kind", catalogue.hardware().values(), ids=lambda kind: kind.name)
def test_every_hardware_kind_says_how_it_is_known(kind):
    assert kind.power_w > 0
    assert kind.standing in STANDINGS
    assert kind.source


def test_the_candidate_site_in_sardinia_is_where_gwfast_has_it():
    site = catalogue.sites()["sos-enattos"]
    assert (site.latitude_deg, site.longitude_deg) == pytest.approx((40 + 31 / 60, 9 + 25 / 60), abs=1e-4)


def test_the_catalogue_does_not_change():
    with pytest.raises(TypeError, match="item assignment"):
        catalogue.sites()["cnaf"] = None


def test_a_new_kind_is_a_new_file(tmp_path):
    (tmp_path / "box.yaml").write_text(GOOD)
    assert catalogue.read(tmp_path, Hardware) == {"box": Hardware("box", "a core", 5, "assumed", "a guess")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs exactly the keys description, power_w, standing, source"),
        (GOOD + "cores: 3\n", "needs exactly the keys description, power_w, standing, source"),
        (GOOD.replace("5", "five"), "power_w: 'five' is not a number"),
        (GOOD.replace("a core", "7"), "description: 7 is not text"),
        (GOOD.replace("assumed", "guessed"), "standing: 'guessed'; allowed: measured, published, scaled, assumed"),
        (": [", "is not YAML"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, text, said):
    (tmp_path / "box.yaml").write_text(text)
    with pytest.raises(CatalogueError, match=f"box.yaml: {re.escape(said)}"):
        catalogue.read(tmp_path, Hardware)


def test_sites_are_read_like_hardware(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "title: A\nlatitude_deg: 1\nlongitude_deg: 2.5\ncountry: IT\nstanding: assumed\nsource: s\n"
    )
    assert catalogue.read(tmp_path, Site)["a"].longitude_deg == 2.5
