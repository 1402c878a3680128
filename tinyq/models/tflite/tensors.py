"""Read the tensors of a .tflite, their quantization and the constants they hold."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.models.tflite.flatbuffer import Table
from tinyq.models.tflite.model import Tensor
from tinyq.models.tflite.types import DTYPES, TensorType, member

MOST_AXES = 8  # no kernel of TFLite takes more
MOST_BYTES = 1 << 31  # of a tensor, and of a file: flatbuffers have no more


def read_tensor(table: Table, index: int, buffers: Sequence[Table]) -> Tensor:
    """Return a tensor; buffers: the tables of the model's buffers.

    Raises ValueError for a shape that no tensor has, for scales that are none or do not fit it, and
    for a constant with other than the bytes that its shape needs.
    """
    kind = member(table, 1, "type", TensorType, TensorType.FLOAT32)
    shape = table.ints(0, "shape")
    itemsize = DTYPES[kind].itemsize if kind in DTYPES else 1
    signature = table.ints(7, "shape_signature")
    _check_shape(table.where, shape, signature, itemsize)
    return Tensor(
        index,
        table.text(3, "name"),
        kind,
        shape,
        signature,
        *_quantization(table, shape),
        _data(table, kind, shape, buffers),
    )


def unread(table: Table) -> Iterator[str]:
    """Yield what a tensor has that `read_tensor` does not read, a sentence each."""
    if table.number(5, "is_variable", "?", False):
        yield f"{table.where}: is_variable: it keeps its values from one run to the next"
    if table.table(6, "sparsity"):
        yield f"{table.where}: sparsity: it stores its zeros in a form of its own"
    if table.number(10, "external_buffer", "<I", 0):
        yield f"{table.where}: external_buffer: its values are in another file"
    quantization = table.table(4, "quantization")
    if quantization and quantization.number(4, "details_type", "B", 0):
        yield f"{table.where}: quantization: details: it is quantized neither per tensor nor axis"


def _check_shape(
    where: str, shape: tuple[int, ...], signature: tuple[int, ...], itemsize: int
) -> None:
    if len(shape) > MOST_AXES:
        raise ValueError(f"{where}: shape must have at most {MOST_AXES} sizes, got {len(shape)}")
    if min(shape, default=0) < 0:
        raise ValueError(f"{where}: shape must have sizes of 0 or more, got {shape}")
    if prod(shape) * itemsize >= MOST_BYTES:
        raise ValueError(f"{where}: shape must fit {MOST_BYTES} bytes, got {shape}")
    if len(signature) not in (0, len(shape)):
        raise ValueError(
            f"{where}: shape_signature must have {len(shape)} sizes or none, got {len(signature)}"
        )
    if min(signature, default=0) < -1:
        raise ValueError(f"{where}: shape_signature must have sizes of -1 or more, got {signature}")


def _quantization(
    table: Table, shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.int64], int]:
    """Return scales, zero_points and quantized_dimension; without scales it is not quantized."""
    params = table.table(4, "quantization")
    scales = params.charged(2, "scale", "<f4") if params else np.empty(0, np.float32)
    if params is None or not len(scales):
        return scales, np.empty(0, np.int64), 0
    zero_points = params.vector(3, "zero_point", "<i8")
    axis = params.number(6, "quantized_dimension", "<i", 0)
    if len(scales) != len(zero_points):
        raise ValueError(
            f"{params.where}: zero_point must have as many entries as scale, {len(scales)}, "
            f"got {len(zero_points)}"
        )
    # TFLite's old converter wrote axis 3, the weight's, for a bias; TFLite Micro runs such files
    own = 0 if len(shape) == 1 else axis
    wanted = shape[own] if 0 <= own < len(shape) else 1
    if len(scales) not in (1, wanted):
        raise ValueError(
            f"{params.where}: scale must have 1 entry or {wanted}, the size of axis {own}, "
            f"got {len(scales)}"
        )
    if not (np.isfinite(scales) & (scales >= 0)).all():
        raise ValueError(f"{params.where}: scale must be finite and 0 or more, got {scales}")
    return scales, zero_points, axis


def _data(
    table: Table, kind: TensorType, shape: tuple[int, ...], buffers: Sequence[Table]
) -> NDArray[Any] | None:
    """Return what the tensor's buffer holds, None where it is empty."""
    number = table.number(2, "buffer", "<I", 0)
    if number >= len(buffers):
        raise ValueError(f"{table.where}: buffer must be below {len(buffers)}, got {number}")
    stored = _content(buffers[number])
    if not len(stored):
        return None  # what is made at run time has a buffer too, but an empty one
    if kind not in DTYPES or table.table(6, "sparsity"):
        return stored
    needed = prod(shape) * DTYPES[kind].itemsize
    if len(stored) != needed:
        raise ValueError(
            f"{table.where}: buffer {number} must have the {needed} bytes of {kind.name} {shape}, "
            f"got {len(stored)}"
        )
    return stored.view(DTYPES[kind]).reshape(shape)


def _content(buffer: Table) -> NDArray[np.uint8]:
    """Return a buffer's bytes, in the flatbuffer or, in large files, after it."""
    inside = buffer.vector(0, "data", np.uint8)
    place = buffer.number(1, "offset", "<Q", 0)
    if len(inside) or place <= 1:  # writers put 1 where the place is not known yet
        return inside
    size = buffer.number(2, "size", "<Q", 0)
    return buffer.source.array(np.uint8, place, size, f"{buffer.where}: offset and size")
