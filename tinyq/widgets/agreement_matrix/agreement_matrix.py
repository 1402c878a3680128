"""The agreement matrix of chapter 13: runtimes by operators, and the first case that differs."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from tinyq.affine import Grid
from tinyq.layers import QAdd, QGlobalAvgPool2D, QMean
from tinyq.requantize import Requantizer, Rounding
from tinyq.widgets.agreement_matrix.ledger import LINEAR, checked
from tinyq.widgets.frame.encode import encode
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import Markup, fallback_of, table
from tinyq.widgets.frame.scripts import FOLDER, text_of
from tinyq.widgets.frame.traits import Enum, Int

OWN = "own"
RULES = (OWN, *(rounding.name for rounding in Rounding))


@cache
def packaged() -> dict[str, Any]:
    """Return the ledger that comes with the package, as tools/agreement_data.py condensed it.

    pairs: of runtime and operator, as book/agreement.json has them; date; versions; words: of each
    Rounding; float32_products: the runtimes that multiply a dense layer's scales in float32.
    """
    text = text_of(FOLDER / "data" / "agreement_data.js")
    return json.JSONDecoder().raw_decode(text, text.index("{", text.index("ui.agreement =")))[0]


class AgreementMatrix(Widget):
    """Of how many random cases each runtime gave the bytes of one of tinyq's rules.

    ledger: as `make agreement` writes it to JSON; without it, the one of the package.
    rule: "own", each runtime's setting, or the name of a Rounding; row: of the operator, column: of
    the runtime, in the ledger's order.
    Raises ValueError for a ledger of another form, and for a row or column that is not there.

    >>> shown = AgreementMatrix(rule="DOUBLE", row=0, column=2).value
    >>> shown["runtime"], shown["operator"], shown["setting"], shown["equal"] < shown["cases"]
    ('litert-optimized', 'conv', 'UP', True)
    >>> shown["own_replayed"] == shown["answer"] != shown["replayed"]
    True
    """

    name = "agreement-matrix"
    fields = ("rule", "row", "column")
    called = ("equal", "replayed")

    rule = Enum(RULES, "DOUBLE").tag(sync=True)
    row = Int(0, min=0).tag(sync=True)
    column = Int(2, min=0).tag(sync=True)

    def __init__(self, ledger: Mapping[str, Any] | None = None, **state: object) -> None:
        self.ledger = packaged()
        data = ""
        if ledger is not None:
            pairs = checked(ledger)
            kept = {key: ledger[key] for key in ("date", "versions") if key in ledger}
            data = encode({**self.ledger, **kept, "pairs": pairs})
            self.ledger = json.loads(data)  # a copy, and what the page reads
        self.pairs = {(pair["runtime"], pair["operator"]): pair for pair in self.ledger["pairs"]}
        self.runtimes, self.operators = (
            list(dict.fromkeys(names)) for names in zip(*self.pairs, strict=True)
        )
        super().__init__(**{"data": data, **state})
        self._check()

    def _check(self) -> None:
        for field, names in (("row", self.operators), ("column", self.runtimes)):
            if getattr(self, field) >= len(names):
                raise ValueError(
                    f"{field} must be in 0..{len(names) - 1}, got {getattr(self, field)}"
                )

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the traits, the matrix, the cell, its first case, computed again.

        matrix: cases with every byte equal, a row an operator, None where the rule makes no sense;
        operator, runtime, setting, cases, refused, equal, largest: of the cell; first: the first
        code that differs, as the ledger has it; answer: the runtime's; replayed: tinyq's under the
        rule; own_replayed: under the runtime's setting where that is a Rounding.  None where there
        is nothing.
        """
        self._check()
        runtime, operator = self.runtimes[self.column], self.operators[self.row]
        pair = self.pairs.get((runtime, operator)) or {"rules": {}, "cases": 0, "refused": 0}
        tally = pair["rules"].get(self.rule) or {"equal": None, "largest": None, "first": None}
        first, setting = tally["first"], pair.get("setting")
        narrow = operator == "dense" and runtime in self.ledger["float32_products"]
        rule = setting if self.rule == OWN else self.rule
        return {
            **{field: getattr(self, field) for field in self.fields},
            "matrix": [[self._equal(r, one) for r in self.runtimes] for one in self.operators],
            **{"operator": operator, "runtime": runtime, "setting": setting},
            **{"cases": pair["cases"], "refused": pair["refused"]},
            **{"equal": tally["equal"], "largest": tally["largest"], "first": first},
            "answer": first and first["runtime"],
            "replayed": replay(operator, first, rule, narrow=narrow and self.rule == OWN),
            "own_replayed": replay(operator, first, setting, narrow=narrow)
            if operator in LINEAR
            else None,
        }

    def _equal(self, runtime: str, operator: str) -> int | None:
        pair = self.pairs.get((runtime, operator))
        if pair is None or not pair["cases"]:
            return None
        tally = pair["rules"].get(self.rule)
        return tally["equal"] if tally else None

    def fallback(self) -> Markup:
        """The matrix of the rule as a table, and a sentence."""
        rows = [
            [operator, *(self._share(one, operator) for one in self.runtimes)]
            for operator in self.operators
        ]
        title = "each runtime's own rule" if self.rule == OWN else self.rule
        words = f"Cases in which every byte is equal under {title}, measured {self.ledger['date']}."
        note = "The first case that differs is computed again here where scripts may run."
        return fallback_of(table(["", *self.runtimes], rows), words, note)

    def _share(self, runtime: str, operator: str) -> str:
        equal = self._equal(runtime, operator)
        if equal is None:
            return "\u2013"
        cases = self.pairs[runtime, operator]["cases"]
        return "all" if equal == cases else f"{equal * 1000 // cases / 10:.1f} %"


def replay(
    operator: str, first: Mapping[str, Any] | None, rule: str | None, narrow: bool = False
) -> int | None:
    """Return the code that tinyq gives for a recorded case, or None where it cannot be computed.

    operator: of the ledger; first: the case, as tools.agreement.replay made it, None for none;
    rule: name of a Rounding; narrow: whether in_scale * weight_scale is a float32 product.
    """
    if first is None or rule is None or rule not in Rounding.__members__:
        return None
    rounding = Rounding[rule]
    if operator in LINEAR:
        kind = np.float32 if narrow else np.float64
        scale = kind(first["in_scale"]) * kind(first["weight_scale"])
        grid = Grid(*first["out_grid"])
        requantizer = Requantizer.from_scales(1.0, [scale], grid.scale, rounding)
        total = requantizer.rescale(np.int32(first["acc"])) + grid.zero_point
        if rounding is not Rounding.FLOAT32:
            total = total.astype(np.int32)  # in C the sum wraps
        return int(np.clip(total, grid.qmin, grid.qmax)[0])
    if operator == "add":
        a_grid, b_grid, out_grid = (Grid(*first[name]) for name in ("a_grid", "b_grid", "out_grid"))
        add = QAdd.from_float(a_grid, b_grid, out_grid, rounding=rounding)
        a, b = (np.array([[first[name]]], np.int8) for name in ("a", "b"))
        return int(add.forward(a, b)[0, 0])
    if "window" not in first:
        return None
    window = np.array(first["window"], np.int8)[None, ..., None]
    if operator == "mean":
        mean = QMean(Grid(*first["in_grid"]), Grid(*first["out_grid"])).forward(window)
    else:
        mean = QGlobalAvgPool2D(Grid(*first["grid"])).forward(window)
    return int(mean[0, 0])
