"""What a .tflite stores as one of a few choices, in a byte; the base of all options."""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

import numpy as np

from tinyq.models.tflite.flatbuffer import Table

Choice = TypeVar("Choice", bound=IntEnum)


@dataclass(frozen=True)
class Options:
    """The options of an operator whose table has no fields."""


class Padding(IntEnum):
    """Whether windows reach over the border, so that a stride of 1 keeps the size: SAME, or not."""

    SAME = 0
    VALID = 1


class Activation(IntEnum):
    """What an operator does to its output by itself: the schema's ActivationFunctionType."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5


class WeightsFormat(IntEnum):
    """The order of the weights of FULLY_CONNECTED."""

    DEFAULT = 0
    SHUFFLED4x16INT8 = 1


class TensorType(IntEnum):
    """What a tensor holds: the schema's TensorType."""

    FLOAT32 = 0
    FLOAT16 = 1
    INT32 = 2
    UINT8 = 3
    INT64 = 4
    STRING = 5
    BOOL = 6
    INT16 = 7
    COMPLEX64 = 8
    INT8 = 9
    FLOAT64 = 10
    COMPLEX128 = 11
    UINT64 = 12
    RESOURCE = 13
    VARIANT = 14
    UINT32 = 15
    UINT16 = 16
    INT4 = 17
    BFLOAT16 = 18
    INT2 = 19
    UINT4 = 20
    FLOAT8_E4M3FN = 21
    FLOAT8_E5M2 = 22


_NUMBERS = "FLOAT16 FLOAT32 FLOAT64 INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64"
# The types whose data are an array of one of NumPy's dtypes; a file is little-endian.
DTYPES = {TensorType[name]: np.dtype(name.lower()).newbyteorder("<") for name in _NUMBERS.split()}


def member(table: Table, field: int, name: str, kind: type[Choice], default: Choice) -> Choice:
    """Return one of a few choices, a member of kind.

    Raises ValueError, with the table's place and the field's name, for any other number.
    """
    got = table.number(field, name, "b", int(default))
    if got not in kind.__members__.values():
        choices = ", ".join(kind.__members__)
        raise ValueError(f"{table.where}: {name} must be one of {choices}, got {got}")
    return kind(got)
