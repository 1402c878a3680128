"""What the layers that work place by place, and the mean and the softmax, become in C."""

from collections.abc import Callable, Iterable
from math import prod

from tinyq import layers
from tinyq.export.c_fields import Fields, Shapes, grid, requantizers
from tinyq.layers.contract import Shape
from tinyq.layers.nodes import Node

Pair = layers.QAdd | layers.QMul | layers.QSub


def add(name: str, node: Node[layers.QAdd], shapes: Shapes) -> Fields:
    """Return the fields of a sum of tensors of one size."""
    fields = pair(name, node, shapes)
    return {"size": fields.pop("size"), "left_shift": node.layer.left_shift, **fields}


def pair(name: str, node: Node[Pair], shapes: Shapes) -> Fields:
    """Return the fields of a product or a difference of tensors of one size."""
    a_grid, b_grid = node.layer.in_grids
    return {
        "size": prod(shapes[node.name]),
        "a_zero_point": a_grid.zero_point,
        "b_zero_point": b_grid.zero_point,
        **requantizers(name, node.layer),
        "out_grid": grid(node.layer.out_grid),
    }


def broadcast(name: str, node: Node[Pair], shapes: Shapes) -> Fields:
    """Return the fields of a pair that repeats axes: those of one code, and the way to it."""
    made = shapes[node.name]
    a, b = (_walk(_repeating(shapes[source], made)) for source in node.inputs)
    fields: Callable[..., Fields] = add if type(node.layer) is layers.QAdd else pair
    one = fields(name, node, {node.name: (1,)}).items()
    inner = ", ".join(f".{field} = {value}" for field, value in one)
    return {"size": prod(made), "a": a, "b": b, "one": f"{{{inner}}}"}


def repeats(node: Node[object], shapes: Shapes) -> bool:
    """Return whether a pair reads a tensor that is smaller than what it makes."""
    return any(prod(shapes[source]) < prod(shapes[node.name]) for source in node.inputs)


def clamp(name: str, node: Node[layers.QClamp], shapes: Shapes) -> Fields:
    """Return the fields of a clamp."""
    return {"size": prod(shapes[node.name]), "low": node.layer.low, "high": node.layer.high}


def requantize(name: str, node: Node[layers.QRescale], shapes: Shapes) -> Fields:
    """Return the fields of a change of grids."""
    return {
        "size": prod(shapes[node.name]),
        "in_zero_point": node.layer.in_grid.zero_point,
        **requantizers(name, node.layer),
        "out_grid": grid(node.layer.out_grid),
    }


def table(name: str, node: Node[layers.QTable], shapes: Shapes) -> Fields:
    """Return the fields of a function of one code."""
    return {"size": prod(shapes[node.name]), "table": f"{name}_table"}


def softmax(name: str, node: Node[layers.QSoftmax], shapes: Shapes) -> Fields:
    """Return the fields of a softmax over the last axis."""
    *rows, size = shapes[node.name]
    return {"rows": prod(rows), "size": size, "exps": f"{name}_exps"}


def mean(name: str, node: Node[layers.QMean], shapes: Shapes) -> Fields:
    """Return the fields of a mean over axes, its multiplier divided by their size."""
    layer, before = node.layer, shapes[node.inputs[0]]
    count = layer.count(before)
    multiplier, shift = layer.divided(count)
    strides = [(size, prod(before[axis + 1 :])) for axis, size in enumerate(before)]
    kept = [one for axis, one in enumerate(strides) if axis not in layer.axes]
    return {
        "size": prod(before) // count,
        "count": count,
        "kept": _walk(kept),
        "reduced": _walk(strides[axis] for axis in sorted(layer.axes)),
        "in_zero_point": layer.in_grid.zero_point,
        "multiplier": multiplier,
        "shift": shift,
        "out_grid": grid(layer.out_grid),
    }


def _repeating(before: Shape, made: Shape) -> list[tuple[int, int]]:
    """Return size and stride of each axis of the output in an input, 0 where it is repeated.

    >>> _repeating((5, 1), (4, 5, 3))
    [(4, 0), (5, 1), (3, 0)]
    """
    sizes = (1,) * (len(made) - len(before)) + tuple(before)
    strides = [prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    return [
        (most, 0 if size == 1 else by) for size, most, by in zip(sizes, made, strides, strict=True)
    ]


def _walk(axes: Iterable[tuple[int, int]]) -> str:
    """Return (size, stride) of each axis as a struct: as few axes as have the same places.

    >>> _walk([(4, 15), (5, 3), (3, 1)]), _walk([(4, 0), (5, 0), (3, 1)])
    ('{1, (const struct stride[]){{60, 1}}}', '{2, (const struct stride[]){{20, 0}, {3, 1}}}')
    """
    merged = [(1, 0)]
    for size, by in axes:
        before, apart = merged[-1]
        if before == 1 or apart == size * by:
            merged[-1] = before * size, by
        elif size > 1:
            merged.append((size, by))
    steps = ", ".join(f"{{{size}, {by}}}" for size, by in merged)
    return f"{{{len(merged)}, (const struct stride[]){{{steps}}}}}"
