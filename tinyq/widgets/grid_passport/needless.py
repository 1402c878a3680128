"""A requantizer that no network needs: the same numbers on another grid, behind any tensor."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.floatref import FloatLayer
from tinyq.layers.contract import Codes, Shape
from tinyq.layers.nodes import INPUT, Node
from tinyq.network import Network
from tinyq.requantize import Requantizer


@dataclass(frozen=True)
class QNeedless:
    """An int8 layer that changes nothing but the grid, equation (5.9).

    in_grid, out_grid: grids of the codes.

    >>> QNeedless(Grid(0.5, 0), Grid(1.0, 1)).forward(np.int8([[8]])).tolist()
    [[5]]
    """

    in_grid: Grid
    out_grid: Grid

    @property
    def in_grids(self) -> tuple[Grid]:
        """The grid of the input."""
        return (self.in_grid,)

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """The one rescaling, from in_grid to out_grid."""
        return {"requantizer": Requantizer(self.in_grid.scale / self.out_grid.scale)}

    def out_shape(self, shape: Shape) -> Shape:
        """Return the shape itself."""
        return shape

    def forward(self, codes: Codes) -> Codes:
        """Return the codes on out_grid: int8 of any shape to int8 of that shape."""
        steps = codes.astype(np.int32) - np.int32(self.in_grid.zero_point)
        return self.requantizers["requantizer"].requantize(steps, self.out_grid)


@dataclass(frozen=True)
class Needless:
    """The float original of QNeedless: it does nothing.  out_grid: that of the int8 layer."""

    out_grid: Grid

    def forward(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return x itself."""
        return x

    def quantize(self, in_grid: Grid, own: None, scheme: object) -> QNeedless:
        """Return the int8 layer behind a tensor on in_grid."""
        return QNeedless(in_grid, self.out_grid)


def with_needless(net: Network, name: str, grid: Grid) -> Network:
    """Return the network with a `Needless` layer after the tensor called name."""
    extra: Node[FloatLayer] = Node("needless", Needless(grid), (name,))
    nodes, behind = [], name == INPUT
    if behind:
        nodes.append(extra)
    for node in net.nodes:
        inputs = tuple("needless" if behind and one == name else one for one in node.inputs)
        nodes.append(replace(node, inputs=inputs))
        if node.name == name:
            nodes.append(extra)
            behind = True
    return replace(net, nodes=tuple(nodes))
