"""How cost grows with the image's side, the channels and the batch."""

import time

from tools.bench_engines import report
from tools.bench_engines.cases import Case, block_case, seed_case, work
from tools.bench_engines.measure import NO_TIME, Team, half_way, quartiles
from tools.bench_engines.runners import ENGINES, LAYERS, XNNPACK, in_order
from tools.bench_engines.tables import agreements

ROUNDS, CLASSES = 5, 1000
RUNNERS = (LAYERS, *ENGINES, XNNPACK)
AXES = {
    "side": ((16, 32, 64, 112, 160, 224), lambda side: block_case(side, 64, CLASSES, 1)),
    "channels": ((8, 16, 32, 64, 128, 256), lambda channels: block_case(64, channels, CLASSES, 1)),
    "batch": ((1, 4, 16, 64, 256, 1024), seed_case),
}


def growth(rounds: int, end: float) -> tuple[list[dict], dict[str, str]]:
    """Return the rows of the record, and what is missing of them; end: when to stop."""
    rows, missing = [], {}
    for axis, (values, make) in AXES.items():
        deadline, points = half_way(end), {}
        for value in values:
            if time.monotonic() > deadline:
                missing[f"{axis} {value}"] = NO_TIME
            else:
                points[value] = make(value)
        report.say(f"\nHow cost grows: {axis}")
        rows += along(axis, points, rounds, deadline, missing)
    return rows, missing


def along(
    axis: str, points: dict[int, Case], rounds: int, deadline: float, missing: dict[str, str]
) -> list[dict]:
    """Return the rows of an axis, and print each as it is there; say in missing what is not."""
    cases, rows = [*points.values()], []
    with Team(RUNNERS, cases, deadline) as team:
        agreed = agreements(cases, team)
        for place, (value, one) in enumerate(points.items()):
            at_point = []
            for runner, times in team.times(place, min(rounds, ROUNDS)) if agreed[place] else ():
                same, (_, plan_bytes) = agreed[place][runner], team.first[runner][place]
                at_point.append(
                    {
                        "axis": axis,
                        "value": value,
                        "network": one.network,
                        "batch": one.batch,
                        "mac": work(one.qnet).mac * one.batch,
                        "runner": runner,
                        **quartiles(times),
                        "logits": same["logits"],
                        "equal_logits": same["equal_logits"],
                        "plan_bytes": plan_bytes,
                    }
                )
                report.say(report.growth_line(at_point[-1]))
            rows += in_order(at_point)
    missing |= {f"{runner}, {axis}": why for runner, why in team.missing.items()}
    return rows
