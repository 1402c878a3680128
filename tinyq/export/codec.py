"""An int8 network as a header of plain numbers and named arrays, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from tinyq import layers
from tinyq.affine import Grid
from tinyq.layers.contract import lookup
from tinyq.layers.nodes import INPUT, Node, naming_layer
from tinyq.network import QNetwork
from tinyq.observers import MinMax
from tinyq.requantize import Requantizer, Rounding

# The layers that a file can hold: dataclasses of grids, requantizers, integers and arrays.
STORED = (
    layers.QAdd,
    layers.QAvgPool2D,
    layers.QClamp,
    layers.QConv2D,
    layers.QConv2DPerChannel,
    layers.QDense,
    layers.QGlobalAvgPool2D,
    layers.QMaxPool2D,
    layers.QPad2D,
)
KINDS = {kind.__name__: kind for kind in STORED}
HINTS = {kind: get_type_hints(kind) for kind in STORED}
Arrays = dict[str, NDArray]


def encode(qnet: QNetwork) -> tuple[dict, Arrays]:
    """Return the header, made of what JSON knows, and the arrays by name.

    A grid is named by its place in the header's list, so two layers that share one still do after
    decode.  An array is named by its node's place and its field, say "1.weight".
    Raises as QNetwork.shapes does, and TypeError for a layer that a file cannot hold.
    """
    qnet.shapes()
    grids: list[Grid] = []
    arrays: Arrays = {}
    header = {
        "image_shape": [int(size) for size in qnet.image_shape],
        "input": _place(qnet.grids[INPUT], grids),
        "nodes": [_encode_node(i, node, grids, arrays) for i, node in enumerate(qnet.nodes)],
        "grids": [[g.scale, g.zero_point, int(g.qmin), int(g.qmax)] for g in grids],
        "ranges": list(qnet.ranges),
    }
    ends = [(seen.lo, seen.hi) for seen in qnet.ranges.values()]
    arrays["ranges"] = np.array(ends, dtype=np.float64).reshape(-1, 2)
    return header, arrays


def decode(header: dict, arrays: Mapping[str, NDArray]) -> QNetwork:
    """Return the network of a header and arrays; nothing in either is trusted.

    Raises an exception of some kind for anything that encode would not make: what a layer's
    constructor or QNetwork.shapes raises, KeyError for what is missing, and so on.
    """
    unread = dict(arrays)
    grids = [Grid(float(scale), *map(_integer, ints)) for scale, *ints in header["grids"]]
    ends = _array("ranges", unread, np.float64)
    if ends.shape != (len(header["ranges"]), 2) or np.isnan(ends).any():
        raise ValueError(f"ranges must be two numbers a name, got shape {ends.shape}")
    nodes = []
    for number, entry in enumerate(header["nodes"]):
        with naming_layer(entry["name"]):
            nodes.append(_decode_node(number, entry, grids, unread))
    if unread:
        raise ValueError(f"it has arrays that no layer takes: {sorted(unread)}")
    qnet = QNetwork(
        nodes=tuple(nodes),
        grids={INPUT: _at(header["input"], grids)} | {n.name: n.layer.out_grid for n in nodes},
        ranges={
            name: MinMax(*pair) for name, pair in zip(header["ranges"], ends.tolist(), strict=True)
        },
        image_shape=tuple(map(_integer, header["image_shape"])),
    )
    qnet.shapes()
    return qnet


def _encode_node(number: int, node: Node, grids: list[Grid], arrays: Arrays) -> dict:
    with naming_layer(node.name):
        lookup(HINTS, node.layer, "a .npz")
    constants = {}
    for field in fields(node.layer):
        key, value = f"{number}.{field.name}", getattr(node.layer, field.name)
        match value:
            case np.ndarray():
                arrays[key] = value
            case Requantizer():
                constants[field.name], arrays[key] = value.rounding.name, value.ratio
            case Grid():
                constants[field.name] = _place(value, grids)
            case tuple():
                places = all(isinstance(item, Grid) for item in value)
                constants[field.name] = [_place(v, grids) if places else int(v) for v in value]
            case _:
                constants[field.name] = int(value)
    kind = type(node.layer).__name__
    return {"name": node.name, "kind": kind, "inputs": list(node.inputs), "constants": constants}


def _decode_node(number: int, entry: dict, grids: list[Grid], unread: Arrays) -> Node:
    kind, constants = KINDS[entry["kind"]], dict(entry["constants"])
    values = {}
    for field in fields(kind):
        key, hint = f"{number}.{field.name}", HINTS[kind][field.name]
        if hint is Requantizer:
            rounding = Rounding[constants.pop(field.name)]
            values[field.name] = Requantizer(_array(key, unread, np.float64), rounding)
        elif hint is Grid:
            values[field.name] = _at(constants.pop(field.name), grids)
        elif hint is int:
            values[field.name] = _integer(constants.pop(field.name))
        elif Grid in get_args(hint):
            values[field.name] = tuple(_at(i, grids) for i in constants.pop(field.name))
        elif int in get_args(hint):
            values[field.name] = tuple(map(_integer, constants.pop(field.name)))
        else:  # NDArray[dtype]
            ((dtype,),) = map(get_args, get_args(hint)[1:])
            values[field.name] = _array(key, unread, dtype)
    if constants:
        raise ValueError(f"{kind.__name__} has no {sorted(constants)}")
    return Node(entry["name"], kind(**values), tuple(entry["inputs"]))


def _place(grid: Grid, grids: list[Grid]) -> int:
    """Return the place of this very grid in the list, after adding it where it is new."""
    for place, known in enumerate(grids):
        if known is grid:
            return place
    grids.append(grid)
    return len(grids) - 1


def _at(place: object, grids: list[Grid]) -> Grid:
    if not 0 <= _integer(place) < len(grids):
        raise ValueError(f"a grid must be one of {len(grids)}, got number {place}")
    return grids[place]


def _integer(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"the header must have an integer here, got {value!r}")
    return value


def _array(key: str, unread: Arrays, dtype: type) -> NDArray:
    """Take an array out of unread, in this machine's byte order; raise for another dtype."""
    array = unread.pop(key)
    if array.dtype.newbyteorder("=") != dtype:
        raise TypeError(f"{key} must be {dtype.__name__}, got {array.dtype}")
    return array.astype(dtype)
