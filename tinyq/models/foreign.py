"""Files that others wrote: read within bounds of time and memory, whatever they are."""

import io
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

PACKED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED  # what can be unpacked a few bytes at a time


def read(path: str | Path, most: int) -> bytes:
    """Return the content of a plain file of at most ``most`` bytes.

    A device may never end, and whoever opens a pipe waits for its writer, so neither is opened.

    Raises IsADirectoryError for a folder, another OSError for what else is no plain file or cannot
    be read, ValueError for a file that is larger.

    >>> read(os.devnull, most=100)
    Traceback (most recent call last):
    OSError: /dev/null is no plain file
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path} is a folder")
    if not stat.S_ISREG(mode):
        raise OSError(f"{path} is no plain file")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise ValueError(f"{path} must have at most {most} bytes, got {size}")
        try:
            return file.read(size)
        except OSError as error:  # Python names no file here
            raise OSError(f"{path} cannot be read: {error.strerror}") from error


def arrays(content: bytes, most: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz by name; together they take at most ``most`` bytes.

    NumPy makes an array as large as its header says before it reads it, and a packed member may
    unpack to more than the archive says.  Here an array is made of the bytes that are there, so it
    is no larger than them, and nothing is unpickled.

    Raises ValueError for a member that is no array of the bytes it has, a name that comes twice,
    or more bytes; for a damaged archive whatever zipfile, zlib and NumPy raise.
    """
    if not content.startswith(b"PK"):
        raise ValueError("it is no .npz of named arrays")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if (size := sum(member.file_size for member in members)) > most:
            raise ValueError(f"it unpacks to {size} bytes, more than {most}")
        names = [member.filename.removesuffix(".npy") for member in members]
        if len(set(names)) < len(names):
            raise ValueError(f"it has several members of one name: {sorted(names)}")
        if not {member.compress_type for member in members} <= set(PACKED):
            raise ValueError("its members must be stored or deflated")
        unpacked = {}
        for name, member in zip(names, members, strict=True):
            with archive.open(member) as file:
                unpacked[name] = array(file.read(member.file_size))
    return unpacked


def array(content: bytes) -> NDArray[Any]:
    """Return the array of an .npy of format 1.0, which np.save and np.savez write.

    Raises ValueError for another format and for objects; for a damaged file whatever NumPy raises.
    """
    file = io.BytesIO(content)
    if (version := npy.read_magic(file)) != (1, 0):
        raise ValueError(f"its arrays must have the .npy format (1, 0), got {version}")
    shape, fortran, dtype = npy.read_array_header_1_0(file)
    if dtype.hasobject:
        raise ValueError("it has an array of Python objects, and nothing is unpickled")
    flat = np.frombuffer(content, dtype, offset=file.tell())
    return flat.reshape(shape, order="F" if fortran else "C").copy(order="K")
