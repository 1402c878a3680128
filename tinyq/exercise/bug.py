"""The last problem: four answers of a program, one of them wrong."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.exercise.draw import Draw, Problem
from tinyq.layers import QAvgPool2D, QMaxPool2D, QPad2D
from tinyq.mutants import Mutant, passing, rescale
from tinyq.requantize import Requantizer

LETTERS = "ABCD"
# what is computed, how, and the bug that spoils it
Task = tuple[str, Callable[[], NDArray[np.int8]], Mutant]


def bug(draw: Draw) -> Problem:
    """Return the problem: which of four answers is wrong?"""
    grid, wrong = Grid(0.5, draw.integer(-60, -10)), draw.integer(0, 3)
    shown = []
    for place, (what, run, mutant) in enumerate(_tasks(draw, grid)):
        codes = run()
        if place == wrong:
            with mutant.planted():
                codes = run()
        answer = ", ".join(map(str, codes.ravel().tolist()))
        shown.append(f"{LETTERS[place]}: {what} gives {answer}")
    return Problem(
        f"All codes have zero_point {grid.zero_point}. One answer of this program is wrong. "
        f"Which? {'; '.join(shown)}.",
        LETTERS[wrong],
    )


def _tasks(draw: Draw, grid: Grid) -> list[Task]:
    """Return four tasks whose answers their bugs change, whatever was drawn."""
    codes = sorted(draw.codes(3, -110, grid.zero_point - 2))
    # the mean of the four then ends in a quarter that truncation and rounding treat differently
    codes.insert(0, next(code for code in range(-119, -110) if (sum(codes) + code) % 4 == 1))
    image = np.array(codes, np.int8).reshape(1, 2, 2, 1)
    acc = 16 * draw.integer(3, 9) + 10
    windows = (2, 2), (1, 1)
    return [
        (
            f"{codes[:2]} padded with one zero on the left",
            lambda: QPad2D(grid, (0, 0, 1, 0)).forward(image[:, :1]),
            passing.pad_with_code_zero,
        ),
        (
            f"the max pool of {codes}",
            lambda: QMaxPool2D(grid, *windows).forward(image),
            passing.max_pool_starts_at_code_zero,
        ),
        (
            f"the average pool of {codes}",
            lambda: QAvgPool2D(grid, *windows).forward(image),
            passing.mean_truncates,
        ),
        (
            f"accumulator {acc} requantized by 1/16",
            lambda: Requantizer(1 / 16).requantize([acc], grid),
            rescale.zero_point_added_twice,
        ),
    ]
