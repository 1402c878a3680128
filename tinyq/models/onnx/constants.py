"""The constants of an .onnx: arrays of the bytes that are there."""

from math import prod
from typing import Any

import numpy as np

from tinyq.models.onnx.model import Tensor

# By type: its dtype in the raw bytes, and the field that has its numbers where there are none.
TYPES: dict[str, tuple[str, str]] = {
    "FLOAT": ("<f4", "float_data"),
    "INT8": ("i1", "int32_data"),
    "UINT8": ("u1", "int32_data"),
    "INT32": ("<i4", "int32_data"),
    "INT64": ("<i8", "int64_data"),
}


def text(value: str | bytes) -> str:
    """Return a name as a string; protobuf leaves it as bytes where it is no UTF-8.

    >>> text(b"conv\\xee")
    'conv\\\\xee'
    """
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")


def constant(proto: Any) -> Tensor:
    """Return a constant; its data is None for a type not in TYPES, or data in another file.

    proto: onnx's TensorProto.  Raises ValueError, with its name, where the file does not hold as
    many numbers as the shape has.
    """
    kinds = type(proto).DataType
    kind = kinds.Name(proto.data_type) if proto.data_type in kinds.values() else "unknown"
    dims, name = tuple(proto.dims), text(proto.name)
    place = f"initializer {name!r}"
    if min(dims, default=0) < 0:
        raise ValueError(f"{place}: sizes must be 0 or more, got {dims}")
    if kind not in TYPES or proto.data_location == type(proto).EXTERNAL:
        return Tensor(name, kind, dims)
    dtype, field = TYPES[kind]
    if proto.HasField("raw_data"):
        if len(proto.raw_data) != prod(dims) * np.dtype(dtype).itemsize:
            raise ValueError(
                f"{place}: {dims} of {kind} must have {prod(dims) * np.dtype(dtype).itemsize} "
                f"bytes, got {len(proto.raw_data)}"
            )
        array = np.frombuffer(proto.raw_data, dtype)
    else:
        numbers = getattr(proto, field)
        if len(numbers) != prod(dims):
            raise ValueError(f"{place}: {dims} must have {prod(dims)} numbers, got {len(numbers)}")
        array = np.array(numbers, np.float32 if kind == "FLOAT" else np.int64)
        if kind != "FLOAT":
            ends = np.iinfo(dtype)
            if array.size and not ends.min <= array.min() <= array.max() <= ends.max:
                raise ValueError(f"{place}: its numbers must be {kind}")
    array = array.astype(np.dtype(dtype).newbyteorder("=")).reshape(dims)
    array.flags.writeable = False
    return Tensor(name, kind, dims, array)
