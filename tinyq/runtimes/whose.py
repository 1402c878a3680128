"""Whose rule gives the bytes that a device dumped."""

from collections.abc import Mapping
from dataclasses import replace

from tinyq.layers.contract import Codes
from tinyq.layers.nodes import INPUT
from tinyq.network import QNetwork
from tinyq.requantize import Rounding
from tinyq.runtimes.difference import Difference
from tinyq.runtimes.run import tensors
from tinyq.runtimes.table import RUNTIMES

# TFLite Micro built with TFLITE_SINGLE_ROUNDING, as some vendors' kernels round
SINGLE = replace(
    RUNTIMES["tflite-micro"],
    name="TFLite Micro with single rounding",
    conv=Rounding.SINGLE,
    dense=Rounding.SINGLE,
)


def bytes_off_of(
    model: QNetwork, name: str, known: Mapping[str, Codes], got: Codes
) -> dict[str, int]:
    """Return how many bytes of a dumped tensor each runtime would give otherwise.

    known: what the dump has right; all between that and the tensor follows the runtime too.
    """
    off: dict[str, int] = {}
    for runtime in (*RUNTIMES.values(), SINGLE):
        try:
            every = tensors(model, known[INPUT], runtime, known)
            codes = next(codes for made, codes in every if made == name)
        except (TypeError, ValueError):  # a runtime may refuse a layer
            continue
        off[runtime.name] = int((codes != got).sum())
    return off


def whose(found: Difference, off: Mapping[str, int]) -> str:
    """Return the sentence that says whose rule gives the dumped bytes, or who comes nearest."""
    if found.node == INPUT:
        return "the device had another input"
    if not off:
        return "no runtime takes the layer"
    least, steps = min(off.values()), found.explanation.steps if found.explanation else ()
    rules = {name: step.rule for step in steps for name in step.runtimes}
    nearest = ", ".join(
        f"{name} ({rules[name]})" if name in rules else name
        for name, count in off.items()
        if count == least
    )
    if not least:
        return f"the dump's bytes are those of {nearest}"
    return f"no runtime gives the dump's bytes; nearest, {least} bytes off: {nearest}"
