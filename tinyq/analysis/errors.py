"""How far each tensor of an int8 run is from its float twin."""

from dataclasses import dataclass

import numpy as np

from tinyq.affine import Grid
from tinyq.analysis.parity import sqnr_db
from tinyq.analysis.runs import Runs
from tinyq.checks import checked


@dataclass(frozen=True)
class TensorError:
    """The error of one tensor, dequantized int8 minus float, over all images.

    name: of the tensor; grid: that its codes are on; sqnr_db: equation (10.1), in dB;
    max_abs, mean_abs, mean: of the error, in real units.  A mean far from zero is a bias, which
    bias correction can take back; see tinyq.methods.fold.correct_bias.
    """

    name: str
    grid: Grid
    sqnr_db: float
    max_abs: float
    mean_abs: float
    mean: float

    @property
    def max_codes(self) -> float:
        """The largest error in steps of the grid: max_abs / scale."""
        return self.max_abs / self.grid.scale

    @property
    def mean_codes(self) -> float:
        """The mean absolute error in steps of the grid: mean_abs / scale."""
        return self.mean_abs / self.grid.scale


@checked
def tensor_errors(runs: Runs) -> list[TensorError]:
    """Return the error of every tensor, in running order, "input" first.

    error = scale * (q - zero_point) - x   in float64, for each element

    A tensor's own rounding adds at most half a step, if nothing is clamped; the rest of its error
    comes from further up.  A tensor that is calibrated after its ReLU, as the seed's add is, has a
    large error of its own, because its negative numbers are clamped; the ReLU drops them anyway.
    runs: of run_both.

    >>> from tinyq import resnet
    >>> from tinyq.analysis.runs import run_both
    >>> weights, biases, images = resnet.seed()
    >>> net = resnet.stem_block(weights, biases)
    >>> first = tensor_errors(run_both(net, net.quantize(images), images[:4]))[0]
    >>> first.name, round(first.max_codes, 2)
    ('input', 0.5)
    """
    return [_tensor_error(runs, name) for name in runs.codes]


def _tensor_error(runs: Runs, name: str) -> TensorError:
    floats, dequantized = runs.floats[name], runs.dequantized(name)
    error = dequantized.astype(np.float64) - floats
    size = np.abs(error)
    return TensorError(
        name=name,
        grid=runs.qnet.grids[name],
        sqnr_db=sqnr_db(floats, dequantized),
        max_abs=float(size.max()),
        mean_abs=float(size.mean()),
        mean=float(error.mean()),
    )
