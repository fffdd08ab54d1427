"""The shipped catalogue: complete, plausible, every number with its origin; damaged files are named."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from sites import catalogue
from sites.catalogue import CatalogueError
from sites.spec import STANDINGS, Country, Farm, Hardware, Quantity, Site

RANGED = "{value: 5, low: 3, high: 7, standing: assumed, source: a guess}"
GOOD = (
    "description: a core\ncores: 1\ngpus: 0\nstanding: assumed\nsource: a guess\n"
    f"power_w: {RANGED}\nhost_overhead: {RANGED}\nidle_share: {RANGED}\nprice_eur_per_hour: {RANGED}\n"
)
FIVE = Quantity(5, 3, 7, "assumed", "a guess")
SHELVES = (catalogue.sites, catalogue.hardware, catalogue.countries, catalogue.farms)
THINGS = [thing for shelf in SHELVES for thing in shelf().values()]
NEEDED = "description, cores, gpus, power_w, host_overhead, idle_share, price_eur_per_hour, standing, source"


def quantities(thing):
    return {f.name: v for f in fields(thing) if isinstance(v := getattr(thing, f.name), Quantity)}


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
    assert site.country in catalogue.countries()


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: f"{type(thing).__name__} {thing.name}")
def test_every_number_of_the_catalogue_has_a_standing_and_a_source(thing):
    found = quantities(thing)
    bare = {f.name for f in fields(thing) if isinstance(getattr(thing, f.name), int | float)}
    assert found or bare
    for number in found.values():
        assert number.standing in STANDINGS
        assert len(number.source) > 5
        assert 0 <= number.low <= number.value <= number.high
    if bare:
        assert thing.standing in STANDINGS
        assert len(thing.source) > 5


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: f"{type(thing).__name__} {thing.name}")
def test_what_is_recalled_or_a_digest_is_called_assumed(thing):
    for number in quantities(thing).values():
        if "recalled" in number.source or "digest" in number.source or "placeholder" in number.source:
            assert number.standing == "assumed"


@pytest.mark.parametrize("kind", catalogue.hardware().values(), ids=lambda kind: kind.name)
def test_every_hardware_kind_works_draws_and_costs(kind):
    assert kind.cores + kind.gpus > 0
    assert kind.power_w.low > 0
    assert kind.idle_share.high <= 1
    assert kind.price_eur_per_hour.low > 0
    assert (kind.hs06 is None) == (kind.cores == 0)


def test_the_three_sizes_of_a_trigger_farm_are_a_factor_of_eight_apart():
    sizes = [farm.mhs06.value for farm in catalogue.farms().values()]
    assert sizes == [4.5, 17, 37]
    assert sizes[-1] / sizes[0] == pytest.approx(8.2, abs=0.1)


def test_a_country_goes_before_europe_and_europe_stands_for_the_unknown():
    key, carbon = catalogue.electricity("lyon", "carbon_g_per_kwh")
    assert (key, carbon.value) == ("FR.carbon_g_per_kwh", 44)
    assert catalogue.electricity("lyon", "pue") == ("europe.pue", catalogue.countries()["europe"].pue)
    assert catalogue.electricity("atlantis", "carbon_g_per_kwh")[0] == "europe.carbon_g_per_kwh"


def test_a_sites_own_figure_goes_before_its_countrys(monkeypatch):
    own = {"lyon": replace(catalogue.sites()["lyon"], carbon_g_per_kwh=FIVE)}
    monkeypatch.setattr(catalogue, "sites", lambda: own)
    assert catalogue.electricity("lyon", "carbon_g_per_kwh") == ("lyon.carbon_g_per_kwh", FIVE)


def test_europe_leaves_nothing_open(monkeypatch):
    every = {field.name for field in fields(Country)} - {"name", "title"}
    assert set(quantities(catalogue.countries()["europe"])) == every
    monkeypatch.setattr(catalogue, "countries", lambda: {"europe": Country("europe", "Europe")})
    with pytest.raises(CatalogueError, match=r"europe.yaml: pue: is missing; it has to leave nothing open"):
        catalogue.electricity("atlantis", "pue")


def test_the_candidate_site_in_sardinia_is_where_gwfast_has_it():
    site = catalogue.sites()["sos-enattos"]
    assert (site.latitude_deg, site.longitude_deg) == pytest.approx((40 + 31 / 60, 9 + 25 / 60), abs=1e-4)


def test_the_catalogue_does_not_change():
    with pytest.raises(TypeError, match="item assignment"):
        catalogue.sites()["cnaf"] = None


def test_a_new_kind_is_a_new_file(tmp_path):
    (tmp_path / "box.yaml").write_text(GOOD)
    box = Hardware("box", "a core", 1, 0, FIVE, FIVE, FIVE, FIVE, "assumed", "a guess")
    assert catalogue.read(tmp_path, Hardware) == {"box": box}
    (tmp_path / "box.yaml").write_text(f"{GOOD}hs06: {RANGED}\n")
    assert catalogue.read(tmp_path, Hardware) == {"box": replace(box, hs06=FIVE)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", f"needs the keys {NEEDED}, and may have hs06"),
        (GOOD + "colour: 3\n", f"needs the keys {NEEDED}, and may have hs06"),
        (GOOD.replace("cores: 1", "cores: 1.5"), "cores: 1.5 is not a whole number"),
        (GOOD.replace("cores: 1", "cores: yes"), "cores: True is not a whole number"),
        (GOOD.replace("a core", "7"), "description: 7 is not text"),
        (GOOD.replace("0\nstanding: assumed", "0\nstanding: guessed"), "standing: 'guessed'; allowed: measured"),
        (GOOD.replace(f"power_w: {RANGED}", "power_w: 5"), "power_w: needs exactly the keys value, low, high"),
        (GOOD.replace("value: 5", "value: five", 1), "power_w.value: 'five' is not a number"),
        (GOOD.replace("7, standing: assumed", "7, standing: so", 1), "power_w.standing: 'so'; allowed"),
        (GOOD.replace("source: a guess}", "source: ''}", 1), "power_w.source: is empty; say where the number is"),
        (GOOD.replace("low: 3", "low: 6", 1), "power_w: 6 to 7 around 5; needs 0 <= low <= value <= high"),
        (GOOD.replace("high: 7", "high: .inf", 1), "power_w: 3 to inf around 5; needs 0 <= low <= value <= high"),
        (": [", "is not YAML"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, text, said):
    (tmp_path / "box.yaml").write_text(text)
    with pytest.raises(CatalogueError, match=f"box.yaml: {re.escape(said)}"):
        catalogue.read(tmp_path, Hardware)


def test_sites_farms_and_countries_are_read_like_hardware(tmp_path):
    text = "title: A\nlatitude_deg: 1\nlongitude_deg: 2.5\ncountry: IT\nstanding: assumed\nsource: s\n"
    (tmp_path / "a.yaml").write_text(f"{text}pue: {RANGED}\n")
    assert catalogue.read(tmp_path, Site)["a"] == Site("a", "A", 1, 2.5, "IT", "assumed", "s", FIVE)
    (tmp_path / "a.yaml").write_text(f"title: A\nmhs06: {RANGED}\n")
    assert catalogue.read(tmp_path, Farm) == {"a": Farm("a", "A", FIVE)}
    (tmp_path / "a.yaml").write_text("title: A\n")
    assert catalogue.read(tmp_path, Country) == {"a": Country("a", "A")}
