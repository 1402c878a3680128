"""One process: builds its sessions, then sleeps until it is asked for a round."""

import ctypes
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from tools.bench_engines.runners import load

REST_SECONDS, AT_REST, PATIENCE = 0.005, 0.1, 400
PEAK, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def serve(
    pipe: Connection, module: str, subjects: Sequence[object], runner: str, threads: int
) -> None:
    """Prepare a session a subject and send what each gave first, then answer until None comes.

    Sends the ImportError's text where a package is missing; else a list of (codes, plan_bytes).  A
    question is (place of the subject, warm_ms, round_ms), its answer what a_round returns and for
    how many seconds all threads worked.  The last word is by how many bytes the peak of resident
    memory rose, None where Linux is not.
    """
    try:
        builds = [load(module)(subject, runner, threads) for subject in subjects]
        resident = reset_peak()
        sessions = [build() for build in builds]
    except ImportError as error:
        pipe.send(str(error))
        return
    first = [(one.codes(one.call()) if one.codes else one.call()[:0]) for one in sessions]
    rest()
    pipe.send([(codes, one.plan_bytes) for codes, one in zip(first, sessions, strict=True)])
    for place, warm_ms, round_ms in iter(pipe.recv, None):
        before = time.process_time()
        microseconds = a_round(sessions[place].call, warm_ms, round_ms)
        rest()
        pipe.send((microseconds, time.process_time() - before))
    pipe.send(peak() - resident if RESET.exists() else None)


def a_round(call: Callable[[], object], warm_ms: float, round_ms: float) -> float:
    """Return the median microseconds of as many calls as fill round_ms, one at least.

    Calls before warm_ms are not counted, unless there is no other.
    """
    calls = []
    gc.disable()
    begun = time.perf_counter_ns()
    warm, end = begun + warm_ms * 1e6, begun + (warm_ms + round_ms) * 1e6
    while not calls or calls[-1][1] < end:
        start = time.perf_counter_ns()
        call()
        calls.append((start, time.perf_counter_ns()))
    gc.enable()
    counted = [(start, stop) for start, stop in calls if start >= warm] or calls
    return statistics.median(stop - start for start, stop in counted) / 1e3


def rest() -> None:
    """Return once no thread of this process is at work: a spinning one would disturb the others.

    Raises RuntimeError after PATIENCE looks.
    """
    for _ in range(PATIENCE):
        before = time.process_time()
        time.sleep(REST_SECONDS)
        if time.process_time() - before < AT_REST * REST_SECONDS:
            return
    raise RuntimeError("a thread keeps the processor busy after the last call")


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
