"""What int32 and C's integer division do, said in Python ints."""

from collections.abc import Iterable
from operator import index

INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1


def whole(value: int) -> int:
    """Return an integer of any type as Python's own; raise TypeError for a bool and all else.

    >>> whole(0.5)
    Traceback (most recent call last):
    TypeError: 'float' object cannot be interpreted as an integer
    """
    if isinstance(value, bool):
        raise TypeError("a bool is no integer here")
    return index(value)


def int32(value: int) -> int:
    """Return value, which an int32 must be able to hold.

    Raises OverflowError outside INT32_MIN..INT32_MAX, TypeError for what is no integer.

    >>> int32(2**31 - 1)
    2147483647
    >>> int32(2**31)
    Traceback (most recent call last):
    OverflowError: 2147483648 does not fit in int32
    """
    if type(value) is not int:  # asked first: this runs for each product of a sum
        value = whole(value)
    if not INT32_MIN <= value <= INT32_MAX:
        raise OverflowError(f"{value} does not fit in int32")
    return value


def check_shift(shift: int) -> int:
    """Return a shift that the ratio of some float64 can have.

    Raises ValueError outside -1100..1100, where 2^shift would fill the memory sooner or later, and
    TypeError for what is no integer.

    >>> check_shift(10**9)
    Traceback (most recent call last):
    ValueError: shift must lie in -1100..1100, got 1000000000
    """
    if not -1100 <= whole(shift) <= 1100:
        raise ValueError(f"shift must lie in -1100..1100, got {shift}")
    return whole(shift)


def wrap_int32(value: int) -> int:
    """Keep the low 32 bits of value and read them as two's complement.

    value: any int.  Returns the int32 that is equal to it modulo 2^32.

    >>> wrap_int32(2**31), wrap_int32(-(2**31) - 1), wrap_int32(-7)
    (-2147483648, 2147483647, -7)
    """
    return (whole(value) - INT32_MIN) % 2**32 + INT32_MIN


def divide_toward_zero(numerator: int, denominator: int) -> int:
    """Divide as C does: the quotient loses its fraction.  Python's // would go down.

    numerator: any int.  denominator: int above 0.

    >>> divide_toward_zero(7, 2), divide_toward_zero(-7, 2), -7 // 2
    (3, -3, -4)
    """
    if numerator < 0:
        return -(-numerator // denominator)
    return numerator // denominator


def as_image(nested: Iterable) -> list[list[list[int]]]:
    """Copy an image (H, W, C) into nested lists of Python ints.

    Raises ValueError for another depth, rows or pixels of several lengths, or an empty axis, and
    TypeError as as_ints does.

    >>> as_image([[[1], [2]], [[3]]])
    Traceback (most recent call last):
    ValueError: an image must be (H, W, C), each 1 or more, got [[[1], [2]], [[3]]]
    """
    image = as_ints(nested)
    flat = all(isinstance(row, list) and all(isinstance(p, list) for p in row) for row in image)
    forms = {(len(row), len(pixel)) for row in image for pixel in row} if flat else set()
    deep = flat and any(isinstance(q, list) for row in image for pixel in row for q in pixel)
    empty = not all(image) or any(0 in form for form in forms)
    if deep or empty or len(forms) != 1:
        raise ValueError(f"an image must be (H, W, C), each 1 or more, got {str(nested)[:80]}")
    return image


def as_ints(nested: Iterable) -> list:
    """Copy nested sequences of integers, of any depth, into nested lists of Python ints.

    nested: sequences of Python ints or of NumPy integers; those would wrap in `q - zero_point`.
    Raises TypeError for a float, a bool, a string, and anything else that is not an integer.

    >>> as_ints(((1, 2), (3, 4)))
    [[1, 2], [3, 4]]
    >>> as_ints([0.5])
    Traceback (most recent call last):
    TypeError: 'float' object cannot be interpreted as an integer
    """
    if isinstance(nested, str | bytes | dict):
        raise TypeError(f"nested sequences of integers are needed, got {type(nested).__name__}")
    return [as_ints(item) if isinstance(item, Iterable) else whole(item) for item in nested]
