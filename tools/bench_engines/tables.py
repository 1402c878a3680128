"""The runs: every runner on every case, first its bytes, then its times."""

from collections.abc import Sequence

import numpy as np

from tools.bench_engines import report
from tools.bench_engines.cases import CASES, Case, Work, case, work
from tools.bench_engines.measure import Team, digits, half_way, quartiles
from tools.bench_engines.runners import ENGINES, LAYERS, RUNNERS, in_order


class WrongBytes(Exception):
    """An engine has a byte of its own, so its times mean nothing."""


def tables(rounds: int, end: float) -> dict:
    """Return networks, runs and missing as the record holds them; end: when to stop."""
    networks, runs, missing = {}, [], {}
    for network, batch in CASES:
        one = case(network, batch)
        cost = work(one.qnet)
        networks[network] = described(one, cost)
        with Team([*RUNNERS], [one], half_way(end)) as team:
            report.say(f"\n{report.where(one)}")
            runs += timed(one, cost, team, rounds)
        missing |= {f"{runner}, {report.where(one)}": why for runner, why in team.missing.items()}
    return {"networks": [*networks.values()], "runs": runs, "missing": missing}


def timed(one: Case, cost: Work, team: Team, rounds: int) -> list[dict]:
    """Return the runs of a case, and print each as it is there, then the engines' ratios."""
    agreed, rows = agreements([one], team)[0], []
    for runner, times in team.times(0, rounds) if agreed else ():
        taken, (_, plan_bytes) = quartiles(times), team.first[runner][0]
        rows.append(
            {
                "network": one.network,
                "batch": one.batch,
                "runner": runner,
                "rounds": len(times),
                **taken,
                "gmac_per_s": digits(cost.mac * one.batch / taken["us"] / 1e3),
                **agreed[runner],
                "peak_bytes": team.peak_bytes[runner],
                "plan_bytes": plan_bytes,
            }
        )
        report.say(report.run_line(rows[-1]))
    for runner, why in team.missing.items():
        report.say(f"  {runner:20} {why}")
    rows = in_order(rows)
    report.say(report.ratios(rows))
    return rows


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


def agreements(cases: Sequence[Case], team: Team) -> list[dict[str, dict]]:
    """Return a dictionary a case: by runner, how its first answer agrees with the layers'.

    They are empty where the layers gave no answer in time: without bytes nothing is timed.
    Raises WrongBytes where an engine disagrees.
    """
    found = []
    for place, one in enumerate(cases):
        answers = {runner: first[place][0] for runner, first in team.first.items()}
        want = answers.get(LAYERS)
        found.append({} if want is None else {r: agreement(want, a) for r, a in answers.items()})
        for engine in ENGINES:
            same = found[-1].get(engine)
            if same and same["equal_logits"] != same["logits"]:
                share = f"{same['equal_logits']} of {same['logits']} logits are the layers'"
                raise WrongBytes(f"{engine}: {report.where(one)}: {share}")
    return found


def agreement(want: np.ndarray, codes: np.ndarray | None) -> dict:
    """Return on how many images, and in how many logits, codes are the layers' own."""
    same = None if codes is None else codes.reshape(want.shape) == want
    return {
        "images": len(want),
        "logits": want.size,
        "equal_images": None if same is None else int(same.all(axis=1).sum()),
        "equal_logits": None if same is None else int(same.sum()),
    }
