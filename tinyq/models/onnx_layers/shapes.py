"""Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Pad: the axes of a sample.

The batch axis is the first and stays where it is: what moves or pads it is refused.
"""

from math import prod

from tinyq.layers import QPad, QPad2D, QReshape, QTranspose
from tinyq.layers.contract import Shape
from tinyq.models.onnx_layers.op import Op
from tinyq.models.onnx_layers.order import FROM_IMAGE, TO_IMAGE
from tinyq.models.onnx_layers.rows import Rows, as_rows
from tinyq.models.opened.value import Value


def reshape(op: Op) -> Value:
    """Make Reshape of each sample to a constant shape, or to Rows and back."""
    op.only(allowzero=0)
    x, asked = op.value(0, rows=True), op.integers(1)
    if isinstance(x, Rows):
        if asked != [-1, *x.lead, x.shape[-1]]:
            raise ValueError(f"it must part samples and rows, {x.lead} a sample, got {asked}")
        return op.finished(Value(x.name, x.grid, x.shape, x.shape))
    if len(x.seen) > 1 and asked == [-1, x.seen[-1]] and prod(x.seen[:-1]) > 1:
        return as_rows(op.in_file_order(x), x.seen[:-1])
    return reshaped(op, asked_shape(op, x, asked))


def asked_shape(op: Op, x: Value, asked: list[int]) -> Shape:
    """Return the shape of a sample that Reshape asks for: 0 keeps a size, one -1 is what is left.

    Raises ValueError where the batch axis would not stay.
    """
    before, batch = (0, *x.seen), op.model.batch
    if asked.count(-1) > 1 or min(asked, default=0) < -1:
        raise ValueError(f"its shape must have sizes and one -1 at most, got {asked}")
    sizes = [before[i] if size == 0 and i < len(before) else size for i, size in enumerate(asked)]
    left = prod(x.seen) // max(prod(size for size in sizes[1:] if size != -1), 1)
    sample = tuple(left if size == -1 else size for size in sizes[1:])
    whole = asked[:1] in ([0], [-1]) or (isinstance(batch, int) and asked[:1] == [batch])
    if not sample or not whole or prod(sample) != prod(x.seen):
        raise ValueError(f"it must keep the batch axis, and samples of {x.seen}, got {asked}")
    return sample


def flatten(op: Op) -> Value:
    """Make Flatten, to rows."""
    x = op.value(0)
    if (axis := op.attribute("axis", 1)) not in (1, -len(x.seen)):
        raise ValueError(f"its axis must be 1, got {axis}")
    return reshaped(op, (prod(x.seen),))


def squeeze(op: Op) -> Value:
    """Make Squeeze of axes of a sample, all of size 1 where none is named."""
    x = op.value(0)
    axes = named_axes(op, len(x.seen) + 1)
    if axes is None:
        if op.model.batch == 1:
            raise ValueError("it must name its axes, for the batch is 1 as well")
        axes = [i + 1 for i, size in enumerate(x.seen) if size == 1]
    if any(x.seen[axis - 1] != 1 for axis in axes):
        raise ValueError(f"its axes must have size 1, got {axes} of {('N', *x.seen)}")
    return reshaped(op, tuple(n for i, n in enumerate(x.seen) if i + 1 not in axes) or (1,))


def unsqueeze(op: Op) -> Value:
    """Make Unsqueeze: new axes of size 1 behind the batch."""
    x = op.value(0)
    count = len(op.integers(1)) if op.tensor(1) else len(op.attribute("axes", ()))
    axes, sizes = named_axes(op, len(x.seen) + 1 + count) or [], [*x.seen]
    for axis in sorted(axes):
        sizes.insert(axis - 1, 1)
    return reshaped(op, tuple(sizes))


def named_axes(op: Op, rank: int) -> list[int] | None:
    """Return the axes that an operator names, in 1..rank - 1; None for none."""
    if op.tensor(1):
        axes = op.integers(1)
    elif "axes" in op.operator.attributes:
        axes = list(op.attribute("axes", ()))
    else:
        return None
    if any(not -rank < axis < rank or axis == 0 for axis in axes):
        raise ValueError(f"its axes must be in 1..{rank - 1} or from the end, got {axes}")
    return sorted({axis % rank for axis in axes})


def reshaped(op: Op, shape: Shape) -> Value:
    """Return the codes in another shape; in the file they lie in another order than in tinyq."""
    x = op.value(0)
    if max(x.seen) < prod(x.seen) and len(x.seen) == 3:
        x = op.in_file_order(x)
    if len(shape) != 3:
        return op.add(QReshape(x.grid, shape), x)
    if max(shape) == prod(shape):  # one axis alone has codes beside each other
        return op.add(QReshape(x.grid, (shape[1], shape[2], shape[0])), x)
    return op.finished(op.add(QReshape(x.grid, shape), x, part="reshape"))


def transpose(op: Op) -> Value:
    """Make Transpose of each sample."""
    x = op.value(0)
    rank = len(x.seen) + 1
    perm = op.attribute("perm", tuple(range(rank))[::-1])
    if perm[:1] != (0,) or sorted(perm) != list(range(rank)):
        raise ValueError(f"it must keep the batch axis, 0 first, and move {rank}, got {perm}")
    axes = tuple(axis - 1 for axis in perm[1:])
    if rank == 4:  # tinyq's axis j is the file's TO_IMAGE[j], which was the file's axes[...] before
        axes = tuple(FROM_IMAGE[axes[TO_IMAGE[axis]]] for axis in range(3))
    return op.add(QTranspose(x.grid, axes), x)


def pad(op: Op) -> Value:
    """Make Pad of codes with the zero_point."""
    op.only(mode="constant")
    x = op.value(0)
    code = op.number(2, "INT8") if op.tensor(2) else 0
    if code != x.grid.zero_point:
        raise ValueError(f"it must pad with the zero_point {x.grid.zero_point}, got {code}")
    rank, widths = len(x.seen) + 1, op.integers(1)
    if op.tensor(3):
        raise ValueError("its axes are not supported")
    if len(widths) != 2 * rank or min(widths) < 0 or widths[0] or widths[rank]:
        raise ValueError(f"its pads must be {rank} starts and ends, 0 for the batch, got {widths}")
    sides = [(widths[axis], widths[rank + axis]) for axis in range(1, rank)]
    if rank == 4 and sides[0] == (0, 0):
        return op.add(QPad2D(x.grid, (*sides[1], *sides[2])), x)
    order = TO_IMAGE if rank == 4 else range(rank - 1)
    return op.add(QPad(x.grid, tuple(sides[axis] for axis in order)), x)
