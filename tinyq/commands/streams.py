"""A command's standard streams: closed, full, or read by nobody, they end it in one sentence."""

import os
import sys
from collections.abc import Callable


def guarded(main: Callable[[], int]) -> int | str | None:
    """Run main; return the exit status, 1 where standard output is closed or takes no more."""
    open_standard_streams()
    if sys.stdout is None:
        print("python -m tinyq: error: standard output is closed", file=sys.stderr)
        return 1
    why = ""
    try:
        try:
            status: int | str | None = main()
        except SystemExit as stop:  # the parser's, which may have printed its help
            status = stop.code
        sys.stdout.flush()
        sys.stderr.flush()
        return status
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        pass
    except OSError as error:
        named = error.filename or not error.errno
        why = str(error) if named else f"the output cannot be written: {error.strerror}"
    # what is still unwritten would fail once more when Python ends
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        if why:
            print(f"python -m tinyq: error: {why}", file=sys.stderr)
    except OSError:
        os.dup2(1, 2)
    return 1


def open_standard_streams() -> None:
    """Open the null device where the caller closed a standard stream.

    A file would take its number, and what a C library writes to standard error would end in it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    if sys.stderr is None:  # print would take None for standard output
        sys.stderr = os.fdopen(2, "w")
