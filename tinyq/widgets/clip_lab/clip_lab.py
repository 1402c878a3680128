"""The clip lab of chapter 2: where to cut a tensor off, clipping errors against rounding errors."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid, round_half_away
from tinyq.checks import checked
from tinyq.observers import MSE, Entropy, MinMax, Percentile
from tinyq.observers.histogram import Histogram
from tinyq.widgets.arithmetic.quality import shown_db
from tinyq.widgets.data.networks import NETWORKS, network, shown_images
from tinyq.widgets.frame.encode import encode
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import Markup, drawing, element, fallback_of
from tinyq.widgets.frame.traits import Enum, Float, Int

TENSORS = (
    *("input", "stem_conv7x7_s2", "stem_relu", "block_conv3x3_a", "block_relu_a"),
    *("block_conv3x3_b", "block_relu_b", "logits"),
)
OBSERVERS: Mapping[str, Callable[[], MinMax | Histogram]] = MappingProxyType(
    {"minmax": MinMax, "percentile": partial(Percentile, 99.9), "mse": MSE, "entropy": Entropy}
)
RULES = ("own", *OBSERVERS)


@cache
def tensor_of(name: str, tensor: str) -> NDArray[np.float32]:
    """Return a float tensor of a network's images, flat."""
    net = network(name)
    return net.trace(shown_images(name))[
        net.nodes[-1].name if tensor == "logits" else tensor
    ].ravel()


def ends(bits: int) -> tuple[int, int]:
    """Return qmin and qmax of a number of bits.

    >>> ends(4)
    (-8, 7)
    """
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def chosen(rule: str, x: NDArray[np.float32], bits: int) -> tuple[float, float]:
    """Return the range that an observer of OBSERVERS chooses for x."""
    seen = OBSERVERS[rule]().observe(x)
    return (seen.lo, seen.hi) if isinstance(seen, MinMax) else seen.range(*ends(bits))


class ClipLab(Widget):
    """The histogram of a tensor, the range lo..hi of its grid, and both kinds of error.

    x: float32, any shape, at least one number; None for a tensor of the book's.
    network: "seed", "digits" or "wide"; tensor: a name in TENSORS; bits: 2 to 8; lo, hi: the
    range, float32, lo <= hi; rule: "own" for lo and hi as they are, or "minmax", "percentile"
    of 99.9, "mse", "entropy": what these observers choose, whatever lo and hi say.
    Raises ValueError for an empty tensor, NaN, infinity, or a range without a grid.

    >>> ClipLab(rule="minmax").value["clipped"], ClipLab(rule="mse").value["clipped"]
    (0, 68)
    """

    name = "clip-lab"
    fields = ("network", "tensor", "bits", "rule", "lo", "hi")
    called = ("scale", "zero_point", "clipped", "sqnr")

    network = Enum(NETWORKS, "digits").tag(sync=True)
    tensor = Enum(TENSORS, "stem_conv7x7_s2").tag(sync=True)
    bits = Int(4, min=2, max=8).tag(sync=True)
    rule = Enum(RULES, "own").tag(sync=True)
    lo = Float(-3.0).tag(sync=True)
    hi = Float(3.0).tag(sync=True)

    @checked
    def __init__(self, x: NDArray[np.float32] | None = None, **state: object) -> None:
        self._own = None if x is None else x.ravel()
        if self._own is not None:
            if not self._own.size:
                raise ValueError(f"x must hold at least one number, got shape {self._own.shape}")
            own = {"data": encode({"x": self._own}), "hide": "network,tensor"}
            lo, hi = float(self._own.min()), float(self._own.max())
            state = {**own, "rule": "minmax", "lo": lo, "hi": hi, **state}
        super().__init__(**state)
        if self.rule != "own":
            self.lo, self.hi = chosen(self.rule, self.x, self.bits)

    @property
    def x(self) -> NDArray[np.float32]:
        """The numbers that are shown, flat."""
        return tensor_of(self.network, self.tensor) if self._own is None else self._own

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the traits with lo and hi as used, the grid; count, how many are clipped,
        the squared errors of these (clipping) and of the others (rounding), SQNR in dB (None where
        there is no error); and of each rule its lo, hi and SQNR.  Raises ValueError for lo > hi.
        """
        x, (qmin, qmax) = self.x, ends(self.bits)
        choices = {rule: self._choice(rule) for rule in OBSERVERS}
        lo, hi = (self.lo, self.hi) if self.rule == "own" else choices[self.rule]
        grid = Grid.from_range(lo, hi, qmin, qmax)
        codes = grid.quantize(x)
        beyond = round_half_away(x.astype(np.float64) / grid.scale) + grid.zero_point != codes
        errors = np.square(grid.dequantize(codes).astype(np.float64) - x)
        return {
            **{field: getattr(self, field) for field in self.fields},
            **{"lo": lo, "hi": hi, "scale": grid.scale, "zero_point": grid.zero_point},
            **{"qmin": qmin, "qmax": qmax, "count": x.size, "clipped": int(beyond.sum())},
            **{"clipping": in_order(errors[beyond]), "rounding": in_order(errors[~beyond])},
            "sqnr": shown_db(x, grid.dequantize(codes)),
            "choices": {
                rule: [*found, self._sqnr(*found, qmin, qmax)] for rule, found in choices.items()
            },
        }

    def _choice(self, rule: str) -> tuple[float, float]:
        if self._own is not None:
            return chosen(rule, self._own, self.bits)
        return _chosen_of(rule, self.network, self.tensor, self.bits)

    def _sqnr(self, lo: float, hi: float, qmin: int, qmax: int) -> float | None:
        grid = Grid.from_range(lo, hi, qmin, qmax)
        return shown_db(self.x, grid.dequantize(grid.quantize(self.x)))

    def fallback(self) -> Markup:
        """A histogram as SVG, the clipped part in another colour, and a sentence."""
        shown = self.value
        words = (
            f"The range {shown['lo']:.4g} to {shown['hi']:.4g} in {self.bits} bits: "
            f"{shown['clipped']} of {shown['count']} numbers are clipped, the SQNR is "
            f"{shown['sqnr']} dB."
        )
        note = (
            "Two handles to drag, and buttons for what min/max, percentile, MSE and entropy "
            "choose, appear here where scripts may run."
        )
        return fallback_of(histogram(self.x, shown["lo"], shown["hi"]), words, note)


@cache
def _chosen_of(rule: str, name: str, tensor: str, bits: int) -> tuple[float, float]:
    return chosen(rule, tensor_of(name, tensor), bits)


def in_order(numbers: NDArray[np.float64]) -> float:
    """Return the sum from the first to the last: the page adds in this order too.

    >>> in_order(np.float64([0.5, 0.25]))
    0.75
    """
    return float(np.cumsum(numbers)[-1]) if numbers.size else 0.0


def histogram(x: NDArray[np.float32], lo: float, hi: float) -> Markup:
    """Return an SVG histogram, heights the logarithm of the counts; beyond lo..hi vermilion."""
    counts, edges = np.histogram(x, 64)
    width = 640 / 64
    middles = (edges[1:] + edges[:-1]) / 2
    heights = 100 * np.log1p(counts) / np.log1p(counts.max())
    bars = []
    for i, (middle, high) in enumerate(zip(middles, heights, strict=True)):
        place = {"x": f"{i * width:.1f}", "y": f"{100 - high:.1f}", "width": f"{width - 1:.1f}"}
        fill = "#0072b2" if lo <= middle <= hi else "#d55e00"
        bars.append(element("rect", {**place, "height": f"{high:.1f}", "fill": fill}))
    ends = [
        element("text", {"x": 0, "y": 116}, f"{edges[0]:.4g}"),
        element("text", {"x": 640, "y": 116, "text-anchor": "end"}, f"{edges[-1]:.4g}"),
    ]
    return drawing("Histogram", {"fill": "currentColor", "font-size": 13}, 120, *bars, *ends)
