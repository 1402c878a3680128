"""The conv microscope of chapter 6: one output pixel, its window, every product, its code."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.layers.contract import Codes
from tinyq.network import QNetwork
from tinyq.widgets.conv_microscope.site import LAYERS, packed, site_of
from tinyq.widgets.data.networks import given_or_shown
from tinyq.widgets.frame.encode import encode
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import Markup, fallback_of, table
from tinyq.widgets.frame.traits import Enum, Int


class ConvMicroscope(Widget):
    """Look at one output pixel of a convolution: its window, products, accumulator and code.

    qnet: an int8 network with the convolutions LAYERS, each behind a pad, as `resnet.stem_block`
    builds it; images: float32 (N, H, W, C) for it.  Both or neither: then the trained digits and
    two test scans of each digit.  layer, filter, channel: what to look at; image: which;
    row, column: the output pixel; pad: "zero_point", or "0" to see the border go wrong.
    Raises ValueError for a network without those layers, images of another shape, or one of qnet
    and images alone.

    >>> microscope = ConvMicroscope(row=0, column=0, pad="0")
    >>> microscope.value["code"], microscope.value["right_code"], microscope.value["wrong"]
    (-6, 14, 39)
    """

    name = "conv-microscope"
    fields = ("image", "layer", "filter", "channel", "row", "column", "pad")
    called = ("acc", "code")

    image = Int(4, min=0).tag(sync=True)
    layer = Enum(LAYERS, LAYERS[0]).tag(sync=True)
    filter = Int(2, min=0).tag(sync=True)
    channel = Int(0, min=0).tag(sync=True)
    row = Int(1, min=0).tag(sync=True)
    column = Int(3, min=0).tag(sync=True)
    pad = Enum(("zero_point", "0"), "zero_point").tag(sync=True)

    @checked
    def __init__(
        self, qnet: QNetwork | None = None, images: NDArray[Any] | None = None, **state: object
    ) -> None:
        given = qnet is not None
        qnet, images = given_or_shown(qnet, images, "digits")
        trace = qnet.trace(images)
        self._sites = {name: site_of(qnet, trace, name) for name in LAYERS}
        data = encode({name: packed(site) for name, site in self._sites.items()}) if given else ""
        super().__init__(**{"data": data, "image": min(4, len(images) - 1), **state})

    def _padded(self, code: int) -> Codes:
        """The chosen image at the chosen convolution, with this code around it."""
        site = self._sites[self.layer]
        if self.image >= len(site.codes):
            raise ValueError(f"image must be in 0..{len(site.codes) - 1}, got {self.image}")
        widths = ((0, 0), *site.widths, (0, 0))
        return np.pad(site.codes[[self.image]], widths, constant_values=code)

    def _check(self, shape: tuple[int, ...], channels: int) -> None:
        sizes = dict(zip(("row", "column", "filter"), shape, strict=True))
        for field, size in {**sizes, "channel": channels}.items():
            if getattr(self, field) >= size:
                raise ValueError(f"{field} must be in 0..{size - 1}, got {getattr(self, field)}")

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the traits, the window of one channel, the sums of all, the codes.

        outside: which pixels of the window lie outside the image; sums: of products, by channel;
        map: the codes of the filter's output, row by row; right_acc, right_code, right_map: with
        the zero_point as pad; wrong: how many codes of map differ.
        Raises ValueError for an image, filter, channel, row or column that the layer does not have.
        """
        conv = self._sites[self.layer].conv
        zero_point, o = conv.in_grid.zero_point, self.filter
        padded = self._padded(zero_point if self.pad == "zero_point" else 0)
        right = self._padded(zero_point)
        acc, right_acc = conv.accumulate(padded)[0], conv.accumulate(right)[0]
        self._check(acc.shape, conv.weight.shape[3])
        at = self.row, self.column, o
        (kh, kw), (sy, sx) = conv.weight.shape[1:3], conv.stride
        window = np.s_[self.row * sy : self.row * sy + kh, self.column * sx : self.column * sx + kw]
        codes = padded[0][window]
        products = conv.weight[o].astype(int) * (codes.astype(int) - zero_point)
        codes_out, right_out = conv.forward(padded)[0], conv.forward(right)[0]
        c, requantizer = self.channel, conv.requantizer
        which = o if requantizer.ratio.size > 1 else 0
        rescaled = np.broadcast_to(requantizer.rescale(acc), acc.shape)
        return {
            **{field: getattr(self, field) for field in self.fields},
            **{"size": [kh, kw], "zero_point": zero_point},
            **{"codes": codes[..., c].ravel().tolist()},
            **{"weights": conv.weight[o, ..., c].ravel().tolist()},
            **{"products": products[..., c].ravel().tolist()},
            "outside": self._outside()[window].ravel().tolist(),
            "sums": products.sum(axis=(0, 1)).tolist(),
            **{"bias": int(conv.bias[o]), "acc": int(acc[at]), "right_acc": int(right_acc[at])},
            **{"multiplier": int(requantizer.multiplier[which])},
            **{"shift": int(requantizer.shift[which]), "rescaled": int(rescaled[at])},
            "out_zero_point": conv.out_grid.zero_point,
            **{"code": int(codes_out[at]), "right_code": int(right_out[at])},
            **{"columns": acc.shape[1], "map": codes_out[..., o].ravel().tolist()},
            "right_map": right_out[..., o].ravel().tolist(),
            "wrong": int((codes_out[..., o] != right_out[..., o]).sum()),
        }

    def _outside(self) -> NDArray[np.bool_]:
        """Which pixels of the padded image lie outside the image: (rows, columns)."""
        site = self._sites[self.layer]
        inside = np.zeros(site.codes.shape[1:3], bool)
        return np.pad(inside, site.widths, constant_values=True)

    def fallback(self) -> Markup:
        """The output's codes as a table, and a sentence with the numbers of one pixel."""
        shown = self.value
        words = (
            "Row {row}, column {column} of filter {filter} in {layer}: the products of the window "
            "and the bias add up to {acc}; times {multiplier} / 2^(31 + {shift}) that is "
            "{rescaled}, and with the zero_point {out_zero_point} code {code}."
        ).format_map(shown)
        columns = shown["columns"]
        rows = [shown["map"][i : i + columns] for i in range(0, len(shown["map"]), columns)]
        note = "Where scripts may run, each pixel shows its window and every product here."
        return fallback_of(table([], rows), words, note)
