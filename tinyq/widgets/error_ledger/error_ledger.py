"""The error ledger of chapter 11: a number of bits for each layer, and the error that follows."""

import math
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.analysis import Runs, run_both, tensor_errors
from tinyq.analysis.decision import check_labels, predict
from tinyq.checks import checked
from tinyq.layers.images import Images
from tinyq.layers.scheme import Scheme
from tinyq.models import digits
from tinyq.network import Network, QNetwork
from tinyq.widgets.data.subject import GRIDS, PARTS, Subject, subject_of
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import Markup, fallback_of
from tinyq.widgets.frame.traits import Bool, Int
from tinyq.widgets.parts.stages import numbers_of, stage_table

SCANS_EACH = 2
WEIGHTS = tuple(f"{part}_weights" for part in PARTS)
CODES = tuple(f"{grid}_codes" for grid in GRIDS)


@cache
def of_digits(wide: bool) -> tuple[Subject, NDArray[np.int64]]:
    """Return the trained digits network, two test scans of each digit, and their labels.

    wide: its sibling whose weights are hard to quantize.
    """
    data = digits.load()
    labels = data.labels[data.test]
    chosen = [
        int(index)
        for digit in range(digits.CLASSES)
        for index in data.test[labels == digit][:SCANS_EACH]
    ]
    net = data.wide_net if wide else data.net
    ranges = net.calibrate(data.images[data.calibration])
    return Subject(net, data.images[chosen], ranges, own=False), data.labels[chosen]


class ErrorLedger(Widget):
    """SQNR of every tensor and error of the logits, as the bits of weights and codes go down.

    net: a float network of resnet.stem_block's form; images: float32 (N, H, W, C), N >= 1; labels:
    integers (N,), 0..classes - 1; calibration: images that give the ranges, images where it is
    None.  Without these the network trained on digits is shown, on two test scans of each digit.
    stem_weights ... dense_weights, input_codes ... logits_codes: bits, 2..8; per_channel: one
    weight scale a filter; wide: the digits network with weights that are hard to quantize;
    scan: the image whose logits are drawn, 0..N - 1.
    Raises as subject_of and accuracy do, ValueError for an image that is not there, or for wide
    with another network.

    >>> shown = ErrorLedger(block1_weights=2).value
    >>> shown["right"], shown["same"], shown["sqnr"][-1] < 10
    (6, 6, True)
    """

    name = "error-ledger"
    fields = (*WEIGHTS, *CODES, "per_channel", "wide", "scan")
    called = ("sqnr", "right")

    stem_weights = Int(8, min=2, max=8).tag(sync=True)
    block1_weights = Int(8, min=2, max=8).tag(sync=True)
    block2_weights = Int(8, min=2, max=8).tag(sync=True)
    dense_weights = Int(8, min=2, max=8).tag(sync=True)
    input_codes = Int(8, min=2, max=8).tag(sync=True)
    stem_codes = Int(8, min=2, max=8).tag(sync=True)
    block1_codes = Int(8, min=2, max=8).tag(sync=True)
    block2_codes = Int(8, min=2, max=8).tag(sync=True)
    add_codes = Int(8, min=2, max=8).tag(sync=True)
    logits_codes = Int(8, min=2, max=8).tag(sync=True)
    per_channel = Bool(True).tag(sync=True)
    wide = Bool(False).tag(sync=True)
    scan = Int(0, min=0).tag(sync=True)

    @checked
    def __init__(
        self,
        net: Network | None = None,
        images: NDArray[np.float32] | None = None,
        labels: NDArray[Any] | None = None,
        calibration: Images | Iterable[Images] | None = None,
        **state: object,
    ) -> None:
        self._own = None
        data = ""
        if any(given is not None for given in (net, images, labels, calibration)):
            if net is None:
                raise ValueError("net, images and labels must be given together")
            subject = subject_of(net, images, calibration)
            labels = check_labels(labels, subject.net(subject.images))
            self._own = subject, labels.astype(np.int64)
            data = subject.data(labels=labels.tolist())
        super().__init__(**{"data": data, **state})
        self._check()

    def _check(self) -> None:
        if self._own and self.wide:
            raise ValueError("wide must be False: it belongs to the trained digits network")
        count = len(self.shown[1])
        if self.scan >= count:
            raise ValueError(f"scan must be in 0..{count - 1}, got {self.scan}")

    @property
    def shown(self) -> tuple[Subject, NDArray[np.int64]]:
        """The network with its images and ranges, and the labels."""
        return self._own or of_digits(self.wide)

    @property
    def qnet(self) -> QNetwork:
        """The int8 network of the bits as they are now."""
        subject, _ = self.shown
        owners = ["input", *(node.name for node in subject.net.nodes if node.observe)]
        bits = {owner: {"activation_bits": getattr(self, field)}
                for owner, field in zip(owners, CODES, strict=True)}  # fmt: skip
        weighted = [owner for owner in owners[1:] if owner != "block_add"]
        for owner, field in zip(weighted, WEIGHTS, strict=True):
            bits[owner]["weight_bits"] = getattr(self, field)
        return subject.net.quantize_on(
            subject.ranges,
            subject.images.shape[1:],
            scheme=Scheme(per_channel=self.per_channel),
            schemes={
                owner: Scheme(per_channel=self.per_channel, **own) for owner, own in bits.items()
            },
        )

    @property
    def runs(self) -> Runs:
        """Both networks' tensors on all images: what tinyq.analysis takes."""
        subject, _ = self.shown
        return run_both(subject.net, self.qnet, subject.images)

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the traits, a row a tensor, the answers, the logits of one scan.

        names, grids: of the tensors, and the numbers of their grids; sqnr: in dB to two digits,
        None where it is not finite; largest: the largest error in steps of the grid; answers: of
        the int8 network; right: how many are the label; same: how many are the float network's;
        codes, dequantized, floats: the logits of the scan; worst: the largest |dequantized - float|
        of all logits.
        """
        self._check()
        runs, (_, labels) = self.runs, self.shown
        errors = tensor_errors(runs)
        codes, floats = runs.codes[runs.last], runs.floats[runs.last]
        dequantized, answers = runs.dequantized(runs.last), predict(codes)
        return {
            **{field: getattr(self, field) for field in self.fields},
            **{"names": [one.name for one in errors], "grids": numbers_of(runs.qnet)},
            "sqnr": [
                round(one.sqnr_db, 2) if math.isfinite(one.sqnr_db) else None for one in errors
            ],
            "largest": [one.max_codes for one in errors],
            "answers": answers.tolist(),
            "right": int((answers == labels).sum()),
            "same": int((answers == predict(floats)).sum()),
            "codes": codes[self.scan].tolist(),
            "dequantized": dequantized[self.scan].tolist(),
            "floats": floats[self.scan].tolist(),
            "worst": float(np.abs(dequantized - floats).max()),
        }

    def fallback(self) -> Markup:
        """The SQNR and the largest error of each tensor as a table, and a sentence."""
        shown = self.value
        decibels = ["" if one is None else f"{one:.1f}" for one in shown["sqnr"]]
        columns = {
            "SQNR in dB": decibels,
            "largest error in steps": [f"{one:.2f}" for one in shown["largest"]],
        }
        words = (
            f"{shown['right']} of {len(shown['answers'])} scans are answered right. The largest "
            f"error of a logit is {shown['worst']:.4f}."
        )
        note = "The bits of each layer can be moved here where scripts may run."
        return fallback_of(stage_table(self.qnet, columns), words, note)
