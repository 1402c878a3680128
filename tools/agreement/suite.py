"""Ask one runtime about one operator, and count where tinyq answers with the same bytes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tinyq import Rounding
from tinyq.layers import QAdd
from tinyq.layers.linear import Linear
from tinyq.runtimes import RUNTIMES, Runtime, forward, trace
from tinyq.runtimes.linear import requantize
from tools.agreement import adapters, networks
from tools.agreement.cases import Case, Refused
from tools.agreement.elementwise import ADD_BROADCAST, RULE_OF
from tools.agreement.replay import replay

Codes = NDArray[np.int8]
OWN = "own"
NETWORKS = 10


@dataclass
class Tally:
    """How often one rule of tinyq gave a runtime's bytes.

    equal: cases with every byte equal; largest: difference of two codes; first: the first code
    that differs, with what it takes to compute it again.
    """

    equal: int = 0
    largest: int = 0
    first: dict | None = None

    def add(self, case: Case, got: Codes, want: Codes) -> None:
        """Count one case: got from the runtime, want from tinyq."""
        difference = np.abs(got.astype(np.int32) - want)
        worst = int(difference.max(initial=0))
        self.equal += worst == 0
        self.largest = max(self.largest, worst)
        if worst and self.first is None:
            place = tuple(int(i) for i in np.argwhere(difference)[0])
            self.first = replay(case, place, int(got[place]), int(want[place]))


@dataclass
class Pair:
    """What one runtime gave for one operator.

    setting: tinyq's rule for it, by name; cases: those that it answered; refused: those that it
    does not take, refusal: its first reason; rules: a tally for OWN and for each Rounding.
    """

    runtime: str
    operator: str
    setting: str
    cases: int = 0
    refused: int = 0
    refusal: str | None = None
    rules: dict[str, Tally] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether tinyq's setting gave every byte of every case."""
        return self.cases > 0 and self.rules[OWN].equal == self.cases


@dataclass
class Whole:
    """What one runtime gave for whole networks.

    variant: how they were written; images: how many; own, double: on how many every logit was
    equal under the runtime's setting, and under DOUBLE; largest: difference of two logits (own).
    """

    runtime: str
    variant: str
    images: int
    own: int
    double: int
    largest: int


def setting(runtime: Runtime, operator: str) -> str:
    """Return the name of tinyq's rule for an operator of a runtime."""
    if operator == "depthwise" and runtime.depthwise:
        return f"linear.{runtime.depthwise.__name__}"
    operator = "conv" if operator == "depthwise" else operator
    if runtime.linear and (operator.startswith("conv") or operator == "dense"):
        return f"linear.{runtime.linear.__name__}"
    if operator.startswith("conv"):
        return runtime.conv.name
    if operator == "dense":
        return runtime.dense.name
    rule = function(runtime, operator)
    return f"{rule_name(operator)}.{rule.__name__}" if rule else "forward"


def function(runtime: Runtime, operator: str) -> Callable | None:
    """Return a runtime's function for an operator; None where all do the same."""
    return getattr(runtime, rule_name(operator), None)


def rule_name(operator: str) -> str:
    """Return the name that an operator's rule has in a Runtime."""
    shared = operator.removeprefix("global_").removesuffix("_same").removesuffix("_of_axes")
    return RULE_OF.get(operator, shared)


def measured(runtime: Runtime, operator: str) -> bool:
    """Return whether tinyq declares what a runtime makes of an operator.

    False as well for what a runtime adds by broadcasting, where its rule is that of one shape.
    """
    if operator == ADD_BROADCAST and runtime.mul is None:
        return False
    if operator == "depthwise":  # the rule of convolution, where a runtime has none for it
        return True
    return getattr(runtime, rule_name(operator), "the same in all") is not None


def by_rounding(case: Case) -> dict[str, Codes]:
    """Return tinyq's codes under each Rounding, DOUBLE alone where no other makes sense."""
    layer = case.layer
    if isinstance(layer, Linear):
        acc = layer.accumulate(*case.inputs)
        return {rounding.name: requantize(layer, acc, rounding) for rounding in Rounding}
    if isinstance(layer, QAdd):
        adds = {
            rounding.name: QAdd.from_float(*layer.in_grids, layer.out_grid, rounding=rounding)
            for rounding in Rounding
        }
        return {name: add.forward(*case.inputs) for name, add in adds.items()}
    return {Rounding.DOUBLE.name: layer.forward(*case.inputs)}


def measure(runtime: str, operator: str, cases: Iterable[Case], run: Callable) -> Pair:
    """Return the tallies of one runtime and operator; run: the adapter's."""
    rules = RUNTIMES[runtime]
    pair = Pair(runtime, operator, setting(rules, operator), rules={OWN: Tally()})
    for case in cases:
        try:
            own = own_codes(case, rules)  # first: a runtime may end the process where tinyq refuses
            got = run(case)
        except Refused as refused:
            pair.refused += 1
            pair.refusal = pair.refusal or str(refused)
            continue
        except Exception as error:
            error.add_note(f"in case({operator!r}, {case.seed}, {case.index}) of {runtime}")
            raise
        pair.cases += 1
        for rule, want in {OWN: own, **by_rounding(case)}.items():
            tally = pair.rules.setdefault(rule, Tally())
            tally.add(case, checked(got, want), want)
    return pair


def own_codes(case: Case, runtime: Runtime) -> Codes:
    """Return what tinyq says that a runtime gives.  Raises Refused where it says nothing."""
    try:
        return forward(case.layer, *case.inputs, runtime=runtime)
    except ValueError as error:
        raise Refused(f"tinyq: {error}") from error


def checked(got: Codes, want: Codes) -> Codes:
    """Return the runtime's codes in tinyq's shape.  Raises ValueError where they cannot be it."""
    if got.dtype != np.int8 or got.size != want.size:
        raise ValueError(f"the runtime gave {got.dtype} {got.shape}, tinyq int8 {want.shape}")
    return got.reshape(want.shape)


def measure_network(
    runtime: str, variant: networks.Variant, count: int, seed: int, pipeline: Callable
) -> Whole:
    """Return how a runtime's logits compare on count images through NETWORKS random networks."""
    whole = Whole(runtime, variant.name, 0, 0, 0, 0)
    fuse = {"fuse_relu": variant.fuse_relu, "fuse_pad": variant.fuse_pad}
    for index in range(NETWORKS):
        rng = np.random.default_rng((seed, index))
        qnet = networks.network(rng, variant)
        images = networks.images(rng, count // NETWORKS)
        got = pipeline(qnet, images, **(fuse if adapters.SOURCES[runtime].fuses else {}))
        own, double = (
            trace(qnet, images, RUNTIMES[name])[qnet.nodes[-1].name]
            for name in (runtime, "tflite-micro")
        )
        got = checked(got, own)
        whole.images += len(images)
        whole.own += int((got == own).all(axis=1).sum())
        whole.double += int((got == double).all(axis=1).sum())
        whole.largest = max(whole.largest, int(np.abs(got.astype(np.int32) - own).max()))
    return whole
