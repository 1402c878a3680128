"""The pixel tracer of chapter 10: six ranges to drag, and a logit followed back to its pixels."""

from typing import Any

from tinyq.analysis.parity import compare
from tinyq.layers.contract import Codes
from tinyq.layers.linear import Linear
from tinyq.network import QNetwork
from tinyq.observers import MinMax
from tinyq.widgets.data.subject import GRIDS
from tinyq.widgets.data.subject_widget import SubjectWidget
from tinyq.widgets.frame.markup import Markup, fallback_of
from tinyq.widgets.frame.traits import Float, Int
from tinyq.widgets.parts.stages import numbers_of, stage_table
from tinyq.widgets.pixel_tracer.pixel_trace import trace_back
from tinyq.widgets.pixel_tracer.places import Place

ENDS = tuple(f"{grid}_{end}" for grid in GRIDS for end in ("lo", "hi"))


class PixelTracer(SubjectWidget):
    """The whole int8 block, rerun as its six ranges are dragged, with the road of one logit.

    net: a float network of resnet.stem_block's form; images: float32 (N, H, W, C), N >= 1;
    calibration: images that give the ranges, images where it is None.  Without these three the
    seed's network is shown, on its four test images.
    image: 0..N - 1; logit: 0..classes - 1; stage: the tensor that is explained, 0 the input;
    input_lo, input_hi, stem_lo, ... logits_hi: the ranges of the six grids, from calibration where
    they are not given.  Raises as subject_of does, ValueError for an end that is not finite, and
    with value for ranges that no int8 network has.

    >>> tracer = PixelTracer(image=0)
    >>> tracer.value["codes"], tracer.value["via"]
    ([-8, 102, 89, -41], 'block')
    """

    name = "pixel-tracer"
    fields = ("image", "logit", "stage", *ENDS)
    called = ("codes", "worst")

    logit = Int(1, min=0).tag(sync=True)
    stage = Int(9, min=0, max=13).tag(sync=True)
    input_lo = Float().tag(sync=True)
    input_hi = Float().tag(sync=True)
    stem_lo = Float().tag(sync=True)
    stem_hi = Float().tag(sync=True)
    block1_lo = Float().tag(sync=True)
    block1_hi = Float().tag(sync=True)
    block2_lo = Float().tag(sync=True)
    block2_hi = Float().tag(sync=True)
    add_lo = Float().tag(sync=True)
    add_hi = Float().tag(sync=True)
    logits_lo = Float().tag(sync=True)
    logits_hi = Float().tag(sync=True)

    def _start(self) -> dict[str, Any]:
        ranges = {grid: self.subject.ranges[name] for grid, name in self.subject.observed.items()}
        return {
            f"{grid}_{end}": getattr(ranges[grid], end) for grid in GRIDS for end in ("lo", "hi")
        }

    def _check(self) -> None:
        super()._check()
        self._check_below("logit", self.subject.classes)

    @property
    def qnet(self) -> QNetwork:
        """The int8 network on the ranges.  Raises ValueError where there is none."""
        ranges = {
            name: MinMax(getattr(self, f"{grid}_lo"), getattr(self, f"{grid}_hi"))
            for grid, name in self.subject.observed.items()
        }
        return self.subject.net.quantize_on(ranges, self.subject.images.shape[1:])

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the traits, the ledger, the logits, the road, the stage's arithmetic.

        ledger: a row a tensor, see ledger_rows; codes, dequantized, floats: of the logits; worst:
        the largest |dequantized - float|; road: [place, code] a tensor, both None where the road
        has left the image; boxes: what the road's code depends on; via: "skip" or "block"; step:
        {acc, multiplier, shift} where the stage is a convolution or dense layer, else None.
        """
        self._check()
        qnet, image = self.qnet, self.subject.images[self.image : self.image + 1]
        tensors, found = qnet.trace(image), compare(self.subject.net, qnet, image)
        trace = trace_back(qnet, tensors, self.logit)
        road = {name: trace.places[name] for name in tensors}
        return {
            **{field: getattr(self, field) for field in self.fields},
            "ledger": ledger_rows(qnet),
            "codes": found.codes[0].tolist(),
            "dequantized": found.dequantized[0].tolist(),
            "floats": found.reference[0].tolist(),
            "worst": found.worst,
            "via": trace.via,
            "road": [
                [list(place), int(tensors[name][0][place])] if place else [None, None]
                for name, place in road.items()
            ],
            "boxes": [box and list(box) for box in (trace.boxes[name] for name in tensors)],
            "step": self._step(qnet, tensors, list(road.values())[self.stage]),
        }

    def _step(
        self, qnet: QNetwork, tensors: dict[str, Codes], place: Place | None
    ) -> dict[str, int] | None:
        node = qnet.nodes[self.stage - 1] if self.stage else None
        if node is None or place is None or not isinstance(node.layer, Linear):
            return None
        requantizer, channel = node.layer.requantizer, place[-1]
        which = channel if len(requantizer.multiplier) > 1 else 0
        return {
            "acc": int(node.layer.accumulate(tensors[node.inputs[0]])[0][place]),
            "multiplier": int(requantizer.multiplier[which]),
            "shift": int(requantizer.shift[which]),
        }

    def fallback(self) -> Markup:
        """The ledger with the road's codes as a table, and a sentence with the logits."""
        shown = self.value
        words = (
            f"Image {self.image}: the int8 logits are {', '.join(map(str, shown['codes']))}. "
            f"The largest error is {shown['worst']:.5f}."
        )
        codes = ["" if code is None else code for _, code in shown["road"]]
        table = stage_table(self.qnet, {f"code on the road of logit {self.logit}": codes})
        note = "The six ranges can be dragged here where scripts may run."
        return fallback_of(table, words, note)


def ledger_rows(qnet: QNetwork) -> list[list[Any]]:
    """Return [name, grid number, scale, zero_point, requantizes, multiplier, shift] a row.

    multiplier, shift: [least, largest], None where there are none.
    """
    return [
        [
            *(row.name, number, row.out_grid.scale, row.out_grid.zero_point, row.requantizes),
            *(extent and list(extent) for extent in (row.multiplier, row.shift)),
        ]
        for row, number in zip(qnet.ledger(), numbers_of(qnet), strict=True)
    ]
