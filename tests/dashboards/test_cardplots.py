"""Pictures of the cards show what the profiles hold, in few bytes, and the same ones each time."""

import re
import sys
from dataclasses import replace
from itertools import pairwise

import pytest

from dashboards import cardplots, modelcard, panels
from dashboards.cli import main
from workloads import curves, spec
from workloads.profile import Drifted, Figure

pytest.importorskip("matplotlib")
NAMES = spec.names()


@pytest.fixture(scope="module")
def drawn():
    """Of each workload, its pictures by kind, and each as SVG."""
    found = {}
    for name in NAMES:
        pictures = cardplots.pictures(modelcard.profiles_of(name))
        found[name] = {kind: (picture, panels.svg(picture)) for kind, picture in pictures.items()}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_card_shows_each_picture_it_has(name, drawn):
    text = modelcard.model_card(name)
    assert ({"quality", "times"} <= set(drawn[name])) == bool(modelcard.profiles_of(name))
    shown = re.findall(r"!\[(.+)\]\((.+)\)", text)
    assert {file for _, file in shown} == {f"{name}-{kind}.svg" for kind in drawn[name]}
    assert {told for told, _ in shown} == {picture.told for picture, _ in drawn[name].values()}


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_small_and_name_no_machine(name, drawn):
    for picture, svg in drawn[name].values():
        assert len(svg) < 60_000
        assert not re.search(r"/work|/home|/root|<dc:date>", svg)
        for panel in picture.rows[-1]:
            assert f">{panel.x}</text>" in svg


def test_the_same_picture_has_the_same_bytes(drawn):
    for picture, svg in drawn["anomaly-detector"].values():
        assert panels.svg(picture) == svg


@pytest.mark.parametrize("name", [n for n in NAMES if spec.get(n).outcome is not None])
def test_quality_is_the_share_of_each_bin_of_the_decisions(name, drawn):
    shown = next((p.decisions for p in modelcard.profiles_of(name) if p.decisions is not None), None)
    if shown is None:
        pytest.skip("not measured with these weights")
    [[panel]] = drawn[name]["quality"][0].rows
    assert list(panel.series) == list(shown.classes)
    for cls, response in shown.classes.items():
        points = panel.series[cls]
        for (x, figure), (low, high), n, count in zip(
            points, pairwise(shown.snr_edges), response.n, response.count, strict=True
        ):
            assert low < x < high
            assert figure.value == pytest.approx(100 * count / n)
            assert figure.low <= figure.value <= figure.high


def test_drift_has_a_column_per_kind_and_none_in_each(drawn):
    aged = next(p.ageing for p in modelcard.profiles_of("anomaly-detector") if p.ageing)
    [row] = drawn["anomaly-detector"]["drift"][0].rows
    assert {panel.x.replace(" ", "_") for panel in row} == {kind for a in aged for kind in a.drift}
    still = aged[0].noise["count"] / aged[0].noise["n"]
    for panel in row:
        amounts = [x for x, _ in panel.series["noise"]]
        assert amounts == sorted(amounts)
        assert dict(panel.series["noise"])[0.0].value == pytest.approx(100 * still)


def test_figures_on_drifted_data_have_a_row_each_and_a_table():
    shipped = modelcard.profiles_of("witness")[0]
    figures = {"one": Figure(0.5, 0.25, 0.75, 8), "other": Figure(3.0, 2.0, 4.0, 8)}
    later = figures | {"other": Figure(3.0, 2.0, 4.0, 9)}
    drifted = (Drifted({}, figures), Drifted({"rate": 2.0}, later))
    picture = cardplots.pictures([replace(shipped, drifted=drifted, ageing=())])["drift"]
    assert [[panel.y for panel in row] for row in picture.rows] == [["one"], ["other"]]
    assert list(modelcard._figures(drifted))[1].splitlines()[-1] == "| rate 2 | 0.5 (0.25-0.75) | 3 (2-4, n=9) |"


def test_curves_of_a_quality_are_panels_with_what_is_expected_and_tables():
    shipped = modelcard.profiles_of("witness")[0]
    found = [(1.0, Figure(2000.0, 1500.0, 2500.0, 8)), (2.0, Figure(3.0, 3.0, 3.0, 8))]
    named = curves.curve("n=8", "SNR", "area", {"a_b": found}, (True, True))
    mixed = [(0.5, Figure(0.4, 0.2, 0.6, 9)), (0.75, Figure(0.7, 0.5, 0.9, 4))]
    said = curves.curve("n=90", "said", "happened", {"c": mixed}, expected=curves.DIAGONAL)
    picture = cardplots.pictures([replace(shipped, quality={"headline": "well", "curves": [named, said]})])[
        "quality"
    ]
    [[left, right]] = picture.rows
    assert left.series == {"a b": found}
    assert (left.x, left.log, right.expected) == ("SNR", (True, True), list(curves.DIAGONAL))
    assert "(n=8)" in picture.told
    assert modelcard._points(left).splitlines()[2:] == [
        "| SNR | a b |", "| --- | --- |", "| 1 | 2,000 (1,500-2,500) |", "| 2 | 3 |",
    ]  # fmt: skip
    assert modelcard._points(right).splitlines()[-1] == "| 0.75 | 0.7 (0.5-0.9, n=4) |"
    drawn = panels.svg(picture)
    for text in ("SNR", "area", "said", "happened", "n=8", "n=90"):
        assert f">{text}</text>" in drawn


def test_no_profile_no_picture():
    assert cardplots.pictures([]) == {}


def test_the_command_writes_the_pictures_beside_the_card(tmp_path, drawn):
    with pytest.raises(SystemExit) as ended:
        main(["card", "witness", "--out", str(tmp_path)])
    assert ended.value.code == 0
    for kind, (_, svg) in drawn["witness"].items():
        assert (tmp_path / f"witness-{kind}.svg").read_text() == svg


def test_without_matplotlib_the_command_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.modules["dashboards.commands.card"], "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        main(["card", "witness", "--out", str(tmp_path)])
    assert ended.value.code == 2
    assert "need the extra 'live': pip install 'et-twin[live]'" in capsys.readouterr().err
