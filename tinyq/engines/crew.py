"""Workers that go through the stages of a plan together."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait


class Crew:
    """A pipeline a worker; nobody begins a stage before all have ended the one before.

    pipelines: for each worker a call a stage, or None where it has no share; all of one length.
    The first worker is the calling thread.  A worker that waits yields and looks again, so it keeps
    its core busy: most stages are shorter than it takes to wake a sleeping thread.

    >>> from functools import partial
    >>> seen = []
    >>> one, two, three = (partial(seen.append, k) for k in (1, 2, 3))
    >>> Crew([[one, three], [two, None]]).run()
    >>> sorted(seen[:2]), seen[2]
    ([1, 2], 3)
    """

    def __init__(self, pipelines: Sequence[Sequence[Callable[[], None] | None]]):
        self._pipelines = pipelines
        self._pool = ThreadPoolExecutor(len(pipelines) - 1) if len(pipelines) > 1 else None

    def run(self) -> None:
        """Run all stages; raise what a worker raised."""
        ended = [0] * len(self._pipelines)
        others = [self._pool.submit(self._work, worker, ended) for worker in range(1, len(ended))]
        try:
            self._work(0, ended)
        finally:
            wait(others)  # all of them: one that fails leaves none at work on the plan's memory
            for other in others:
                other.result()

    def _work(self, worker: int, ended: list[int]) -> None:
        pipeline = self._pipelines[worker]
        try:
            for stage, step in enumerate(pipeline):
                ended[worker] = stage
                if step is not None:
                    while min(ended) < stage:
                        time.sleep(0)
                    step()
        finally:
            ended[worker] = len(pipeline)  # nobody waits for a worker that failed
