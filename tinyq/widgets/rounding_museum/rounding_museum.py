"""The rounding museum of chapter 5: one accumulator under all five rules, step by step."""

from typing import Any

import numpy as np

from tinyq.requantize import Requantizer, Rounding
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import TIMES, Markup, fallback_of, joined, table
from tinyq.widgets.frame.traits import Enum, Int

RULES = tuple(rule.name for rule in Rounding)


class RoundingMuseum(Widget):
    """Show what each rounding makes of an accumulator, and the chosen one bit by bit.

    acc: an int32; multiplier: 2**30..2**31 - 1; shift: -8..31, positive to the right;
    zero_point: of the output, -128..127; rounding: the name of the Rounding to step through.
    ulp: FLOAT32 divides its scales in float32, so its ratio may be a neighbour of float32(ratio):
    how many floats above it, -2..2.

    >>> museum = RoundingMuseum(acc=7984, multiplier=1583594044, shift=9)
    >>> museum.value["results"]
    {'DOUBLE': 12, 'UP': 12, 'SINGLE': 11, 'FLOAT32': 11, 'FLOAT64': 11}
    """

    name = "rounding-museum"
    fields = ("acc", "multiplier", "shift", "zero_point", "ulp", "rounding")
    called = ("results",)

    acc = Int(7984, min=-(2**31), max=2**31 - 1).tag(sync=True)
    multiplier = Int(1583594044, min=2**30, max=2**31 - 1).tag(sync=True)
    shift = Int(9, min=-8, max=31).tag(sync=True)
    zero_point = Int(0, min=-128, max=127).tag(sync=True)
    ulp = Int(0, min=-2, max=2).tag(sync=True)
    rounding = Enum(RULES, "DOUBLE").tag(sync=True)

    @property
    def ratio(self) -> float:
        """The real number that multiplier and shift stand for."""
        return self.multiplier * 2.0 ** (-31 - self.shift)

    @property
    def ratio32(self) -> float:
        """The ratio of FLOAT32: float32(ratio), or the neighbour that ulp asks for."""
        return float((np.float32(self.ratio).view(np.int32) + np.int32(self.ulp)).view(np.float32))

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the traits, both ratios, the exact product, each rule's result.

        results: by rule, before the zero_point; codes: after it and the clamp; steps: of the
        chosen rule, [name, number], integers as text.
        """
        results = {}
        for rule in Rounding:
            ratio = self.ratio32 if rule is Rounding.FLOAT32 else self.ratio
            results[rule.name] = int(Requantizer(ratio, rule).rescale(np.int32(self.acc))[0])
        return {
            **{field: getattr(self, field) for field in self.fields},
            **{"ratio": self.ratio, "ratio32": self.ratio32, "results": results},
            "exact": self.acc * self.multiplier / 2 ** (31 + self.shift),
            "steps": [*self._steps(), ["result", self._written(results[self.rounding])]],
            "codes": {
                rule: min(max(result + self.zero_point, -128), 127)
                for rule, result in results.items()
            },
        }

    def _written(self, integer: int) -> str | int:
        return integer if self.rounding in ("FLOAT32", "FLOAT64") else str(integer)

    def _steps(self) -> list[list[str | float]]:
        """The steps of the chosen rule before its result, equations (5.4) to (5.8)."""
        acc, multiplier, shift = self.acc, self.multiplier, self.shift
        if self.rounding == "FLOAT32":
            ratio, acc32 = np.float32(self.ratio32), np.float32(acc)
            numbers = {"acc32": acc32, "ratio32": ratio, "product": acc32 * ratio}
            return [[name, float(number)] for name, number in numbers.items()]
        if self.rounding == "FLOAT64":
            return [["product", acc * self.ratio]]
        integers = {"multiplier": multiplier, "shift": shift}
        if self.rounding == "SINGLE":
            integers["product"] = acc * multiplier
            integers["nudged"] = acc * multiplier + 2 ** (30 + shift)
        else:
            if shift < 0:
                integers["shifted"] = acc = ((acc << -shift) + 2**31) % 2**32 - 2**31
            integers["product"] = acc * multiplier
            integers["high"] = (acc * multiplier + 2**30) >> 31
            integers["right"] = max(shift, 0)
        return [[name, str(integer)] for name, integer in integers.items()]

    def fallback(self) -> Markup:
        """A table of the rules with their results and codes, and a sentence."""
        shown = self.value
        rows = [[rule, result, shown["codes"][rule]] for rule, result in shown["results"].items()]
        ratio = "{multiplier} / 2^(31 + {shift}) is {exact:.10g}.".format_map(shown)
        words = joined(shown["acc"], " ", TIMES, " ", ratio)
        note = "Where scripts may run, each rule is stepped here bit by bit."
        return fallback_of(table(["rule", "result", "code"], rows), words, note)
