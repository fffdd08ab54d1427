"""Real servers, MLServer and Triton, execute a real network: where `make serving-check` has installed them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.serving import servers
from benchmarks.serving.__main__ import PATH, line
from workloads import export, measure, runtime, spec
from workloads.serving.address import VARIABLE, Address, ServerError
from workloads.serving.remote import connect

WORKLOAD = "detector"
EXPORTED = [name for name in spec.names() if spec.SERVED in spec.runtimes(spec.get(name))]
PAGE = Path(__file__).parents[2] / "docs" / "serving.md"


@pytest.fixture(scope="module", params=servers.STARTS)
def address(request):
    if (why := servers.missing(request.param)) is not None:
        pytest.skip(why)
    with servers.running(request.param, WORKLOAD, *(name for name in EXPORTED if name != WORKLOAD)) as where:
        yield where


def test_a_real_server_decides_as_the_network_here(address, monkeypatch):
    monkeypatch.setenv(VARIABLE, f"{WORKLOAD}={address}")
    here, there = spec.load(WORKLOAD), spec.load(WORKLOAD, "oip")
    units = here.workload.units(16, 4)
    assert np.allclose(there(units).score, here(units).score, atol=1e-3)
    assert there.network.about["apart_std"] < 1e-4
    assert there.network.about["name"] in ("mlserver", "triton")


@pytest.mark.parametrize("name", EXPORTED)
def test_a_real_server_executes_every_exported_network(address, name, monkeypatch):
    monkeypatch.setenv(VARIABLE, f"grpc://{address.target}")
    here, there = spec.load(name), spec.load(name, "oip")
    units = here.workload.units(spec.few(here.workload, 2), 5)
    assert export.difference(there(units), here(units)) <= measure.TOLERANCE


def test_another_model_on_a_real_server_is_refused(address):
    """The large detector takes and gives the same shapes; what the server is asked for is the small one."""
    other = spec.get("detector-large")
    with pytest.raises(ServerError, match="this is not the network of 'detector-large': on 6 rows"):
        connect(other, address, runtime.executor(other, "onnxruntime", 1))


def test_a_model_that_a_real_server_lacks_is_named(address):
    lacking = Address(address.host, address.port, "nothing", False)
    with pytest.raises(ServerError, match=r"the server has no model 'nothing'|Model nothing .* not found"):
        connect(spec.get(WORKLOAD), lacking, runtime.executor(spec.get(WORKLOAD), "onnxruntime", 1))


def test_the_page_tells_what_was_measured_last():
    """Where it does not, the lines that `make serving-check` prints go into its table."""
    said = PAGE.read_text()
    content = json.loads(PATH.read_text())
    assert {row["server"] for row in content["rows"]} == {*servers.STARTS}
    assert [line(row) for row in content["rows"] if line(row) not in said] == []
    assert f"Measured on {content['date']}" in said
    assert ("other work" in said) == (content["contention"]["unfit"] is not None)
