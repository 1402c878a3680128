"""What every explanation is made of, and the one that any layer has: the codes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np

from tinyq.layers.contract import Codes, Layer
from tinyq.runtimes.explain.steps import Clamp, Number, Step, clamped
from tinyq.runtimes.run import forward
from tinyq.runtimes.table import RUNTIMES, Runtime

Place = tuple[int, ...]
Facts = Mapping[str, Number]
Rule = Callable[..., Codes]
AnyLayer = TypeVar("AnyLayer", bound=Layer, covariant=True)


@dataclass(frozen=True, eq=False)
class Spot(Generic[AnyLayer]):
    """A place of a layer's output, and who is asked about it.

    layer: an int8 layer; inputs: the int8 codes that it reads; place: (n, h, w, c), an index of its
    output; clamps: (low, high) of the clamps that follow on the same grid, say a fused ReLU's;
    runtimes: whose rules are told.
    """

    layer: AnyLayer
    inputs: Sequence[Codes]
    place: Place
    clamps: Sequence[Clamp] = ()
    runtimes: Sequence[Runtime] = tuple(RUNTIMES.values())

    def code_under(self, runtime: Runtime) -> int | None:
        """Return a runtime's code there, after the clamps; None where it refuses the layer."""
        try:
            codes = forward(self.layer, *self.inputs, runtime=runtime)
        except (TypeError, ValueError):
            return None
        return clamped(int(codes[self.place]), self.clamps)


# what stands between a rule's steps at a spot, and its whole number, None where it has none
Numbers = Callable[[Spot[Any]], tuple[Facts, int | None]]


@dataclass(frozen=True)
class Explanation:
    """What is known of a place.

    facts: what all rules share, by name; steps: what each rule makes of it.
    """

    facts: Facts
    steps: tuple[Step, ...]


def rule_name(rule: Rule) -> str:
    """Return what a rule is called in tinyq.runtimes, as "add.fixed"."""
    return f"{rule.__module__.rpartition('.')[2]}.{rule.__name__}"


def by_rule(
    spot: Spot[Layer],
    rule_of: Callable[[Runtime], Rule | None],
    numbers: Mapping[Rule, Numbers] | None = None,
) -> tuple[Step, ...]:
    """Return a step for each rule that the runtimes have for a layer; one may refuse the layer.

    rule_of: a runtime's rule, None where it has none; numbers: what to tell of a rule, by rule.
    """
    steps: dict[Rule, Step] = {}
    for runtime in spot.runtimes:
        rule, code = rule_of(runtime), spot.code_under(runtime)
        if rule is None or code is None:
            continue
        if rule not in steps:
            told, rounded = (numbers or {}).get(rule, _nothing)(spot)
            total = None if rounded is None else rounded + spot.layer.out_grid.zero_point
            steps[rule] = Step(rule_name(rule), told, rounded, total, code)
        steps[rule] = replace(steps[rule], runtimes=(*steps[rule].runtimes, runtime.name))
    return tuple(steps.values())


def codes_alone(spot: Spot[Layer]) -> Explanation:
    """Return the explanation of any layer: the codes that it reads there, and each runtime's code.

    An input's code is told where it belongs to the place: where its axes are those of the output,
    or broadcast to them.
    """
    shape = spot.layer.forward(*spot.inputs).shape
    read = [code_at(codes, shape, spot.place) for codes in spot.inputs]
    steps: dict[int, Step] = {}
    for runtime in spot.runtimes:
        code = spot.code_under(runtime)
        if code is not None:
            step = steps.get(code, Step("its own", {}, None, None, code))
            steps[code] = replace(step, runtimes=(*step.runtimes, runtime.name))
    facts = {f"input {i}": code for i, code in enumerate(read) if code is not None}
    return Explanation(facts, tuple(steps.values()))


def code_at(codes: Codes, shape: tuple[int, ...], place: Place) -> int | None:
    """Return the code of an input that goes with a place of an output; None where none does."""
    try:
        return int(np.broadcast_to(codes, shape)[place])
    except ValueError:
        return None


def _nothing(spot: Spot[Layer]) -> tuple[Facts, None]:
    return {}, None
