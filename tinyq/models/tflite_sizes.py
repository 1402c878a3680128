"""Arithmetic on shapes, which a converter writes where the batch is free: done while opening.

Keras' Flatten becomes SHAPE of the image, STRIDED_SLICE that takes its first size, PACK of that
size and of the row's length, and a RESHAPE to the two numbers.  All but the last work on shapes
alone, which stand in the file.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.models.tflite import NO_TENSOR, Model, Operator, Tensor, TensorType
from tinyq.models.tflite.shape_options import PackOptions, StridedSliceOptions

Numbers = NDArray[Any]
DTYPES = {TensorType.INT32: np.int32, TensorType.INT64: np.int64}
MOST = 64  # numbers: more than the axes of any two tensors


def with_sizes(model: Model) -> Model:
    """Return a model without its arithmetic on shapes: what that makes stands in its tensors.

    The sizes are those of the file, whose batch is mostly 1.  An operator that is not of this kind,
    or makes something else than the file says, is left where it is.
    """
    tensors, left = list(model.tensors), []
    for operator in model.operators:
        numbers = _numbers(operator, tensors)
        if numbers is None:
            left.append(operator)
        else:
            index = operator.outputs[0]
            tensors[index] = replace(tensors[index], data=numbers)
    return replace(model, tensors=tuple(tensors), operators=tuple(left))


def _numbers(operator: Operator, tensors: Sequence[Tensor]) -> Numbers | None:
    """Return what an operator on shapes makes; None for another, or one that the file belies."""
    if operator.name not in MAKERS or len(operator.outputs) != 1 or NO_TENSOR in operator.inputs:
        return None
    out, reads = tensors[operator.outputs[0]], [tensors[index] for index in operator.inputs]
    if out.data is not None or out.type not in DTYPES:
        return None
    numbers = MAKERS[operator.name](operator, reads)
    if numbers is None or numbers.shape != out.shape:
        return None
    return numbers.astype(DTYPES[out.type])


def _shape(operator: Operator, reads: Sequence[Tensor]) -> Numbers | None:
    return np.array(reads[0].shape) if len(reads) == 1 else None


def _strided_slice(operator: Operator, reads: Sequence[Tensor]) -> Numbers | None:
    """Return places of one axis, or one of them, as TensorFlow counts: it is Python's way too."""
    options, held = operator.options, _held(reads)
    assert isinstance(options, StridedSliceOptions)  # the reader's OPTIONS has it so
    if (
        held is None
        or len(held) != 4
        or held[0].ndim != 1
        or any(h.shape != (1,) for h in held[1:])
    ):
        return None
    if options.ellipsis_mask or options.new_axis_mask or options.offset:
        return None
    numbers, (begin, end, stride) = held[0], (int(h[0]) for h in held[1:])
    if options.shrink_axis_mask:
        inside = -len(numbers) <= begin < len(numbers)
        return numbers[begin] if inside else None
    ends = None if options.begin_mask else begin, None if options.end_mask else end
    return numbers[slice(*ends, stride)] if stride else None


def _pack(operator: Operator, reads: Sequence[Tensor]) -> Numbers | None:
    options, held = operator.options, _held(reads)
    assert isinstance(options, PackOptions)
    one_each = held and all(numbers.shape == () for numbers in held)
    if not one_each or options.axis not in (0, -1) or options.values_count != len(reads):
        return None
    return np.stack(held or [])


def _held(reads: Sequence[Tensor]) -> list[Numbers] | None:
    """Return the few integers that each tensor holds, None where one does not."""
    held = [r.data for r in reads if r.data is not None and r.type in DTYPES]
    few = len(held) == len(reads) and sum(numbers.size for numbers in held) <= MOST
    return held if few else None


MAKERS: dict[str, Callable[[Operator, Sequence[Tensor]], Numbers | None]] = {
    "SHAPE": _shape,
    "STRIDED_SLICE": _strided_slice,
    "PACK": _pack,
}
