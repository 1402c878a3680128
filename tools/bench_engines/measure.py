"""Ask a process a runner in turn, so that what disturbs the machine disturbs them all."""

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from types import TracebackType
from unittest.mock import patch

from tqdm import tqdm

from tools.bench_engines.runners import FILES, LIMITS, RUNNERS
from tools.bench_engines.worker import serve

SLOW_US, SLOW_ROUNDS = 250_000, 3
POOLS = ("OMP", "OPENBLAS", "MKL", "NUMBA")
ONE_THREAD = {f"{pool}_NUM_THREADS": "1" for pool in POOLS}
NO_TIME = "there was no time left"


class NoAnswer(Exception):
    """A process that gave no answer; the text says why."""


class Team:
    """A process for each runner, all given the same subjects, for use in a with statement.

    Nobody is waited for beyond the deadline, nor for its first answers beyond half the time to it.
    first: by runner, (codes, plan_bytes) of the first call on each subject; peak_bytes: by runner,
    how far the peak of its memory had risen then; missing: by runner, why it did not finish.
    """

    def __init__(self, runners: Sequence[str], subjects: Sequence[object], deadline: float) -> None:
        self.runners, self.subjects, self.deadline = runners, subjects, deadline
        self.first, self.peak_bytes, self.missing = {}, {}, {}
        self._processes, self._pipes = {}, {}

    def __enter__(self) -> "Team":
        """Start the processes, and wait for the first answers."""
        ready_by = half_way(self.deadline)
        try:
            for runner in self.runners:
                self._start(runner)
            for runner in self.runners:
                try:
                    self.first[runner], self.peak_bytes[runner] = self._answer(runner, ready_by)
                except NoAnswer as why:
                    self.missing[runner] = str(why)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """End the processes, whatever they are at."""
        for runner, process in self._processes.items():
            process.kill()
            process.join()
            self._pipes[runner].close()

    def times(self, place: int, rounds: int) -> Iterator[tuple[str, list[float]]]:
        """Yield each runner with the microseconds a call of its rounds, as soon as it has all.

        place: of the subject; rounds: of each runner, fewer where calls are slow.
        A runner that is cut off is missing from then on, and yielded if it has a round at least.
        """
        active = {runner: [] for runner in self.first if runner not in self.missing}
        for _ in tqdm(range(rounds), "rounds", leave=False, disable=None):
            for runner, times in list(active.items()):
                try:
                    times.append(self._ask(runner, place))
                except NoAnswer as why:
                    self.missing[runner] = str(why)
                if runner in self.missing or len(times) >= planned(times, rounds):
                    del active[runner]
                    if times:
                        yield runner, times

    def _start(self, runner: str) -> None:
        context = get_context("spawn")
        self._pipes[runner], theirs = context.Pipe()
        arguments = theirs, (RUNNERS | FILES | LIMITS)[runner].module, self.subjects, runner
        process = context.Process(target=serve, args=arguments, daemon=True)
        with patch.dict(os.environ, ONE_THREAD):
            process.start()
        self._processes[runner] = process
        theirs.close()

    def _ask(self, runner: str, place: int) -> float:
        if time.monotonic() >= self.deadline:
            raise NoAnswer(NO_TIME)
        self._pipes[runner].send(place)
        return self._answer(runner, self.deadline)

    def _answer(self, runner: str, deadline: float) -> object:
        """Return what a process says before the deadline; raise NoAnswer where it says nothing."""
        if not self._pipes[runner].poll(max(deadline - time.monotonic(), 0)):
            raise NoAnswer(NO_TIME)
        try:
            said = self._pipes[runner].recv()
        except EOFError:
            raise NoAnswer("its process died") from None
        if isinstance(said, str):
            raise NoAnswer(said)
        return said


def half_way(deadline: float) -> float:
    """Return the moment at which half the time from now to the deadline will have passed."""
    return (time.monotonic() + deadline) / 2


def planned(times: Sequence[float], rounds: int) -> int:
    """Return how many rounds a runner gets: a few only, once its calls prove to be slow."""
    return min(rounds, SLOW_ROUNDS) if statistics.median(times) > SLOW_US else rounds


def quartiles(times: Sequence[float]) -> dict[str, float]:
    """Return median and quartiles as the record holds them, four digits each.

    >>> quartiles([4.0, 1.0, 2.0, 3.0, 5.0])
    {'us': 3.0, 'q1': 2.0, 'q3': 4.0}
    """
    cuts = [times[0]] * 3 if len(times) < 2 else statistics.quantiles(times, method="inclusive")
    return {name: digits(cuts[place]) for name, place in (("us", 1), ("q1", 0), ("q3", 2))}


def digits(number: float) -> float:
    """Return a number with four significant digits.

    >>> digits(1234567.0), digits(0.0123456)
    (1235000.0, 0.01235)
    """
    return float(f"{number:.4g}")
