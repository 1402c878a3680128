"""Files that are written whole or not at all."""

import os

import pytest

from tinyq.export import files


def test_new_files_in_new_folders(tmp_path):
    a, b = tmp_path / "deep/er/a", tmp_path / "b"
    files.write_files({a: b"1", b: b"2"})
    assert (a.read_bytes(), b.read_bytes()) == (b"1", b"2")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "b", "deep", "er"]


def test_an_existing_file_is_kept_unless_force_and_then_nothing_is_written(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="old exists and is kept: force replaces it"):
        files.write_files({new: b"1", old: b"2"})
    assert old.read_bytes() == b"mine" and not new.exists()
    files.write_files({new: b"1", old: b"2"}, force=True)
    assert (new.read_bytes(), old.read_bytes()) == (b"1", b"2")


def test_a_folder_is_refused_even_with_force(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder: name a file in it"):
        files.write_files({tmp_path: b""}, force=True)


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    old = tmp_path / "old"
    old.write_bytes(b"mine")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_files({old: b"yours", tmp_path / "new": b"2"}, force=True)
    assert old.read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_link_is_followed(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    files.write_files({link: b"new"}, force=True)
    assert link.is_symlink() and target.read_bytes() == b"new"


def test_a_new_file_has_the_usual_mode(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    files.write_files({tmp_path / "ours": b""})
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_is_no_plain_file_is_refused_even_with_force(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="pipe is no plain file: name one"):
        files.write_files({pipe: b""}, force=True)
    assert pipe.is_fifo()
