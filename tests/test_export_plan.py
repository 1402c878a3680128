"""The arena: no two tensors that are needed at once share a byte, and few bytes are wasted."""

from math import prod

import pytest
from export_networks import random_qnet

from tinyq import Grid, layers
from tinyq.export.plan import plan
from tinyq.export.shapes import tensor_shapes
from tinyq.layers.nodes import Node
from tinyq.models import resnet
from tinyq.network import QNetwork

SEEDS = range(20)


def planned(qnet: QNetwork):
    shapes = tensor_shapes(qnet)
    return plan(qnet, shapes), {name: prod(shape) for name, shape in shapes.items()}


def needed_at_once(steps, number: int) -> set[str]:
    """The arena's tensors that hold something while a step runs: read now or later, made so far."""
    made = {node.name for node in steps.nodes[:number]}
    read = {name for node in steps.nodes[number:] for name in node.inputs}
    return made & read


@pytest.mark.parametrize("seed", SEEDS)
def test_tensors_that_are_needed_at_once_do_not_overlap(seed):
    steps, sizes = planned(random_qnet(seed))

    def overlap(a: str, b: str) -> bool:
        first, second = steps.offsets[a], steps.offsets[b]
        return first < second + sizes[b] and second < first + sizes[a]

    for number, node in enumerate(steps.nodes[:-1]):
        assert steps.offsets[node.name] + sizes[node.name] <= steps.size
        # what is written now must spare all that a later layer reads, and what it reads itself;
        # code by code it may write exactly over what it reads
        for name in needed_at_once(steps, number + 1) - {node.name}:
            assert not overlap(node.name, name), (node.name, name)
        for name in set(node.inputs) - {"input"}:
            codewise = isinstance(node.layer, layers.QClamp | layers.QAdd)
            exact = codewise and steps.offsets[name] == steps.offsets[node.name]
            assert exact or not overlap(node.name, name), (node.name, name)


def test_every_layer_that_the_output_needs_is_run_and_no_other():
    for seed in SEEDS:
        qnet = random_qnet(seed)
        steps, _ = planned(qnet)
        wanted = {qnet.nodes[-1].name}
        for node in reversed(qnet.nodes):
            wanted |= set(node.inputs) if node.name in wanted else set()
        assert [n.name for n in steps.nodes] == [n.name for n in qnet.nodes if n.name in wanted]


def test_the_seeds_arena_is_as_small_as_any_can_be():
    weights, biases, images = resnet.seed()
    steps, sizes = planned(resnet.stem_block(weights, biases).quantize(images))
    # the stem reads its padded image while it writes its output: no order of bytes saves one
    assert steps.size == sizes["stem_pad"] + sizes["stem_conv7x7_s2"] == 1452 + 512
    # and a ReLU needs no bytes of its own
    assert steps.offsets["stem_relu"] == steps.offsets["stem_conv7x7_s2"]


def test_a_network_of_one_layer_has_no_arena():
    grid = Grid(1.0, 0)
    nodes = (Node("relu", layers.qrelu(grid), ("input",)),)
    steps, _ = planned(QNetwork(nodes, {"input": grid, "relu": grid}, {}, (2, 2, 1)))
    assert (steps.size, steps.offsets) == (0, {})
