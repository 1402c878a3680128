"""What a worker is asked to do, what came of it, and the numbers that are kept."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from tools.bench_engines.runners import LIMITS, RUNNERS, Source

WARM_MS = 100  # an operating system may take so long until it gives a process its second core


@dataclass(frozen=True)
class Job:
    """A runner or a kernel on a number of threads, and what it is given."""

    runner: str
    threads: int
    subjects: Sequence[object]

    @property
    def source(self) -> Source:
        """Where it comes from."""
        return (RUNNERS | LIMITS)[self.runner]

    @property
    def pool(self) -> int:
        """How many threads the libraries that it calls may start for themselves."""
        return 1 if self.source.divides else self.threads

    @property
    def warm_ms(self) -> int:
        """How long it is called before a round counts."""
        return WARM_MS if self.threads > 1 else 0

    @property
    def name(self) -> str:
        """The runner and its threads, for a line of progress."""
        return f"{self.runner}, {self.threads} thread{'s' * (self.threads > 1)}"


@dataclass
class Outcome:
    """What came of a job: a list of rounds in microseconds a call for each subject.

    first: (codes, plan_bytes) of each subject; peak_bytes: rise of the process's peak memory;
    missing: why there is nothing of all this.
    """

    job: Job
    rounds: list[list[float]]
    first: list = field(default_factory=list)
    peak_bytes: int | None = None
    missing: str | None = None


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
