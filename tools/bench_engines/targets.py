"""What the engines are to reach, as ratios of one run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.bench_engines.cases import BLOCK, SEED
from tools.bench_engines.jobs import digits
from tools.bench_engines.runners import ENGINES, OPTIMIZED, REFERENCE, XNNPACK

LEAST, MOST = "at least", "at most"
PLAN, SUM, MEMORY = "plan", "activations + weights", 3.0


@dataclass(frozen=True)
class Target:
    """How many times longer `slow` must take than `fast`, at least or at most.

    aim: whether it is what we hope for, beyond what we ask for.
    """

    slow: str
    fast: str
    bound: str
    ratio: float
    places: Sequence[tuple[str, int, int]]  # (network, batch, threads)
    aim: bool = False


BOTH = ((SEED, 256, 1), (BLOCK, 1, 1))
LARGE, SMALL = ((BLOCK, 1, 1), (BLOCK, 1, 2)), ((SEED, 256, 1), (SEED, 256, 2))
TARGETS = (
    Target(REFERENCE, "numpy", LEAST, 4.0, BOTH),
    Target(REFERENCE, "numpy", LEAST, 10.0, BOTH, aim=True),
    Target("numpy", OPTIMIZED, MOST, 2.5, BOTH),
    Target(OPTIMIZED, "vnni", LEAST, 2.0, LARGE),
    Target("vnni", XNNPACK, MOST, 1.5, LARGE),
    Target("vnni", XNNPACK, MOST, 1.0, LARGE, aim=True),
    Target("vnni", XNNPACK, MOST, 1.5, SMALL),
)


def ratios(runs: Sequence[Mapping], networks: Sequence[Mapping]) -> list[dict]:
    """Return a row a target and place, then the memory of each plan.

    runs, networks: as the record holds them.  A place where a runner is missing has no row.
    """
    us = {(r["runner"], r["network"], r["batch"], r["threads"]): r["us"] for r in runs}
    rows = []
    for target in TARGETS:
        for place in target.places:
            slow, fast = us.get((target.slow, *place)), us.get((target.fast, *place))
            if slow and fast:
                rows.append(row(target, place, slow / fast))
    return [*rows, *memory(runs, networks)]


def memory(runs: Sequence[Mapping], networks: Sequence[Mapping]) -> Iterator[dict]:
    """Yield a row for each plan: its bytes against those of the activations and the weights."""
    sizes = {n["network"]: (n["weight_bytes"], n["activation_bytes"]) for n in networks}
    for run in runs:
        if run["runner"] in ENGINES:
            weights, activations = sizes[run["network"]]
            place = run["network"], run["batch"], run["threads"]
            target = Target(f"{run['runner']} {PLAN}", SUM, MOST, MEMORY, [place])
            yield row(target, place, run["plan_bytes"] / (weights + activations * run["batch"]))


def row(target: Target, place: tuple[str, int, int], ratio: float) -> dict:
    """Return a row of the record; a bound that is just reached is met."""
    network, batch, threads = place
    met = ratio >= target.ratio if target.bound == LEAST else ratio <= target.ratio
    return {
        "slow": target.slow,
        "fast": target.fast,
        "network": network,
        "batch": batch,
        "threads": threads,
        "ratio": digits(ratio),
        "bound": target.bound,
        "target": target.ratio,
        "aim": target.aim,
        "met": met,
    }
