"""Double and kill the writers: `python tests/file_attacks.py FOLDER ROUNDS WRITER ...`.

Every round forks processes that write into one place. An assertion that fails ends the program.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from writers import ASKING, WRITERS, State, litter, state

from tinyq.export.files import rewrite

TAKEN = 3  # the exit status of a writer that finds the name taken


def forked(action: Callable[[], None]) -> int:
    """Start a process that does one thing; return its number."""
    number = os.fork()
    if not number:
        try:
            action()
        except FileExistsError:
            os._exit(TAKEN)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return number


def doubled(folder: Path, name: str, force: bool, writers: int = 4) -> None:
    """Let processes write two versions to one place at one moment; one set must stand there."""
    versions = [state_of(folder, name, version) for version in (0, 1)]
    shutil.rmtree(folder)
    start, go = os.pipe()

    def write(version: int) -> None:
        os.close(go)
        os.read(start, 1)  # until the other end is closed
        WRITERS[name](folder, version, force)

    numbers = [forked(lambda version=n % 2: write(version)) for n in range(writers)]
    os.close(go)
    codes = [os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) for number in numbers]
    os.close(start)
    found = state(folder)
    assert found in versions, (name, force, "a mixture", sorted(found))
    assert sorted(codes) == ([0] * writers if force else [0] + [TAKEN] * (writers - 1)), codes
    shutil.rmtree(folder)


def state_of(folder: Path, name: str, version: int) -> State:
    """What a folder holds when one process has written a version alone."""
    shutil.rmtree(folder, ignore_errors=True)
    WRITERS[name](folder, 0, False)
    if version:
        WRITERS[name](folder, 1, True)
    return state(folder)


def killed(folder: Path, name: str, number: int, rng: random.Random) -> None:
    """Send a signal to a process at some moment of its write; old or new must stand there."""
    start = time.perf_counter()
    after = state_of(folder, name, 1)
    took = time.perf_counter() - start
    before = state_of(folder, name, 0)
    writer = forked(lambda: WRITERS[name](folder, 1, True))
    time.sleep(rng.random() * took)
    os.kill(writer, number)
    os.waitpid(writer, 0)
    found = state(folder)
    if number == signal.SIGKILL:
        rewrite(folder / "next", b"")  # what a killed writer left goes with the next one
        assert not litter(state(folder)), (name, sorted(found))
        found = {file: content for file, content in found.items() if file not in litter(found)}
    if found not in (before, after):
        assert number == signal.SIGKILL and found.keys() == after.keys(), (name, number)
        assert all(found[file] in (before[file], after[file]) for file in found), name
        assert name == "c" and not compiles(folder), (name, "a mixture that compiles")
    shutil.rmtree(folder)


def compiles(folder: Path) -> bool:
    command = ["cc", "-fsyntax-only", "network.c", "main.c"]
    return not subprocess.run(command, cwd=folder, capture_output=True).returncode


def main(folder: Path, rounds: int, names: list[str]) -> None:
    rng = random.Random(rounds)
    for name in names:
        for _ in range(rounds):
            if name in ASKING:
                doubled(folder, name, force=False)
            if name != "derive":  # two of them would have one author's chapter to read
                doubled(folder, name, force=True)
            for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
                killed(folder, name, number, rng)


if __name__ == "__main__":
    main(Path(sys.argv[1], "place"), int(sys.argv[2]), sys.argv[3:])
