"""The C compilers of this machine, and what a network's C gives when they have compiled it.

A compiler or emulator that is not there skips the test that needs it, with the reason, or fails it
when TINYQ_REQUIRE_COMPILERS is set: to "1" for all, to "host" for this machine's own compilers.
"""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tinyq import export
from tinyq.network import QNetwork

HERE = Path(__file__).parent
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wcast-qual"]
WARNINGS += ["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wundef", "-Werror"]
SANITIZE = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
ARM = "arm-none-eabi-gcc"
QEMU = "qemu-system-arm"
# board by core: RAM at address 0, which is where newlib's linker script puts the program
BOARDS = {"cortex-m3": "mps2-an385", "cortex-m4": "mps2-an386", "cortex-m7": "mps2-an500"}


def needs(*programs: str) -> None:
    """Skip or fail the calling test unless all programs are installed."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        reason = f"not installed: {', '.join(missing)}"
        required = os.environ.get("TINYQ_REQUIRE_COMPILERS")
        if required == "1" or (required == "host" and not {ARM, QEMU} & {*missing}):
            pytest.fail(reason)
        pytest.skip(reason)


def run(*command, cwd: Path) -> str:
    """Return the output of a command that must succeed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, f"{' '.join(words)}: {done.returncode}\n{done.stderr[-3000:]}"
    return done.stdout


def compile_host(compiler: str, folder: Path, *options: str) -> list[str]:
    """Compile the network in folder and the harness; return the command that runs them."""
    files = ["network.c", HERE / "export_harness.c"]
    run(compiler, *WARNINGS, *options, "-I.", *files, "-o", "host", cwd=folder)
    return ["./host"]


def compile_cortex_m(core: str, folder: Path) -> list[str]:
    """Compile for a core; return the command that runs the program on an emulated board."""
    start = ["--specs=rdimon.specs", "-Wl,--section-start=.vectors=0", HERE / "export_cortex_m.c"]
    options = [f"-mcpu={core}", "-mthumb", "-O2", "-I."]
    files = ["network.c", HERE / "export_harness.c"]
    run(ARM, *WARNINGS, *options, *files, *start, "-o", "board.elf", cwd=folder)
    board = [QEMU, "-M", BOARDS[core], "-cpu", core, "-nographic", "-monitor", "none"]
    files_of_host = ["-serial", "none", "-semihosting-config", "enable=on,target=native"]
    return [*board, *files_of_host, "-kernel", "board.elf"]


def codes_from(command: list[str], codes: np.ndarray, folder: Path) -> bytes:
    """Return the bytes that a compiled network gives for images as codes."""
    (folder / "images.bin").write_bytes(codes.tobytes())
    run(*command, cwd=folder)
    return (folder / "codes.bin").read_bytes()


def assert_same_bytes(qnet: QNetwork, codes: np.ndarray, folder: Path, *options: str) -> None:
    """Export, compile and run on the host; every byte must be tinyq's."""
    needs("cc")
    export.c(qnet, folder)
    got = codes_from(compile_host("cc", folder, *options), codes, folder)
    assert np.frombuffer(got, np.int8).tolist() == qnet(codes).ravel().tolist()


def section_sizes(size: str, program: Path) -> tuple[int, int, int]:
    """Return the bytes of text, data and bss as ``size`` prints them."""
    text, data, bss, *_ = run(size, program.name, cwd=program.parent).splitlines()[1].split()
    return int(text), int(data), int(bss)
