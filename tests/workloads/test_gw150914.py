"""The matched filter's core against nature: GW150914 in real LIGO strain, with an estimated noise curve."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly, welch

from workloads import psd, waveform
from workloads.models import matched_filter
from workloads.spec import RATE_HZ

DATA = Path(__file__).parents[3] / "shared" / "data"
FILES = [DATA / f"{d[0]}-{d}_LOSC_4_V2-1126259446-32.hdf5" for d in ("H1", "L1")]
START_GPS, EVENT_GPS = 1126259446.0, 1126259462.42
HALF_S, WINDOW_S = 1.0, 8.0


def strain_of(path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path) as file:
        return resample_poly(file["strain/Strain"][:], 1, 2)


def snr_squared(strain, bank, first, n):
    """(template, time) of one detector, from noise estimated on all of its data."""
    frequency, value = welch(strain, RATE_HZ, nperseg=4 * RATE_HZ, average="median")
    curve = psd.Psd(frequency[1:], value[1:])
    kernel = curve.whitening(RATE_HZ, HALF_S, (30.0, 500.0))
    white = psd.filter_valid(strain, kernel)[first : first + n].astype(np.float32)
    transfer = psd.response(kernel, waveform.SAMPLES)
    rows = [matched_filter.whitened_template(waveform.Binary(*pair), transfer, n, 1.5, 0.1) for pair in bank]
    density = curve.at(np.fft.rfftfreq(n, 1 / RATE_HZ)) * RATE_HZ / 2
    power = psd.response(kernel, n) ** 2 * np.where(np.isfinite(density), density, 0)
    templates = matched_filter.normalised(np.array(rows), power, n)
    return matched_filter.correlate(white, templates)


@pytest.mark.skipif(not all(f.is_file() for f in FILES), reason=f"real LIGO strain is not at {DATA}")
def test_finds_gw150914_at_the_right_time_and_loudness():
    bank = [(m, q * m) for m in np.geomspace(28, 50, 10) for q in (0.6, 0.8, 1.0)]
    n, first_s = round(WINDOW_S * RATE_HZ), 12.0
    first = round((first_s - HALF_S) * RATE_HZ)
    hanford, livingston = (snr_squared(strain_of(f), bank, first, n) for f in FILES)
    ten_ms = round(0.010 * matched_filter.SERIES_HZ)
    nearby = np.max([np.roll(livingston, s, axis=-1) for s in range(-ten_ms, ten_ms + 1)], axis=0)
    network = np.sqrt(hanford + nearby)
    template, at = np.unravel_index(network.argmax(), network.shape)
    merger_gps = START_GPS + first_s + at / matched_filter.SERIES_HZ
    assert merger_gps == pytest.approx(EVENT_GPS, abs=0.05)
    assert 20 < network.max() < 28  # published: 24
    lag = livingston[template, at - ten_ms : at + ten_ms + 1].argmax() - ten_ms
    assert -9 <= lag <= -5  # Livingston heard it 7 ms earlier
    chirp = (bank[template][0] * bank[template][1]) ** 0.6 / sum(bank[template]) ** 0.2
    assert 27 < chirp < 34  # published, detector frame: 30-31 solar masses
