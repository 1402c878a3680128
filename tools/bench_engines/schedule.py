"""Ask the workers in turn, so that what disturbs the machine disturbs them all."""

import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context

from tools.bench_engines.jobs import Job, Outcome
from tools.bench_engines.progress import Progress
from tools.bench_engines.quiet import Watch
from tools.bench_engines.worker import REST_SECONDS, serve

ROUND_MS = 50
SLOW_US, SLOW_ROUNDS = 250_000, 3
TRIES, PAUSE_SECONDS = 4, 0.2
POOLS = ("OMP", "OPENBLAS", "MKL", "NUMBA")


def measure(jobs: Sequence[Job], rounds: int, progress: Progress) -> list[Outcome]:
    """Return the outcome of each job, the rounds of all interleaved."""
    outcomes = [Outcome(job, [[] for _ in job.subjects]) for job in jobs]
    with workers(jobs) as pipes:
        for outcome, pipe in zip(outcomes, pipes, strict=True):
            progress.say(f"building {outcome.job.name}")
            first = answer(pipe, outcome.job)
            outcome.missing = first if isinstance(first, str) else None
            outcome.first = [] if outcome.missing else first
        there = [pair for pair in zip(outcomes, pipes, strict=True) if not pair[0].missing]
        for number in range(rounds):
            one_round(there, number, rounds, progress)
        for outcome, pipe in there:
            pipe.send(None)
            outcome.peak_bytes = answer(pipe, outcome.job)
    return outcomes


def one_round(there: Sequence[tuple], number: int, rounds: int, progress: Progress) -> None:
    """Ask each worker for one round of each subject, the subjects in step."""
    for place in range(max((len(outcome.rounds) for outcome, _ in there), default=0)):
        for outcome, pipe in there:
            done = outcome.rounds[place]
            if number < planned(done, rounds):
                left = sum(seconds_left(o.job, x, rounds) for o, _ in there for x in o.rounds)
                name = f"round {number + 1} of {rounds}: {outcome.job.name}"
                progress.say(f"{name}, about {left:.0f} s left of this stage")
                done.append(undisturbed(pipe, outcome.job, place))


def undisturbed(pipe, job: Job, place: int) -> float:
    """Return the first of TRIES rounds in which nothing else was at work, or else the last."""
    for trial in range(TRIES):
        time.sleep(trial * PAUSE_SECONDS)
        watch = Watch()
        pipe.send((place, job.warm_ms, ROUND_MS))
        microseconds, own = answer(pipe, job)
        if microseconds > SLOW_US or watch.quiet(own):
            break
    return microseconds


def planned(done: Sequence[float], rounds: int) -> int:
    """Return how many rounds a subject gets: a few only, once its calls prove to be slow."""
    return min(rounds, SLOW_ROUNDS) if done and statistics.median(done) > SLOW_US else rounds


def seconds_left(job: Job, done: Sequence[float], rounds: int) -> float:
    """Return how long the rounds that a subject still gets will take."""
    least = job.warm_ms + ROUND_MS
    each = max(least, statistics.median(done) / 1e3) if done else least
    return max(planned(done, rounds) - len(done), 0) * (each / 1e3 + REST_SECONDS)


@contextmanager
def workers(jobs: Sequence[Job]) -> Iterator[list]:
    """Start a process a job, give the pipes to them, and end those that are left."""
    context = get_context("spawn")
    processes, pipes = [], []
    try:
        for job in jobs:
            ours, theirs = context.Pipe()
            arguments = (theirs, job.source.module, job.subjects, job.runner, job.threads)
            processes.append(context.Process(target=serve, args=arguments, daemon=True))
            pipes.append(ours)
            with environment({f"{pool}_NUM_THREADS": str(job.pool) for pool in POOLS}):
                processes[-1].start()
            theirs.close()
        yield pipes
    finally:
        for pipe, process in zip(pipes, processes, strict=False):
            process.terminate()
            process.join()
            pipe.close()


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the processes that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def answer(pipe, job: Job):
    """Return what a worker sends next.  Raises RuntimeError, with its name, where it died."""
    try:
        return pipe.recv()
    except EOFError as error:
        raise RuntimeError(f"the process of {job.name} died") from error
