"""The channel bars of chapter 3: each channel's weights on its grid, one scale or many."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.widgets.arithmetic.coded import coded
from tinyq.widgets.arithmetic.quality import shown_db
from tinyq.widgets.data.networks import NETWORKS, weights_of
from tinyq.widgets.data.subject import PARTS
from tinyq.widgets.frame.encode import encode
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import Markup, drawing, element, fallback_of
from tinyq.widgets.frame.traits import Bool, Enum, Int


class ChannelBars(Widget):
    """A bar a channel: the range of its weights on the grid that it is given, and what it gets.

    weights: float32, output channel first, say (O, H, W, I); None for a layer of the book's.
    network: "seed", "digits" or "wide"; layer: "stem", "block1", "block2" or "dense"; per_channel:
    a scale for each output channel; symmetric: zero_point 0; bits: 2 to 8; channel: the one that
    is magnified, from 0.
    Raises ValueError for weights without two axes or with NaN, and what weight_scales refuses.

    >>> ChannelBars().value["channel_codes"]                 # -1, 0 and 1, and how many of each
    [[-1, 9], [0, 50], [1, 13]]
    """

    name = "channel-bars"
    fields = ("network", "layer", "per_channel", "symmetric", "bits", "channel")
    called = ("scales", "channel_sqnr", "tensor_sqnr")

    network = Enum(NETWORKS, "wide").tag(sync=True)
    layer = Enum(PARTS, "block1").tag(sync=True)
    per_channel = Bool(False).tag(sync=True)
    symmetric = Bool(True).tag(sync=True)
    bits = Int(8, min=2, max=8).tag(sync=True)
    channel = Int(7, min=0).tag(sync=True)

    @checked
    def __init__(self, weights: NDArray[np.float32] | None = None, **state: object) -> None:
        self._own = weights
        if self._own is not None:
            if self._own.ndim < 2 or not self._own.size:
                raise ValueError(
                    f"weights must have an axis of channels and others, got {self._own.shape}"
                )
            channel = min(7, len(self._own) - 1)
            own = {"data": encode({"weights": self._own}), "hide": "network,layer"}
            state = {**own, "channel": channel, **state}
        super().__init__(**state)

    @property
    def weights(self) -> NDArray[np.float32]:
        """The weights that are shown."""
        if self._own is not None:
            return self._own
        return weights_of(self.network)[self.layer]

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: a list over the channels of the weights' ends (lo, hi), of the scales and
        zero_points of their grids, of the ends of the codes in use (first, last), SQNR in dB (None
        where there is no error).  Of the magnified channel: [code, count] pairs, its largest
        weight in steps of its grid, its SQNR with one scale for the tensor and with its own.
        """
        w, channel = self.weights, self.channel
        if channel >= len(w):
            raise ValueError(f"channel must be at most {len(w) - 1}, got {channel}")
        now, one, many = (
            coded(w, each, self.symmetric, self.bits) for each in (self.per_channel, False, True)
        )
        rows, codes = w.reshape(len(w), -1), now.codes.reshape(len(w), -1)
        used, counts = np.unique(codes[channel], return_counts=True)
        largest = float(np.abs(w[channel]).max())
        return {
            **{field: getattr(self, field) for field in self.fields},
            **{"qmin": now.grids[0].qmin, "qmax": now.grids[0].qmax, "shape": list(w.shape)},
            **{"lo": rows.min(axis=1).tolist(), "hi": rows.max(axis=1).tolist()},
            "scales": [grid.scale for grid in now.grids],
            "zero_points": [grid.zero_point for grid in now.grids],
            **{"first": codes.min(axis=1).tolist(), "last": codes.max(axis=1).tolist()},
            "sqnr": [shown_db(*pair) for pair in zip(w, now.back, strict=True)],
            "tensor_sqnr": shown_db(w, now.back),
            "channel_codes": np.stack([used, counts], axis=1).tolist(),
            "channel_steps": largest / now.grids[channel].scale,
            "channel_sqnr": shown_db(w[channel], now.back[channel]),
            **{"one_scale": one.grids[channel].scale, "own_scale": many.grids[channel].scale},
            "one_sqnr": shown_db(w[channel], one.back[channel]),
            "own_sqnr": shown_db(w[channel], many.back[channel]),
        }

    def fallback(self) -> Markup:
        """A bar a channel as SVG, and a sentence about the magnified one."""
        shown = self.value
        kind = "its own scale" if self.per_channel else "the tensor's one scale"
        codes = f"{shown['first'][self.channel]} to {shown['last'][self.channel]}"
        words = (
            f"With {kind}, channel {self.channel} gets codes from {codes}; its largest weight is "
            f"{shown['channel_steps']:.4g} steps of {shown['scales'][self.channel]:.4g}."
        )
        note = "A menu of layers and switches for the scales appear here where scripts may run."
        return fallback_of(bars(shown["lo"], shown["hi"], self.channel), words, note)


def bars(lo: list[float], hi: list[float], chosen: int) -> Markup:
    """Return SVG bars from lo to hi on one axis, one a channel, the chosen one marked."""
    reach = max(*map(abs, lo), *map(abs, hi)) or 1.0

    def at(x: float) -> float:
        return 340 + 280 * x / reach

    rows = []
    for c, (a, b) in enumerate(zip(lo, hi, strict=True)):
        place = {"x": f"{at(a):.1f}", "y": 18 * c + 4, "width": f"{max(at(b) - at(a), 2):.1f}"}
        fill = "#d55e00" if c == chosen else "#0072b2"
        rows.append(element("text", {"x": 0, "y": 18 * c + 14}, f"channel {c}"))
        rows.append(element("rect", {**place, "height": 12, "fill": fill}))
    words = "The range of the weights of each channel"
    return drawing(words, {"fill": "currentColor", "font-size": 13}, 18 * len(lo) + 4, *rows)
