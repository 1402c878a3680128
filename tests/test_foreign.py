"""What is no file of ours: refused with one error, in little memory and time, whatever it is."""

import io
import json
import os
import socket
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from export_networks import random_qnet
from numpy.lib import format as npy

from tinyq import export
from tinyq.export.archive import COMMENT, DIGEST, sign, to_bytes
from tinyq.models import digits, foreign

ROOT = Path(__file__).resolve().parents[1]
QNET = random_qnet(seed=0)
HUGE, SECONDS = 2 * 10**9, 20
LOADERS = {"network": export.load, "digits": digits.load}

# ------------------------------------------------------------------------- what is no plain file


def make_fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def make_socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))
    return path


def make_folder(path: Path) -> Path:
    path.mkdir()
    return path


def make_private(path: Path) -> Path:
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    path.touch(mode=0)
    return path


def make_link(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


def make_long(path: Path) -> Path:
    """A file that takes no room on the disk, and the memory of a large machine."""
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(10**12)
    return path


PLACES = {
    "zero": lambda path: Path("/dev/zero"),
    "full": lambda path: Path("/dev/full"),
    "random": lambda path: Path("/dev/urandom"),
    "memory": lambda path: Path("/proc/self/mem"),
    "missing": lambda path: path,
    "below a file": lambda path: Path(__file__) / "net.npz",
    "a name too long": lambda path: path.with_name("n" * 300),
    "fifo": make_fifo,
    "socket": make_socket,
    "folder": make_folder,
    "private": make_private,
    "link": make_link,
    "long": make_long,
}
CHILD = """
import resource, sys
from tinyq import export
from tinyq.models import digits
resource.setrlimit(resource.RLIMIT_AS, (3 * 10**9, 3 * 10**9))
for load in (export.load, digits.load):
    try:
        load(sys.argv[1])
    except (OSError, ValueError) as error:
        print(error)
"""


@pytest.mark.parametrize("kind", PLACES)
def test_what_is_no_plain_file_is_one_error(kind, tmp_path):
    path = PLACES[kind](tmp_path / "net.npz")
    child = [sys.executable, "-c", CHILD, str(path)]
    done = subprocess.run(child, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert len(said) == 2 and all(str(path) in line for line in said), said
    command = [sys.executable, "-m", "tinyq", "export", "--format", "npz", "--out", "new.npz"]
    command += ["--net", str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SECONDS
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("python -m tinyq export: error: "), done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "new.npz").exists()


def test_a_plain_file_is_read_to_its_last_byte(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    assert foreign.read(path, most=100) == bytes(range(100))
    with pytest.raises(ValueError, match="file must have at most 99 bytes"):
        foreign.read(path, most=99)


# ---------------------------------------------------------------- what asks for more than it has


def archived(members: list[tuple[str, bytes]], packing: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in members:
            archive.writestr(name, content)
        archive.comment = COMMENT.encode() + bytes(DIGEST)
    return sign(file.getvalue())


def array(shape: object, kind: str = "|i1", data: bytes = b"", order: bool = False) -> bytes:
    """Return an .npy whose header says what it likes."""
    header = f"{{'descr': {kind!r}, 'fortran_order': {order}, 'shape': {shape}, }}"
    return npy.magic(1, 0) + len(header).to_bytes(2, "little") + header.encode() + data


def header(value: object) -> bytes:
    return header_text(json.dumps(value))


def header_text(text: str) -> bytes:
    return array("()", f"<U{len(text)}", text.encode("utf-32-le"))


def lying(size: int, packing: int) -> bytes:
    """Return an archive whose member unpacks to size bytes and says that it has 40."""
    content = archived([("header.npy", array(f"({size},)") + bytes(size))], packing)
    real = (len(array(f"({size},)")) + size).to_bytes(4, "little")
    assert content.count(real) >= 2
    return sign(content.replace(real, (40).to_bytes(4, "little")))


def overlapping() -> bytes:
    """Return an archive with two names for the bytes of one member."""
    content = archived([("header.npy", array("(9000,)", data=bytes(9000)))])
    end = content.rindex(b"PK\x05\x06")
    start = content.rindex(b"PK\x01\x02")
    entry = content[start:end]
    twin = entry.replace(b"header", b"footer")
    body = content[:end] + twin + content[end:]
    place = end + len(twin)
    counts = (2).to_bytes(2, "little") * 2
    size = (2 * len(entry)).to_bytes(4, "little")
    return sign(body[: place + 8] + counts + size + body[place + 16 :])


def with_header(**changes: object) -> bytes:
    """Return the network with another header and the very same arrays."""
    arrays = foreign.arrays(to_bytes(QNET), most=10**7)
    kept = json.loads(arrays.pop("header").item()) | changes
    members = []
    for name, one in arrays.items():
        file = io.BytesIO()
        np.save(file, one)
        members.append((f"{name}.npy", file.getvalue()))
    return archived([("header.npy", header(kept)), *members])


TRAPS = {
    "a huge shape": lambda: archived([("header.npy", array(f"({HUGE},)"))]),
    "a shape beyond int64": lambda: archived([("header.npy", array(f"({2**70},)"))]),
    "many axes": lambda: archived([("header.npy", array(f"({'1, ' * 999})", data=b"x"))]),
    "a huge empty shape": lambda: archived([("header.npy", array(f"({HUGE}, 0)"))]),
    "a huge text": lambda: archived([("header.npy", array("()", f"<U{HUGE // 4}"))]),
    "no bytes an entry": lambda: archived([("header.npy", array(f"({HUGE},)", "|S0"))]),
    "a negative shape": lambda: archived([("header.npy", array("(-5,)"))]),
    "a deep header": lambda: archived([("header.npy", array("(" * 5000 + ")" * 5000))]),
    "many minus signs": lambda: archived([("header.npy", array(f"({'-' * 9000}1,)"))]),
    "a long header": lambda: archived([("header.npy", array("(" + "1," * 30000 + ")"))]),
    "objects": lambda: archived([("header.npy", array("(1,)", "|O", b"cos\nsystem\n."))]),
    "two of a name": lambda: archived([("header.npy", header({})), ("header", header({}))]),
    "no members": lambda: archived([]),
    "deflated": lambda: archived([("header.npy", bytes(10**6))], zipfile.ZIP_DEFLATED),
    "deflated, lying": lambda: lying(10**7, zipfile.ZIP_DEFLATED),
    "bzip2, lying": lambda: lying(10**7, zipfile.ZIP_BZIP2),
    "lzma, lying": lambda: lying(10**7, zipfile.ZIP_LZMA),
    "overlapping": overlapping,
    "a deep list": lambda: archived([("header.npy", header_text("[" * 10**5))]),
    "deep dictionaries": lambda: archived([("header.npy", header_text('{"a":' * 10**5))]),
    "no dictionary": lambda: archived([("header.npy", header([1, 2]))]),
    "a number of many digits": lambda: archived([("header.npy", header_text("9" * 10**5))]),
    "a huge image": lambda: with_header(image_shape=[10**18, 10**18, 10**18]),
    "a huge integer": lambda: with_header(image_shape=[10**4000] * 3),
    "a huge scale": lambda: with_header(grids=[[10**4000, 0, -128, 127]]),
    "no number": lambda: with_header(grids=[[float("nan"), 0, -128, 127]]),
    "many nodes": lambda: with_header(nodes=[None] * 10**4),
    "many ranges": lambda: with_header(ranges=["input"] * 10**5),
}


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_one_error_in_little_memory(trap, loader, tmp_path):
    path, content = tmp_path / "net.npz", TRAPS[trap]()
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"net\.npz (is not a |must have)") as error:
            LOADERS[loader](path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * 10**6 + 20 * len(content), (peak, len(content), error.value)


def test_what_np_savez_writes_comes_back():
    rng, kinds = np.random.default_rng(0), ["|i1", "<f4", ">i8", "<c16", "|b1", "<U3"]
    want = {
        f"{kind} {axes} {order}": np.asarray(
            rng.integers(0, 2, (2, 3, 0, 4)[:axes]).astype(kind), order=order
        )
        for kind in kinds
        for axes in range(5)
        for order in "CF"
    }
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, **want)
        got = foreign.arrays(file.getvalue(), most=10**6)
        assert list(got) == list(want)
        for name, one in want.items():
            assert (got[name].dtype, got[name].shape) == (one.dtype, one.shape)
            assert got[name].tobytes() == one.tobytes() and got[name].flags.writeable
