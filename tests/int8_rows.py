"""Random cases for int8.js, and what tinyq makes of them.

A row is the text of a JavaScript function of one list of cases, the cases, and the answers that
it must give, all of them values that JSON carries: equality is `==`."""

from typing import NamedTuple

import numpy as np

from tinyq import Grid, Rounding, loops
from tinyq.requantize import Requantizer

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
EDGES = [INT32_MIN, INT32_MIN + 1, -(2**30), -1, 0, 1, 2**30 - 1, 2**30, 2**30 + 1, INT32_MAX]
FLOAT32_MAX = float(np.finfo(np.float32).max)
TINY = float(np.finfo(np.float32).smallest_subnormal)


class Row(NamedTuple):
    """name; function: text, of a list of cases; cases; wanted: its answers."""

    name: str
    function: str
    cases: list
    wanted: list


def reals(rng: np.random.Generator, count: int, least: float, most: float) -> np.ndarray:
    """Return positive numbers whose logarithm is uniform."""
    return 10.0 ** rng.uniform(least, most, count)


def int32s(rng: np.random.Generator, count: int) -> list[int]:
    """Return edges, numbers of every size, and numbers next to a power of two."""
    sizes = (rng.choice([-1, 1], count) * 2.0 ** rng.uniform(0, 31, count)).astype(np.int64)
    powers = 2 ** rng.integers(0, 31, count) + rng.integers(-1, 2, count)
    return [*EDGES, *np.clip(sizes, INT32_MIN, INT32_MAX).tolist(), *powers.tolist()][:count]


def wild_ratios(rng: np.random.Generator, count: int) -> list[float]:
    """Return ratios: everyday ones, every size that is allowed, exact powers, half codes."""
    edges = [0.0, 2.0**-32, np.nextafter(2.0**-32, 0), 2.0**-33, 5e-324, 1 - 2**-53, 1 - 2**-33]
    edges += [1 - 2**-32, 0.5, 1.0, 1 + 2**-31, 2.0**29, 2.0**30 - 1]
    exact = rng.integers(2**30, 2**31, count) * 2.0 ** -rng.integers(31, 60, count)
    mixed = [*reals(rng, count, -5, 0), *reals(rng, count, -9, 9), *exact]
    return [*edges, *rng.permutation(mixed).tolist()][:count]


def random_grid(rng: np.random.Generator, bits: int | None = None) -> Grid:
    """Return a grid of 2 to 8 bits whose zero_point lies anywhere on it, ends included."""
    bits = bits or int(rng.choice([8, 8, 8, 2, 3, 4, 5, 6, 7]))
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    zero_point = int(rng.choice([qmin, qmax, *rng.integers(qmin, qmax + 1, 3)]))
    return Grid(float(reals(rng, 1, -2.5, -0.5)[0]), zero_point, qmin, qmax)


def random_codes(rng: np.random.Generator, shape: tuple, grid: Grid) -> np.ndarray:
    return rng.integers(grid.qmin, grid.qmax + 1, shape).astype(np.int8)


def flat(codes: np.ndarray) -> list:
    return [list(codes.shape), codes.ravel().tolist()]


def grid_row(rng: np.random.Generator, size: int) -> Row:
    """Grids of ranges of every size, denormal ones too; null where tinyq refuses."""
    signs = rng.choice([-1.0, 1.0], (size, 2))
    pairs = np.sort(signs * reals(rng, 2 * size, -46, 39).reshape(-1, 2))
    edges = [0.0, TINY, -TINY, 255 * TINY, 300 * TINY, 1e-38, 3.4028235e38, FLOAT32_MAX, 1e39]
    pairs = [*pairs.tolist(), *([lo, hi] for lo in [*edges, -1.0] for hi in edges)]
    pairs += np.sort(rng.normal(0, 5, (size, 2))).tolist()
    pairs += [[-hi, hi] for hi in (0.1, 1.0, 255.0, 1e30) for _ in range(4)]  # a tie, below zero
    cases = [
        [lo, hi, -(2 ** (b - 1)), 2 ** (b - 1) - 1]
        for (lo, hi), b in zip(pairs, rng.integers(2, 9, len(pairs)).tolist(), strict=True)
    ]
    wanted = []
    for case in cases:
        try:
            with np.errstate(over="ignore"):
                wanted.append(vars(Grid.from_range(*case)))
        except ValueError:
            wanted.append(None)
    function = "cases => cases.map((c) => attempt(() => int8.gridFromRange(...c)))"
    return Row("gridFromRange", function, cases, wanted)


def multiplier_row(rng: np.random.Generator, size: int) -> Row:
    ratios = wild_ratios(rng, size)
    wanted = [list(loops.quantize_multiplier(ratio)) for ratio in ratios]
    wanted = [[0, 0] if shift > 31 else [m, shift] for m, shift in wanted]  # no int32 is left
    function = """ratios => ratios.map((r) => {
        const { multiplier, shift } = int8.quantizeMultiplier(r); return [multiplier, shift]; })"""
    return Row("quantizeMultiplier", function, ratios, wanted)


def fixed_point_rows(rng: np.random.Generator, size: int) -> list[Row]:
    a, b = int32s(rng, size), rng.permutation(int32s(rng, size)).tolist()
    n = rng.integers(0, 32, size).tolist()
    multipliers = [0, 2**30, INT32_MAX, *rng.integers(2**30, 2**31, size).tolist()]
    triples = [
        [x, multipliers[i % len(multipliers)], shift]
        for i, (x, shift) in enumerate(zip(b, rng.integers(-30, 32, size).tolist(), strict=True))
    ]
    twos = [list(pair) for pair in zip(a, b, strict=True)] + [[INT32_MIN, INT32_MIN]]
    shifts = [list(pair) for pair in zip(a, n, strict=True)]
    shifts += [
        [sign * (2 * k + 1) * 2 ** (m - 1), m]
        for sign in (-1, 1)
        for k in (0, 1, 2)
        for m in range(1, 29)
    ]  # ties
    return [
        Row(
            name,
            f"cases => cases.map((c) => int8.{name}(...c))",
            cases,
            [oracle(*case) for case in cases],
        )
        for name, oracle, cases in (
            (
                "saturatingRoundingDoublingHighMul",
                loops.saturating_rounding_doubling_high_mul,
                twos,
            ),
            ("roundingDivideByPot", loops.rounding_divide_by_pot, shifts),
            ("multiplyByQuantizedMultiplier", loops.multiply_by_quantized_multiplier, triples),
        )
    ]


def near_ties(rng: np.random.Generator, ratio: float) -> list[int]:
    """Return accumulators whose product with ratio lies next to a half."""
    if not 2.0**-20 < ratio < 1:
        return []
    acc = np.rint((rng.integers(-200, 200, 4) + 0.5) / ratio)
    return acc.astype(np.int64).tolist()


def rescale_rows(rng: np.random.Generator, size: int) -> list[Row]:
    """One row a rounding: rescale, and that the last of rescaleSteps equals it."""
    ratios = wild_ratios(rng, size)
    cases = [
        [acc, ratio]
        for ratio in ratios
        for acc in [*rng.choice(int32s(rng, 30), 3).tolist(), *near_ties(rng, ratio)]
    ]
    acc, ratio = (np.array(column) for column in zip(*cases, strict=True))
    rows = []
    for rounding in Rounding:
        wanted = [
            float(Requantizer(r, rounding).rescale(np.int64(x))[0])
            for x, r in zip(acc, ratio, strict=True)
        ]
        function = f"""cases => cases.map(([acc, ratio]) => {{
            const steps = int8.rescaleSteps(acc, ratio, "{rounding.name}");
            const value = int8.rescale(acc, ratio, "{rounding.name}");
            if (steps.at(-1).value !== value) throw new Error(`steps of ${{acc}}, ${{ratio}}`);
            return value; }})"""
        rows.append(Row(f"rescale {rounding.name}", function, cases, wanted))
    return rows


def requantize_rows(rng: np.random.Generator, size: int) -> list[Row]:
    """Requantizers from scales, calibrated and wild, and the codes of accumulators."""
    rows = []
    for rounding in Rounding:
        cases, wanted = [], []
        for _ in range(size):
            span = rng.choice([0, 3])
            channels = int(rng.integers(1, 4))
            in_scale, out_scale = map(float, np.float32(reals(rng, 2, -3 - span, span)))
            scales = np.float32(reals(rng, int(rng.choice([1, channels])), -4, -1))
            grid = random_grid(rng)
            made = Requantizer.from_scales(in_scale, scales, out_scale, rounding)
            acc = rng.choice(int32s(rng, 40), (4, channels)).astype(np.int32)
            acc[0] = np.clip(np.rint(100.5 / made.ratio), INT32_MIN, INT32_MAX)
            cases.append(
                [in_scale, scales.tolist(), out_scale, acc.ravel().tolist(), vars(grid), channels]
            )
            wanted.append(
                [
                    made.ratio.tolist(),
                    made.multiplier.tolist(),
                    made.shift.tolist(),
                    made.requantize(acc, grid).ravel().tolist(),
                ]
            )
        function = f"""cases => cases.map(([inScale, scales, outScale, acc, grid, channels]) => {{
            const r = int8.requantizer(inScale, scales, outScale, "{rounding.name}");
            const codes = int8.requantize(Int32Array.from(acc), r, grid, channels);
            return [r.ratio, r.multiplier, r.shift, codes].map(list); }})"""
        rows.append(Row(f"requantize {rounding.name}", function, cases, wanted))
    return rows
