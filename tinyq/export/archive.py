"""A calibrated network in one file: an .npz that tinyq writes and checks before it reads.

The archive ends with its comment, "tinyq network 1, SHA-256 " and the digest of every byte before
the digest.  So one changed bit anywhere is an error, and NumPy alone can still open the file: its
member "header" is the JSON text that encode describes.
"""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tinyq.checks import checked
from tinyq.export.codec import Arrays, Header, decode, encode
from tinyq.export.files import write_files
from tinyq.models import foreign
from tinyq.network import QNetwork

VERSION = 1
COMMENT = f"tinyq network {VERSION}, SHA-256 "
DIGEST = 64
LARGEST = 2**30  # bytes of a file
ENDING = re.compile(rb"tinyq network (\d{1,9}), SHA-256 [0-9a-f]{64}\Z")


@checked
def npz(qnet: QNetwork, path: str | Path, *, force: bool = False) -> None:
    """Write a calibrated network to one file that load reads: layers, grids, ranges.

    The same network gives the same bytes, on any machine.  Only the range that an observer saw is
    kept, not the observer itself.

    qnet: an int8 network of tinyq's layers; path: of the file, usually .npz; force: whether a file
    that exists is replaced.
    Raises FileExistsError for a file that exists, without force; TypeError for a layer that is
    not one of tinyq.layers; ValueError for a network that could not run.

    >>> from tempfile import TemporaryDirectory
    >>> from tinyq import resnet
    >>> weights, biases, images = resnet.seed()
    >>> with TemporaryDirectory() as folder:
    ...     npz(resnet.stem_block(weights, biases).quantize(images), Path(folder, "seed.npz"))
    ...     load(Path(folder, "seed.npz"))(images[:1]).tolist()
    [[-8, 102, 89, -41]]
    """
    write_files({Path(path): to_bytes(qnet)}, force=force)


@checked
def load(path: str | Path) -> QNetwork:
    """Return the network of a file that npz wrote: every byte of every tensor is the same.

    The ranges come back as MinMax observers.  Nothing in the file is unpickled.

    Raises ValueError, with the file's name and what is wrong, for a file that is truncated,
    foreign, altered, written by a newer tinyq, or larger than 2**30 bytes; OSError for one that
    cannot be read, or is no plain file.
    """
    content = foreign.read(path, LARGEST)
    try:
        return from_bytes(content)
    except Exception as error:  # zipfile, json, NumPy and the layers each raise their own
        why = f"{type(error).__name__}: {error}" if type(error) is not ValueError else error
        raise ValueError(f"{path} is not a network that tinyq can load: {why}") from error


def to_bytes(qnet: QNetwork) -> bytes:
    """Return the file's content; raises as npz does."""
    return pack(*encode(qnet))


def pack(header: Header, arrays: Arrays) -> bytes:
    """Return the file's content for what encode returned."""
    # not Arrays: among the keywords of savez is allow_pickle, a bool
    members: dict[str, Any] = {"header": np.array(json.dumps(header)).astype("<U")}
    members |= {name: a.astype(a.dtype.newbyteorder("<")) for name, a in arrays.items()}
    file = io.BytesIO()
    np.savez(file, **members)
    if (size := file.tell()) > LARGEST:
        raise ValueError(f"a network's arrays must have at most {LARGEST} bytes, got {size}")
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = COMMENT.encode() + bytes(DIGEST)
    return sign(file.getvalue())


def sign(content: bytes) -> bytes:
    """Return content with its last 64 bytes replaced by the digest of all before them."""
    body = content[:-DIGEST]
    return body + hashlib.sha256(body).hexdigest().encode()


def from_bytes(content: bytes) -> QNetwork:
    """Return the network of a file's content; raises whatever its readers raise, see load."""
    if not content.startswith(b"PK\x03\x04"):
        raise ValueError("it is no .npz file")
    ending = ENDING.search(content[-128:])
    if not ending:
        raise ValueError("its end is missing, or tinyq.export.npz did not write it")
    if int(ending[1]) != VERSION:
        raise ValueError(f"it has version {int(ending[1])}, this tinyq reads version {VERSION}")
    if sign(content) != content:
        raise ValueError("its content does not match its checksum: it was damaged or altered")
    # an array that unpacks to more than the file would be a trap
    arrays = foreign.arrays(content, len(content))
    return decode(json.loads(arrays.pop("header").item()), arrays)
