"""The first operator of a network at which two runtimes part, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.layers import QClamp
from tinyq.layers.contract import Codes, Layer
from tinyq.layers.nodes import INPUT, Node
from tinyq.network import QNetwork
from tinyq.runtimes.difference_text import difference_text
from tinyq.runtimes.explain import Explanation, Spot, explain
from tinyq.runtimes.run import tensors
from tinyq.runtimes.table import RUNTIMES, Runtime, named

Place = tuple[int, ...]


@dataclass(frozen=True)
class Difference:
    """Where two sides differ first, and why; print shows it as text.

    sides: their names, a runtime's or "the dump"; node: the name of the operator's last node, whose
    tensor it is; kind: of the layer that is explained; tensor: the tensor's index or name in the
    model's file, None without one; place: (n, h, w, c) of the first byte that differs; codes: of
    both sides, after a fused clamp; differing, size: how many bytes of the tensor differ, of how
    many; explanation: how each rule comes to its code; None for the network's input.
    """

    sides: tuple[str, str]
    node: str
    kind: str
    tensor: int | str | None
    place: Place
    codes: tuple[int, int]
    differing: int
    size: int
    explanation: Explanation | None

    def __str__(self) -> str:
        return difference_text(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as dictionaries, lists, strings and numbers, as JSON has them."""
        return _plain(asdict(self))


@checked
def first_difference(
    model: QNetwork, x: NDArray[Any], first: str | Runtime, second: str | Runtime
) -> Difference | None:
    """Return where two runtimes differ first, None where every tensor is equal.

    Each runtime computes all tensors by its own rules, as a device would.  It is the first operator
    in running order whose output differs: what it reads is then equal in both.  Where the model is
    from a file, an operator may be several nodes, and its output is that of the last one, behind
    its fused activation.

    model: an int8 network; x: float32 images, or int8 codes, (N, H, W, C); first, second: names in
    RUNTIMES, or Runtimes.  Raises as trace does.

    >>> from tinyq import resnet
    >>> seed = resnet.seed()
    >>> model = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
    >>> images = seed.images * np.float32(1.3)
    >>> found = first_difference(model, images, "tflite-micro", "litert-optimized")
    >>> found.node, found.place, found.codes
    ('stem_conv7x7_s2', (13, 0, 6, 7), (-72, -71))
    """
    sides = named(first), named(second)
    made: tuple[dict[str, Codes], dict[str, Codes]] = ({}, {})
    for (name, a), (_, b) in zip(*(tensors(model, x, side) for side in sides), strict=True):
        made[0][name], made[1][name] = a, b
        if ends_operator(model, name) and not np.array_equal(a, b):
            names = sides[0].name, sides[1].name
            return difference_at(model, name, made[0], (a, b), names, sides)
    return None


def ends_operator(model: QNetwork, name: str) -> bool:
    """Return whether a tensor is the output of an operator, and not of a node inside one."""
    indices = tensor_indices(model)
    return indices is None or name in indices


def tensor_indices(model: QNetwork) -> Mapping[str, int | str] | None:
    """Return what the model's file knows tensors by, an index or a name, by node's name.

    None without a file.
    """
    return getattr(model, "tensor_indices", None) or getattr(model, "tensor_names", None)


def difference_at(
    model: QNetwork,
    name: str,
    made: Mapping[str, Codes],
    codes: tuple[Codes, Codes],
    sides: tuple[str, str],
    runtimes: Sequence[Runtime],
) -> Difference:
    """Return the difference of a tensor that two sides have.

    made: all that comes before it, by name; codes, sides: of the two, and their names; runtimes:
    those that are explained beside RUNTIMES.
    """
    unequal = codes[0] != codes[1]
    place = tuple(map(int, np.argwhere(unequal)[0]))
    kind, explanation = "input", None
    if name != INPUT:
        layer, inputs, clamps = explained(model, name, made)
        asked = dict.fromkeys([*RUNTIMES.values(), *runtimes])
        kind = type(layer).__name__
        explanation = explain(Spot(layer, inputs, place, clamps, tuple(asked)))
    return Difference(
        sides,
        name,
        kind,
        (tensor_indices(model) or {}).get(name),
        place,
        (int(codes[0][place]), int(codes[1][place])),
        int(unequal.sum()),
        unequal.size,
        explanation,
    )


def explained(
    model: QNetwork, name: str, made: Mapping[str, Codes]
) -> tuple[Layer, Sequence[Codes], Sequence[tuple[int, int]]]:
    """Return the layer that makes an operator's codes, what it reads, and the clamps behind it."""
    nodes: dict[str, Node[Layer]] = {node.name: node for node in model.nodes}
    node, clamps = nodes[name], list[tuple[int, int]]()
    while isinstance(node.layer, QClamp) and not ends_operator(model, node.inputs[0]):
        clamps.insert(0, (node.layer.low, node.layer.high))
        node = nodes[node.inputs[0]]
    return node.layer, [made[read] for read in node.inputs], clamps


def _plain(value: Any) -> Any:
    """Return nested tuples as lists."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
