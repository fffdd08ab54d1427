"""`ettwin worker` and `ettwin run --farm ADDRESS`, mistyped: what they say before they go to any scheduler."""

from __future__ import annotations

import os

import pytest

from dashboards.cli import main
from dashboards.terminal import with_value
from tests.twin.hosts import certify, free_port, options


@pytest.fixture
def told(capsys):
    """The exit code and the one line of a command that leaves."""

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        out, err = capsys.readouterr()
        assert out == ""
        return left.value.code, err.strip()

    return run


WORKER = ["worker", "tcp://127.0.0.1:8786", "--hardware", "epyc-core"]


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--cores", "a,b"], 2, "--cores a,b: give numbers of cores, such as 0,1"),
        (["--ca", "ca.pem"], 2, "--ca, --cert and --key belong together: give all three, or none"),
    ],
)
def test_a_worker_that_is_mistyped_is_told_why(told, more, code, words):
    assert told(*WORKER, *more) == (code, words)


def test_so_is_one_whose_address_cannot_be_used(told):
    code, words = told("worker", "tls://farm:8786", "--hardware", "epyc-core")
    assert (code, words) == (
        2,
        "tls://farm:8786: TLS needs --ca, --cert and --key; docs/farm.md says how to get them",
    )


def test_and_one_whose_certificates_are_not_there(told, tmp_path):
    absent = str(tmp_path / "absent.pem")
    given = ["--ca", absent, "--cert", absent, "--key", absent]
    code, words = told("worker", "tls://farm:8786", "--hardware", "epyc-core", *given)
    assert (code, words) == (2, f"--ca {absent}: not a certificate in PEM (No such file or directory)")


@pytest.mark.parametrize(
    ("cores", "words"),
    [
        ("{a},{a}", "--cores {a},{a}: 2 servers need as many different ones, or a multiple"),
        ("{a}", "--cores {a}: 2 servers need as many different ones, or a multiple"),
        ("9998,9999", "--cores 9998,9999: not for this process; allowed: {all}"),
    ],
)
def test_cores_that_cannot_be_dealt_out_are_told(told, cores, words):
    pytest.importorskip("distributed", reason="needs the extra 'cluster'")
    allowed = sorted(os.sched_getaffinity(0))
    names = {"a": allowed[0], "all": ",".join(map(str, allowed))}
    code, said = told(*WORKER, "--servers", "2", "--cores", cores.format(**names))
    assert (code, said) == (4, words.format(**names))


RUN = ["run", "first-light", "--live", "dq", "--set", "horizon=6 s", "--replicas", "1"]


def test_a_twin_is_told_that_certificates_need_an_address(told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, words = told(*RUN, "--out", "run", "--farm", *options(certify(tmp_path, "farm")))
    assert code == 2
    assert words == "--ca, --cert and --key are for --farm tls://HOST:PORT: add it, or leave them out"


def test_a_twin_is_told_that_nobody_answers(told, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra 'cluster'")
    monkeypatch.chdir(tmp_path)
    address = f"tcp://127.0.0.1:{free_port()}"
    code, words = told(*RUN, "--set", "timeline={}", "--quiet", "--out", "run", "--farm", address)
    assert code == 4
    assert words == (
        f"no scheduler answers at {address} ([Errno 111] Connection refused): start one there, or correct the "
        "address; docs/farm.md says how"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["--farm"], ["--farm=here"]),
        (["--farm", "--quiet"], ["--farm=here", "--quiet"]),
        (["--farm", "tls://a:1", "--quiet"], ["--farm", "tls://a:1", "--quiet"]),
        (["--farm=tls://a:1"], ["--farm=tls://a:1"]),
    ],
)
def test_a_farm_without_an_address_is_here(typed, meant):
    assert with_value(typed, "--farm", "here") == meant
