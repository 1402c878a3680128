"""What must not meet a writer at work: another writer in its folder, a signal in its middle."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PATIENCE = 10.0  # seconds that a writer waits for the one before it
SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


@contextmanager
def signals_wait() -> Iterator[None]:
    """Let Ctrl+C, SIGTERM and SIGHUP wait until the block has ended, and do then what they do.

    Python hears signals in its main thread alone: in another thread nothing changes.
    """
    came: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    # None: a handler that is not Python's, which could not be put back
    numbers = [n for n in SIGNALS if main and signal.getsignal(n) is not None]
    before = {n: signal.signal(n, lambda number, _: came.append(number)) for n in numbers}
    try:
        yield
    finally:
        for number in reversed(numbers):  # Ctrl+C last, for it may end this loop
            signal.signal(number, before[number])
        for number in came:
            signal.raise_signal(number)


def lock(folder: Path, until: ExitStack) -> bool:
    """Keep the other writers out of a folder until a stack is closed; return whether that works.

    The lock is the system's, on the folder itself: it is no file, and it ends with its process.
    Windows has none, nor have some network shares, nor a folder that may not be read.
    Raises BlockingIOError where another writer has the folder for longer than PATIENCE.
    """
    try:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        return False
    until.callback(os.close, descriptor)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                message = f"{folder} is locked by another writer, for {PATIENCE:.0f} s by now"
                raise BlockingIOError(message) from None
            time.sleep(0.01)
        except OSError:
            return False
        else:
            # unlocked by name: a process that was forked meanwhile has the folder open too
            until.callback(fcntl.flock, descriptor, fcntl.LOCK_UN)
            return True
