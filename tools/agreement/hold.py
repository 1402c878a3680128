"""Hold a model of other people against the runtimes, tensor by tensor, each by its own rules."""

import re
from dataclasses import asdict

import numpy as np

from tinyq.models.tflite import parse
from tinyq.runtimes import first_difference, trace
from tools.agreement.every_tensor import RUNTIMES, Ask, asker
from tools.agreement.held import Codes, Held, Opened, apart, compare, opened
from tools.agreement.inputs import KINDS

MICRO = RUNTIMES[0]


def askers(content: bytes) -> tuple[dict[str, Ask], dict[str, Held]]:
    """Return the runtimes that take a file, and what is held of each, refusals included."""
    asks, held = {}, {name: Held() for name in RUNTIMES}
    for name in RUNTIMES:
        try:
            asks[name] = asker(name, content, parse(content))
        except (ImportError, RuntimeError, ValueError) as error:
            first, *_ = re.split(r"\.(?=\w)", str(error))  # LiteRT strings its sentences together
            held[name].refused = first.strip() or type(error).__name__
    return asks, held


def hold(content: bytes, count: int, seed: int) -> dict[str, dict]:
    """Return Held by runtime, as dictionaries; count: inputs of each kind, drawn from seed."""
    model = opened(content)
    asks, held = askers(content)
    for number, kind in enumerate(KINDS):
        rng = np.random.default_rng((seed, number))
        for index in range(count):
            codes = KINDS[kind](rng, (1, *model.network.image_shape))
            theirs = {name: ask(model.real(codes)) for name, ask in asks.items()}
            for name in asks:
                ours = trace(model.network, codes, name)
                compare(model, held[name], kind, index, ours, theirs[name])
                if name != MICRO and MICRO in asks:
                    apart(model, held[name].counts[kind], theirs[MICRO], theirs[name])
                    if held[name].counts[kind].from_micro and not held[name].first:
                        held[name].first = parting(model, codes, name) | {"input": [kind, index]}
    return {name: asdict(one) for name, one in held.items()}


def parting(model: Opened, codes: Codes, runtime: str) -> dict:
    """Return tinyq's first difference of a runtime from TFLite Micro, with the two sides' steps."""
    found = first_difference(model.network, codes, MICRO, runtime)
    if found is None:
        return {}
    told = found.to_dict()
    if told["explanation"]:
        steps = told["explanation"]["steps"]
        told["explanation"]["steps"] = [s for s in steps if {MICRO, runtime} & {*s["runtimes"]}]
    return told


def worked(content: bytes, codes: Codes) -> list[dict]:
    """Return where each runtime parts from TFLite Micro on one input, as both really gave it.

    codes: int8 (1, ...).  Each is what first_difference says, with measured: the two runtimes' own
    codes at the place, and bytes: in how many of the tensor's they differ.
    """
    model = opened(content)
    asks, _ = askers(content)
    theirs = {name: ask(model.real(codes)) for name, ask in asks.items()}
    rows = []
    for name in RUNTIMES[1:]:
        row = parting(model, codes, name) or {"sides": [MICRO, name], "node": None}
        if row["node"] and {*row["sides"]} <= {*theirs}:
            pair = [theirs[side][row["tensor"]] for side in row["sides"]]
            row["measured"] = [int(codes[tuple(row["place"])]) for codes in pair]
            row["bytes"] = int((pair[0] != pair[1]).sum())
        rows.append(row)
    return rows
