"""The scheme: how many bits a layer's weights and codes take, and how its sums are rescaled."""

from dataclasses import dataclass

from tinyq.checks import Proved, whole
from tinyq.requantize import Rounding
from tinyq.weights import BITS


@dataclass(frozen=True)
class Scheme(Proved):
    """How a layer is quantized; codes of fewer than 8 bits stay in int8 storage.

    weight code in -(2**(b - 1) - 1) .. 2**(b - 1) - 1,   b = weight_bits                   (3.2)
    activation code in -2**(b - 1) .. 2**(b - 1) - 1,     b = activation_bits

    weight_bits: 2..8; activation_bits: 2..8, of the layer's own output grid: a layer that passes
    its input's grid on has none, and takes no heed of it; per_channel: one weight scale for each
    output channel of a convolution, else one for the tensor (a dense layer always has one);
    rounding: of each rescale in the layer.
    Raises TypeError or ValueError where one of these does not hold.

    >>> Scheme(activation_bits=4).qmin, Scheme(activation_bits=4).qmax
    (-8, 7)
    """

    weight_bits: int = 8
    activation_bits: int = 8
    per_channel: bool = True
    rounding: Rounding = Rounding.DOUBLE

    def _prove(self) -> None:
        for name in ("weight_bits", "activation_bits"):
            whole(f"Scheme: {name}", getattr(self, name), *BITS)

    @property
    def qmin(self) -> int:
        """The smallest code of the output grid."""
        return -(2 ** (self.activation_bits - 1))

    @property
    def qmax(self) -> int:
        """The largest code of the output grid."""
        return 2 ** (self.activation_bits - 1) - 1


INT8 = Scheme()
