"""A folder of results is whole, or it is not there: also when two write it at once, or one was killed over it."""

from __future__ import annotations

import pytest

from twin.folder import being_written, written_whole


def test_of_two_that_write_the_same_folder_one_is_refused_and_the_other_is_undisturbed(tmp_path):
    folder = tmp_path / "out"
    with written_whole(folder) as beside:
        (beside / "a").write_text("first")
        with pytest.raises(FileExistsError, match="is being written by another process"), written_whole(folder):
            raise AssertionError
        (beside / "b").write_text("first")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a": "first", "b": "first"}
    assert list(tmp_path.iterdir()) == [folder]


def test_what_a_killed_process_left_is_no_part_of_the_next_one(tmp_path):
    folder = tmp_path / "out"
    left = being_written(folder)
    (left / "deep").mkdir(parents=True)
    for path in (left / "old", left / "deep" / "old"):
        path.write_text("killed")
    (left / "link").symlink_to(tmp_path)
    with written_whole(folder) as beside:
        (beside / "new").write_text("")
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [folder]


def test_what_fails_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "out"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
