"""An archive keeps models as they were: what is changed, swapped, taken away or put in is found and named."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.twin import archived
from twin.archive import audit, formats, sealed
from twin.archive.sealed import ArchiveError, MissingError
from twin.archive.store import JOURNAL, MODEL, Archive, described
from workloads import card
from workloads.card import WeightsError

pytest.importorskip("cryptography")
pytest.importorskip("safetensors")
OURS, THEIRS = archived.signer(1), archived.signer(2)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Two models, one of them with ONNX."""
    archive = Archive.begin(tmp_path_factory.mktemp("archive") / "a", OURS)
    for name in ("detector", "matched-filter"):
        archive.add(name, None, OURS)
    return archive


@pytest.fixture
def own(kept, tmp_path):
    """A copy to damage."""
    shutil.copytree(kept.folder, tmp_path / "a")
    return Archive(tmp_path / "a", OURS.name)


def objects(archive):
    return sorted((archive.folder / "objects").glob("*/*"))


def test_what_comes_out_is_what_went_in_with_its_training_record(kept):
    model = kept.models()[0]
    assert model == described("detector")
    assert model.training["seed"] == card.read("detector")["seed"]
    with kept.extracted(model) as folder:
        assert sorted(p.name for p in folder.iterdir()) == sorted(model.files)
        for name in model.files:
            assert (folder / name).read_bytes() == (card.WEIGHTS / name).read_bytes()
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
    assert audit.problems(kept) == []


def test_the_same_bytes_are_kept_once(own, tmp_path):
    before = objects(own)
    model, is_new = own.add("detector", None, OURS)
    assert (model, is_new, objects(own), len(own.entries)) == (described("detector"), False, before, 2)
    card_only = tmp_path / "b"
    shutil.copytree(card.WEIGHTS, card_only, ignore=lambda _, names: [n for n in names if "detector." not in n])
    archived.altered(card_only / "detector.card.json", lambda c: c["settings"].update(threshold=1.0))
    other, is_new = own.add("detector", card_only, OURS)
    assert is_new
    assert other.version != model.version
    assert len(objects(own)) == len(before) + 1  # the card alone is another
    assert audit.problems(own) == []


def test_a_damaged_object_is_refused_by_name(own):
    model = own.model(described("detector").version[:6])
    for name, digest in model.files.items():
        path = own.folder / "objects" / digest[:2] / digest
        archived.flip(path)
        with (
            pytest.raises(ArchiveError, match=rf"{name} of detector@\w+: damaged or swapped"),
            own.extracted(model),
        ):
            pass
        assert [p for p in audit.problems(own) if name in p]
        archived.flip(path)
    assert audit.problems(own) == []


def test_a_swapped_object_is_refused_by_name(own):
    first, second = own.models()
    paths = [own.folder / "objects" / d[:2] / d for d in (first.files["detector.onnx"], *second.files.values())]
    shutil.copy(paths[1], paths[0])
    with (
        pytest.raises(ArchiveError, match=r"detector\.onnx of detector@\w+: damaged or swapped"),
        own.extracted(first),
    ):
        pass


def test_every_byte_of_a_sealed_file_counts(own):
    for path in (own.place(MODEL, described("detector").version), own.folder / "journal.json"):
        raw = path.read_bytes()
        kind = JOURNAL if path.name == "journal.json" else MODEL
        for position in range(0, len(raw), 7):
            for bit in (1, 32):
                changed = bytearray(raw)
                changed[position] ^= bit
                with pytest.raises(ArchiveError, match=path.name):
                    sealed.unsealed(bytes(changed), kind, OURS.name, str(path))
        for changed in (raw + b" ", raw[:-1], b"", b"[]", b"{}", b"[" * 5000):
            with pytest.raises(ArchiveError, match=path.name):
                sealed.unsealed(changed, kind, OURS.name, str(path))


def test_another_key_signs_nothing_here(own):
    path = own.place(MODEL, described("detector").version)
    content, _ = sealed.opened(path, MODEL, OURS.name)
    content["settings"]["threshold"] = -10.0
    path.write_bytes(THEIRS.seal(MODEL, content))
    with pytest.raises(ArchiveError, match=f"is signed by {THEIRS.name}; trusted is {OURS.name}"):
        own.models()
    with pytest.raises(ArchiveError, match="this key is"):
        own.add("witness", None, THEIRS)
    with pytest.raises(ArchiveError, match="trusted is"):
        Archive(own.folder, THEIRS.name)


def test_one_kind_of_thing_passes_for_no_other(own):
    path = own.place(MODEL, described("detector").version)
    with pytest.raises(ArchiveError, match="is a sealed model; wanted a sealed journal"):
        sealed.opened(path, JOURNAL, None)
    archived.altered(path, lambda c: c.update(kind=JOURNAL))
    with pytest.raises(ArchiveError, match="was changed: the signature is not that of its content"):
        sealed.opened(path, JOURNAL, None)


def test_a_manifest_that_is_signed_but_not_the_listed_one_is_refused(own):
    first, second = own.listed(MODEL)
    shutil.copy(own.place(MODEL, second), own.place(MODEL, first))
    with pytest.raises(ArchiveError, match="swapped: it is signed, but not the model that the journal lists"):
        own.model(first)


def test_what_is_taken_away_or_put_in_is_found(own):
    model = own.models()[0]
    digest = model.files["detector.safetensors"]
    (own.folder / "objects" / digest[:2] / digest).unlink()
    own.place(MODEL, own.listed(MODEL)[1]).unlink()
    (own.folder / "models" / "mine.json").write_text("{}")
    found = "\n".join(audit.problems(own))
    assert "detector.safetensors of detector@" in found
    assert "missing from the archive" in found
    assert f"{own.listed(MODEL)[1]}.json: cannot be read" in found
    assert "mine.json: nothing that was signed speaks of it" in found
    with pytest.raises(MissingError), own.extracted(model):
        pass


def test_a_head_that_was_noted_tells_of_a_shorter_past(own):
    noted = own.heads
    before = (own.folder / "journal.json").read_bytes()
    own.add("witness", None, OURS)
    assert own.heads[:2] == noted
    assert audit.problems(own, noted[0]) == []
    latest = own.heads[-1]
    (own.folder / "journal.json").write_bytes(before)
    (shorter,) = (p for p in audit.problems(Archive(own.folder, OURS.name), latest) if "never had the head" in p)
    assert latest in shorter


def test_weights_that_are_not_those_of_their_card_are_not_taken(own, tmp_path):
    folder = archived.perturbed("matched-filter", tmp_path / "w", 0.1)
    archived.flip(folder / "matched-filter.safetensors")
    entries = list(own.entries)
    with pytest.raises(WeightsError, match="it was changed"):
        own.add("matched-filter", folder, OURS)
    assert Archive(own.folder).entries == entries


@pytest.mark.parametrize("name", ["detector.pt", "detector.pkl", "../x.onnx", "detector.bin"])
def test_only_safe_formats_are_taken(own, tmp_path, name):
    with pytest.raises(ArchiveError, match="never a pickle"):
        formats.check(name, b"")
    folder = archived.perturbed("matched-filter", tmp_path / "w", 0.1)
    archived.altered(folder / "matched-filter.card.json", lambda c: c["files"].update({name: "0" * 64}))
    with pytest.raises(ArchiveError, match="never a pickle"):
        own.add("matched-filter", folder, OURS)


def test_a_file_must_be_what_its_name_says():
    import pickle

    for name in ("a.safetensors", "a.onnx"):
        for raw in (pickle.dumps({"a": 1}), b"", b"\x00" * 100):
            with pytest.raises(ArchiveError, match=f"{name}: not readable as"):
                formats.check(name, raw)


def test_onnx_must_hold_its_own_numbers_and_known_operations():
    onnx = pytest.importorskip("onnx")
    model = onnx.load(card.WEIGHTS / "witness.onnx")
    tensor = next(t for t in model.graph.initializer if t.raw_data)
    name, raw = tensor.name, tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    with pytest.raises(ArchiveError, match=r"w\.onnx: (keeps|not readable)"):
        formats.check("w.onnx", model.SerializeToString())
    model = onnx.load(card.WEIGHTS / "witness.onnx")
    assert any(t.name == name and t.raw_data == raw for t in model.graph.initializer)
    model.opset_import.add(domain="com.example", version=1)
    with pytest.raises(ArchiveError, match=r"uses operations of com\.example"):
        formats.check("w.onnx", model.SerializeToString())


def test_two_writers_lose_nothing(own):
    other = Archive(own.folder, OURS.name)
    own.add("witness", None, OURS)
    model, is_new = other.add("npe-importance", None, OURS)
    assert is_new
    assert other.listed(MODEL)[2:] == [described("witness").version, model.version]
    assert audit.problems(Archive(own.folder)) == []


def test_keys_are_made_once_and_read_back(tmp_path):
    made = sealed.make_key(tmp_path / "k")
    assert sealed.read_key(tmp_path / "k").name == made.name == sealed.trusted(str(tmp_path / "k.pub"))
    assert (tmp_path / "k").stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        sealed.make_key(tmp_path / "k")
    for bad in ("ed25519:12", "gone", f"{tmp_path / 'k'}"):
        with pytest.raises(ArchiveError, match="public key"):
            sealed.trusted(bad)
    with pytest.raises(ArchiveError, match="not a private key"):
        sealed.read_key(tmp_path / "k.pub")


def test_a_folder_that_is_no_archive(tmp_path):
    with pytest.raises(ArchiveError, match="no archive there"):
        Archive(tmp_path)
    (tmp_path / "x").write_text("")
    with pytest.raises(ArchiveError, match="is not empty and no archive"):
        Archive.begin(tmp_path, OURS)


def test_a_seal_is_the_same_every_time():
    content = {"b": [1, 2.5, None], "a": "ä"}
    assert OURS.seal("x", content) == OURS.seal("x", json.loads(json.dumps(content)))
    with pytest.raises(ValueError, match="JSON"):
        OURS.seal("x", {"a": float("nan")})
