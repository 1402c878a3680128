"""What a layer of a float network says of itself."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tinyq.layers.contract import Layer

Array = NDArray[np.float32]
Weights = NDArray[np.floating]


@runtime_checkable
class FloatLayer(Protocol):
    """What every layer of a float network has.

    forward: float32 arrays, one for each tensor that the layer reads, to the one that it makes;
    quantize: the grids of these tensors in the same order, then the layer's own output grid, or
    None where it passes its input's grid on, then a Scheme, to the int8 layer;
    requantizes, for a layer that has it: whether quantize needs a grid of the layer's own.  Then a
    Network refuses a node of it that does not say what to observe;
    form, for a layer that has it: IMAGE where it takes images alone.
    """

    @property
    def forward(self) -> Callable[..., Array]: ...

    @property
    def quantize(self) -> Callable[..., Layer]: ...
