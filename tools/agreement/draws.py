"""The random parts of a case: scales, grids, codes, shapes of all sizes."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tinyq import Grid

WILD_SCALES = (1e-4, 10.0)


def wild_scale(rng: Generator) -> float:
    """Return a scale from 1e-4 to 10, even in its logarithm."""
    return float(np.exp(rng.uniform(*np.log(WILD_SCALES))))


def zero_point(rng: Generator) -> int:
    """Return a zero_point; one in four is an end of the codes."""
    return int(rng.choice([-128, 127]) if rng.random() < 0.25 else rng.integers(-128, 128))


def grid(rng: Generator, kind: str, reaches: tuple[float, float] = (0.05, 20.0)) -> Grid:
    """Return an input grid: of a plausible range of activations within the reaches, or wild."""
    if kind == "wild":
        return Grid(wild_scale(rng), zero_point(rng))
    reach = np.exp(rng.uniform(*np.log(reaches)))
    low, high = np.sort(rng.uniform(-reach, reach, 2))
    return fitted(kind, 0.0 if rng.random() < 0.3 else low, max(high, 0.01 * reach))


def fitted(kind: str, low: float, high: float) -> Grid:
    """Return the grid calibrated on low..high, its scale a power of two for kind "ties"."""
    grid = Grid.from_range(low, high)
    return Grid(float(power_of_two(grid.scale)), grid.zero_point) if kind == "ties" else grid


def power_of_two(scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the least powers of two that are not below the scales."""
    return np.exp2(np.ceil(np.log2(np.float32(scale))))


def codes(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """Return int8 codes: any, the two ends alone, a narrow band, or one code everywhere."""
    style = rng.choice(4, p=[0.6, 0.15, 0.2, 0.05])
    if style == 1:
        return rng.choice(np.int8([-128, 127]), shape)
    low, high = (-128, 127) if style == 0 else np.sort(rng.integers(-128, 128, 2))
    return rng.integers(low, (low if style == 3 else high) + 1, shape, dtype=np.int8)


def size(rng: Generator, usual: int, seldom: int) -> int:
    """Return 1..usual, or one time in eight 1..seldom: vector kernels want blocks and a rest."""
    return int(rng.integers(1, (seldom if rng.random() < 1 / 8 else usual) + 1))


def image(rng: Generator, least: tuple[int, int] = (1, 1)) -> NDArray[np.int8]:
    """Return codes (N, H, W, C) of 1 or 2 images at least as large as least."""
    larger = size(rng, 8, 24)
    height, width = (int(least_size + rng.integers(0, larger)) for least_size in least)
    return codes(rng, (int(rng.integers(1, 3)), height, width, size(rng, 8, 40)))


def window(rng: Generator) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return a kernel (1..5 a side) and a stride (1..3, sometimes beyond every image)."""
    kernel = tuple(int(k) for k in rng.integers(1, 6, 2))
    return kernel, tuple(int(s) for s in rng.choice([1, 1, 2, 2, 3, 16], 2))


def out_grid(kind: str, rng: Generator, values: NDArray[np.floating]) -> Grid:
    """Return the grid calibrated on the real values; half of the wild ones are of their size."""
    if kind != "wild":
        return fitted(kind, float(np.float32(values.min())), float(np.float32(values.max())))
    size = float(np.abs(values).max()) / 128 * np.exp(rng.uniform(-2, 2))
    return Grid(size if size and rng.random() < 0.5 else wild_scale(rng), zero_point(rng))
