"""The shape of each tensor, from a run of the layers on no image: free, and checked by them."""

from collections.abc import Sequence

import numpy as np

from tinyq.layers.nodes import INPUT, Node, run_nodes

Shape = tuple[int, ...]


def shapes(nodes: Sequence[Node], image_shape: Shape) -> dict[str, Shape]:
    """Return the shape of each tensor for one image: (H, W, C) or (C,), by name, "input" first.

    Raises ValueError, with the layer's name, where layers do not fit together or their image, or
    two have one name; TypeError for a layer that does not make codes.

    >>> from tinyq.affine import Grid
    >>> from tinyq.layers import QPad2D
    >>> pad = Node("pad", QPad2D(Grid(1.0, 0), (1, 1, 2, 2)), ("input",))
    >>> shapes([pad], (4, 4, 3))
    {'input': (4, 4, 3), 'pad': (6, 8, 3)}
    """
    names = [INPUT, *(node.name for node in nodes)]
    if len(set(names)) < len(names):
        raise ValueError(f"each layer must have a name of its own, got {names[1:]}")
    tensors = run_nodes(nodes, np.empty((0, *image_shape), np.int8))
    for name, codes in tensors.items():
        if codes.dtype != np.int8 or codes.ndim not in (2, 4):
            raise TypeError(
                f"tensor {name!r} must be int8 (N, H, W, C) or (N, C), "
                f"got {codes.dtype} {codes.shape}"
            )
    return {name: codes.shape[1:] for name, codes in tensors.items()}
