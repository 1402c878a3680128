"""How cost grows with the image's side, the channels and the batch; one thread.

`python -m tools.bench_engines.growth` measures and prints this alone.
"""

import sys

from tools.bench_engines import report
from tools.bench_engines.cases import Case, block_case, seed_case, work
from tools.bench_engines.jobs import Job, Outcome, quartiles
from tools.bench_engines.progress import Progress
from tools.bench_engines.runners import ENGINES, LAYERS, XNNPACK
from tools.bench_engines.schedule import measure
from tools.bench_engines.tables import agreement

ROUNDS, CLASSES = 5, 1000
RUNNERS = (LAYERS, *ENGINES, XNNPACK)
AXES = {
    "side": ((16, 32, 64, 112, 160, 224), lambda side: block_case(side, 64, CLASSES, 1)),
    "channels": ((8, 16, 32, 64, 128, 256), lambda channels: block_case(64, channels, CLASSES, 1)),
    "batch": ((1, 4, 16, 64, 256, 1024), seed_case),
}


def growth(progress: Progress) -> list[dict]:
    """Return the rows of the record."""
    progress.enter("how cost grows")
    points = []
    for axis, (values, make) in AXES.items():
        for value in values:
            progress.say(f"calibrating {axis} {value}")
            points.append((axis, value, make(value)))
    cases = [one for *_, one in points]
    outcomes = measure([Job(runner, 1, cases) for runner in RUNNERS], ROUNDS, progress)
    there = [outcome for outcome in outcomes if not outcome.missing]
    return [row(*point, outcome, place) for place, point in enumerate(points) for outcome in there]


def row(axis: str, value: int, one: Case, outcome: Outcome, place: int) -> dict:
    """Return what a runner took at a point of an axis."""
    codes, plan_bytes = outcome.first[place]
    return {
        "axis": axis,
        "value": value,
        "network": one.network,
        "batch": one.batch,
        "mac": work(one.qnet).mac * one.batch,
        "runner": outcome.job.runner,
        "threads": outcome.job.threads,
        **quartiles(outcome.rounds[place]),
        "logits": one.logits.size,
        "equal_logits": agreement(one, codes)["equal_logits"],
        "plan_bytes": plan_bytes,
    }


def main() -> int:
    """Measure and print; return 1 where an engine gave a wrong byte."""
    progress = Progress(1)
    rows = growth(progress)
    progress.end()
    print(report.growth_table(rows))
    return report.complain(rows)


if __name__ == "__main__":
    sys.exit(main())
