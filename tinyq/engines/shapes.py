"""The shape of each tensor, from a run of the layers on no image: free, and checked by them."""

from collections.abc import Sequence

import numpy as np

from tinyq.nodes import Node, run_nodes

Shape = tuple[int, ...]


def shapes(nodes: Sequence[Node], image_shape: Shape) -> dict[str, Shape]:
    """Return the shape of each tensor for one image: (H, W, C) or (C,), by name, "input" first.

    Raises ValueError, with the layer's name, where layers do not fit together or their image.

    >>> from tinyq.affine import Grid
    >>> from tinyq.layers import QPad2D
    >>> pad = Node("pad", QPad2D(Grid(1.0, 0), (1, 1, 2, 2)), ("input",))
    >>> shapes([pad], (4, 4, 3))
    {'input': (4, 4, 3), 'pad': (6, 8, 3)}
    """
    tensors = run_nodes(nodes, np.empty((0, *image_shape), np.int8))
    return {name: codes.shape[1:] for name, codes in tensors.items()}
