"""Time each layer of an int8 network on one image, as the seed's ``--bench`` does."""

import statistics
import sys
import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked, whole
from tinyq.layers.contract import Layer
from tinyq.layers.nodes import Node
from tinyq.network import QNetwork

HEADER = "name,weight_bytes,activation_bytes,ns"


class BenchRow(NamedTuple):
    """A layer's name, bytes of its weights and biases, bytes of its output, median time in ns."""

    name: str
    weight_bytes: int
    activation_bytes: int
    ns: int


@checked
def bench(qnet: QNetwork, image: NDArray[Any], repeats: int = 200) -> list[BenchRow]:
    """Return a row for each layer, in running order; write a line of progress for each to stderr.

    image: one image, (1, H, W, C), float32 or int8 codes; repeats: runs of each layer, >= 1.
    Raises TypeError or ValueError for other repeats, more images than one, and as trace does.
    """
    whole("repeats", repeats, least=1)
    if image.shape[:1] != (1,):
        raise ValueError(f"image must be one, (1, H, W, C), got shape {image.shape}")
    tensors = qnet.trace(image)
    bytes_of = {row.name: (row.weight_bytes, row.activation_bytes) for row in qnet.ledger()}
    rows = []
    for number, node in enumerate(qnet.nodes, start=1):
        print(f"[{number}/{len(qnet.nodes)}] {node.name}", file=sys.stderr)
        inputs = [tensors[name] for name in node.inputs]
        rows.append(BenchRow(node.name, *bytes_of[node.name], _median_ns(node, inputs, repeats)))
    return rows


def _median_ns(node: Node[Layer], inputs: list[NDArray[np.int8]], repeats: int) -> int:
    times = []
    for _ in range(repeats):
        start = time.perf_counter_ns()
        node.layer.forward(*inputs)
        times.append(time.perf_counter_ns() - start)
    return round(statistics.median(times))
