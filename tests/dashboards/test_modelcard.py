"""Model cards say what the weights' card and the profiles say, and nothing of other weights."""

from dataclasses import replace

import pytest

from dashboards.cli import main
from dashboards.modelcard import model_card
from workloads import card, spec
from workloads.profile import SHIPPED, load

NAMES = spec.names()


@pytest.mark.parametrize("name", NAMES)
def test_a_card_names_weights_command_and_limits(name):
    text, about = model_card(name), card.read(name)
    assert text.startswith(f"# {name}\n")
    assert f"ettwin train {name} --seed {about['seed']}" in text
    assert all(digest[:16] in text for digest in about["files"].values())
    assert "## What it is not good for\n\n- " in text
    assert "/work" not in text


def test_numbers_are_those_of_the_profile(tmp_path):
    shipped = load(SHIPPED / "epyc-core" / "glitch-classifier-torch.json")
    replace(shipped, hardware="my-machine").save(tmp_path)
    text = model_card("glitch-classifier", (tmp_path,))
    s = shipped.service[0]
    row = f"| my-machine | torch | 1 | {s.batch} | {1e3 * s.p50_s:.2f} ms | {1e3 * s.p99_s:.2f} ms |"
    assert row in text
    response = shipped.decisions.classes["bbh"]
    assert f"| bbh | {100 * response.count[0] / response.n[0]:.1f} (" in text


def test_profiles_of_other_weights_are_left_out(tmp_path):
    shipped = load(SHIPPED / "epyc-core" / "detector-torch.json")
    other = replace(shipped, hardware="old-machine", passport={**shipped.passport, "weights_sha256": "0" * 64})
    other.save(tmp_path)
    assert "old-machine" not in model_card("detector", (tmp_path,))


def test_the_command_writes_a_file_per_workload(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["card", "detector", "--out", str(tmp_path)])
    assert ended.value.code == 0
    assert (tmp_path / "detector.md").read_text() == model_card("detector")
    assert "detector.md" in capsys.readouterr().out


def test_an_unknown_workload_is_answered_with_the_known_ones(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["card", "nothing", "--out", str(tmp_path)])
    assert ended.value.code == 2
    assert "no workload 'nothing'; known: " in capsys.readouterr().err


def test_a_card_says_what_drift_does():
    shipped = load(SHIPPED / "epyc-core" / "glitch-classifier-onnxruntime.json")
    text = model_card("glitch-classifier")
    aged = next(a for a in shipped.ageing if a.drift == {"level": 0.1})
    share = 100 * aged.noise["count"] / aged.noise["n"]
    assert f"| level 0.1 | {share:.1f} (" in text
    assert "| none | " in text


def test_a_measured_quality_is_not_told_as_that_of_a_scaled_profile():
    text = model_card("matched-filter")
    quality, times = text.split("## How long it takes")
    assert "; scaled):" not in quality
    assert "| a100 | torch |" in times


def test_a_card_says_what_another_signal_close_by_does():
    shipped = load(SHIPPED / "epyc-core" / "detector-onnxruntime.json")
    text = model_card("detector")
    section = text.partition("## With another signal close by")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == len({(o.same, o.after_s) for o in shipped.overlaps})
    first = shipped.overlaps[0]
    share = 100 * sum(first.kept.count) / sum(first.kept.n)
    assert rows[0].startswith(f"| 0 to 0.1 s apart in the same second | {share:.1f} (")
    assert "With another signal" not in model_card("witness")


def test_a_card_says_what_another_inspiral_in_the_data_does():
    found = load(SHIPPED / "epyc-core" / "early-warning-onnxruntime.json").overlaps_ahead
    text = model_card("early-warning").partition("## With another inspiral in the data")[2]
    section = text.partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == len({o.merges_s for o in found})
    share = 100 * sum(found[0].kept) / sum(found[0].alone)
    assert rows[0].startswith(f"| merged 60 to 360 s before the data end | {share:.1f} (")
    assert "another inspiral" not in model_card("detector")
