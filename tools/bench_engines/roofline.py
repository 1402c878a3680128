"""The roofline: what the machine's GEMMs and its memory allow, and where the networks stand."""

from collections.abc import Mapping, Sequence

from tools.bench_engines.cases import CASES
from tools.bench_engines.jobs import Job, Outcome, digits, quartiles
from tools.bench_engines.progress import Progress
from tools.bench_engines.rates import Block, Product
from tools.bench_engines.runners import BLAS, COPY, INTEGER
from tools.bench_engines.schedule import measure

ROUNDS, THREADS = 5, (1, 2)
PRODUCTS = (Product(1024, 1024, 1024), Product(56 * 56, 3 * 3 * 64, 64))
BLOCK = Block(256 * 2**20)


def roofline(networks: Sequence[Mapping], progress: Progress) -> dict:
    """Return rates, copy and networks as the record holds them; networks: of the record."""
    progress.enter("the machine's limits")
    kinds = [(kernel, product) for kernel in (BLAS, INTEGER) for product in PRODUCTS]
    jobs = [
        Job(kernel, threads, [subject])
        for kernel, subject in [*kinds, (COPY, BLOCK)]
        for threads in THREADS
    ]
    known = {row["network"]: row for row in networks}
    there = [one for one in measure(jobs, ROUNDS, progress) if not one.missing]
    return {
        "rates": [multiplied(one) for one in there if one.job.runner != COPY],
        "copy": [copied(one) for one in there if one.job.runner == COPY],
        "networks": [intensity(known[network], batch) for network, batch in CASES],
    }


def multiplied(outcome: Outcome) -> dict:
    """Return the row of a product, in GMAC a second."""
    (size,), (times,) = outcome.job.subjects, outcome.rounds
    return {
        "kernel": outcome.job.runner,
        "threads": outcome.job.threads,
        "product": [size.m, size.k, size.n],
        "gmac_per_s": digits(size.m * size.k * size.n / quartiles(times)["us"] / 1e3),
    }


def copied(outcome: Outcome) -> dict:
    """Return the row of a copy, in bytes moved a second: those read and those written."""
    (block,), (times,) = outcome.job.subjects, outcome.rounds
    rate = digits(2 * block.bytes / quartiles(times)["us"] / 1e3)
    return {"threads": outcome.job.threads, "gb_per_s": rate}


def intensity(network: Mapping, batch: int) -> dict:
    """Return how many products a call has for each byte that must move; network: of the record."""
    mac = network["mac"] * batch
    moved = network["weight_bytes"] + network["moved_bytes"] * batch
    return {
        "network": network["network"],
        "batch": batch,
        "mac": mac,
        "bytes": moved,
        "mac_per_byte": digits(mac / moved),
    }
