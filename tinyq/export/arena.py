"""Where each tensor lies in one static arena: tensors that are never needed at once share bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from tinyq.layers import QAdd, QClamp
from tinyq.layers.nodes import INPUT, Node
from tinyq.network import QNetwork

# Layers that read a code and write one in its place.
CODEWISE = {QAdd, QClamp}


@dataclass(frozen=True)
class Arena:
    """A network's nodes and its memory.

    nodes: those that the output depends on, in running order; starts: of a tensor's first byte in
    the arena, by name, the caller's input and the output not among them; size: bytes of the arena.
    """

    nodes: tuple[Node, ...]
    starts: dict[str, int]
    size: int


@dataclass
class _Block:
    """Bytes that one tensor holds, or several that overwrite each other code by code.

    first, last: the steps from the one that fills it to the last that reads it.
    """

    names: list[str]
    size: int
    first: int
    last: int
    start: int = 0


def arena(qnet: QNetwork, shapes: Mapping[str, tuple[int, ...]]) -> Arena:
    """Return the memory layout of a network that runs one image at a time.

    A layer that works code by code (clamp, add) overwrites an input that no later layer reads.
    The blocks that are left go to the lowest free place, the largest first.

    shapes: of one image's tensors by name.
    Source: TFLite Micro's ``GreedyMemoryPlanner``.
    """
    nodes = _needed(qnet.nodes)
    blocks = _blocks(nodes, shapes)
    placed: list[_Block] = []
    for block in sorted(blocks, key=lambda b: (-b.size, b.first)):
        block.start = _lowest_gap(block, placed)
        placed.append(block)
    starts = {name: block.start for block in placed for name in block.names}
    return Arena(nodes, starts, max((b.start + b.size for b in placed), default=0))


def _needed(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return the nodes that the last one depends on, itself included."""
    wanted, kept = {nodes[-1].name}, []
    for node in reversed(nodes):
        if node.name in wanted:
            wanted.update(node.inputs)
            kept.append(node)
    return tuple(reversed(kept))


def _blocks(nodes: tuple[Node, ...], shapes: Mapping[str, tuple[int, ...]]) -> list[_Block]:
    """Return the blocks of all tensors but the caller's: the input and the last node's output."""
    last_read = {name: step for step, node in enumerate(nodes) for name in node.inputs}
    blocks: list[_Block] = []
    by_name: dict[str, _Block] = {}
    for step, node in enumerate(nodes[:-1]):
        codewise = type(node.layer) in CODEWISE
        dying = [n for n in node.inputs if n != INPUT and codewise and last_read[n] == step]
        if dying:
            block = by_name[dying[0]]
            block.names.append(node.name)
        else:
            block = _Block([node.name], prod(shapes[node.name]), step, step)
            blocks.append(block)
        block.last = last_read[node.name]
        by_name[node.name] = block
    return blocks


def _lowest_gap(block: _Block, placed: list[_Block]) -> int:
    """Return the lowest place where block fits between the placed ones that live when it does."""
    start = 0
    for other in sorted(placed, key=lambda b: b.start):
        alive = block.first <= other.last and other.first <= block.last
        if alive and other.start < start + block.size:
            start = max(start, other.start + other.size)
    return start
