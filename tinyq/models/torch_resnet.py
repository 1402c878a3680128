"""A ResNet of basic blocks from PyTorch's weights, under the names that torchvision gives them."""

import re
from collections.abc import Iterable, Mapping

from tinyq.checks import checked
from tinyq.floatref import (
    Add,
    Conv2D,
    Dense,
    FloatLayer,
    GlobalAvgPool2D,
    MaxPool2D,
    Pad2D,
    ReLU,
)
from tinyq.layers.nodes import INPUT, Node
from tinyq.models.torch_state import State
from tinyq.network import Network

BLOCK = re.compile(r"layer(\d{1,4})\.(\d{1,4})\.")


@checked
def load_torch(state_dict: Mapping[str, object], *, eps: float = 1e-5) -> Network:
    """Return the float network of a torchvision ResNet of basic blocks, batch norm folded.

    conv1, bn1, relu, a 3x3/2 max pool, then the blocks layer1.0, layer1.1, ..., layer2.0, ...,
    the global mean and fc: as many blocks and channels as there are in state_dict.  A layer is
    named as in PyTorch; a block's ReLU, one module there that runs twice, is relu1 and relu2.
    As in torchvision, conv1 has stride 2, and so has the first block of each layer from layer2 on;
    a convolution of k x k is padded with k // 2.
    Each convolution is calibrated after its ReLU, so that no code is spent on what the ReLU drops.

    state_dict: PyTorch's, or NumPy arrays by the same names; convolutions (O, I, KH, KW).
    eps: of the batch norms, which a state_dict does not hold; the default is PyTorch's.
    Raises TypeError for what is no mapping, values that are not float; ValueError for a missing
    name, for one that no layer takes (bottleneck blocks have a conv3), shapes that do not fit
    together, a conv1 that is not 7x7, NaN or infinity.
    Source: He et al. 2016, table 1; torchvision ``models/resnet.py``.

    >>> import numpy as np
    >>> shapes = {"conv1": (2, 3, 7, 7), "layer1.0.conv1": (2, 2, 3, 3), "fc": (5, 2)}
    >>> shapes |= {"layer1.0.conv2": (2, 2, 3, 3)}
    >>> state = {f"{name}.weight": np.ones(shape) for name, shape in shapes.items()}
    >>> for name in ("bn1", "layer1.0.bn1", "layer1.0.bn2"):
    ...     for field in ("weight", "bias", "running_mean", "running_var"):
    ...         state[f"{name}.{field}"] = np.ones(2)
    >>> net = load_torch(state | {"fc.bias": np.ones(5)})
    >>> net(np.zeros((1, 32, 32, 3), np.float32)).shape, [node.name for node in net.nodes][-4:]
    ((1, 5), ['layer1.0.add', 'layer1.0.relu2', 'avgpool', 'fc'])
    """
    builder, places = _Builder(State(state_dict, eps)), block_places(state_dict)
    last = builder.stem()
    for layer, block in places:
        last = builder.block(f"layer{layer}.{block}", last, 2 if layer > 1 and block == 0 else 1)
    builder.head(last)
    return Network(tuple(builder.nodes), channels=builder.channels[INPUT])


def block_places(names: Iterable[str]) -> list[tuple[int, int]]:
    """Return (layer, block) of each block that parameters are named after, in running order.

    Raises ValueError where there is none, or a layer or a block is left out.

    >>> block_places(["conv1.weight", "layer1.0.conv1.weight", "layer1.1.bn1.bias"])
    [(1, 0), (1, 1)]
    """
    found = {match.groups() for match in map(BLOCK.match, names) if match}
    places = sorted((int(layer), int(block)) for layer, block in found)
    next_ones = [(1, 0)]
    for layer, block in places:
        if (layer, block) not in next_ones:
            raise ValueError(f"state_dict has layer{layer}.{block} but not the block before it")
        next_ones = [(layer, block + 1), (layer + 1, 0)]
    if not places:
        raise ValueError("state_dict must have blocks: layer1.0.conv1.weight and so on")
    return places


class _Builder:
    """The nodes made so far from the parameters of a state, and each tensor's channels."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.nodes: list[Node[FloatLayer]] = []
        self.channels: dict[str, int] = {}

    def stem(self) -> str:
        """Add all layers before the blocks; return the name of the last one.

        A stem for small images has the same names, but a 3x3 kernel, stride 1 and no pool.
        """
        relu = self.conv("conv1", "bn1", INPUT, stride=2, relu="relu")
        kernel = next(n.layer.weights.shape[1:3] for n in self.nodes if isinstance(n.layer, Conv2D))
        if kernel != (7, 7):
            raise ValueError(f"conv1.weight must be 7x7, ImageNet's stem, got {kernel}")
        return self.add("maxpool", MaxPool2D((3, 3), (2, 2), (1, 1, 1, 1)), relu)

    def block(self, name: str, source: str, stride: int) -> str:
        """Add a basic block, its shortcut projected where needed; return its last layer."""
        first = self.conv(f"{name}.conv1", f"{name}.bn1", source, stride, f"{name}.relu1")
        second = self.conv(f"{name}.conv2", f"{name}.bn2", first)
        shortcut, projection = source, f"{name}.downsample"
        if stride > 1 or self.state.has(f"{projection}."):
            shortcut = self.conv(f"{projection}.0", f"{projection}.1", source, stride)
        self.check(f"{name}.add", self.channels[second], shortcut)
        self.add(f"{name}.add", Add(), second, shortcut, observe=f"{name}.relu2")
        return self.add(f"{name}.relu2", ReLU(), f"{name}.add")

    def head(self, source: str) -> None:
        """Add all layers behind the blocks, and raise ValueError where a parameter is left."""
        self.add("avgpool", GlobalAvgPool2D(), source)
        weights, bias = self.state.dense("fc")
        self.check("fc", weights.shape[1], "avgpool")
        self.add("fc", Dense(weights, bias), "avgpool", observe="fc")
        self.state.check_empty()

    def conv(
        self, name: str, norm: str, source: str, stride: int = 1, relu: str | None = None
    ) -> str:
        """Add a convolution with its padding, batch norm and ReLU; return the last layer."""
        weights, bias = self.state.conv(name, norm)
        self.channels.setdefault(INPUT, weights.shape[3])
        self.check(name, weights.shape[3], source)
        high, wide = (size // 2 for size in weights.shape[1:3])
        if high or wide:
            source = self.add(f"{name}.pad", Pad2D((high, high, wide, wide)), source)
        self.add(name, Conv2D(weights, bias, (stride, stride)), source, observe=relu or name)
        self.channels[name] = len(weights)
        return self.add(relu, ReLU(), name) if relu else name

    def add(self, name: str, layer: FloatLayer, *inputs: str, observe: str | None = None) -> str:
        """Add a layer that keeps the channels; return its name."""
        self.nodes.append(Node(name, layer, inputs, observe))
        self.channels[name] = self.channels[inputs[0]]
        return name

    def check(self, name: str, wanted: int, source: str) -> None:
        """Raise ValueError unless a tensor has the channels that a layer reads."""
        if self.channels[source] != wanted:
            got = self.channels[source]
            raise ValueError(f"{name}: it reads {wanted} channels, but {source} has {got}")
