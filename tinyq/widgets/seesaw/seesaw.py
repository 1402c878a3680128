"""The seesaw of chapter 9: one factor between two layers' channels, up on one side, down there."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.methods.fold import rescale
from tinyq.methods.fold.checks import finite
from tinyq.widgets.arithmetic.coded import coded
from tinyq.widgets.arithmetic.quality import shown_db
from tinyq.widgets.data.networks import NETWORKS, weights_of
from tinyq.widgets.frame.encode import encode
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import Markup, drawing, element, fallback_of
from tinyq.widgets.frame.traits import Bool, Enum, Float, Int

Weights = NDArray[np.float32]
Reaches = NDArray[np.float64]  # (C,): a number for each channel between the two layers


def reaches(first: NDArray[Any], second: NDArray[Any]) -> tuple[Reaches, Reaches]:
    """Return the largest weight of each channel, where it is made and where it is read: (C,) both.

    first: (C, ...); second: (O, ..., C).

    >>> [side.tolist() for side in reaches(np.float32([[8], [-1]]), np.float32([[0.5, -3]]))]
    [[8.0, 1.0], [0.5, 3.0]]
    """
    made = np.abs(first).reshape(len(first), -1).max(axis=1)
    read = np.abs(second).reshape(-1, len(first)).max(axis=0)
    return made.astype(np.float64), read.astype(np.float64)


def levelling(made: Reaches, read: Reaches) -> Reaches:
    """Return the factors of equation (9.5), sqrt(read / made), 1 where one of the two is 0.

    >>> levelling(np.float64([8, 0]), np.float64([0.5, 1])).tolist()
    [0.25, 1.0]
    """
    both = (made > 0) & (read > 0)
    return np.sqrt(np.divide(read, made, out=np.ones_like(made), where=both))


class Seesaw(Widget):
    """A channel between two layers: a factor lifts it in the first and lowers it in the second.

    first, second: float32 weights (C, ...) and (O, ..., C), both or none; None for the block's two
    convolutions of a network of the book's.
    network: "seed", "digits" or "wide"; channel: from 0; factor: 0.001 to 1000, of this channel;
    level_others: the other channels levelled by (9.5) instead of as they are; per_channel, bits:
    how both tensors are quantized.
    Raises ValueError for weights that do not fit together or are not finite.

    >>> shown = Seesaw(channel=0).value
    >>> round(shown["made"][0], 4), round(shown["read"][0], 4), round(shown["balanced"], 4)
    (18.6052, 0.0648, 0.059)
    """

    name = "seesaw"
    fields = ("network", "channel", "factor", "level_others", "per_channel", "bits")
    called = ("made_now", "read_now", "first_sqnr", "second_sqnr")

    network = Enum(NETWORKS, "wide").tag(sync=True)
    channel = Int(0, min=0).tag(sync=True)
    factor = Float(1.0, min=0.001, max=1000.0).tag(sync=True)
    level_others = Bool(False).tag(sync=True)
    per_channel = Bool(False).tag(sync=True)
    bits = Int(8, min=2, max=8).tag(sync=True)

    @checked
    def __init__(
        self,
        first: Weights | None = None,
        second: Weights | None = None,
        **state: object,
    ) -> None:
        self._own = None
        if first is not None or second is not None:
            if first is None or second is None:
                raise ValueError("first and second must be given together")
            made, read = finite("first", first), finite("second", second)
            if made.ndim < 2 or read.ndim < 2 or read.shape[-1] != len(made):
                raise ValueError(
                    f"first must be (C, ...) and second (O, ..., C), got shapes {made.shape} and "
                    f"{read.shape}"
                )
            self._own = made.astype(np.float32), read.astype(np.float32)
            data = encode(dict(zip(("first", "second"), self._own, strict=True)))
            state = {"data": data, "hide": "network", **state}
        super().__init__(**state)

    @property
    def weights(self) -> tuple[Weights, Weights]:
        """The weights of the two layers, before any factor."""
        if self._own:
            return self._own
        weights = weights_of(self.network)
        return weights["block1"], weights["block2"]

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the channels' reach in both layers before (made, read) and now; the
        factor that levels the chosen one; the scales, the largest codes and the SQNR in dB of the
        chosen channel and of both tensors.
        """
        first, second = self.weights
        c, none = self.channel, np.zeros(len(first))
        if c >= len(first):
            raise ValueError(f"channel must be at most {len(first) - 1}, got {c}")
        made, read = reaches(first, second)
        balance = levelling(made, read)
        factors = balance.copy() if self.level_others else np.ones(len(first))
        factors[c] = self.factor
        lifted, _, lowered = rescale(first, none, second, factors)
        w1, w2 = lifted.astype(np.float32), lowered.astype(np.float32)
        one, two = (coded(w, self.per_channel, True, self.bits) for w in (w1, w2))
        made_now, read_now = reaches(w1, w2)
        return {
            **{field: getattr(self, field) for field in self.fields},
            **{"made": made.tolist(), "read": read.tolist(), "balanced": float(balance[c])},
            **{"mades": made_now.tolist(), "reads": read_now.tolist()},
            **{"made_now": float(made_now[c]), "read_now": float(read_now[c])},
            "first_scale": one.grids[c].scale,
            "second_scale": max(grid.scale for grid in two.grids),
            "made_code": int(np.abs(one.codes[c].astype(int)).max()),
            "read_code": int(np.abs(two.codes[..., c].astype(int)).max()),
            **{"made_sqnr": shown_db(w1[c], one.back[c]), "first_sqnr": shown_db(w1, one.back)},
            "read_sqnr": shown_db(w2[..., c], two.back[..., c]),
            "second_sqnr": shown_db(w2, two.back),
        }

    def fallback(self) -> Markup:
        """A plank a channel as SVG, and a sentence on the chosen one."""
        shown = self.value
        words = (
            f"Channel {self.channel} is made with weights of up to {shown['made_now']:.4g} and "
            f"read with weights of up to {shown['read_now']:.4g}. The factor "
            f"{shown['balanced']:.4g} would level the weights as they came."
        )
        note = "The planks can be tilted here where scripts may run."
        return fallback_of(planks(shown["mades"], shown["reads"], self.channel), words, note)


def planks(made: list[float], read: list[float], chosen: int) -> Markup:
    """Return an SVG of lines from each channel's reach where it is made to that where it is read.

    The heights are logarithms; a reach of 0 is drawn at the bottom.
    """
    some = [x for x in (*made, *read) if x > 0] or [1.0]
    lo, hi = np.log(min(some)), np.log(max(some))

    def y(x: float) -> float:
        return 150 - (130 * (np.log(x) - lo) / ((hi - lo) or 1.0) if x > 0 else 0)

    def plank(a: float, b: float, thick: int, stroke: str) -> Markup:
        way = f"M140 {y(a):.1f}L500 {y(b):.1f}"
        return element("path", {"d": way, "stroke-width": thick, "stroke": stroke})

    return drawing(
        "Largest weights of each channel in two layers",
        {"fill": "currentColor", "font-size": 13},
        170,
        *(
            plank(a, b, *((3, "#d55e00") if c == chosen else (1, "#0072b2")))
            for c, (a, b) in enumerate(zip(made, read, strict=True))
        ),
        element("text", {"x": 0, "y": 90}, "made, first layer"),
        element("text", {"x": 515, "y": 90}, "read, second layer"),
    )
