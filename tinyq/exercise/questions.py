"""The first eight problems: grids, sums, layers."""

from collections.abc import Iterator

import numpy as np

from tinyq.affine import Grid
from tinyq.exercise.draw import Draw, Problem
from tinyq.fixedpoint import quantize_multiplier
from tinyq.layers import QAdd, QAvgPool2D, QMaxPool2D, qrelu
from tinyq.requantize import Requantizer

SCALES = (1 / 4, 1 / 8, 1 / 16, 1 / 32)


def grids(draw: Draw) -> Iterator[Problem]:
    """A grid from a range, numbers onto it, a code back."""
    scale, zero_point = draw.one(SCALES), draw.integer(-90, 90)
    lo, hi = scale * (-128 - zero_point), scale * (127 - zero_point)
    grid = Grid.from_range(lo, hi)
    yield Problem(
        f"A tensor was seen from {lo:.10g} to {hi:.10g}. Give the scale and the zero_point of its "
        "int8 grid.",
        (grid.scale, grid.zero_point),
    )
    steps = [draw.integer(2, 20) + 0.25, -draw.integer(1, 9) - 0.5, 300]
    numbers = [scale * step for step in steps]
    yield Problem(
        "On that grid, give the codes of {:.10g}, {:.10g} and {:.10g}.".format(*numbers),
        tuple(grid.quantize(numbers).tolist()),
    )
    code = draw.integer(-120, 120)
    yield Problem(
        f"What number does the code {code} stand for on it?", float(grid.dequantize(code))
    )


def sums(draw: Draw) -> Iterator[Problem]:
    """An accumulator, a multiplier and a shift, a requantized tie."""
    zero_point, bias = draw.integer(-20, 20), draw.integer(-50, 50)
    codes, weights = draw.codes(3, -30, 30), draw.codes(3, -9, 9)
    steps = [code - zero_point for code in codes]
    yield Problem(
        f"Inputs {codes} have zero_point {zero_point}, the weights are {weights}, the bias is "
        f"{bias}. Give the accumulator.",
        bias + int(np.dot(steps, weights)),
    )
    odd, power = draw.one((3, 5, 7)), draw.integer(5, 9)
    yield Problem(
        f"A ratio is {odd}/{2**power}. Give its multiplier and its shift.",
        quantize_multiplier(odd / 2**power),
    )
    power, out = draw.integer(3, 5), Grid(1.0, draw.integer(-30, 30))
    # An odd number of halves is a tie.  With power >= 2 the accumulator is even, so the first of
    # the two roundings is exact.
    acc = draw.one((-1, 1)) * (2 * draw.integer(1, 9) + 1) * 2 ** (power - 1)
    yield Problem(
        f"An accumulator is {acc}, the ratio 1/{2**power}, the output's zero_point "
        f"{out.zero_point}. Give the code.",
        int(Requantizer(1 / 2**power).requantize([acc], out)[0]),
    )


def layers(draw: Draw) -> Iterator[Problem]:
    """Layers that pass, and an add."""
    grid, codes = Grid(0.5, draw.integer(-60, 20)), draw.codes(3, -100, 100)
    # the last code makes the sum twice an odd number: the mean of the four is a tie
    codes.append(next(c for c in range(-100, 101) if (sum(codes) + c) % 4 == 2))
    image, window = np.array(codes, np.int8).reshape(1, 2, 2, 1), ((2, 2), (1, 1))
    pools = QMaxPool2D(grid, *window).forward(image), QAvgPool2D(grid, *window).forward(image)
    yield Problem(
        f"An image of 2 by 2 codes is {codes}, row by row, with zero_point {grid.zero_point}. Give "
        "the four codes after ReLU; then of the image itself the max pool and the average pool.",
        (tuple(qrelu(grid).forward(image).ravel().tolist()), *(pool.item() for pool in pools)),
    )
    zeros = draw.codes(3, -40, 40)
    a, b, out = (Grid(scale, zero) for scale, zero in zip((0.5, 0.25, 1.0), zeros, strict=True))
    steps = 2 * draw.integer(-20, 20), 4 * draw.integer(-10, 10)
    codes_of = [grid.zero_point + step for grid, step in zip((a, b), steps, strict=True)]
    pair = [np.array([[code]], np.int8) for code in codes_of]
    yield Problem(
        f"Add code {codes_of[0]} of a grid with scale 0.5 and zero_point {zeros[0]} to code "
        f"{codes_of[1]} of one with scale 0.25 and zero_point {zeros[1]}. The sum's grid has "
        f"scale 1 and zero_point {zeros[2]}. Give its code.",
        int(QAdd.from_float(a, b, out).forward(*pair).item()),
    )
