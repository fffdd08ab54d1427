"""The README's numbers are those of the files they come from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import twin
from dashboards import text
from workloads.profile import SHIPPED, load
from workloads.sky import GLITCHES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
WORDS = " ".join(README.split())
RESULTS, SEARCH, PREMERGER, INFERENCE, QUALITY, EVENT, REFINEMENT = (
    json.loads((ROOT / "benchmarks" / f"{name}.json").read_text())
    for name in ("results", "search", "premerger", "inference", "dataquality", "gw150914", "refinement")
)


def test_the_summary_is_the_shipped_scenarios():
    shown = re.search(r"    SIMULATED  first-light.*?\n(?=\n\S)", README, re.DOTALL)
    lines = [line.strip() for line in shown.group().splitlines()]
    told = [line.strip() for line in text.text(twin.run(twin.load("first-light")).summary).splitlines()]
    assert lines == told[: len(lines)]


PEERS = ("simpy", "simpy_tuned", "ciw", "salabim", "simgrid", "cimba")


def times(row, peer):
    ratio = row[f"kernel_over_{peer}"]
    return "–" if ratio is None else f"{ratio:.0f}x" if ratio >= 10 else f"{ratio:.1f}x"


def test_the_ratios_are_the_benchmarks():
    for row in RESULTS["engine"].values():
        cells = (f"{row['kernel_per_s'] / 1e6:.1f} M", *(times(row, peer) for peer in PEERS))
        assert f"| {' | '.join(cells)} |" in README


def test_the_parts_of_a_completion_are_the_benchmarks():
    floor = {part: round(cost) for part, cost in RESULTS["floor"]["network"].items()}
    assert f"Of the {floor['completion_ns']} ns that one of two sites costs" in WORDS
    assert f"{floor['heap_ns']} go to the heap of events, {floor['draw_ns']} to drawing times" in WORDS
    assert f"times and {floor['histogram_ns']} to the histogram" in WORDS


def test_the_year_is_the_one_that_was_run():
    year = RESULTS["year"]
    assert f"{year['completions'] / 1e6:.0f} million completions" in README
    assert f"took {year['wall_s']:.0f} s on one core and {year['peak_mib']:.0f} MiB" in README
    two_years = RESULTS["two_years"]
    assert f"two years took {two_years['wall_s']:.0f} s and no more memory" in WORDS
    assert two_years["peak_mib"] <= 1.05 * year["peak_mib"]


def test_the_comparisons_with_theory_are_as_many_as_told():
    theory = json.loads((ROOT / "benchmarks" / "theory.json").read_text())
    assert f"{len(theory['exact'])} exact answers of queueing theory and {len(theory['ciw'])} of Ciw" in README


def test_the_searches_find_what_is_told():
    rates, cost = SEARCH["rates"]["1 per day"], SEARCH["cheaper_than_matched_filter"]
    segments, templates = SEARCH["noise_segments"], EVENT["search"]["templates"]
    detector, hybrid = (rates[name]["over_matched_filter"] for name in ("detector", "hybrid"))
    assert f"(extrapolated from {segments:,} segments of noise)" in WORDS
    found, quiet = 100 * detector["all 10-30"][0], 100 * detector["7-8"][0]
    assert f"{found:.1f} % of what a bank of {templates:,} templates finds" in WORDS
    assert f"finds, {cost['detector']['one second at a time']:.0f} times cheaper" in WORDS
    assert f"at SNR 7 to 8 only {quiet:.0f} %" in WORDS
    glitches = {name: rates[name]["glitches"]["all"] for name in ("detector", "detector-large")}
    (fooled, n, *_), (before, _, *_) = glitches["detector-large"], glitches["detector"]
    assert f"finds no more signals, but {fooled} instead of {before} of {n:,} loud glitches trigger it" in WORDS
    assert hybrid["all 10-30"][0] == 1
    assert f"and {100 * hybrid['7-8'][0]:.0f} % at SNR 7 to 8" in WORDS
    assert f"for a {cost['hybrid']['one second at a time']:.0f}th of the time" in WORDS


def test_neutron_stars_are_announced_as_early_as_told():
    classical, network = (
        PREMERGER["bns"]["found"][name]["snr_half_warned"]["60"]
        for name in ("early-warning-filter", "early-warning")
    )
    assert (
        f"whose final SNR is {classical:.0f}, by semi-coherent filters; the network needs {network:.0f}" in WORDS
    )


def test_posteriors_are_as_good_and_as_fast_as_told():
    calibration, beside = INFERENCE["calibration"]["found"], INFERENCE["beside-sampler"]["found"]["all"]
    ks, efficiency = calibration["flow"]["largest_ks"], calibration["efficiency"]["quantiles"]["0.5"]
    assert f"the largest KS distance over {calibration['n']:,} events is {ks:.3f}" in WORDS
    assert f"reweighted, {100 * efficiency:.0f} % of the draws count" in WORDS
    assert f"{beside['sampler_over_npe_median']:.0f} times than nested sampling" in WORDS
    assert f"{beside['sampler_over_weighted_median']:.0f} times with reweighting" in WORDS


def test_data_quality_spares_and_knows_what_is_told():
    found, real = QUALITY["anomalies"]["found"], QUALITY["real-glitches"]["found"]
    flagged, n = found["signals"]["detector"]["8-100"][:2]
    families = [family["24"]["detector"] for name, family in found["glitches"].items() if name in GLITCHES]
    recall = sum(f[0] for f in families) / sum(f[1] for f in families)
    assert (
        f"flags {100 * flagged / n:.2f} % of binaries of SNR 8 to 100, and {100 * recall:.0f} % of glitches"
        in WORDS
    )
    right, known = real["right_of_known_families"][:2]
    unknown, others = real["unknown_of_unknown_family"][:2]
    assert f"Of {known} from LIGO's third run, of families it was taught, it names {right} rightly" in WORDS
    assert f"of {others} others it calls {unknown} unknown" in WORDS


def test_the_event_of_2015_came_out_as_told():
    chirp = EVENT["posterior"]["chirp_mass_msun"]
    low, high = chirp["90 %"]
    assert f"network SNR {EVENT['search']['network_snr']:.1f}" in WORDS
    assert f"chirp mass {chirp['median']:.1f} ({low:.1f} to {high:.1f}) solar masses in the" in WORDS
    assert list(EVENT["quality"]["H1"]["elsewhere"]) == ["scattered-light"]


def test_drift_breaks_and_refinement_mends_what_is_told():
    detector = load(SHIPPED / "epyc-core" / "detector-onnxruntime.json")
    louder = next(a.noise for a in detector.ageing if a.drift == {"level": 0.1})
    before, after = 100 * detector.decisions.noise_probability, 100 * louder["count"] / louder["n"]
    assert f"false alarms from {before:.1f} to {after:.1f} % of seconds" in WORDS
    rows = (REFINEMENT[f"glitch-classifier, colour=0.1, {minutes} min"]["noise"] for minutes in (0, 1, 10))
    tilted, minute, ten = (100 * row["count"] / row["n"] for row in rows)
    assert f"makes the glitch classifier flag {tilted:.0f} %" in WORDS
    assert f"on a minute of such data it flags {minute:.1f} %, on ten minutes {ten:.0f} %" in WORDS
