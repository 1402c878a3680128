"""Files that are written whole or not at all, and never over another one by accident."""

import os
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path


def write_files(contents: Mapping[Path, bytes], *, force: bool = False) -> None:
    """Write files, each of them whole or not at all; make the folders that are missing.

    All of them are first written beside their names and then moved there.  So a full disk, or a
    process that dies, leaves what was there before: there is never half a file under its name.

    contents: bytes by path; force: whether files that exist are replaced.
    Raises FileExistsError for a file that exists, without force, before any is written;
    IsADirectoryError for a path that is a folder; OSError where the disk refuses.
    """
    # a link is followed: what it points to is replaced, not the link
    files = {Path(os.path.realpath(path)): content for path, content in contents.items()}
    for path in files:
        check_free(path, force=force)
    with ExitStack() as stack:
        moves = []
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
            stack.callback(partial.unlink, missing_ok=True)
            _write(partial, content)
            moves.append((partial, path))
        for partial, path in moves:
            os.replace(partial, path)


def check_free(path: Path, *, force: bool = False) -> None:
    """Raise unless a file may be written at path: see write_files.

    >>> check_free(Path(__file__))                                    # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileExistsError: .../files.py exists and is kept: force replaces it
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: name a file in it")
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no plain file: name one")
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists and is kept: force replaces it")


def _write(path: Path, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
