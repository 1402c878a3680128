"""What each method does to the accuracy on real scans: the table that `make accuracy` prints."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.analysis.decision import accuracy
from tinyq.checks import checked, instance, listed, own_fields, whole
from tinyq.layers.scheme import Scheme
from tinyq.methods.adaround import round_up_or_down
from tinyq.methods.correction import correct_biases
from tinyq.methods.equalization import equalize_network
from tinyq.models.digits import load
from tinyq.network import Network, QNetwork
from tinyq.observers import MSE, Entropy, MinMax, Observer, Percentile
from tinyq.weights import BITS as BITS_OF_WEIGHTS

BITS = (8, 6, 4, 3)
FLOAT = "float"
# (float network, its int8 network, calibration images) -> a better int8 network
Repair = Callable[[Network, QNetwork, NDArray[np.float32]], QNetwork]


@dataclass(frozen=True)
class Method:
    """A way to quantize a network: a row of the table.

    observer: gives the activations their grids; per_channel: whether each channel of a convolution
    has a weight scale; equalized: whether equalize_network comes first; repair: what improves the
    int8 network, None for nothing.
    """

    name: str
    observer: Callable[[], Observer]
    per_channel: bool = True
    equalized: bool = False
    repair: Repair | None = None

    def __post_init__(self) -> None:
        own_fields(self)

    @checked
    def quantize(self, net: Network, images: NDArray[np.float32], bits: int) -> QNetwork:
        """Return net with weights and activations of that many bits, calibrated on images."""
        if self.equalized:
            net = equalize_network(net)
        scheme = Scheme(bits, bits, self.per_channel)
        qnet = net.quantize(images, observer=self.observer, scheme=scheme)
        return self.repair(net, qnet, images) if self.repair else qnet


# A line with a "+" keeps what the lines before it did: the last three have MSE's grids.
METHODS = (
    Method("per-tensor min/max", MinMax, per_channel=False),
    Method("per-channel min/max", MinMax),
    Method("per-channel percentile", Percentile),
    Method("per-channel entropy", Entropy),
    Method("per-channel MSE", MSE),
    Method("+ equalization", MSE, equalized=True),
    Method("+ bias correction", MSE, equalized=True, repair=correct_biases),
    Method("+ AdaRound", MSE, equalized=True, repair=round_up_or_down),
)


@dataclass(frozen=True)
class Row:
    """Percent of the test scans that get the right answer, by bits; float has one for all bits.

    network: "trained" or "wide sibling"; method: "float" or the name of one of METHODS.
    """

    network: str
    method: str
    percent: dict[int, float]

    def __post_init__(self) -> None:
        own_fields(self)


@checked
def table(
    bits: Sequence[int] = BITS,
    methods: Sequence[Method] = METHODS,
    progress: Callable[[int, int, str], None] | None = None,
) -> list[Row]:
    """Return the accuracy of each method and number of bits, for both digit networks.

    Every weight and every activation has that many bits, and so have input and logits.  Where
    logits tie, which is common with few bits, the first of them counts as the answer.

    bits: 2..8 each; methods: of METHODS, or your own; progress: called with how many figures are
    done, how many there are, and the last one's name.
    Returns a row for float and one for each method, first of the trained network, then of its
    wide sibling.  The networks are calibrated on the calibration part and measured on the test
    part.
    Raises TypeError or ValueError for other bits, and for what is no Method.
    """
    bits = [whole("bits", b, *BITS_OF_WEIGHTS) for b in listed("bits", bits)]
    for method in methods:
        instance("methods", method, Method)
    digits = load()
    images, labels = digits.images[digits.test], digits.labels[digits.test]
    calibration, rows = digits.images[digits.calibration], []
    done, total = 0, 2 * len(methods) * len(bits)
    for network, net in (("trained", digits.net), ("wide sibling", digits.wide_net)):
        floats = 100 * accuracy(net(images), labels)
        rows.append(Row(network, FLOAT, dict.fromkeys(bits, floats)))
        for method in methods:
            percent = {}
            for b in bits:
                qnet = method.quantize(net, calibration, b)
                percent[b] = 100 * accuracy(qnet(images), labels)
                done += 1
                if progress:
                    progress(done, total, f"{network}, {method.name}, {b} bits")
            rows.append(Row(network, method.name, percent))
    return rows


@checked
def format_table(rows: Sequence[Row]) -> str:
    """Return rows of table() as text: a block for each network, a column for each number of bits.

    >>> print(format_table([Row("trained", "float", {8: 99.2}), Row("trained", "MSE", {8: 99.0})]))
    trained                   8 bits
    float                       99.2
    MSE                         99.0
    """
    lines: list[str] = []
    network = None
    for row in rows:
        instance("rows", row, Row)
        if row.network != network:
            lines += [""] * bool(lines)
            lines.append(f"{row.network:<24}" + "".join(f"{b:>3} bits" for b in row.percent))
            network = row.network
        lines.append(f"{row.method:<24}" + "".join(f"{p:>8.1f}" for p in row.percent.values()))
    return "\n".join(lines)
