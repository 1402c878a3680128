"""The place of each tensor in a static arena, where those never needed together share bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from tinyq.layers import QAdd, QClamp, QConstant, QMul, QRescale, QReshape, QSub, QTable
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.nodes import Node
from tinyq.network import QNetwork

# Layers whose output code i depends on their inputs' codes i alone, and so may lie in their place,
# if the input has as many codes.
CODEWISE = {QAdd, QClamp, QMul, QRescale, QReshape, QSub, QTable}
Nodes = tuple[Node[Layer], ...]


@dataclass(frozen=True)
class Arena:
    """A network's nodes and its memory.

    nodes: those that the output depends on, in running order, but no reshape whose codes are in
    their place already, and no constant but the output; constants: the others, whose codes lie in
    the program; starts: the place of each tensor's first byte in the arena, by name, without these,
    the input and the output, which are the caller's; size: bytes of the arena.
    """

    nodes: Nodes
    constants: Nodes
    starts: dict[str, int]
    size: int


@dataclass
class _Block:
    """The bytes of one tensor, or of several that overwrite each other code by code.

    first: the step that fills them; last: the last step that reads them; start: their place.
    """

    names: list[str]
    size: int
    first: int
    last: int
    start: int = 0


def arena(qnet: QNetwork, shapes: Mapping[str, Shape]) -> Arena:
    """Return the memory layout of a network that runs one image at a time.

    A layer that works code by code (clamp, add) overwrites an input that no later layer reads, but
    not one that it repeats.
    Each block then goes to the lowest free place, the largest block first: a small one fits into a
    gap between large ones, not the other way round.

    shapes: of one image's tensors, by name.
    Source: TFLite Micro's ``GreedyMemoryPlanner``.
    """
    needed = _needed(qnet.nodes)
    constants = tuple(node for node in needed[:-1] if type(node.layer) is QConstant)
    nodes = (*(node for node in needed[:-1] if type(node.layer) is not QConstant), needed[-1])
    blocks = _blocks(nodes, shapes)
    placed: list[_Block] = []
    for block in sorted(blocks, key=lambda b: (-b.size, b.first)):
        block.start = _lowest_gap(block, placed)
        placed.append(block)
    starts = {name: block.start for block in placed for name in block.names}
    size = max((block.start + block.size for block in placed), default=0)
    running = tuple(node for node in nodes if not _is_there(node, starts))
    return Arena(running, constants, starts, size)


def _is_there(node: Node[Layer], starts: Mapping[str, int]) -> bool:
    """Return whether a layer changes no code and finds its input where its output belongs."""
    places = {starts.get(name) for name in (*node.inputs, node.name)}
    return type(node.layer) is QReshape and len(places) == 1 and None not in places


def _needed(nodes: Nodes) -> Nodes:
    """Return the nodes that the last one depends on, and the last one itself."""
    wanted, kept = {nodes[-1].name}, []
    for node in reversed(nodes):
        if node.name in wanted:
            wanted.update(node.inputs)
            kept.append(node)
    return tuple(reversed(kept))


def _blocks(nodes: Nodes, shapes: Mapping[str, Shape]) -> list[_Block]:
    """Return the blocks of all tensors but the network's input and output: the caller has those."""
    last_read = {name: step for step, node in enumerate(nodes) for name in node.inputs}
    blocks: list[_Block] = []
    by_name: dict[str, _Block] = {}
    for step, node in enumerate(nodes[:-1]):
        size, codewise = prod(shapes[node.name]), type(node.layer) in CODEWISE
        # inputs that this step is the last to read, and may overwrite
        dying = [
            name
            for name in node.inputs
            if name in by_name and codewise and last_read[name] == step
            if prod(shapes[name]) == size
        ]
        if dying:
            block = by_name[dying[0]]
            block.names.append(node.name)
        else:
            block = _Block([node.name], size, step, step)
            blocks.append(block)
        block.last = last_read[node.name]
        by_name[node.name] = block
    return blocks


def _lowest_gap(block: _Block, placed: list[_Block]) -> int:
    """Return the lowest place where block overlaps no placed block that is needed when it is."""
    start = 0
    for other in sorted(placed, key=lambda b: b.start):
        # a block is in use in its last step too, while the step writes another one
        alive = block.first <= other.last and other.first <= block.last
        if alive and other.start < start + block.size:
            start = max(start, other.start + other.size)
    return start
