"""The block map of chapter 0: fourteen tensors by grid, and one of them in float and in int8."""

import math
from typing import Any

import numpy as np

from tinyq.analysis import run_both, tensor_errors
from tinyq.analysis.parity import sqnr_db
from tinyq.widgets.data.subject_widget import SubjectWidget
from tinyq.widgets.frame.markup import Markup, fallback_of
from tinyq.widgets.frame.traits import Int
from tinyq.widgets.parts.stages import numbers_of, stage_table


class BlockMap(SubjectWidget):
    """The map of a block; click a tensor to see a channel of it in float, in int8, and the error.

    net: a float network of resnet.stem_block's form; images: float32 (N, H, W, C), N >= 1;
    calibration: images that give the ranges, images where it is None.  Without these three the
    seed's network is shown, on its four test images.
    stage: the tensor, 0 the input, 0..13; image: 0..N - 1; channel, row, column: 0..255, of the
    code that is read; one beyond the tensor's last is the last.  Raises as subject_of does, and
    ValueError for an image that is not there.

    >>> shown = BlockMap(stage=13, column=1).value
    >>> shown["name"], shown["code"], round(shown["float"], 2), round(shown["dequantized"], 2)
    ('dense_8x4', 102, 4.41, 4.41)
    """

    name = "block-map"
    fields = ("stage", "image", "channel", "row", "column")
    called = ("float", "code", "dequantized")

    stage = Int(2, min=0, max=13).tag(sync=True)
    channel = Int(6, min=0, max=255).tag(sync=True)
    row = Int(3, min=0, max=255).tag(sync=True)
    column = Int(3, min=0, max=255).tag(sync=True)

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the traits, the tensor's name, grid and shape, the code that is read.

        place: its indices in the tensor; float, code, dequantized, error: of it; codes: of its
        channel, row by row; largest: the tensor's largest error, in steps of its grid; sqnr: the
        tensor's, in dB, to two digits, None where it is not finite.
        """
        self._check()
        qnet, image = self.qnet, self.subject.images[self.image : self.image + 1]
        floats, codes = self.subject.net.trace(image), qnet.trace(image)
        name = list(codes)[self.stage]
        grid, tensor, reals = qnet.grids[name], codes[name][0], floats[name][0]
        dequantized = grid.dequantize(tensor)
        wanted = (self.row, self.column, self.channel) if tensor.ndim == 3 else (self.column,)
        place = tuple(min(i, n - 1) for i, n in zip(wanted, tensor.shape, strict=True))
        sqnr = sqnr_db(reals, dequantized)
        error = dequantized.astype(np.float64) - reals
        channel = tensor[..., place[2]] if tensor.ndim == 3 else tensor
        return {
            **{field: getattr(self, field) for field in self.fields},
            **{"name": name, "grid": numbers_of(qnet)[self.stage], "shape": list(tensor.shape)},
            **{"scale": grid.scale, "zero_point": grid.zero_point, "place": list(place)},
            **{"float": float(reals[place]), "code": int(tensor[place])},
            **{"dequantized": float(dequantized[place]), "error": float(error[place])},
            "codes": channel.ravel().tolist(),
            "largest": float(np.abs(error).max()) / grid.scale,
            "sqnr": round(sqnr, 2) if math.isfinite(sqnr) else None,
        }

    def fallback(self) -> Markup:
        """The map as a table with each tensor's largest error, and a sentence on one code."""
        qnet, images = self.qnet, self.subject.images
        shown, codes = self.value, qnet.trace(images[:1])
        shapes = ["\u00d7".join(map(str, tensor.shape[1:])) for tensor in codes.values()]
        errors = tensor_errors(run_both(self.subject.net, qnet, images))
        steps = [f"{one.max_codes:.2f}" for one in errors]
        table = stage_table(qnet, {"shape": shapes, "largest error in steps": steps})
        words = (
            "A colour is a grid. In {name} the float {float:.4f} became code {code}, which stands "
            "for {dequantized:.4f}."
        ).format_map(shown)
        note = "Each tensor can be seen here in float and in int8 where scripts may run."
        return fallback_of(table, words, note)
