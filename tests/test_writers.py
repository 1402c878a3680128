"""Every writer there is, interrupted at each of its steps, out of space, doubled and killed."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from beside import run_beside
from writers import ASKING, REPLACING, WRITERS, litter, state

# ------------------------------------------------------------------------------- interrupted

STEPS = ["open", "mkdir", "link", "chmod", "fsync", "replace"]


@contextmanager
def interrupted(step: int, error: BaseException) -> Iterator[list[str]]:
    """Raise an error instead of the step-th call to the system; yield the calls."""
    met: list[str] = []

    def broken(name: str, real: object) -> object:
        def call(*args: object, **kwargs: object) -> object:
            met.append(name)
            if len(met) == step:
                raise error
            return real(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, broken(name, getattr(os, name)))
        yield met


FULL, STOPPED = OSError(28, "No space left on device"), KeyboardInterrupt()
THERE = [(name, there) for name in WRITERS for there in (True, False) if there or name != "derive"]


@pytest.mark.parametrize("error", [FULL, STOPPED], ids=["full", "stopped"])
@pytest.mark.parametrize(("name", "there"), THERE)
@pytest.mark.parametrize("links", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_an_error_at_any_step_leaves_the_old_or_the_new(
    name, there, error, links, tmp_path, monkeypatch
):
    write = WRITERS[name]

    def prepared(folder: Path) -> Path:
        if there:
            write(folder, 0, False)
        return folder

    if not links:
        monkeypatch.setattr(os, "link", lambda a, b: os.rmdir(tmp_path / "none"))
    before = state(prepared(tmp_path / "before"))
    write(prepared(tmp_path / "after"), 1, there)
    after = state(tmp_path / "after")
    assert before != after and not litter(after)
    for step in count(1):
        folder, failed = prepared(tmp_path / str(step)), False
        with interrupted(step, error) as met:
            try:
                write(folder, 1, there)
            except (OSError, KeyboardInterrupt, SystemExit):
                failed = True
        left = state(folder)
        if name == "c" and there and not links:  # what was replaced cannot be put back
            assert set(left) == set(after)
            assert all(left[file] in (before[file], after[file]) for file in left)
        else:
            assert left == (before if failed else after), met
        if len(met) < step:
            break
    assert step > 3


@pytest.mark.parametrize("name", WRITERS)
def test_without_room_the_old_stays(name, tmp_path):
    write, folder = WRITERS[name], tmp_path / "a"
    write(folder, 0, False)
    before = state(folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # no file may be longer than half of the longest that it has to write
    room = max(len(content or b"") for content in before.values()) // 2
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises((OSError, SystemExit), match="File too large"):
            write(folder, 1, True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert state(folder) == before


@pytest.mark.parametrize("name", ASKING)
def test_without_force_the_old_stays(name, tmp_path):
    ASKING[name](tmp_path / "a", 0, False)
    before = state(tmp_path / "a")
    with pytest.raises(FileExistsError, match="exists and is kept: force replaces it"):
        ASKING[name](tmp_path / "a", 1, False)
    assert state(tmp_path / "a") == before


# ------------------------------------------------------------------------------- by processes


def attack(folder: Path, rounds: int, *names: str) -> None:
    """Run tests/file_attacks.py, in a process of its own: it forks and kills."""
    run = run_beside("file_attacks", str(folder), str(rounds), *names)
    assert run.returncode == 0, run.stderr


def test_c_doubled_and_killed_a_few_times(tmp_path):
    attack(tmp_path, 2, "c")


@pytest.mark.full
@pytest.mark.parametrize("name", [*ASKING, *REPLACING])
def test_each_doubled_and_killed_many_times(name, tmp_path):
    attack(tmp_path, 24, name)
