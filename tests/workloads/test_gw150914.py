"""The programs against nature: GW150914 in real LIGO strain, with an estimated noise curve."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import gw150914
from workloads import runtime

pytest.importorskip("gwpy")
DATA = Path(__file__).parents[3] / "shared" / "data"
FILES = [DATA / f"{d[0]}-{d}_LOSC_4_V2-1126259446-32.hdf5" for d in gw150914.DETECTORS]
pytestmark = pytest.mark.skipif(not all(f.is_file() for f in FILES), reason=f"real LIGO strain is not at {DATA}")


@pytest.fixture(scope="module")
def data():
    return [gw150914.condition(path) for path in FILES]


@pytest.fixture(scope="module")
def found(data):
    with pytest.MonkeyPatch.context() as patch:
        bank = [(m, q * m, 0.0) for m in np.geomspace(28, 50, 10) for q in (0.6, 0.8, 1.0)]
        patch.setattr(runtime, "stored", lambda workload: {"bank": np.array(bank)})
        return gw150914.search(data, *gw150914.snr_series(data))


def test_noise_is_white_after_conditioning(data):
    for d in data:
        assert d.white[: 8 * 2048].std() == pytest.approx(1, abs=0.15)


def test_the_search_finds_the_event_at_the_right_time_and_loudness(found):
    assert found["merger_gps"] == pytest.approx(1126259462.42, abs=0.05)
    assert 20 < found["network_snr"] < 28  # published: 24
    assert found["loudest_elsewhere"] < 9
    assert 5 <= found["livingston_earlier_ms"] <= 9  # published: 7
    m1, m2 = found["template_msun"]
    assert 27 < (m1 * m2) ** 0.6 / (m1 + m2) ** 0.2 < 34


def test_the_classifier_is_asked_about_every_second(data, found):
    told = gw150914.names(data[1], found["merger_gps"])
    assert sum(told["elsewhere"].values()) > 20
    assert told["event"] != "none"


def test_the_posterior_holds_the_published_masses(data, found, monkeypatch):
    monkeypatch.setattr(gw150914, "_LIVE", 60)
    told = gw150914.told(gw150914.estimate(data, found))
    low, high = told["chirp_mass_msun"]["90 %"]
    assert low < 30.3 < high  # Abbott et al., PRL 116 (2016) 241102: 30.3 +2.1 -1.9, from memory
    assert high - low < 6
    assert abs(told["effective_spin"]["median"]) < 0.2
