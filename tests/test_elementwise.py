"""Products, differences, rescales, constants, broadcast sums: against loops and fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyq import Grid, Requantizer, Rounding, floatref, loops
from tinyq.layers import QAdd, QConstant, QMul, QRescale, QSub
from tinyq.layers.scheme import Scheme
from tinyq.runtimes import oracle

SEEDED = settings(max_examples=80, derandomize=True, deadline=None, database=None)
PAIRS = pytest.mark.parametrize("kind", [QAdd, QSub, QMul])
EXACT = {QAdd: lambda a, b: a + b, QSub: lambda a, b: a - b, QMul: lambda a, b: a * b}
codes = st.sampled_from([-128, 0, 127]) | st.integers(-128, 127)
scales = st.floats(-8, 2).map(lambda power: float(np.float32(2.0**power)))
grids = st.builds(Grid, scales, codes)
RNG = np.random.default_rng(5)
INT8 = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def out_grid(kind: type, a: Grid, b: Grid, power: float, zero_point: int) -> Grid:
    """An output grid as coarse as the result asks for, times a power of two."""
    size = a.scale * b.scale if kind is QMul else max(a.scale, b.scale)
    return Grid(float(np.float32(size * 2.0**power)), zero_point)


def drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-128, 128, shape).astype(np.int8)


@PAIRS
@SEEDED
@given(grids, grids, st.floats(-2, 7), codes, st.sampled_from(Rounding), INT8)
def test_pairs_are_as_the_loop_nest_has_them(kind, a_grid, b_grid, power, zero, rounding, rng):
    layer = kind.from_float(
        a_grid, b_grid, out_grid(kind, a_grid, b_grid, power, zero), rounding=rounding
    )
    a, b = drawn(rng, 2, 3, 4), drawn(rng, 2, 3, 4)
    want = [oracle.forward(layer, x.tolist(), y.tolist()) for x, y in zip(a, b, strict=True)]
    assert layer.forward(a, b).tolist() == want


@PAIRS
@SEEDED
@given(st.data(), INT8)
def test_samples_broadcast_as_the_loop_nest_has_them(kind, data, rng):
    full = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    shapes = []
    for _ in "ab":
        ones = data.draw(st.lists(st.booleans(), min_size=len(full), max_size=len(full)))
        shape = [1 if one else size for one, size in zip(ones, full, strict=True)]
        shapes.append(tuple(shape[data.draw(st.integers(0, len(full) - 1)) :]))
    grid = Grid(0.5, 3)
    layer = kind.from_float(grid, Grid(0.25, -7), Grid(1.0, 5))
    a, b = drawn(rng, 3, *shapes[0]), drawn(rng, data.draw(st.sampled_from([1, 3])), *shapes[1])
    got = layer.forward(a, b)
    assert got.shape == (3, *layer.out_shape(*shapes)) == (3, *np.broadcast_shapes(*shapes))
    others = np.broadcast_to(b, (3, *b.shape[1:]))
    want = [oracle.forward(layer, x.tolist(), y.tolist()) for x, y in zip(a, others, strict=True)]
    assert got.tolist() == want


@PAIRS
def test_every_pair_is_within_a_hair_of_half_a_code_of_the_exact_result(kind):
    a_grid, b_grid = Grid(0.09146, -3), Grid(0.06204, -1)
    layer = kind.from_float(a_grid, b_grid, Grid(0.5 if kind is QMul else 0.062, -8))
    a, b = np.indices((256, 256)).reshape(2, 1, -1).astype(np.uint8).view(np.int8)
    got = layer.forward(a, b)[0].tolist()
    of_a, of_b, of_out = (Fraction(grid.scale) for grid in (a_grid, b_grid, layer.out_grid))
    for place in range(0, 65536, 17):
        x, y = of_a * (int(a[0, place]) + 3), of_b * (int(b[0, place]) + 1)
        exact = min(max(EXACT[kind](x, y) / of_out - 8, Fraction(-128)), Fraction(127))
        assert abs(exact - got[place]) < Fraction(1, 2) + Fraction(1, 64), (
            a[0, place],
            b[0, place],
        )


@SEEDED
@given(grids, st.floats(-9, 9), codes, st.sampled_from(Rounding), INT8)
def test_a_rescale_is_as_the_loop_nest_has_it(in_grid, power, zero, rounding, rng):
    out = Grid(float(np.float32(in_grid.scale * 2.0**power)), zero)
    layer, x = QRescale.from_float(in_grid, out, rounding), drawn(rng, 2, 5, 3)
    assert layer.forward(x).tolist() == [oracle.forward(layer, one.tolist()) for one in x]


# the largest accumulator that a layer may meet, and the left shift that int32 still holds for it
@pytest.mark.parametrize(
    ("make", "least"),
    [
        (lambda scale: QMul.from_float(Grid(1.0, -128), Grid(1.0, -128), Grid(scale, 0)), 15),
        (lambda scale: QMul.from_float(Grid(1.0, 0), Grid(1.0, 0), Grid(scale, 0)), 16),
        (lambda scale: QRescale.from_float(Grid(1.0, -128), Grid(scale, 0)), 23),
        (lambda scale: QRescale.from_float(Grid(1.0, 0), Grid(scale, 0)), 23),
    ],
)
def test_what_is_shifted_left_fits_int32(make, least):
    layer = make(1.0001 * 2.0**-least)
    far = [np.full((1, 1), 127, np.int8), np.full((1, 1), -128, np.int8)]
    for one in far:
        inputs = [one] * len(layer.in_grids)
        want = oracle.forward(layer, *(x[0].tolist() for x in inputs))
        assert layer.forward(*inputs)[0].tolist() == want
    with pytest.raises(
        ValueError, match=rf"the ratio must be below 2\*\*{least} for sums of up to"
    ):
        make(2.0**-least)


@pytest.mark.parametrize(
    ("ratios", "message"),
    [
        ((0.6, 0.5, 0.1), "at most 1/2, 1/2 and below 1, got 0.6, 0.5, 0.1"),
        ((0.5, 0.5, 1.0), "at most 1/2, 1/2 and below 1, got 0.5, 0.5, 1"),
        (([0.5, 0.5], 0.5, 0.1), r"each ratio must have shape \(1,\)"),
    ],
)
def test_a_difference_proves_its_ratios(ratios, message):
    grid = Grid(1.0, 0)
    with pytest.raises(ValueError, match=f"^QSub: .*{message}"):
        QSub((grid, grid), grid, *map(Requantizer, ratios))


@PAIRS
def test_two_batches_must_have_one_size(kind):
    layer, x = kind.from_float(Grid(1.0, 0), Grid(1.0, 0), Grid(1.0, 0)), np.zeros((2, 3), np.int8)
    name = kind.__name__
    assert layer.forward(x, x[:1]).shape == layer.forward(x[:1], x).shape == (2, 3)
    assert layer.forward(x[:0], x[:1]).shape == (0, 3)
    with pytest.raises(ValueError, match=rf"^{name}.forward: a and b must have one N, .*\(2, 3\)"):
        layer.forward(x, np.zeros((3, 3), np.int8))
    with pytest.raises(
        ValueError, match=rf"^{name}.forward: a and b must have shapes that broadcast"
    ):
        layer.forward(x, x[:, :2])
    with pytest.raises(
        TypeError, match=rf"^{name}.forward: b must be int8 \(N, ..., C\), got int32"
    ):
        layer.forward(x, x.astype(np.int32))
    with pytest.raises(
        ValueError, match=rf"^{name}.forward: a must have shape \(N, ..., C\), got \(3,"
    ):
        layer.forward(x[0], x)


def test_loops_broadcast_as_numpy_does():
    rng = np.random.default_rng(0)
    for a, b in [((2, 1, 3), (4, 1)), ((1,), (2, 3)), ((2, 3), (2, 3)), ((3, 1), (1, 4))]:
        x, y = rng.integers(0, 9, a), rng.integers(0, 9, b)
        want = [side.tolist() for side in np.broadcast_arrays(x, y)]
        assert list(loops.broadcast(x.tolist(), y.tolist())) == want
    with pytest.raises(ValueError, match="zip"):
        loops.broadcast([1, 2], [1, 2, 3])


def test_a_constant_gives_its_codes_to_every_sample():
    grid, out = Grid(0.5, 0), Grid(0.25, 10, -50, 50)
    original = floatref.Constant(np.float32([[0.5], [-1.0]]))
    layer = original.quantize(out, Scheme())
    assert layer.forward().tolist() == [[[12], [6]]] and layer.forward().dtype == np.int8
    assert out.dequantize(layer.forward()).tolist() == original.forward().tolist()
    assert layer.out_shape() == (2, 1) and (layer.in_grids, layer.requantizers) == ((), {})
    assert oracle.forward(layer) == [[12], [6]]
    add = QAdd.from_float(grid, layer.out_grid, Grid(0.5, 0))
    x = drawn(RNG, 4, 2, 5) // 4
    want = add.forward(x, np.broadcast_to(layer.forward(), (4, 2, 5)))
    assert np.array_equal(add.forward(x, layer.forward()), want)


def test_a_constant_proves_its_codes():
    codes = np.int8([1, 2])
    layer = QConstant(Grid(0.5, 0), codes)
    codes[0] = 9
    assert layer.codes.tolist() == [1, 2]
    with pytest.raises(
        ValueError, match=r"^QConstant: codes must have at least one axis, got shape"
    ):
        QConstant(Grid(0.5, 0), np.array(3, np.int8))
    with pytest.raises(ValueError, match=r"^QConstant: codes must lie in -8..7, got 9..9"):
        QConstant(Grid(0.5, 0, -8, 7), np.int8([9]))
    with pytest.raises(TypeError, match=r"^QConstant: codes must be an array of int8, got \[1\]"):
        QConstant(Grid(0.5, 0), [1])
