"""Files that are written whole or not at all, and never over another one by accident.

All that tinyq and its tools write goes through here.
"""

import os
import secrets
import stat
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from tinyq.export.undisturbed import lock, signals_wait

# Beside its target, for a move within one folder is one step; not named after it, for a name may
# be as long as the system allows.
PARTIAL = ".tinyq-{}.partial"


def write_files(contents: Mapping[Path, bytes], *, force: bool = False) -> None:
    """Write a set of files, all of them or none; make the folders that are missing.

    Each is first written beside its name, and then moved there.  So an error, a full disk or
    Ctrl+C leaves what was there before, and nothing else.  A process that is killed outright
    (SIGKILL) leaves each file whole, the old one or the new one; its partial files go when the
    next writer comes to the folder.  One writer at a time is in a folder, where the system can
    lock it.  A file that is replaced keeps its mode.

    contents: bytes by path; force: whether files that exist are replaced.
    Raises FileExistsError for a file that exists, without force: of several processes that write
    one name, a single one gets it; IsADirectoryError for a path that is a folder;
    NotADirectoryError for one in what is none; OSError where the disk refuses.
    """
    # a link is followed: what it points to is replaced, not the link
    files = {Path(os.path.realpath(path)): content for path, content in contents.items()}
    for path in files:
        check_free(path, force=force)
    with ExitStack() as end, ExitStack() as undo:
        end.enter_context(signals_wait())
        for folder in sorted({path.parent for path in files}):
            _make(folder, end)
            if lock(folder, end):
                for left in folder.glob(PARTIAL.format("*")):  # by a writer that was killed
                    left.unlink(missing_ok=True)
        partials = {path: _partial(path, end) for path in files}
        for path, partial in partials.items():
            _write(partial, files[path], path)
        for path, partial in partials.items():
            _move(partial, path, force, end, undo)
        undo.pop_all()


def check_free(path: Path, *, force: bool = False) -> None:
    """Raise unless a file may be written at path: see write_files.

    >>> check_free(Path(__file__))                                    # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileExistsError: .../files.py exists and is kept: force replaces it
    """
    if file := next(filter(Path.is_file, path.absolute().parents), None):
        raise NotADirectoryError(f"{file} is a file: name a folder for {path.name}")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: name a file in it")
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no plain file: name one")
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists and is kept: force replaces it")


def rewrite(path: Path, content: bytes) -> None:
    """Write what a program makes anew, or end the program with a sentence and exit status 1."""
    try:
        write_files({path: content}, force=True)
    except OSError as error:
        sys.exit(f"{path} stays as it was: {error}")


def _make(folder: Path, end: ExitStack) -> None:
    """Make a folder and those that it is in; those that are empty in the end go again."""
    if folder.is_dir():
        return
    _make(folder.parent, end)
    with suppress(FileExistsError):  # by another process, just now
        folder.mkdir()
        end.callback(_remove_empty, folder)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _partial(path: Path, end: ExitStack) -> Path:
    """Return a new name beside path; a file that has it in the end goes."""
    partial = path.with_name(PARTIAL.format(secrets.token_hex(4)))
    end.callback(partial.unlink, missing_ok=True)
    return partial


def _write(partial: Path, content: bytes, path: Path) -> None:
    """Write content to the disk, as a file of the mode that the one at path has."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    created = 0o666 if mode is None else mode  # less what the umask takes
    with open(partial, "xb", opener=lambda name, flags: os.open(name, flags, created)) as file:
        if mode is not None:
            partial.chmod(mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _move(partial: Path, path: Path, force: bool, end: ExitStack, undo: ExitStack) -> None:
    """Give a partial file its name; undo gives back what was there."""
    if force and path.exists():
        old = _partial(path, end)
        with suppress(OSError):  # without hard links it is replaced for good
            os.link(path, old)
            undo.callback(os.replace, old, path)
    else:
        if not force:
            _claim(path, partial)
        undo.callback(path.unlink, missing_ok=True)
    os.replace(partial, path)


def _claim(path: Path, partial: Path) -> None:
    """Take a name that no file has, in one step in which one process alone succeeds."""
    with suppress(OSError):
        os.link(partial, path)
        return
    # It is taken, or FAT or a network share, which have no hard links.  There an empty file holds
    # the name until the next step: killed between the two, a writer leaves that.
    try:
        path.open("xb").close()
    except FileExistsError:
        raise FileExistsError(f"{path} exists and is kept: force replaces it") from None
