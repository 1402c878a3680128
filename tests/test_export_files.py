"""Files that are written whole or not at all."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

from tinyq.export import files, undisturbed

TAKEN = "exists and is kept: force replaces it"


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


@pytest.mark.parametrize("folder", ["file", "file/deeper/still"])
def test_a_file_is_no_folder_to_write_in(folder, tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(NotADirectoryError, match="file is a file: name a folder for new"):
        files.write_files({tmp_path / folder / "new": b""})
    assert (tmp_path / "file").read_bytes() == b"mine"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o444, 0o666])
def test_a_file_that_is_replaced_keeps_its_mode(mode, tmp_path):
    path = tmp_path / "ours"
    path.write_bytes(b"old")
    path.chmod(mode)
    files.write_files({path: b"new"}, force=True)
    assert (path.read_bytes(), path.stat().st_mode & 0o7777) == (b"new", mode)


@pytest.mark.parametrize("force", [False, True])
def test_a_name_may_be_as_long_as_the_system_allows(force, tmp_path):
    path = tmp_path / ("n" * os.pathconf(tmp_path, "PC_NAME_MAX"))
    for content in (b"1", b"2")[: 1 + force]:
        files.write_files({path: content}, force=force)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_taken_meanwhile_is_kept(tmp_path, monkeypatch):
    path, other = tmp_path / "b", tmp_path / "a"

    def checked(path, *, force):
        """Nothing was there, and now there is."""
        (tmp_path / "b").write_bytes(b"mine")

    monkeypatch.setattr(files, "check_free", checked)
    with pytest.raises(FileExistsError, match=TAKEN):
        files.write_files({other: b"1", path: b"2"})
    assert path.read_bytes() == b"mine" and list(tmp_path.iterdir()) == [path]


@pytest.fixture
def without_links(monkeypatch):
    def refuse(*names):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def test_a_file_system_without_hard_links(tmp_path, without_links):
    path = tmp_path / "ours"
    files.write_files({path: b"1"})
    with pytest.raises(FileExistsError, match=TAKEN):
        files.write_files({path: b"2"})
    files.write_files({path: b"3"}, force=True)
    assert path.read_bytes() == b"3" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("links", [True, False])
def test_of_many_threads_one_gets_the_name(links, tmp_path, request):
    if not links:
        request.getfixturevalue("without_links")
    for number in range(20):
        path, barrier, won = tmp_path / f"new{number}" / "name", threading.Barrier(4), []

        def write(me, path=path, barrier=barrier, won=won):
            barrier.wait()
            try:
                files.write_files({path: b"%d" % me})
                won.append(me)
            except FileExistsError as error:
                assert TAKEN in str(error)

        threads = [threading.Thread(target=write, args=(me,)) for me in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1 and path.read_bytes() == b"%d" % won[0]
        assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_another_writer_keeps_too_long_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(undisturbed, "PATIENCE", 0.05)
    with ExitStack() as stack:
        if not undisturbed.lock(tmp_path, stack):
            pytest.skip("this file system has no locks")
        with pytest.raises(BlockingIOError, match="is locked by another writer"):
            files.write_files({tmp_path / "a": b""})
        assert list(tmp_path.iterdir()) == []
    files.write_files({tmp_path / "a": b""})


def test_the_next_writer_removes_what_a_killed_one_left(tmp_path):
    left, mine = tmp_path / files.PARTIAL.format("0123abcd"), tmp_path / ".mine.partial"
    left.touch()
    mine.touch()
    files.write_files({tmp_path / "a": b""})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine.partial", "a"]


@pytest.mark.parametrize("number", undisturbed.SIGNALS)
def test_a_signal_waits_for_the_end_of_the_block(number):
    met = []
    before = signal.signal(number, lambda number, frame: met.append(number))
    try:
        with undisturbed.signals_wait():
            signal.raise_signal(number)
            assert met == []
        assert met == [number]
        signal.raise_signal(number)
        assert met == [number] * 2
    finally:
        signal.signal(number, before)


def test_a_program_ends_by_the_signal_that_waited(tmp_path):
    code = f"""if True:
        import os, pathlib, signal
        from tinyq.export import files
        sync = os.fsync
        os.fsync = lambda file: (signal.raise_signal(signal.SIGTERM), sync(file))
        files.write_files({{pathlib.Path({str(tmp_path / "a")!r}): b"whole"}})
        print("still here")"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, ""), done.stderr
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"whole"]


def test_a_program_that_cannot_rewrite_ends_with_a_sentence(tmp_path):
    files.rewrite(tmp_path / "a", b"1")
    files.rewrite(tmp_path / "a", b"2")
    assert (tmp_path / "a").read_bytes() == b"2"
    with pytest.raises(SystemExit, match="a/b stays as it was: .*a is a file") as stop:
        files.rewrite(tmp_path / "a" / "b", b"")
    assert "\n" not in str(stop.value)
