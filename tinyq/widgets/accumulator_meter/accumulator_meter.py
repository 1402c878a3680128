"""The accumulator meter of chapter 4: how large a layer's sums get, on the scale of an int32."""

from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.layers.linear import Linear
from tinyq.methods.in_order import input_steps
from tinyq.weights import weight_max
from tinyq.widgets.data.networks import NETWORKS, quantized, shown_images
from tinyq.widgets.data.subject import PARTS
from tinyq.widgets.frame.encode import encode
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import Markup, fallback_of, table
from tinyq.widgets.frame.traits import Enum, Int

INT16_MAX, INT32_MAX = 2**15 - 1, 2**31 - 1


class Fed(NamedTuple):
    """A layer with weights and the codes of one image at its input."""

    layer: Linear
    codes: NDArray[np.int8]


@cache
def fed(network: str, part: str, weight_bits: int) -> Fed:
    """Return a layer of the book's networks and what the first image gives it."""
    qnet = quantized(network, weight_bits)
    linear = [(n.layer, n.inputs[0]) for n in qnet.nodes if isinstance(n.layer, Linear)]
    layer, source = linear[PARTS.index(part)]
    return Fed(layer, qnet.trace(shown_images(network)[:1])[source])


def windows(codes: NDArray[np.int8], layer: Linear) -> NDArray[np.int64]:
    """Return what each output position sees: (positions, products)."""
    return input_steps(layer, codes).astype(np.int64) + layer.in_grid.zero_point


def pair_sums(seen: NDArray[np.int64], weight: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the sums of two neighbouring products of unsigned codes: what U8S8 keeps in int16.

    seen: (positions, products), signed codes; weight: int8, one channel's.

    >>> pair_sums(np.int64([[127, 127, -128]]), np.int8([127, 127, 5])).tolist()
    [[64770, 0]]
    """
    products = (seen + 128) * weight.ravel().astype(np.int64)
    return np.add.reduceat(products, np.arange(0, products.shape[1], 2), axis=1)


def bits_of(size: int) -> int:
    """Return how many bits a signed integer of up to that size needs.

    >>> bits_of(32767), bits_of(32768)
    (16, 17)
    """
    return int(size).bit_length() + 1


class AccumulatorMeter(Widget):
    """How far a layer's sums reach: on an image, for its weights, for any weights of a fan-in.

    layer, codes: a QConv2D, QConv2DPerChannel or QDense, and int8 codes for its input, of which
    the first image is taken; None for a layer of the book's.
    network: "seed", "digits" or "wide"; part: "stem", "block1", "block2" or "dense"; zero_point:
    of the input, -128 to 127: the codes move with it, and are clipped at the ends; kernel, inputs:
    kernel * kernel * inputs products a sum, for the bound on any weights; weight_bits: 2 to 8;
    channel: an output channel, from 0.
    Raises TypeError or ValueError for what is no such layer, and for codes that it does not take.

    >>> meter = AccumulatorMeter(zero_point=-128, kernel=1, inputs=66_312)
    >>> meter.value["bound"] - (2**31 - 1), meter.value["most_int32"]
    (30473, 66311)
    """

    name = "accumulator-meter"
    fields = ("network", "part", "zero_point", "kernel", "inputs", "weight_bits", "channel")
    called = ("bound", "least", "largest")

    network = Enum(NETWORKS, "seed").tag(sync=True)
    part = Enum(PARTS, "stem").tag(sync=True)
    zero_point = Int(-1, min=-128, max=127).tag(sync=True)
    kernel = Int(7, min=1, max=32).tag(sync=True)
    inputs = Int(3, min=1, max=100_000).tag(sync=True)
    weight_bits = Int(8, min=2, max=8).tag(sync=True)
    channel = Int(0, min=0).tag(sync=True)

    @checked
    def __init__(
        self, layer: Linear | None = None, codes: NDArray[np.int8] | None = None, **state: object
    ) -> None:
        self._own = None
        if layer is not None or codes is not None:
            if layer is None or codes is None:
                raise TypeError("layer and codes must be given together")
            layer.accumulate(codes)  # refuses what the layer does not take
            self._own = Fed(layer, codes[:1])
            state = {**own_state(self._own), **state}
        super().__init__(**state)

    @property
    def fed(self) -> Fed:
        """The layer and its input, with the zero_point moved to where it stands now."""
        layer, codes = self._own or fed(self.network, self.part, self.weight_bits)
        moved = codes.astype(np.int16) - layer.in_grid.zero_point + self.zero_point
        grid = replace(layer.in_grid, zero_point=self.zero_point)
        return Fed(
            replace(layer, in_grid=grid), np.clip(moved, grid.qmin, grid.qmax).astype(np.int8)
        )

    @property
    def value(self) -> dict[str, Any]:
        """What is shown, integers.  For any weights: fan_in, the largest step and weight, bound =
        fan_in * step * weight, its bits, how many products fit int16 and int32, the largest pair
        of U8S8.  For the layer's channel: the ends of (4.2), the ends on the image, the largest
        sum there (acc) as bias + correction + products, (4.5), and its place; how many pairs of
        U8S8 leave int16, of how many.
        """
        layer, codes = self.fed
        if self.channel >= len(layer.bias):
            raise ValueError(f"channel must be at most {len(layer.bias) - 1}, got {self.channel}")
        c, weight = self.channel, layer.weight[self.channel]
        step, most = max(127 - self.zero_point, self.zero_point + 128), weight_max(self.weight_bits)
        fan_in = self.kernel**2 * self.inputs
        ends = [int(end[c]) for end in layer.accumulator_range()]
        seen = windows(codes, layer)
        acc = layer.accumulate(codes).reshape(len(seen), -1)[:, c].astype(np.int64)
        place = int(np.abs(acc).argmax())
        pairs = pair_sums(seen, weight)
        correction = -self.zero_point * int(weight.astype(np.int64).sum())
        return {
            **{field: getattr(self, field) for field in self.fields},
            **{"fan_in": fan_in, "step": step, "weight_max": most},
            **{"bound": fan_in * step * most, "bits": bits_of(fan_in * step * most)},
            **{"most_int16": INT16_MAX // (step * most), "most_int32": INT32_MAX // (step * most)},
            "pair": 2 * 255 * most,
            **{"layer_fan_in": int(weight.size), "least": ends[0], "largest": ends[1]},
            **{"seen_least": int(acc.min()), "seen_largest": int(acc.max())},
            **{"bias": int(layer.bias[c]), "correction": correction, "acc": int(acc[place])},
            "products": int(acc[place]) - correction - int(layer.bias[c]),
            **{"place": place, "pairs": pairs.size},
            "saturated": int(((pairs < -INT16_MAX - 1) | (pairs > INT16_MAX)).sum()),
        }

    def fallback(self) -> Markup:
        """A table of the sizes, and a sentence with the bound."""
        shown = self.value
        sizes = {
            "on one image": max(abs(shown["seen_least"]), abs(shown["seen_largest"])),
            "these weights": max(abs(shown["least"]), abs(shown["largest"])),
            f"any weights, {shown['fan_in']:,} products": shown["bound"],
        }
        rows = [[name, f"{size:,}", f"{bits_of(size)} bits"] for name, size in sizes.items()]
        words = (
            f"With zero_point {self.zero_point}, {shown['most_int32']:,} products of codes and "
            f"{self.weight_bits}-bit weights fit an int32."
        )
        note = "Sliders for the zero_point and the kernel appear here where scripts may run."
        return fallback_of(table(["largest sum", "size", "needs"], rows), words, note)


def own_state(own: Fed) -> dict[str, Any]:
    """Return the state in which the meter shows a layer of one's own, and its data."""
    layer, window = own.layer, own.layer.weight.shape[1:]
    square = len(window) == 3 and window[0] == window[1] <= 32
    data = {
        "weight": layer.weight, "bias": layer.bias, "codes": own.codes,
        "zero_point": layer.in_grid.zero_point, "scale": layer.in_grid.scale,
        "qmin": layer.in_grid.qmin, "qmax": layer.in_grid.qmax,
        "stride": list(getattr(layer, "stride", (1, 1))),
    }  # fmt: skip
    return {
        "zero_point": layer.in_grid.zero_point,
        "kernel": window[0] if square else 1,
        "inputs": min(window[2] if square else int(np.prod(window)), 100_000),
        "data": encode(data),
        "hide": "network,part",
    }
