"""A trained network of the seed's shape and its data: 1,797 real scans of handwritten digits."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.methods.fold import fold_batch_norm, rescale
from tinyq.models import foreign, resnet
from tinyq.models.digits_file import CLASSES, CONVS, LARGEST, PARTS, Arrays, unpack
from tinyq.network import Network

__all__ = [
    "CLASSES",
    "CONVS",
    "PARTS",
    "PATH",
    "SOURCE",
    "WIDE",
    "BatchNorm",
    "Digits",
    "load",
    "upsample",
]

PATH = Path(__file__).parent / "digits.npz"
# The wide sibling multiplies block1's channels by these powers of two, which were found by trial:
# one scale for the tensor cannot follow them, while a scale for each channel nearly can.
WIDE = (64, 4, 1, 4, 4, 4, 4, 1)
SOURCE = (
    "Scans and labels: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, "
    "1998, UCI Machine Learning Repository, doi.org/10.24432/C50P49, CC BY 4.0: its test set, "
    "as scikit-learn ships it. Split and weights: tools/train_digits.py, MIT."
)


class BatchNorm(NamedTuple):
    """The constants of a batch norm: float32 (C,) each, var >= 0, and eps > 0."""

    gamma: NDArray[np.float32]
    beta: NDArray[np.float32]
    mean: NDArray[np.float32]
    var: NDArray[np.float32]
    eps: float


Folded = dict[str, NDArray[np.float32 | np.float64]]


class Digits(NamedTuple):
    """The network as trained, and its data.

    weights: float32 by layer name, as stem_block takes them, not folded; norms: the batch norm
    after each convolution; dense_bias: float32 (10,); scans: uint8 (1797, 8, 8), ink 0..16;
    images: float32 (1797, 16, 16, 3), ink 0..1; labels: int64 (1797,), 0..9;
    train, calibration, test: int64, the images' indices in each part; source: who made the data.
    """

    weights: dict[str, NDArray[np.float32]]
    norms: dict[str, BatchNorm]
    dense_bias: NDArray[np.float32]
    scans: NDArray[np.uint8]
    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    train: NDArray[np.int64]
    calibration: NDArray[np.int64]
    test: NDArray[np.int64]
    source: str

    @property
    def net(self) -> Network:
        """The float network, each batch norm folded into its convolution."""
        return resnet.stem_block(*self.folded())

    @property
    def wide_net(self) -> Network:
        """The same function with weights that are hard to quantize; see widened."""
        return resnet.stem_block(*self.widened())

    def folded(self) -> tuple[Folded, Folded]:
        """Return weights and biases for stem_block with the batch norms folded in.

        Those of the convolutions are float64, those of the dense layer float32 as they were.
        """
        weights: Folded = {**self.weights}
        biases: Folded = {"dense": self.dense_bias}
        for name, norm in self.norms.items():
            weights[name], biases[name] = fold_batch_norm(self.weights[name], *norm)
        return weights, biases

    def widened(self) -> tuple[Folded, Folded]:
        """Return folded(), with the channels between the block's two convolutions rescaled.

        Equation (9.4) with the factors WIDE.  They are powers of two, so the float logits keep
        every bit, yet the largest weight of one output channel of block1 is now over 100 times that
        of another.
        """
        weights, biases = self.folded()
        weights["block1"], biases["block1"], weights["block2"] = rescale(
            weights["block1"], biases["block1"], weights["block2"], WIDE
        )
        return weights, biases


@checked
def load(path: str | Path = PATH) -> Digits:
    """Return the trained network and its data from a file that tools/train_digits.py wrote.

    Nothing in the file is unpickled.  Raises TypeError for what is no path; ValueError, with the
    file's name and what is wrong, for a file that is truncated, foreign or altered; OSError for one
    that cannot be read.

    >>> load().net(load().images[:3]).argmax(axis=1).tolist(), load().labels[:3].tolist()
    ([0, 1, 2], [0, 1, 2])
    """
    content = foreign.read(path, 2 * LARGEST)
    try:
        arrays = unpack(content)
    except Exception as error:  # zipfile, zlib, ast and NumPy each raise their own
        why = f"{type(error).__name__}: {error}" if type(error) is not ValueError else error
        raise ValueError(f"{path} is not a file of trained digits: {why}") from error
    return Digits(
        weights={name: arrays[f"{name}_weights"] for name in (*CONVS, "dense")},
        norms={name: _norm(arrays, name) for name in CONVS},
        dense_bias=arrays["dense_bias"],
        scans=arrays["scans"],
        images=upsample(arrays["scans"]),
        labels=arrays["labels"].astype(np.int64),
        **{part: arrays[part].astype(np.int64) for part in PARTS},
        source=str(arrays["source"]),
    )


@checked
def upsample(scans: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the network's images of scans: each pixel doubled both ways, grey in three channels.

    y[n, i, j, c] = scans[n, i // 2, j // 2] / 16

    Doubling invents no pixel that was not scanned.  Three equal channels are what a camera makes of
    a grey page.  Paper is 0, so a pad with zeros is more paper.  Dividing by 16 is exact.

    scans: uint8 (N, 8, 8), ink 0..16.  Returns float32 (N, 16, 16, 3), ink 0..1.
    Raises TypeError or ValueError for anything else.

    >>> upsample(np.full((1, 8, 8), 4, np.uint8))[0, 15, 15].tolist()
    [0.25, 0.25, 0.25]
    """
    if scans.shape[1:] != (8, 8) or scans.max(initial=0) > 16:
        got = f"{scans.shape} up to {scans.max(initial=0)}"
        raise ValueError(f"scans must be (N, 8, 8), ink 0..16, got {got}")
    doubled = scans.repeat(2, axis=1).repeat(2, axis=2).astype(np.float32) / np.float32(16)
    return np.repeat(doubled[..., None], 3, axis=3)


def _norm(arrays: Arrays, name: str) -> BatchNorm:
    gamma, beta, mean, var, eps = (arrays[f"{name}_{field}"] for field in BatchNorm._fields)
    return BatchNorm(gamma, beta, mean, var, float(eps))
