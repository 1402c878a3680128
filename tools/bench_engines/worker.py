"""One process: builds its sessions, answers once with each, then times a round when it is asked."""

import ctypes
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from tools.agreement.cases import Refused
from tools.bench_engines.runners import load

ROUND_MS = 50
PEAK, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def serve(pipe: Connection, module: str, subjects: Sequence[object], runner: str) -> None:
    """Send the first answer to each subject, then a round's median for each place that comes.

    The first message is a list of (codes, plan_bytes) and by how many bytes the peak of resident
    memory rose, None where Linux is not; or why there is none: a package is missing, or the runtime
    refuses the model.
    """
    try:
        builds = [load(module)(subject, runner) for subject in subjects]
        resident = reset_peak()
        sessions = [build() for build in builds]
    except (ImportError, Refused) as error:
        pipe.send(str(error))
        return
    first = [(one.answer(), one.plan_bytes) for one in sessions]
    pipe.send((first, peak() - resident if RESET.exists() else None))
    while True:
        pipe.send(a_round(sessions[pipe.recv()].call))


def a_round(call: Callable[[], object]) -> float:
    """Return the median microseconds of as many calls as fill ROUND_MS, one at least."""
    taken = []
    gc.disable()
    while sum(taken) < ROUND_MS * 1e6:
        start = time.perf_counter_ns()
        call()
        taken.append(time.perf_counter_ns() - start)
    gc.enable()
    return statistics.median(taken) / 1e3


def reset_peak() -> int:
    """Return the bytes of resident memory, from where its peak is measured anew.

    What was freed goes back to the system first: a model built into it would seem to cost nothing.
    """
    gc.collect()
    if RESET.exists():
        ctypes.CDLL(None).malloc_trim(0)
        RESET.write_text("5")
    return peak()


def peak() -> int:
    """Return the largest number of bytes of resident memory; 0 where the system does not say."""
    lines = PEAK.read_text().splitlines() if PEAK.exists() else []
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
