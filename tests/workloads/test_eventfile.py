"""Files of events: read whatever their order, and refused with the row and the remedy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workloads import eventfile
from workloads.eventfile import EventFileError, read
from workloads.sky import CLASSES, EVENT

DETECTORS = ("E1", "E2", "E3")
GOOD = "time_s,cls,snr,detector,note\n30.5,blip,8,E2,x\n2,bbh,20.25,,\n30.5,tomte,7,E1,\n"


def written(folder, text, name="events.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def as_parquet(folder, text):
    table = pd.read_csv(written(folder, text))
    path = folder / "events.parquet"
    table.to_parquet(path)
    return path


@pytest.mark.parametrize("kind", [written, as_parquet])
def test_rows_are_events_in_order_of_time(tmp_path, kind):
    events = read(kind(tmp_path, GOOD), DETECTORS)
    assert events.dtype == EVENT
    assert events["time_s"].tolist() == [2.0, 30.5, 30.5]
    assert events["snr"].tolist() == [20.25, 8.0, 7.0]
    assert [CLASSES[k] for k in events["cls"]] == ["bbh", "blip", "tomte"]
    assert events["detector"].tolist() == [-1, 1, 0]


def test_gps_times_count_from_the_origin(tmp_path):
    path = written(tmp_path, "gps_s,cls,snr\n1238175742.66,bbh,9\n1238175800,bbh,9\n")
    assert read(path, DETECTORS, 1238175742.0)["time_s"] == pytest.approx([0.66, 58.0], abs=1e-6)


def test_signals_alone_need_no_detector(tmp_path):
    assert read(written(tmp_path, "snr,cls,time_s\n9,bbh,0\n"), DETECTORS)["detector"].tolist() == [-1]


@pytest.mark.parametrize(
    ("text", "origin_s", "said"),
    [
        ("", None, "is not a table with named columns in .csv form: Empty CSV file"),
        ("time_s,cls,snr\n", None, "holds no events"),
        ("time_s,cls\n1,bbh\n", None, "has no column 'snr'; its columns: time_s, cls"),
        (
            "t,cls,rho\n1,bbh,9\n",
            None,
            "has no column 'time_s' and 'snr'; its columns: t, cls, rho",
        ),
        (
            "gps_s,cls,snr\n1,bbh,9\n",
            None,
            "has no column 'time_s'; its columns: gps_s, cls, snr. For GPS times, give 'origin' too",
        ),
        (
            "time_s,cls,snr\n1,bbh,9\n",
            5.0,
            "has no column 'gps_s'; its columns: time_s, cls, snr. For times from the beginning of the run, "
            "leave 'origin' away",
        ),
        ("time_s,cls,snr\n1,bbh,9\n,bbh,9\n", None, "row 2, time_s: an empty value is not a finite number"),
        (
            "time_s,cls,snr\n1,bbh,9\n1,bbh,nan\n2,bbh,\n",
            None,
            "row 2, snr: an empty value is not a finite number (and 1 more)",
        ),
        ("time_s,cls,snr\n1,bbh,9\n1,bbh,inf\n", None, "row 2, snr: 'inf' is not a finite number"),
        ("time_s,cls,snr\nsoon,bbh,9\n", None, "row 1, time_s: 'soon' is not a finite number"),
        ("time_s,cls,snr\n1,bbh,9\n1,bbh,true\n", None, "row 2, snr: 'true' is not a finite number"),
        ("time_s,cls,snr\n-1,bbh,9\n-2,bbh,9\n3,bbh,9\n", None, "row 1, time_s: '-1' is negative (and 1 more)"),
        ("gps_s,cls,snr\n99,bbh,9\n", 100.0, "row 1, gps_s: '99' lies before the origin, 100 s"),
        ("time_s,cls,snr\n1,bbh,0\n", None, "row 1, snr: '0' must be more than 0"),
        (
            "time_s,cls,snr\n1,bbh,9\n1,bhb,9\n",
            None,
            f"row 2, cls: 'bhb' is no known class; did you mean 'bbh'? Known: {', '.join(CLASSES)}",
        ),
        ("time_s,cls,snr\n1,,9\n", None, f"row 1, cls: an empty value is no class: {', '.join(CLASSES)}"),
        (
            "time_s,cls,snr\n1,blip,9\n",
            None,
            "row 1, cls: 'blip' is a glitch, which sits in one stream: add a column 'detector' (E1, E2, E3)",
        ),
        (
            "time_s,cls,snr,detector\n1,blip,9,\n",
            None,
            "row 1, detector: an empty value names no stream for a glitch: E1, E2, E3",
        ),
        (
            "time_s,cls,snr,detector\n1,bbh,9,E1\n",
            None,
            "row 1, detector: 'E1' goes with a signal, which reaches all: leave it empty",
        ),
        (
            "time_s,cls,snr,detector\n1,blip,9,H1\n",
            None,
            "row 1, detector: 'H1' is no detector of the scenario: E1, E2, E3",
        ),
    ],
)
def test_a_wrong_file_is_explained(tmp_path, text, origin_s, said):
    with pytest.raises(EventFileError) as caught:
        read(written(tmp_path, text), DETECTORS, origin_s)
    assert str(caught.value) == said


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(EventFileError, match=r"^does not exist in /"):
        read(tmp_path / "gone.csv", DETECTORS)
    with pytest.raises(EventFileError, match=r"^does not exist in /"):
        read(tmp_path / "gone.parquet", DETECTORS)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(EventFileError, match=r"^cannot be read: is a directory$"):
        read(tmp_path / "folder.csv", DETECTORS)
    for text in (b"PAR1 no", b"", b"\xff\xfe\x00"):
        with pytest.raises(EventFileError, match=r"^is not a table with named columns in .parquet form: "):
            read(written(tmp_path, text, "bad.parquet"), DETECTORS)
    for text in (b"time_s,cls,snr\n1,\xff\xff,9\n", b"time_s,cls,snr\n1,bbh\n", b"\xff\x00,\n1,2\n"):
        with pytest.raises(EventFileError, match=r"^(is not a table|has no column)"):
            read(written(tmp_path, text, "bad.csv"), DETECTORS)


@pytest.mark.parametrize("kind", [written, as_parquet])
def test_a_file_that_is_too_large_is_refused(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(eventfile, "MOST_ROWS", 3)
    assert read(kind(tmp_path, GOOD), DETECTORS).size == 3
    with pytest.raises(EventFileError, match=r"^has 4 rows, more than 3: cut it into parts$"):
        read(kind(tmp_path, GOOD + "40,bbh,9,,\n"), DETECTORS)


def test_the_limit_is_ten_million_rows():
    assert eventfile.MOST_ROWS == 10_000_000


def test_a_large_file_is_read_quickly(tmp_path):
    n = 200_000
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"time_s": rng.random(n) * 1e6, "cls": "blip", "snr": 8.0, "detector": "E3"})
    table.to_csv(tmp_path / "many.csv", index=False)
    events = read(tmp_path / "many.csv", DETECTORS)
    assert (events["time_s"] == np.sort(table["time_s"])).all()
