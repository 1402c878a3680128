"""An int8 network as a header of plain numbers and named arrays, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from tinyq import layers
from tinyq.affine import Grid
from tinyq.export.plain_fields import from_plain, grid_at, integer_of, place_of, to_plain
from tinyq.layers.contract import Layer, lookup
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
        "input": place_of(qnet.grids[INPUT], grids),
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
    grids = [Grid(float(scale), *map(integer_of, ints)) for scale, *ints in header["grids"]]
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
        grids={INPUT: grid_at(header["input"], grids)} | {n.name: n.layer.out_grid for n in nodes},
        ranges={
            name: MinMax(*pair) for name, pair in zip(header["ranges"], ends.tolist(), strict=True)
        },
        image_shape=tuple(map(integer_of, header["image_shape"])),
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
            case _:
                constants[field] = to_plain(value, grids)
    kind = type(node.layer).__name__
    return {"name": node.name, "kind": kind, "inputs": list(node.inputs), "constants": constants}


def _decode_node(number: int, entry: Header, grids: list[Grid], unread: Arrays) -> Node[Layer]:
    kind, constants = KINDS[entry["kind"]], dict(entry["constants"])
    values: dict[str, Any] = {}
    for field, hint in HINTS[kind].items():
        key = f"{number}.{field}"
        if hint is Requantizer:
            rounding = Rounding[constants.pop(field)]
            values[field] = Requantizer(_array(key, unread, np.float64), rounding)
        elif get_origin(hint) is np.ndarray:  # NDArray[dtype] is np.ndarray[shape, np.dtype[dtype]]
            ((dtype,),) = map(get_args, get_args(hint)[1:])
            values[field] = _array(key, unread, dtype)
        else:
            values[field] = from_plain(hint, constants.pop(field), grids)
    if constants:
        raise ValueError(f"{kind.__name__} has no {sorted(constants)}")
    return Node(entry["name"], kind(**values), tuple(entry["inputs"]))


def _array(key: str, unread: Arrays, dtype: type[np.generic]) -> NDArray[Any]:
    """Take an array out of unread, in this machine's byte order; raise for another dtype."""
    array = unread.pop(key)
    if array.dtype.newbyteorder("=") != dtype:
        raise TypeError(f"{key} must be {dtype.__name__}, got {array.dtype}")
    return array.astype(dtype)
