"""The runs: every runner on every case, one thread and two."""

import numpy as np

from tools.bench_engines.cases import CASES, Case, Work, case, work
from tools.bench_engines.jobs import Job, Outcome, digits, quartiles
from tools.bench_engines.progress import Progress
from tools.bench_engines.runners import RUNNERS
from tools.bench_engines.schedule import measure


def tables(rounds: int, progress: Progress) -> dict:
    """Return networks, runs and missing as the record holds them."""
    networks, runs, missing = {}, [], {}
    for network, batch in CASES:
        progress.enter(f"{network}, batch {batch}")
        progress.say("calibrating")
        one = case(network, batch)
        cost = work(one.qnet)
        networks[network] = described(one, cost)
        jobs = [
            Job(runner, threads, [one])
            for runner, source in RUNNERS.items()
            for threads in source.threads
        ]
        for outcome in measure(jobs, rounds, progress):
            if outcome.missing:
                missing[outcome.job.runner] = outcome.missing
            else:
                runs.append(run(one, cost, outcome))
    return {"networks": [*networks.values()], "runs": runs, "missing": missing}


def described(one: Case, cost: Work) -> dict:
    """Return a network's row."""
    return {
        "network": one.network,
        "image": [*one.qnet.image_shape],
        "mac": cost.mac,
        "weight_bytes": cost.weight_bytes,
        "activation_bytes": cost.activation_bytes,
        "moved_bytes": cost.moved_bytes,
    }


def run(one: Case, cost: Work, outcome: Outcome) -> dict:
    """Return a row of the runs: times, bytes, memory."""
    (times,), ((codes, plan_bytes),) = outcome.rounds, outcome.first
    taken = quartiles(times)
    return {
        "network": one.network,
        "batch": one.batch,
        "runner": outcome.job.runner,
        "threads": outcome.job.threads,
        "rounds": len(times),
        **taken,
        "gmac_per_s": digits(cost.mac * one.batch / taken["us"] / 1e3),
        **agreement(one, codes),
        "peak_bytes": outcome.peak_bytes,
        "plan_bytes": plan_bytes,
    }


def agreement(one: Case, codes: np.ndarray) -> dict:
    """Return on how many images, and in how many logits, codes are the layers' own."""
    same = codes.reshape(one.logits.shape) == one.logits if codes.dtype == np.int8 else None
    return {
        "images": one.batch,
        "logits": one.logits.size,
        "equal_images": None if same is None else int(same.all(axis=1).sum()),
        "equal_logits": None if same is None else int(same.sum()),
    }
