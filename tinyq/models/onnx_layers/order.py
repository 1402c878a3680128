"""The order of axes: an image of the file is (C, H, W), of tinyq (H, W, C); others are one."""

from tinyq.layers.contract import Shape

FROM_IMAGE, TO_IMAGE = (2, 0, 1), (1, 2, 0)  # axes of a sample: (H, W, C) as (C, H, W), and back


def as_in_file(shape: Shape) -> Shape:
    """Return the shape that the file has for a sample of tinyq's.

    >>> as_in_file((4, 5, 3)), as_in_file((10,))
    ((3, 4, 5), (10,))
    """
    return (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape


def in_tinyq(shape: Shape) -> Shape:
    """Return the shape that tinyq has for a sample of the file's.

    >>> in_tinyq((3, 4, 5))
    (4, 5, 3)
    """
    return (shape[1], shape[2], shape[0]) if len(shape) == 3 else shape


def tinyq_axis(axis: int, rank: int) -> int:
    """Return where tinyq has an axis of the file's sample of so many axes.

    >>> [tinyq_axis(axis, 3) for axis in range(3)], tinyq_axis(0, 2)
    ([2, 0, 1], 0)
    """
    return FROM_IMAGE[axis] if rank == 3 else axis
