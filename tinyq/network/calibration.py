"""Calibration: run batches through a float network, here or on an executor, and watch each tensor.

Every batch gets observers of its own, and these are merged in the order of the batches.  So the
outcome is the same, to the last bit, wherever and whenever each of the batches ran.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tinyq.checks import shown
from tinyq.layers.images import Images, naming
from tinyq.observers import Observer

if TYPE_CHECKING:  # an executor brings threads and logging with it
    from concurrent.futures import Executor, Future

IN_FLIGHT = 32
NamedBatch = tuple[str, Images]
Seen = dict[str, Observer]


class Traced(Protocol):
    """What calibration asks of a network."""

    def trace(self, images: Images) -> dict[str, Images]: ...


def calibrate(
    net: Traced,
    stream: Iterable[NamedBatch],
    observer: Callable[[], Observer],
    executor: Executor | None,
) -> Seen:
    """Return what observers saw of each tensor, by tensor name.

    net: a Network; stream: names and batches, as tinyq.layers.images.batches yields them; observer:
    returns a fresh observer; executor: where the batches run, None for here.
    At most IN_FLIGHT batches are held at a time.  Raises as Network.calibrate says.
    """
    check_observer(observer)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(f"executor must have submit, as an Executor does, got {shown(executor)}")
    run = _run_here if executor is None else partial(_run_on, executor)
    seen: Seen = {}
    with closing(run(net, observer, stream)) as results:
        for result in results:
            for name, fresh in result.items():
                # into an observer of our own: an executor may hand out one result twice
                seen.setdefault(name, observer()).merge(fresh)
    return seen


def observe_batch(net: Traced, observer: Callable[[], Observer], batch: Images) -> Seen:
    """Return fresh observers, by tensor name, that saw one batch: the task of an executor."""
    with np.errstate(over="ignore", invalid="ignore"):  # the observer says it better
        tensors = net.trace(batch)
    seen = {}
    for name, tensor in tensors.items():
        with naming(f"layer {name!r}"):
            seen[name] = observer().observe(tensor)
    return seen


def check_observer(observer: Callable[[], Observer]) -> None:
    """Raise TypeError unless observer is a callable that returns an observer.

    >>> check_observer("minmax")
    Traceback (most recent call last):
    TypeError: observer must return a fresh observer when it is called, as MinMax does, got 'minmax'
    """
    with naming("observer"):
        made = observer() if callable(observer) else None
    if not isinstance(made, Observer) or isinstance(made, type):
        raise TypeError(
            "observer must return a fresh observer when it is called, as MinMax does, "
            f"got {shown(observer)}"
        )


def _run_here(
    net: Traced, observer: Callable[[], Observer], stream: Iterable[NamedBatch]
) -> Generator[Seen]:
    for name, batch in stream:
        with naming(name):
            seen = observe_batch(net, observer, batch)
        yield seen


def _run_on(
    executor: Executor,
    net: Traced,
    observer: Callable[[], Observer],
    stream: Iterable[NamedBatch],
) -> Generator[Seen]:
    waiting: deque[tuple[str, Future[Seen]]] = deque()
    try:
        for name, batch in stream:
            if len(waiting) == IN_FLIGHT:
                yield _outcome(*waiting.popleft())
            with _reporting(name):
                # a copy: whoever yields the batch may refill it before the task runs
                waiting.append((name, executor.submit(observe_batch, net, observer, batch.copy())))
        while waiting:
            yield _outcome(*waiting.popleft())
    finally:
        for _, future in waiting:
            future.cancel()


def _outcome(name: str, future: Future[Seen]) -> Seen:
    with naming(name), _reporting(name):
        return future.result()


@contextmanager
def _reporting(name: str) -> Iterator[None]:
    """Raise RuntimeError with the batch's name where it is not the batch that is at fault."""
    try:
        yield
    except (TypeError, ValueError):
        raise
    except Exception as error:
        raise RuntimeError(
            f"{name} was not calibrated, the executor failed: {type(error).__name__}: {error}"
        ) from error
