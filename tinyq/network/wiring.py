"""Whether the layers of an int8 network fit together: names, grids and shapes."""

from collections.abc import Mapping, Sequence

from tinyq.affine import Grid
from tinyq.layers.add import QAdd
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.nodes import Node, check_nodes, naming_layer, tensor_shapes


def check_wiring(
    nodes: Sequence[Node[Layer]], grids: Mapping[str, Grid], image_shape: Shape
) -> dict[str, Shape]:
    """Return the shape of one image's tensors by name, "input" first, after checking the wiring.

    nodes: in running order; grids: of each tensor, by name; image_shape: (H, W, C).
    Raises TypeError or ValueError, with the layer's name, for a name twice, an input that no
    earlier layer makes, a grid that is not that of the tensor, an add whose sums could overflow,
    shapes that do not fit.

    >>> from tinyq.models import resnet
    >>> weights, biases, images = resnet.seed()
    >>> qnet = resnet.stem_block(weights, biases).quantize(images)
    >>> list(check_wiring(qnet.nodes, qnet.grids, qnet.image_shape).values())[-3:]
    [(4, 4, 8), (8,), (4,)]
    """
    if not nodes:
        raise ValueError("the network must have at least one layer, got none")
    if len(image_shape) != 3 or min(image_shape) < 1:
        raise ValueError(f"image_shape must be (H, W, C), each >= 1, got {image_shape}")
    check_nodes(nodes)
    for node in nodes:
        with naming_layer(node.name):
            _check_grids(node, grids)
            if isinstance(node.layer, QAdd):
                node.layer.check_sums()
    return tensor_shapes(nodes, image_shape)


def _check_grids(node: Node[Layer], grids: Mapping[str, Grid]) -> None:
    read = node.layer.in_grids
    if len(node.inputs) != len(read):
        raise ValueError(f"it must read {len(read)} tensors, got {list(node.inputs)}")
    for name, grid in zip(node.inputs, read, strict=True):
        if grids[name] != grid:
            raise ValueError(f"its grid of {name!r} must be {grids[name]}, got {grid}")
    if grids.get(node.name) != node.layer.out_grid:
        raise ValueError(f"the network's grids must hold its out_grid, {node.layer.out_grid}")
