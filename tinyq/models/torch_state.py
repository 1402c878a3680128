"""The parameters of a PyTorch state_dict as NumPy arrays, each taken once, none left over."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import finite_float32
from tinyq.layers.images import naming
from tinyq.layers.linear import check_weight_shapes
from tinyq.methods.fold import fold_batch_norm

NORM = ("weight", "bias", "running_mean", "running_var")
COUNTER = "num_batches_tracked"
Parameters = tuple[NDArray[np.float32], NDArray[np.float32]]


class State:
    """The parameters of a state_dict that no layer has taken yet.

    state_dict: tensors of torch or NumPy arrays by name; eps: of its batch norms.
    """

    def __init__(self, state_dict: Mapping[str, object], eps: float) -> None:
        self.unread = {name: v for name, v in state_dict.items() if not name.endswith(COUNTER)}
        if eps <= 0:
            raise ValueError(f"eps must be finite and > 0, got {eps}")
        self.eps = eps

    def has(self, start: str) -> bool:
        """Return whether a parameter is left whose name begins with start."""
        return any(name.startswith(start) for name in self.unread)

    def conv(self, name: str, norm: str) -> Parameters:
        """Take a convolution without bias and its batch norm: weights OHWI and bias, folded."""
        weights = self._take(f"{name}.weight")
        sizes = weights.shape[2:]
        if weights.ndim != 4 or not weights.size or not all(size % 2 for size in sizes):
            raise ValueError(
                f"{name}.weight must be (O, I, KH, KW), KH and KW odd, got {weights.shape}"
            )
        gamma, beta, mean, var = (self._take(f"{norm}.{field}") for field in NORM)
        ohwi = weights.transpose(0, 2, 3, 1)
        with naming(f"{name} with {norm}"):
            folded, bias = fold_batch_norm(ohwi, gamma, beta, mean, var, self.eps)
            return finite_float32("weights", folded), finite_float32("bias", bias)

    def dense(self, name: str) -> Parameters:
        """Take a dense layer: weights (out, in) and bias."""
        weights, bias = self._take(f"{name}.weight"), self._take(f"{name}.bias")
        check_weight_shapes(name, "(out, in)", weights, bias)
        return weights, bias

    def check_empty(self) -> None:
        """Raise ValueError where a parameter is left that no layer took."""
        if self.unread:
            raise ValueError(f"state_dict has parameters that no layer takes: {_few(self.unread)}")

    def _take(self, name: str) -> NDArray[np.float32]:
        if name not in self.unread:
            raise ValueError(f"state_dict must have {name!r}, left are {_few(self.unread)}")
        value: Any = self.unread.pop(name)
        if hasattr(value, "detach"):  # a tensor of torch
            value = value.detach().cpu()
            # NumPy has no bfloat16; integers are left as they are, to be refused below
            value = (value.float() if value.is_floating_point() else value).numpy()
        # a copy, because training may go on in the memory of a tensor
        return finite_float32(name, value).copy()


def _few(names: Mapping[str, object]) -> str:
    """Return some of the names, and how many more there are.

    >>> _few(dict.fromkeys("abcdefg"))
    'a, b, c, d and 3 more'
    """
    shown, more = list(names)[:4], len(names) - 4
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "") or "none"
