"""What int32 and C's integer division do, said in Python ints."""

from collections.abc import Iterable
from operator import index

INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1


def int32(value: int) -> int:
    """Return value, which an int32 must be able to hold.

    Raises OverflowError outside INT32_MIN..INT32_MAX.

    >>> int32(2**31 - 1)
    2147483647
    >>> int32(2**31)
    Traceback (most recent call last):
    OverflowError: 2147483648 does not fit in int32
    """
    if not INT32_MIN <= value <= INT32_MAX:
        raise OverflowError(f"{value} does not fit in int32")
    return value


def wrap_int32(value: int) -> int:
    """Keep the low 32 bits of value and read them as two's complement.

    value: any int.  Returns the int32 that is equal to it modulo 2^32.

    >>> wrap_int32(2**31), wrap_int32(-(2**31) - 1), wrap_int32(-7)
    (-2147483648, 2147483647, -7)
    """
    return (value - INT32_MIN) % 2**32 + INT32_MIN


def divide_toward_zero(numerator: int, denominator: int) -> int:
    """Divide as C does: the quotient loses its fraction.  Python's // would go down.

    numerator: any int.  denominator: int above 0.

    >>> divide_toward_zero(7, 2), divide_toward_zero(-7, 2), -7 // 2
    (3, -3, -4)
    """
    if numerator < 0:
        return -(-numerator // denominator)
    return numerator // denominator


def as_ints(nested: Iterable) -> list:
    """Copy nested sequences of integers, of any depth, into nested lists of Python ints.

    nested: sequences of Python ints or of NumPy integers; those would wrap in `q - zero_point`.
    Raises TypeError for a float, and for anything else that is not an integer.

    >>> as_ints(((1, 2), (3, 4)))
    [[1, 2], [3, 4]]
    >>> as_ints([0.5])
    Traceback (most recent call last):
    TypeError: 'float' object cannot be interpreted as an integer
    """
    return [as_ints(item) if isinstance(item, Iterable) else index(item) for item in nested]
