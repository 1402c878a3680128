"""An int8 network as a header of plain numbers and named arrays, and back."""

from collections.abc import Mapping
from dataclasses import fields
from types import NoneType
from typing import Any, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from tinyq import layers
from tinyq.affine import Grid
from tinyq.layers.contract import Layer, lookup
from tinyq.layers.functions import Function
from tinyq.layers.nodes import INPUT, Node, naming_layer
from tinyq.network import QNetwork
from tinyq.observers import MinMax
from tinyq.requantize import Requantizer, Rounding

# The layers that a file can hold: dataclasses of grids, requantizers, numbers and arrays.
STORED = (
    layers.QAdd,
    layers.QAvgPool2D,
    layers.QClamp,
    layers.QConcat,
    layers.QConstant,
    layers.QConv2D,
    layers.QConv2DPerChannel,
    layers.QDense,
    layers.QDepthwiseConv2D,
    layers.QGlobalAvgPool2D,
    layers.QMaxPool2D,
    layers.QMean,
    layers.QMeanPool2D,
    layers.QMul,
    layers.QPad,
    layers.QPad2D,
    layers.QRescale,
    layers.QReshape,
    layers.QSoftmax,
    layers.QSoftmaxToGrid,
    layers.QSub,
    layers.QTable,
    layers.QTranspose,
)
KINDS = {kind.__name__: kind for kind in STORED}
# The type of each field of a kind, by the field's name.
HINTS: dict[type, dict[str, Any]] = {
    kind: {field.name: get_type_hints(kind)[field.name] for field in fields(kind) if field.init}
    for kind in STORED
}
Header = dict[str, Any]  # what json.loads returns: of its values nothing is known
Arrays = dict[str, NDArray[Any]]


def encode(qnet: QNetwork) -> tuple[Header, Arrays]:
    """Return the header, made of what JSON knows, and the arrays by name.

    A grid is stored as its place in the header's list, so two layers that share one still share one
    after decode.  An array is named by its node's place and its field, say "1.weight".
    Raises as QNetwork.shapes does, and TypeError for a layer that a file cannot hold.
    """
    qnet.shapes()
    grids: list[Grid] = []
    arrays: Arrays = {}
    header: Header = {
        "image_shape": [int(size) for size in qnet.image_shape],
        "input": _place(qnet.grids[INPUT], grids),
        "nodes": [_encode_node(i, node, grids, arrays) for i, node in enumerate(qnet.nodes)],
        "grids": [[g.scale, g.zero_point, int(g.qmin), int(g.qmax)] for g in grids],
        "ranges": list(qnet.ranges),
    }
    ends = [(seen.lo, seen.hi) for seen in qnet.ranges.values()]
    arrays["ranges"] = np.array(ends, dtype=np.float64).reshape(-1, 2)
    return header, arrays


def decode(header: Header, arrays: Mapping[str, NDArray[Any]]) -> QNetwork:
    """Return the network of a header and arrays, and trust nothing in either.

    Raises an exception of some kind for anything that encode would not make: what a layer's
    constructor or QNetwork's raises, KeyError for what is missing, and so on.
    """
    unread = dict(arrays)
    grids = [Grid(float(scale), *map(_integer, ints)) for scale, *ints in header["grids"]]
    ends = _array("ranges", unread, np.float64)
    if ends.shape != (len(header["ranges"]), 2) or np.isnan(ends).any():
        raise ValueError(f"ranges must be two numbers for each name, got shape {ends.shape}")
    nodes = []
    for number, entry in enumerate(header["nodes"]):
        with naming_layer(entry["name"]):
            nodes.append(_decode_node(number, entry, grids, unread))
    if unread:
        raise ValueError(f"it has arrays that no layer takes: {sorted(unread)}")
    return QNetwork(
        nodes=tuple(nodes),
        grids={INPUT: _at(header["input"], grids)} | {n.name: n.layer.out_grid for n in nodes},
        ranges={
            name: MinMax(*pair) for name, pair in zip(header["ranges"], ends.tolist(), strict=True)
        },
        image_shape=tuple(map(_integer, header["image_shape"])),
    )


def _encode_node(number: int, node: Node[Layer], grids: list[Grid], arrays: Arrays) -> Header:
    with naming_layer(node.name):
        hints = lookup(HINTS, node.layer, "a .npz")
    constants: Header = {}
    for field in hints:
        key, value = f"{number}.{field}", getattr(node.layer, field)
        match value:
            case np.ndarray():
                arrays[key] = value
            case Requantizer():
                constants[field], arrays[key] = value.rounding.name, value.ratio
            case Grid():
                constants[field] = _place(value, grids)
            case tuple():
                constants[field] = [_plain(item, grids) for item in value]
            case Function():
                constants[field] = value.name
            case float():
                constants[field] = float(value)
            case None:
                constants[field] = None
            case _:
                constants[field] = int(value)
    kind = type(node.layer).__name__
    return {"name": node.name, "kind": kind, "inputs": list(node.inputs), "constants": constants}


def _decode_node(number: int, entry: Header, grids: list[Grid], unread: Arrays) -> Node[Layer]:
    kind, constants = KINDS[entry["kind"]], dict(entry["constants"])
    values: dict[str, Any] = {}
    for field, hint in HINTS[kind].items():
        key = f"{number}.{field}"
        if NoneType in get_args(hint):
            if constants[field] is None:
                values[field] = constants.pop(field)
                continue
            hint, _ = get_args(hint)
        if hint is Requantizer:
            rounding = Rounding[constants.pop(field)]
            values[field] = Requantizer(_array(key, unread, np.float64), rounding)
        elif hint is Grid:
            values[field] = _at(constants.pop(field), grids)
        elif hint is int:
            values[field] = _integer(constants.pop(field))
        elif hint is bool:
            values[field] = _flag(constants.pop(field))
        elif hint is float:
            values[field] = _number(constants.pop(field))
        elif hint is Function:
            values[field] = Function[constants.pop(field)]
        elif Grid in get_args(hint):
            values[field] = tuple(_at(i, grids) for i in constants.pop(field))
        elif int in get_args(hint):
            values[field] = tuple(map(_integer, constants.pop(field)))
        elif tuple[int, int] in get_args(hint):
            pairs = constants.pop(field)
            values[field] = tuple(tuple(map(_integer, pair)) for pair in pairs)
        else:  # NDArray[dtype] is np.ndarray[shape, np.dtype[dtype]]
            ((dtype,),) = map(get_args, get_args(hint)[1:])
            values[field] = _array(key, unread, dtype)
    if constants:
        raise ValueError(f"{kind.__name__} has no {sorted(constants)}")
    return Node(entry["name"], kind(**values), tuple(entry["inputs"]))


def _plain(item: Any, grids: list[Grid]) -> Any:
    """Return what JSON has for an item of a tuple: a grid, an integer, or a pair of integers."""
    if isinstance(item, Grid):
        return _place(item, grids)
    return [int(value) for value in item] if isinstance(item, tuple) else int(item)


def _place(grid: Grid, grids: list[Grid]) -> int:
    """Return the place of this very grid in the list; a new grid is added to it."""
    for place, known in enumerate(grids):
        if known is grid:
            return place
    grids.append(grid)
    return len(grids) - 1


def _at(place: object, grids: list[Grid]) -> Grid:
    """Return the grid at a place that the header names."""
    number = _integer(place)
    if not 0 <= number < len(grids):
        raise ValueError(f"a grid must be one of {len(grids)}, got number {number}")
    return grids[number]


def _integer(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"the header must have an integer here, got {value!r}")
    return value


def _number(value: object) -> float:
    if type(value) is not float:
        raise TypeError(f"the header must have a float here, got {value!r}")
    return value


def _flag(value: object) -> bool:
    if value not in (0, 1):
        raise ValueError(f"the header must have 0 or 1 here, got {value!r}")
    return bool(_integer(value))


def _array(key: str, unread: Arrays, dtype: type[np.generic]) -> NDArray[Any]:
    """Take an array out of unread, in this machine's byte order; raise for another dtype."""
    array = unread.pop(key)
    if array.dtype.newbyteorder("=") != dtype:
        raise TypeError(f"{key} must be {dtype.__name__}, got {array.dtype}")
    return array.astype(dtype)
