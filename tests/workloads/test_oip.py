"""A site's own server executes the exported network, or it is said what is wrong. Against a test double."""

from __future__ import annotations

import time
from types import SimpleNamespace

import grpc
import numpy as np
import pytest

import twin
from dashboards.cli import main
from tests.twin.profiles import make, write_all
from tests.workloads.double import Double, served
from workloads import measure, profile, runtime, spec
from workloads.measure import Request
from workloads.serving import address
from workloads.serving.address import Address, ServerError
from workloads.serving.client import Server
from workloads.serving.remote import connect

WEIGHTS = np.random.default_rng(1).standard_normal((5, 2)).astype(np.float32)
TOY = SimpleNamespace(
    name="toy",
    units=lambda n, seed: np.random.default_rng(seed).standard_normal((n, 5)),
    prepare=lambda units: units.astype(np.float32),
)


def toy(rows):
    return rows @ WEIGHTS


def connected(network=toy, row=(5,), model="toy", **faults):
    """The toy's network on a double that has these faults."""
    with served(Double("toy", network, row, (2,), **faults)) as (_, port):
        return connect(TOY, Address("127.0.0.1", port, model, False), toy)


# --- where the server is -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "url"),
    [
        ("grpc://a:1", "grpc://a:1/toy"),
        ("grpc://a:1 toy=grpc://b:2/other", "grpc://b:2/other"),
        ("toy=grpcs://b:2 grpc://a:1 tool=grpc://c:3", "grpcs://b:2/toy"),
        ("grpc://[::1]:8/m", "grpc://[::1]:8/m"),
    ],
)
def test_a_workload_finds_its_own_entry_before_the_general_one(entries, url):
    assert str(address.find("toy", {address.VARIABLE: entries})) == url


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("", "no server is named for 'toy'; give ETTWIN_SERVERS='toy=grpc://HOST:PORT/MODEL'"),
        ("tool=grpc://c:3", "no server is named for 'toy'"),
        ("http://a:8000/toy", r"speaks gRPC, for JSON over HTTP .* gRPC port \(Triton 8001, MLServer"),
        *(
            (url, "not an address; wanted grpc://HOST:PORT")
            for url in ("a:1", "grpc://a", "grpc://a:x", "file:///a")
        ),
        *(
            (url, "without user, query or further path")
            for url in ("grpc://u@a:1", "grpc://a:1/m/n", "grpc://a:1?q")
        ),
    ],
)
def test_what_is_no_address_is_refused(entries, message):
    with pytest.raises(ServerError, match=message):
        address.find("toy", {address.VARIABLE: entries})


# --- what it holds, before anything is timed ---------------------------------------------------------------


def test_the_network_on_the_server_is_the_network():
    with served(Double("toy", toy, (5,), (2,))) as (_, port):
        remote = connect(TOY, Address("localhost", port, "toy", False), toy)
        rows = TOY.prepare(TOY.units(9, 3))
        assert np.array_equal(remote(rows[:, ::-1]), toy(rows[:, ::-1]))
        assert (remote.about["name"], remote.about["version"], remote.about["apart_std"]) == ("double", "7", 0.0)
        assert "localhost" not in str(remote.about)


def test_arrays_that_come_as_numbers_are_read_too():
    def listed(request, context, usual):
        answer = usual(request, context)
        answer.outputs[0].contents.fp32_contents.extend(np.frombuffer(answer.raw_output_contents[0], "<f4"))
        answer.ClearField("raw_output_contents")
        return answer

    assert connected(ModelInfer=listed).about["apart_std"] == 0.0


def test_rounding_is_excused_and_another_network_is_not():
    assert 0.0 < connected(lambda rows: (1 + 0.01 * np.sign(rows[:, :1])) * toy(rows)).about["apart_std"] <= 0.05
    with pytest.raises(
        ServerError, match=r"/toy: this is not the network of 'toy': on 6 rows its output differs by"
    ):
        connected(lambda rows: 1.3 * toy(rows))
    with pytest.raises(ServerError, match="differs by nan"):
        connected(lambda rows: np.nan * toy(rows))


def states(what, *tensors):
    def answer(request, context, usual):
        said = usual(request, context)
        said.ClearField(what)
        for name, kind, shape in tensors:
            getattr(said, what).add(name=name, datatype=kind, shape=shape)
        return said

    return answer


@pytest.mark.parametrize(
    ("what", "tensors", "message"),
    [
        ("inputs", [], r"states as input: nothing; wanted one FP32 \[-1, 5\], for any batch"),
        ("inputs", [("x", "FP64", (-1, 5))], r"input: x FP64 \[-1, 5\]; wanted one FP32"),
        ("inputs", [("x", "FP32", (-1, 6))], r"x FP32 \[-1, 6\]; wanted one FP32 \[-1, 5\]"),
        ("inputs", [("x", "FP32", (4, 5))], r"x FP32 \[4, 5\]; wanted one FP32 \[-1, 5\], for any batch"),
        ("inputs", [("x", "FP32", (-1, 5)), ("z", "FP32", (-1, 5))], r"x FP32 \[-1, 5\], z FP32"),
        ("outputs", [("y", "FP32", (-1, 3))], r"output: y FP32 \[-1, 3\]; wanted one FP32 \[-1, 2\]"),
    ],
)
def test_a_model_that_takes_or_gives_something_else_is_refused_before_it_is_asked(what, tensors, message):
    double = Double("toy", toy, (5,), (2,), ModelMetadata=states(what, *tensors))
    with served(double) as (_, port), pytest.raises(ServerError, match=message):
        connect(TOY, Address("127.0.0.1", port, "toy", False), toy)
    assert "ModelInfer" not in double.asked


def aborts(code, said=""):
    return lambda request, context, usual: context.abort(code, said)


def changed(**fields):
    """An answer to ModelInfer with other fields."""

    def answer(request, context, usual):
        said = usual(request, context)
        for name, value in fields.items():
            if name == "raw_output_contents":
                said.raw_output_contents[:] = value
            else:
                setattr(said.outputs[0], name, value)
        return said

    return answer


def reshaped(*shape):
    def answer(request, context, usual):
        said = usual(request, context)
        said.outputs[0].shape[:] = shape
        return said

    return answer


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"model": "tool"}, "/tool: the server has no model 'tool'"),
        (
            {"ModelReady": lambda *_: runtime_message("ModelReadyResponse")},
            "/toy: the server has no model 'toy' that is ready. Name one",
        ),
        ({"ModelReady": aborts(grpc.StatusCode.UNIMPLEMENTED)}, "does not speak the Open Inference Protocol v2"),
        (
            {"ModelInfer": aborts(grpc.StatusCode.INTERNAL, "out of memory")},
            r"ModelInfer failed: INTERNAL \(out of m",
        ),
        (
            {"ModelInfer": aborts(grpc.StatusCode.RESOURCE_EXHAUSTED)},
            "Make batches smaller, or raise the server's",
        ),
        ({"ModelInfer": changed(name="z")}, "the answer lacks output 'y'; it has: z"),
        ({"ModelInfer": changed(datatype="FP16")}, r"output 'y' is FP16 \[6, 2\]; wanted FP32 \[6, …\]"),
        ({"ModelInfer": reshaped(3, 4)}, r"output 'y' is FP32 \[3, 4\]; wanted"),
        ({"ModelInfer": reshaped(6, -2)}, r"output 'y' is FP32 \[6, -2\]; wanted"),
        ({"ModelInfer": reshaped(6, 2, 1)}, r"answer has shape \[6, 2, 1\]; toy gives \[6, 2\]"),
        ({"ModelInfer": changed(raw_output_contents=[b"12345678"])}, "output 'y' holds 2 numbers; wanted 12"),
        ({"ModelInfer": changed(raw_output_contents=[b"1234", b"1234"])}, "2 arrays for 1 outputs"),
    ],
)
def test_a_wrong_answer_is_named(fault, message):
    with pytest.raises(ServerError, match=message):
        connected(**fault)


def runtime_message(name):
    from workloads.serving.messages import MESSAGES

    return MESSAGES[name]()


# --- when it goes away -------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_named():
    with served(Double("toy", toy, (5,), (2,))) as (_, port):
        pass
    with pytest.raises(
        ServerError, match=rf"grpc://127.0.0.1:{port}/toy: no gRPC server answers there within 0.2 s"
    ):
        Server(Address("127.0.0.1", port, "toy", False), wait_s=0.2)


def test_a_server_without_tls_is_refused_where_tls_is_asked_for():
    with (
        served(Double("toy", toy, (5,), (2,))) as (_, port),
        pytest.raises(ServerError, match=r"grpcs://.* with a certificate that is trusted here within 0\.5 s"),
    ):
        Server(Address("127.0.0.1", port, "toy", True), wait_s=0.5)


def test_a_server_that_does_not_answer_in_time_is_named():
    def late(request, context, usual):
        time.sleep(1.0)
        return usual(request, context)

    with served(Double("toy", toy, (5,), (2,), ModelInfer=late)) as (_, port):
        server = Server(Address("127.0.0.1", port, "toy", False), timeout_s=0.2)
        with pytest.raises(ServerError, match=r"/toy: no answer to ModelInfer within 0\.2 s\. Look whether"):
            server.infer("x", np.zeros((1, 5), np.float32), "y")


def test_a_server_that_dies_on_the_way_is_named():
    with served(Double("toy", toy, (5,), (2,))) as (server, port):
        remote = connect(TOY, Address("127.0.0.1", port, "toy", False), toy)
        server.stop(None).wait()
        with pytest.raises(ServerError, match=r"the server went away during ModelInfer\. Start it again"):
            remote(np.zeros((1, 5), np.float32))


def test_a_server_that_goes_on_with_another_version_is_named():
    count = iter(range(1, 9))

    def newer(request, context, usual):
        said = usual(request, context)
        said.model_version = str(next(count))
        return said

    with served(Double("toy", toy, (5,), (2,), ModelInfer=newer)) as (_, port):
        remote = connect(TOY, Address("127.0.0.1", port, "toy", False), toy)
        with pytest.raises(ServerError, match="from version '1' of the model to '2'"):
            remote(np.zeros((1, 5), np.float32))


# --- a workload on it --------------------------------------------------------------------------------------


@pytest.fixture
def guard(monkeypatch):
    """The real domain guard's network on a double, named to this process."""
    workload = spec.get("domain-guard")
    network = runtime.executor(workload, "onnxruntime", 1)
    with served(Double("domain-guard", network, (40,), (1,))) as (_, port):
        monkeypatch.setenv(address.VARIABLE, f"grpc://127.0.0.1:{port}")
        yield port


def test_a_workload_on_a_server_is_measured_like_any_other(guard, tmp_path, monkeypatch):
    monkeypatch.setattr(spec.get("domain-guard"), "tries", (16, 2), raising=False)
    request = Request("domain-guard", runtimes=("onnxruntime", "oip"), batches=(1, 2), budget_s=0.2)
    here, served_there = (profile.load(p) for p in measure.measure(request, tmp_path, "2026-01-02"))
    assert served_there.decisions == here.decisions
    assert [s.batch for s in served_there.service] == [1, 2]
    passport = served_there.passport
    assert passport["server"]["name"] == "double"
    assert passport["machine"].startswith("a server's own, asked from ")
    assert passport["versions"]["grpcio"] == grpc.__version__
    assert str(guard) not in str(passport)
    assert profile.find("domain-guard", "oip", "host", (tmp_path,)) == served_there


def test_a_live_stage_runs_on_a_server(tmp_path, monkeypatch):
    """Its passes through the twin are recorded, and what the server decided is what happened."""
    make("detector", 0.02, "trigger", 0.9, 0.3, 0.001, "epyc-core", "oip").save(write_all(tmp_path, "epyc-core"))
    network = runtime.executor(spec.get("detector"), "onnxruntime", 1)
    double = Double("detector", network, (170, 264), (64,))
    scenario = twin.load("first-light").with_(
        {"horizon": "10 s", "replicas": 1, "timeline": {}, "live": ["detect"], "stages.detect.runtime": "oip"}
    )
    with served(double) as (_, port):
        monkeypatch.setenv(address.VARIABLE, f"detector=grpc://127.0.0.1:{port}")
        record = twin.run(scenario, profiles=(tmp_path,))
    assert len(record.live) == 10
    assert double.asked.count("ModelInfer") == 10 + 2  # one to be held against the network here, one to warm up
    assert str(port) not in str(record.manifest)


def test_how_many_threads_a_server_takes_is_not_ours_to_say(guard):
    with pytest.raises(ValueError, match="domain-guard: 2 threads; how many a server takes is its own affair"):
        spec.load("domain-guard", "oip", threads=2)


def test_without_the_client_the_extra_that_brings_it_is_named(monkeypatch):
    monkeypatch.setattr(runtime, "find_spec", lambda package: None)
    with pytest.raises(ModuleNotFoundError, match=r"'oip' needs the extra 'serving': pip install"):
        spec.load("detector", "oip")


def test_a_workload_without_an_exported_network_has_no_server():
    with pytest.raises(ValueError, match="workload 'sky-map' has no runtime 'oip'; it has: numpy"):
        spec.load("sky-map", "oip")


def test_the_command_explains_how_a_server_is_named(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["measure", "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "WORKLOAD=URL" in said
    assert "grpc://HOST:PORT/MODEL" in said


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--server", "grpc://a:1"), 2, "--server is of runtime oip: add --runtime oip"),
        (("--runtime", "oip", "--server", "http://a:1"), 2, "server 'http://a:1': runtime 'oip' speaks gRPC"),
        (("--runtime", "oip"), 4, "no server is named for 'detector'"),
    ],
)
def test_the_command_says_what_is_missing(options, code, message, capsys, monkeypatch):
    monkeypatch.setenv(address.VARIABLE, "")
    with pytest.raises(SystemExit) as ended:
        main(["measure", "detector", *options])
    assert ended.value.code == code
    assert message in capsys.readouterr().err
