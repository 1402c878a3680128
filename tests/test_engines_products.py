"""The products of codes: exact below each bound and beyond it, saturating, grouped."""

from dataclasses import replace

import numpy as np
import pytest
from engine_networks import (
    ENGINES,
    FAST,
    codes,
    conv,
    dense,
    differs,
    layer_of,
    network,
    single,
    step_of,
)

from tinyq import Grid
from tinyq.engines import blas
from tinyq.engines.linear import _grouped
from tinyq.engines.tensors import windows
from tinyq.layers import QMaxPool2D

UNIT = 1 - 2.0**-31  # as near to 1 as a ratio without a left shift comes


# --- bounds


def near_2_24(more: int):
    """A layer whose sums reach 2**24 - 128 and more; the bias leaves the last bits as codes."""
    weights = np.full(1033, 127)
    weights[-1] = 7 + more  # 1032 * 127 + 7 = 2**17 - 1
    total = int(weights.sum()) * 128
    return layer_of([weights, -weights, 0 * weights], [total, -total, 5], 1.0), total


@pytest.mark.parametrize("engine", ENGINES)
def test_a_product_is_whole_below_2_24_and_cut_from_there_on(engine):
    for more, cuts, total in ((0, [1033], 2**24 - 128), (1, [1032, 1], 2**24)):
        layer, largest = near_2_24(more)
        step = step_of(blas, layer, (1, 1, 1033))
        assert (largest, [cut.stop - cut.start for cut in step.cuts]) == (total, cuts)
        assert step.kind == (np.float32 if len(cuts) == 1 else np.float64)
        qnet = single(layer, (1, 1, 1033))
        images = np.full((50, 1, 1, 1033), -128, np.int8)
        images[range(50), 0, 0, range(50)] = range(-128, -78)
        assert not differs(qnet, images, engine)


def test_no_part_of_a_deep_product_reaches_2_24():
    rng = np.random.default_rng(5)
    for depth in (1, 1032, 5000, 20000):
        weights = rng.choice([-127, -90, 0, 127], (6, depth))
        weights[0] = 127
        step = step_of(blas, layer_of(weights, np.zeros(6), 2.0**-18), (1, 1, depth))
        sizes = np.abs(weights.T) * 128
        assert [k for cut in step.cuts for k in range(cut.start, cut.stop)] == list(range(depth))
        assert all(sizes[cut].sum(axis=0).max() < 2**24 for cut in step.cuts)
        # none could be longer: the fewest parts
        assert len(step.cuts) == -(-depth // 1032)
        qnet = single(layer_of(weights, [1, 2, 3, 4, 5, 6], 2.0**-18), (1, 1, depth))
        assert not differs(qnet, codes(qnet, 3), "numpy")


def test_a_pool_before_a_deep_product_keeps_the_largest_sum():
    layer = conv((4, 3, 3, 700), seed=2)
    qnet = network(
        [("conv", layer), ("pool", QMaxPool2D(layer.out_grid, (2, 2), (2, 2)))], (8, 7, 700)
    )
    assert not differs(qnet, codes(qnet, 2), "numpy")


def test_float32_would_be_wrong_beyond_2_24(monkeypatch):
    layer, largest = near_2_24(120)
    images = np.full((2, 1, 1, 1033), -128, np.int8)
    images[1, 0, 0, 0] = -127  # the sum is odd and beyond 2**24: float32 does not have it
    assert largest - 127 > 2**24 and (largest - 127) % 2
    qnet = single(layer, (1, 1, 1033))
    assert qnet(images)[1].ravel().tolist() == [127, -127, 5]
    assert not differs(qnet, images, "numpy")
    monkeypatch.setattr(blas, "FLOAT32_EXACT", 2**30)
    assert "first -128, not -127" in differs(qnet, images, "numpy")


@FAST
@pytest.mark.parametrize(("inputs", "module"), [(66_311, "vnni"), (66_312, "blas")])
def test_sums_of_uint8_stay_within_int32(inputs, module):
    from tinyq.engines import vnni

    # 255 * 127 * 66,311 is the last below 2**31; the layer's own sums, of steps, are half of that
    largest = 127 * 127 * inputs
    layer = layer_of(np.full((1, inputs), 127), [-largest], UNIT, grid=Grid(1.0, 0, -127, 127))
    step = step_of(vnni, layer, (1, 1, inputs))
    assert type(step).__module__ == f"tinyq.engines.{module}"
    qnet = single(layer, (1, 1, inputs))
    images = np.full((2, 1, 1, inputs), 127, np.int8)
    images[1, 0, 0, -1] = 126
    assert qnet(images).ravel().tolist() == [0, -127]
    assert not differs(qnet, images, "vnni")


def saturated(columns: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """columns @ matrix with two products at a time added in int16, as x86's VPMADDUBSW does."""
    products = columns.astype(np.int32)[:, :, None] * matrix.astype(np.int32)
    pairs = np.add.reduceat(products, np.arange(0, products.shape[1], 2), axis=1)
    return np.clip(pairs, -(2**15), 2**15 - 1).sum(axis=1, dtype=np.int32)


@FAST
def test_a_product_that_saturates_is_found_out(monkeypatch):
    from tinyq.engines import vnni

    class Saturating(vnni.Product):
        def __call__(self, columns):
            return saturated(columns, self.matrix)

        def bound(self, columns, sums):
            return lambda: np.copyto(sums, saturated(columns, self.matrix))

    shape, rng = (4, 4, 6), np.random.default_rng(4)
    weights = {
        "all small": rng.integers(-64, 65, (5, 3, 3, 6)),
        "one pair of positives": np.zeros((5, 3, 3, 6)),
        "one pair of negatives": np.zeros((5, 3, 3, 6)),
        "random": rng.integers(-127, 128, (5, 3, 3, 6)),
    }
    weights["one pair of positives"][3, 1, 1, 2:4] = 64, 65
    weights["one pair of negatives"][4, 2, 2, 4:] = -127
    for name, weight in weights.items():
        layer = conv((5, 3, 3, 6))
        layer = replace(layer, weight=weight.astype(np.int8))
        qnet = single(layer, shape)
        images = codes(qnet, 4)
        with monkeypatch.context() as patch:
            assert type(step_of(vnni, layer, shape)) is vnni.CompiledLinearStep, name
            patch.setattr(vnni, "Product", Saturating)
            step = step_of(vnni, layer, shape)
            left = vnni.CompiledLinearStep if name == "all small" else blas.LinearStep
            assert type(step) is left, name
            assert not differs(qnet, images, "vnni"), name


@FAST
def test_a_product_is_exact_here():
    from tinyq.engines.gemm import Product

    rng = np.random.default_rng(7)
    for rows, depth, width in ((1, 1, 1), (3, 147, 64), (65, 130, 5), (17, 576, 33), (2, 31, 129)):
        for matrix in (
            rng.integers(-127, 128, (depth, width)),
            rng.choice([-127, 127], (depth, width)),
            np.full((depth, width), 127),
        ):
            product = Product(matrix.astype(np.int8))
            columns = rng.choice([0, 1, 254, 255], (rows, depth)).astype(np.uint8)
            want, sums = columns.astype(int) @ matrix, np.full((rows, width), 9, np.int32)
            assert np.array_equal(product(columns), want)
            multiply = product.bound(columns, sums)
            for _ in range(2):
                multiply()
                assert np.array_equal(sums, want)
                columns ^= 255
                want = columns.astype(int) @ matrix
            assert product.is_exact()


# --- windows and groups


def test_a_grouped_product_is_the_plain_one():
    rng, grouped = np.random.default_rng(5), 0
    for _ in range(60):
        channels, high, wide, depth = rng.integers(1, 5, 4).tolist()
        (down, step), group, times = rng.integers(1, 4, 2), *rng.integers(1, 5, 2).tolist()
        down, step = int(down), int(step)
        width = wide + (group * times - 1) * step + int(rng.integers(0, step))
        image = rng.integers(-128, 128, (2, high + 5, width, depth)).astype(np.int8)
        weight = rng.integers(-127, 128, (channels, high, wide, depth)).astype(np.int8)
        plain, kernel = _grouped(weight, step, 1)
        columns = windows(image, kernel, (down, step))
        want = columns.reshape(*columns.shape[:3], -1).astype(int) @ plain
        for ky, kx in np.ndindex(high, wide):  # and the plain one is the convolution
            tap = image[:, ky:, kx:][:, : (want.shape[1] - 1) * down + 1 : down]
            tap = tap[:, :, : (want.shape[2] - 1) * step + 1 : step].astype(int)
            want = want - tap @ weight[:, ky, kx].T.astype(int)
        assert not want.any()
        matrix, kernel = _grouped(weight, step, group)
        both = windows(image, kernel, (down, group * step))
        got = both.reshape(*both.shape[:3], -1).astype(int) @ matrix
        want = columns.reshape(*columns.shape[:3], -1).astype(int) @ plain
        assert both.shape[2] * group == columns.shape[2]
        assert np.array_equal(got.reshape(want.shape), want)
        grouped += group > 1
    assert grouped > 30


def test_groups_are_used_where_there_is_room_and_nowhere_else():
    layer = conv((4, 2, 2, 3))
    # a step takes float32: four bytes of room an entry
    rooms = (0, 4 * 30 * 16 - 1, 4 * 30 * 16, 10**6)
    sizes = [step_of(blas, layer, (5, 9, 3), room).matrix.shape for room in rooms]
    # of 8 windows in a row, groups of 1, 2, 4 and 8: 2 * (1 + group) * 3 rows, group * 4 columns
    assert sizes == [(12, 4), (18, 8), (30, 16), (54, 32)]
    # of 7 windows no 2 to 6 make equal groups, and 7 * 5 columns are more than the product gains by
    assert step_of(blas, conv((5, 2, 2, 3)), (5, 8, 3)).matrix.shape == (12, 5)
    assert step_of(blas, dense(7, 3), (1, 1, 7)).matrix.shape == (7, 3)


def test_windows_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        windows(np.zeros((1, 3, 3, 1)), (2, 2), (1, 1))[...] = 1
