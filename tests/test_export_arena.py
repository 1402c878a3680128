"""The arena: no two tensors that are needed at once share a byte, and few bytes are wasted."""

from math import prod

import pytest
from elementwise_networks import elementwise_qnet
from export_networks import random_qnet

from tinyq import Grid, layers
from tinyq.export.arena import arena
from tinyq.layers.nodes import Node
from tinyq.models import resnet
from tinyq.network import QNetwork

SEEDS = range(20)
CODEWISE = layers.QClamp | layers.QAdd | layers.QMul | layers.QSub | layers.QRescale | layers.QTable


def placed(qnet: QNetwork):
    shapes = qnet.shapes()
    return arena(qnet, shapes), {name: prod(shape) for name, shape in shapes.items()}


def needed_at_once(memory, number: int) -> set[str]:
    """The arena's tensors that hold something while a step runs: read now or later, made so far."""
    made = {node.name for node in memory.nodes[:number]}
    read = {name for node in memory.nodes[number:] for name in node.inputs}
    return made & read


@pytest.mark.parametrize("seed", SEEDS)
def test_tensors_that_are_needed_at_once_do_not_overlap(seed):
    check_places(random_qnet(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_nor_do_those_that_a_broadcast_repeats(seed):
    check_places(elementwise_qnet(seed))


def check_places(qnet: QNetwork) -> None:
    memory, sizes = placed(qnet)

    def overlap(a: str, b: str) -> bool:
        first, second = memory.starts[a], memory.starts[b]
        return first < second + sizes[b] and second < first + sizes[a]

    for number, node in enumerate(memory.nodes[:-1]):
        assert memory.starts[node.name] + sizes[node.name] <= memory.size
        # what is written now must spare all that a later layer reads, and what it reads itself;
        # code by code it may write exactly over what it reads
        for name in needed_at_once(memory, number + 1) - {node.name}:
            assert not overlap(node.name, name), (node.name, name)
        for name in set(node.inputs) & memory.starts.keys():
            codewise = isinstance(node.layer, CODEWISE) and sizes[name] == sizes[node.name]
            exact = codewise and memory.starts[name] == memory.starts[node.name]
            assert exact or not overlap(node.name, name), (node.name, name)


def test_every_layer_that_the_output_needs_is_run_and_no_other():
    for seed in SEEDS:
        qnet = random_qnet(seed)
        memory, _ = placed(qnet)
        wanted = {qnet.nodes[-1].name}
        for node in reversed(qnet.nodes):
            wanted |= set(node.inputs) if node.name in wanted else set()
        assert [n.name for n in memory.nodes] == [n.name for n in qnet.nodes if n.name in wanted]


def test_the_seeds_arena_is_as_small_as_any_can_be():
    weights, biases, images = resnet.seed()
    memory, sizes = placed(resnet.stem_block(weights, biases).quantize(images))
    # the stem reads its padded image while it writes its output: no order of bytes saves one
    assert memory.size == sizes["stem_pad"] + sizes["stem_conv7x7_s2"] == 1452 + 512
    # and a ReLU needs no bytes of its own
    assert memory.starts["stem_relu"] == memory.starts["stem_conv7x7_s2"]


def test_a_network_of_one_layer_has_no_arena():
    grid = Grid(1.0, 0)
    nodes = (Node("relu", layers.qrelu(grid), ("input",)),)
    memory, _ = placed(QNetwork(nodes, {"input": grid, "relu": grid}, {}, (2, 2, 1)))
    assert (memory.size, memory.starts) == (0, {})
