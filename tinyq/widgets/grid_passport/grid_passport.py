"""The grid passport of chapter 7: who passes its grid on, and what a needless stamp costs."""

from dataclasses import replace
from typing import Any

import numpy as np

from tinyq.affine import Grid
from tinyq.layers.contract import Codes
from tinyq.network import QNetwork
from tinyq.widgets.arithmetic.quality import shown_db
from tinyq.widgets.data.subject_widget import SubjectWidget
from tinyq.widgets.frame.markup import Markup, fallback_of
from tinyq.widgets.frame.traits import Enum, Int
from tinyq.widgets.grid_passport.needless import with_needless
from tinyq.widgets.parts.stages import numbers_of, stage_table

STAMPS = ("none", "copy", "wider", "own")
KINDS = {
    **{"QPad2D": "pad", "QClamp": "relu", "QMaxPool2D": "maxPool", "QAdd": "add"},
    **{"QGlobalAvgPool2D": "globalAvgPool", "QConv2DPerChannel": "conv", "QDense": "dense"},
    "quantize": "input",
}


class GridPassport(SubjectWidget):
    """Go through the layers of a block: each passes its grid on or requantizes to its own.

    net: a float network of resnet.stem_block's form; images: float32 (N, H, W, C), N >= 1;
    calibration: images that give the ranges, images where it is None.  Without these three the
    seed's network is shown, on its four test images.
    stage: the tensor, 0 the input, 0..13; image: 0..N - 1; channel: the one whose codes are shown,
    0..255, the last where there are fewer; stamp: a requantizer more, behind the layer, to a grid
    that is a "copy", of a range 1 % "wider", or of the layer's "own" range; or "none".
    Raises as subject_of does, and ValueError with value for an image that is not there.

    >>> passport = GridPassport(stage=4, stamp="own")
    >>> passport.value["name"], passport.value["passes"], passport.value["cost"]["products"]
    ('stem_maxpool2x2', True, 128)
    """

    name = "grid-passport"
    fields = ("stage", "image", "channel", "stamp")
    called = ("name", "scale", "zero_point", "requantizes", "changed")

    stage = Int(3, min=0, max=13).tag(sync=True)
    channel = Int(2, min=0, max=255).tag(sync=True)
    stamp = Enum(STAMPS, "none").tag(sync=True)

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the traits, the layer, its grid, a channel of its codes, the cost.

        grid, in_grids: the numbers of the grid objects, 1 the input's; count: codes an image;
        before, after: {name, size, channel, channels, codes}; changed: how many of the image's
        codes one requantizer more changes, None without it; cost: see costs, None without it.
        Raises ValueError for an image that is not there.
        """
        self._check()
        images, qnet = self.subject.images, self.qnet
        trace, row = qnet.trace(images[[self.image]]), qnet.ledger()[self.stage]
        numbers = dict(zip(qnet.grids, numbers_of(qnet), strict=True))
        inputs = qnet.nodes[self.stage - 1].inputs if self.stage else ()
        cost = None if self.stamp == "none" else self.costs(qnet, trace, row.name)
        return {
            **{field: getattr(self, field) for field in self.fields},
            **{"name": row.name, "kind": KINDS[row.kind], "requantizes": row.requantizes},
            "passes": any(row.out_grid is grid for grid in row.in_grids),
            **{"in_grids": [numbers[name] for name in inputs], "grid": numbers[row.name]},
            **{"scale": row.out_grid.scale, "zero_point": row.out_grid.zero_point},
            "count": trace[row.name].size,
            "before": [self._channel(name, trace[name]) for name in inputs],
            "after": self._channel(row.name, trace[row.name]),
            **{"changed": cost and cost["changed"], "cost": cost},
        }

    def costs(self, qnet: QNetwork, trace: dict[str, Codes], name: str) -> dict[str, Any]:
        """Return what one requantizer more, behind the tensor called name, costs on the image.

        scale, zero_point: of the new grid; multiplier, shift; products: 64-bit ones, an image;
        changed: codes; after: the shown channel's codes; db: the tensor's SQNR without and with
        it; worst: the largest logit error, |dequantized - float|, without and with it.
        """
        net, image = self.subject.net, self.subject.images[[self.image]]
        grid, old = self._new_grid(qnet, name), qnet.grids[name]
        stamped = with_needless(net, name, grid).quantize_on(qnet.ranges, qnet.image_shape)
        floats, again = net.trace(image), stamped.trace(image)
        layer = next(node.layer for node in stamped.nodes if node.name == "needless")
        (requantizer,) = layer.requantizers.values()
        last = net.nodes[-1].name
        end = "needless" if name == last else last
        both = (trace[last], qnet.grids[last]), (again[end], stamped.grids[end])
        codes = again["needless"]
        return {
            **{"scale": grid.scale, "zero_point": grid.zero_point, "products": codes.size},
            "multiplier": int(requantizer.multiplier[0]),
            "shift": int(requantizer.shift[0]),
            "changed": int((codes != trace[name]).sum()),
            "after": self._channel(name, codes)["codes"],
            "db": [
                shown_db(floats[name], where.dequantize(one))
                for one, where in ((trace[name], old), (codes, grid))
            ],
            "worst": [
                float(np.abs(where.dequantize(one) - floats[last]).max()) for one, where in both
            ],
        }

    def _new_grid(self, qnet: QNetwork, name: str) -> Grid:
        """The grid that the stamp asks for."""
        grid = qnet.grids[name]
        if self.stamp == "copy":
            return replace(grid)
        if self.stamp == "own":
            return qnet.ranges[name].grid()
        return Grid.from_range(1.01 * grid.lo, 1.01 * grid.hi)

    def _channel(self, name: str, codes: Codes) -> dict[str, Any]:
        """The shown channel of an image's tensor (1, H, W, C); a vector (1, C) is one row."""
        one = codes[0] if codes.ndim == 4 else codes[0][None, :, None]
        channel = min(self.channel, one.shape[2] - 1)
        return {
            **{"name": name, "size": list(one.shape[:2]), "channel": channel},
            **{"channels": one.shape[2], "codes": one[..., channel].ravel().tolist()},
        }

    def fallback(self) -> Markup:
        """The layers with their grids as a table, and a sentence."""
        qnet = self.qnet
        rows = qnet.ledger()
        verbs = ["requantizes" if row.requantizes else "passes" for row in rows[1:]]
        table = stage_table(qnet, {"stamp": ["quantizes", *verbs]})
        words = (
            f"{verbs.count('passes')} of {len(verbs)} layers pass the grid of their input on; "
            f"{verbs.count('requantizes')} requantize to one of their own."
        )
        note = "Where scripts may run, each layer shows its codes before and after here."
        return fallback_of(table, words, note)
