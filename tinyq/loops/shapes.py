"""Reshape, transpose, pad, concatenate: the kernels that move codes and change none.

A sample here is nested lists of any depth; an index has a number for each of its axes.
Source: TensorFlow Lite `kernels/internal/reference/transpose.h`, `pad.h`, `concatenation.h`.
"""

from collections.abc import Callable, Sequence

from tinyq.loops.integers import as_ints, whole

Index = tuple[int, ...]


def sizes_of(sample: Sequence) -> list[int]:
    """Return the size of each axis; raise ValueError for lists of several lengths.

    >>> sizes_of([[1, 2, 3], [4, 5, 6]])
    [2, 3]
    """
    if not isinstance(sample, list):
        return []
    inner = [sizes_of(item) for item in sample]
    if any(sizes != inner[0] for sizes in inner):
        raise ValueError(f"a sample must have one length on each axis, got {str(sample)[:80]}")
    return [len(sample), *(inner[0] if inner else [])]


def at(sample: Sequence, index: Index) -> int:
    """Return the code of an index."""
    *outer, last = index
    for place in outer:
        sample = sample[place]
    return whole(sample[last])


def built(sizes: Sequence[int], code: Callable[[Index], int], index: Index = ()) -> list:
    """Return nested lists of these sizes that hold code(index) everywhere.

    >>> built([2, 2], lambda index: 10 * index[0] + index[1])
    [[0, 1], [10, 11]]
    """
    places = [(*index, place) for place in range(sizes[len(index)])]
    if len(index) == len(sizes) - 1:
        return [code(place) for place in places]
    return [built(sizes, code, place) for place in places]


def reshape(sample: Sequence, shape: Sequence[int]) -> list:
    """Give codes another shape: read with the last axis fastest, written so too.

    sample: nested lists.  shape: the new sizes.  Raises ValueError for another count of codes.

    >>> reshape([[1, 2, 3], [4, 5, 6]], (3, 2))
    [[1, 2], [3, 4], [5, 6]]
    """
    sample, shape = as_ints(sample), as_ints(shape)
    codes = sample
    for _ in sizes_of(sample)[1:]:
        codes = [code for row in codes for code in row]
    count = 1
    for size in shape:
        count *= size
    if count != len(codes):
        raise ValueError(f"shape {shape} needs {count} codes, got {len(codes)}")
    left = iter(codes)
    return built(shape, lambda _: next(left))


def transpose(sample: Sequence, axes: Sequence[int]) -> list:
    """Put axes in another order: y[i_0, i_1, ...] = x[j] with j[axes[k]] = i_k.

    sample: nested lists.  axes: of the sample, each once.

    >>> transpose([[1, 2, 3], [4, 5, 6]], (1, 0))
    [[1, 4], [2, 5], [3, 6]]
    """
    sample, axes = as_ints(sample), as_ints(axes)
    sizes = sizes_of(sample)
    if sorted(axes) != list(range(len(sizes))):
        raise ValueError(f"axes must be each of {len(sizes)} once, got {axes}")

    def code(index: Index) -> int:
        source = [0] * len(axes)
        for k, axis in enumerate(axes):
            source[axis] = index[k]
        return at(sample, tuple(source))

    return built([sizes[axis] for axis in axes], code)


def pad(sample: Sequence, pads: Sequence[Sequence[int]], value: int) -> list:
    """Surround a sample with a constant on each axis.

    sample: nested lists.  pads: (before, after) for each axis, 0 or more.  value: the code.

    >>> pad([[5], [6]], ((0, 0), (1, 0)), value=-1)
    [[-1, 5], [-1, 6]]
    """
    sample, pads, value = as_ints(sample), as_ints(pads), whole(value)
    sizes = sizes_of(sample)
    if min(size for pair in pads for size in pair) < 0:
        raise ValueError(f"pads must not be negative, got {pads}")

    def code(index: Index) -> int:
        source = [i - before for i, (before, _) in zip(index, pads, strict=True)]
        inside = all(0 <= i < size for i, size in zip(source, sizes, strict=True))
        return at(sample, tuple(source)) if inside else value

    made = [before + size + after for (before, after), size in zip(pads, sizes, strict=True)]
    return built(made, code)


def concat(samples: Sequence[Sequence], axis: int) -> list:
    """Put samples side by side along an axis.

    samples: nested lists whose sizes differ on the axis alone.

    >>> concat([[[1], [2]], [[3], [4]]], axis=1)
    [[1, 3], [2, 4]]
    """
    samples, axis = as_ints(samples), whole(axis)
    if axis == 0:
        return [item for sample in samples for item in sample]
    return [concat(items, axis - 1) for items in zip(*samples, strict=True)]
