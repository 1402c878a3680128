"""The add balancer of chapter 8: three scales and a left_shift, the headroom, every sum."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid, round_half_away
from tinyq.checks import checked
from tinyq.layers import QAdd
from tinyq.mutants.add import UnprovedAdd
from tinyq.network import QNetwork
from tinyq.requantize import Requantizer
from tinyq.widgets.data.networks import given_or_shown
from tinyq.widgets.frame.encode import encode
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import Markup, fallback_of, table
from tinyq.widgets.frame.traits import Float, Int

ADD = "block_add"
CODES = np.arange(-128, 128)
SIDES = ("a", "b", "out")


def scale_trait() -> Float:
    """Return a trait for a scale, within the reach of the slider."""
    return Float(1.0, min=1e-4, max=10.0).tag(sync=True)


def code_trait(default: int = 0) -> Int:
    """Return a trait for an int8 number."""
    return Int(default, min=-128, max=127).tag(sync=True)


class AddBalancer(Widget):
    """Balance two input scales, an output scale and left_shift; see which sums go wrong.

    qnet: an int8 network with a layer "block_add" on 8-bit grids; images: float32 (N, H, W, C) for
    it.  Both or neither: then the seed and its four test images.  The layer's grids and left_shift
    are the start.
    scale_a, scale_b, scale_out: 0.0001..10; left_shift: 0..25, and from 24 on int32 may overflow;
    code_a, code_b: the pair at hand; zero_point_a, zero_point_b, zero_point_out: int8.
    Raises ValueError for a network without such a layer, or one of qnet and images alone.

    >>> AddBalancer().value["code"], AddBalancer(left_shift=24).value["missed"]
    (16, 982)
    """

    name = "add-balancer"
    fields = (
        *("scale_a", "scale_b", "scale_out", "left_shift", "code_a", "code_b"),
        *("zero_point_a", "zero_point_b", "zero_point_out"),
    )
    called = ("code",)

    scale_a = scale_trait()
    scale_b = scale_trait()
    scale_out = scale_trait()
    left_shift = Int(20, min=0, max=25).tag(sync=True)
    code_a = code_trait(48)
    code_b = code_trait(68)
    zero_point_a = code_trait()
    zero_point_b = code_trait()
    zero_point_out = code_trait()

    @checked
    def __init__(
        self, qnet: QNetwork | None = None, images: NDArray[Any] | None = None, **state: object
    ) -> None:
        given = qnet is not None
        qnet, images = given_or_shown(qnet, images, "seed")
        node = next((node for node in qnet.nodes if node.name == ADD), None)
        if node is None or type(node.layer) is not QAdd:
            raise ValueError(f"qnet must have a QAdd called {ADD!r}")
        grids = dict(zip(SIDES, (*node.layer.in_grids, node.layer.out_grid), strict=True))
        if any((grid.qmin, grid.qmax) != (-128, 127) for grid in grids.values()):
            raise ValueError(f"the grids of {ADD!r} must have all 256 codes, got {grids}")
        trace = qnet.trace(images)
        self._pairs = [trace[name].ravel() for name in node.inputs]
        start = {f"scale_{side}": grid.scale for side, grid in grids.items()}
        start |= {f"zero_point_{side}": grid.zero_point for side, grid in grids.items()}
        start["left_shift"] = node.layer.left_shift
        data = encode(dict(zip("ab", self._pairs, strict=True))) if given else ""
        super().__init__(**{"data": data, **start, **state})

    @property
    def grids(self) -> dict[str, Grid]:
        """The three grids, by side: "a", "b", "out"."""
        return {
            side: Grid(getattr(self, f"scale_{side}"), getattr(self, f"zero_point_{side}"))
            for side in SIDES
        }

    @property
    def layer(self) -> QAdd:
        """The add as it stands, with a left_shift that a QAdd may refuse.

        Raises ValueError where the last ratio would reach 1.
        """
        a, b, out = self.grids.values()
        twice_max = 2 * max(a.scale, b.scale)
        least = twice_max / 2**self.left_shift
        if least / out.scale >= 1:
            raise ValueError(f"scale_out must exceed {least:.6g}, got {out.scale:.6g}")
        ratios = a.scale / twice_max, b.scale / twice_max, least / out.scale
        return UnprovedAdd((a, b), out, self.left_shift, *map(Requantizer, ratios))

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the traits, the three requantizers, the pair step by step, and all pairs.

        headroom: how many times the furthest code, shifted, fits below 2**31; nearest: the exact
        sum rounded once and clamped; missed: pairs of 65,536 that get another code; clipped: those
        whose sum is off the grid; pairs, pairs_missed: of the network.
        Raises ValueError where the last ratio would reach 1.
        """
        layer = self.layer
        (a, b, out), shift = self.grids.values(), self.left_shift
        rescale = layer.rescale_a, layer.rescale_b, layer.rescale_sum
        steps = self.code_a - a.zero_point, self.code_b - b.zero_point
        shifted = [int(np.int32(step) << np.int32(shift)) for step in steps]
        parts = [int(r.rescale(np.int32(x))[0]) for x, r in zip(shifted, rescale, strict=False)]
        most = max(max(127 - grid.zero_point, grid.zero_point + 128) for grid in (a, b))
        codes, raw = self._every_sum(layer)
        nearest = np.clip(raw, -128, 127)
        at = self.code_a + 128, self.code_b + 128
        missed = codes != nearest
        real = a.scale * steps[0] + b.scale * steps[1]
        return {
            **{field: getattr(self, field) for field in self.fields},
            "scales": [a.scale, b.scale, out.scale],
            "ratios": [float(r.ratio[0]) for r in rescale],
            "multipliers": [int(r.multiplier[0]) for r in rescale],
            "shifts": [int(r.shift[0]) for r in rescale],
            **{"most": most, "headroom": 2**31 / (most * 2**shift)},
            **{"steps": list(steps), "shifted": shifted, "parts": parts, "total": sum(parts)},
            **{"real": real, "in_steps": real / out.scale},
            **{"code": int(codes[at]), "nearest": int(nearest[at])},
            **{"clips": bool(raw[at] != nearest[at]), "missed": int(missed.sum())},
            "clipped": int((raw != nearest).sum()),
            "pairs": self._pairs[0].size,
            "pairs_missed": int(missed[tuple(x.astype(int) + 128 for x in self._pairs)].sum()),
        }

    def _every_sum(self, layer: QAdd) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        """The layer's codes of all pairs, a by b, and the exact sums rounded, not yet clamped."""
        a, b, out = self.grids.values()
        sides = np.meshgrid(CODES.astype(np.int8), CODES.astype(np.int8), indexing="ij")
        real = a.scale * (CODES - a.zero_point)[:, None] + b.scale * (CODES - b.zero_point)
        return layer.forward(*sides), round_half_away(real / out.scale) + out.zero_point

    def fallback(self) -> Markup:
        """The three grids as a table, and a sentence on the pair at hand."""
        shown = self.value
        rows = [[side, f"{grid.scale:.6g}", grid.zero_point] for side, grid in self.grids.items()]
        words = (
            "Codes {code_a} and {code_b} add up to {in_steps:.6g} steps of the sum's grid: code "
            "{code}. With left_shift {left_shift}, {missed} of all 65,536 pairs miss the nearest "
            "code, and the furthest code leaves a factor of {headroom:.4g} below 2^31."
        ).format_map(shown)
        note = "Where scripts may run, sliders change scales and left_shift here."
        return fallback_of(table(["grid", "scale", "zero_point"], rows), words, note)
