"""The settings for ONNX Runtime and PyTorch give the codes that those two gave.

The codes below came from onnxruntime 1.32.0 and torch 2.13.0 (fbgemm) on x86-64 with AVX-512;
each case is one where a simpler rule is wrong.  No wheel is needed here: `make agreement` asks the
runtimes themselves.
"""

from fractions import Fraction

import numpy as np
import pytest

from tinyq import Grid, Requantizer
from tinyq.layers import QAdd, QAvgPool2D, QDense, QGlobalAvgPool2D
from tinyq.models import resnet
from tinyq.runtimes import RUNTIMES, QMean, forward, trace
from tinyq.runtimes.fma import fused

ONNX, TORCH = RUNTIMES["onnxruntime"], RUNTIMES["pytorch"]
BOTH = pytest.mark.parametrize("runtime", [ONNX, TORCH], ids=lambda runtime: runtime.name)


def seed_network():
    """The seed's int8 network and its 32 images as codes."""
    weights, biases, images = resnet.seed()
    qnet = resnet.stem_block(weights, biases).quantize(images)
    return qnet, qnet.grids["input"].quantize(images)


@BOTH
def test_the_seed_moves_by_one_code_on_two_of_its_images(runtime):
    qnet, codes = seed_network()
    logits = trace(qnet, codes, runtime)["dense_8x4"]
    moved = np.flatnonzero((logits != qnet(codes)).any(axis=1))
    assert moved.tolist() == [5, 25]
    assert logits[moved].tolist() == [[-27, 71, 63, -49], [-21, 84, 75, -44]]


def test_onnx_runtime_folds_the_zero_points_of_an_add_with_one_rounding():
    add = QAdd.from_float(Grid(0.061, 108), Grid(0.112, -90), Grid(0.188, 110))
    a, b = np.int8([[-128, -58, 122, 106, -64]]), np.int8([[-128, -128, -127, -125, 28]])
    assert forward(add, a, b, runtime=ONNX).tolist() == [[11, 34, 93, 89, 124]]


def test_onnx_runtime_adds_single_codes_the_other_way_round():
    add = QAdd.from_float(Grid(0.194, -18), Grid(0.117, -59), Grid(0.118, -67))
    a, b = np.int8([[-24]]), np.int8([[-102]])
    assert forward(add, a, b, runtime=ONNX).tolist() == [[-120]]
    two = [np.repeat(codes, 2, axis=0) for codes in (a, b)]
    assert forward(add, *two, runtime=ONNX).tolist() == [[-119], [-119]]


def test_onnx_runtime_sums_a_window_of_dequantized_codes_row_by_row():
    image = np.int8(
        [
            [8, 6, 6, 5, -1, -2, -12, -10, -1, 3, -6, -3],
            [18, 7, -18, 13, -6, 17, -17, -13, 0, -11, 17, 15],
        ]
    ).reshape(1, 2, 12, 1)
    pool = QAvgPool2D(Grid(0.189, -119), kernel=(2, 3), stride=(1, 3))
    assert forward(pool, image, runtime=ONNX).ravel().tolist() == [4, 4, -9, 3]


@pytest.mark.parametrize("whole", [False, True])
def test_onnx_runtime_sums_a_whole_image_as_integers(whole):
    rows = [[-5, -10, 13, 18], [8, 1, 3, 15], [10, -14, 14, 18]]
    rows += [[-14, -12, -7, -18], [-15, 10, 4, -4], [-10, -4, -4, -20]]
    grid = Grid(0.172, -84)
    pool = QGlobalAvgPool2D(grid) if whole else QAvgPool2D(grid, kernel=(2, 3), stride=(1, 1))
    codes = forward(pool, np.int8(rows).reshape(1, 2, 3, 4), runtime=ONNX)
    assert codes.ravel().tolist() == [-4, -5, 4, 1]


@pytest.mark.parametrize(
    ("in_grid", "out_grid", "pixels", "one", "several"),
    [
        ((0.111, -84), (0.108, -94), [-94, -120, -51, 89, 70, 46, 29, 29, -1, 95, -26], -2, -1),
        (
            (0.14995735883712769, -37),
            (0.14995735883712769, 26),
            [-2, -1, 1, -37, 11, 7, 25, -2, -3, 39, 16, 39]
            + [2, -29, 20, 5, -39, 9, 9, 31, -34, -39, -11, 19],
            65,
            64,
        ),
    ],
)
def test_onnx_runtime_sums_a_mean_by_fours_if_there_are_several_images(
    in_grid, out_grid, pixels, one, several
):
    mean, image = QMean(Grid(*in_grid), Grid(*out_grid)), np.int8(pixels).reshape(1, 1, -1, 1)
    assert forward(mean, image, runtime=ONNX).tolist() == [[one]]
    both = np.concatenate([image, image])
    assert forward(mean, both, runtime=ONNX).tolist() == [[several], [several]]


def test_pytorch_adds_blocks_of_64_codes_otherwise_than_the_rest():
    add = QAdd.from_float(Grid(1.0, -128), Grid(2.0, -127), Grid(2.0, 1))
    a, b = np.full((1, 98), -125, np.int8), np.full((1, 98), -128, np.int8)
    assert forward(add, a, b, runtime=TORCH).tolist() == [[1] * 64 + [2] * 34]
    image = forward(add, a.reshape(1, 7, 7, 2), b.reshape(1, 7, 7, 2), runtime=TORCH)
    assert image.transpose(0, 3, 1, 2).ravel().tolist() == [1] * 64 + [2] * 34


def test_pytorch_dequantizes_blocks_with_one_rounding():
    a_grid, b_grid = Grid(0.04040207341313362, -35), Grid(0.00034125542151741683, -128)
    add = QAdd.from_float(a_grid, b_grid, Grid(0.0396098755300045, -35))
    a, b = np.full((1, 64), -10, np.int8), np.full((1, 64), -128, np.int8)
    assert forward(add, a, b, runtime=TORCH).tolist() == [[-10] * 64]


@pytest.mark.parametrize(
    ("a_grid", "b_grid", "out_grid", "a", "b", "count", "code"),
    [
        # a block: with a division for the reciprocal the code would be 80
        ((0.6362566351890564, 80), (0.6362566351890564, 38), (2.5450265407562256, 105))
        + (0, 20, 64, 81),
        # the rest: with a division the code would be -27; fused, -3
        ((0.6021483540534973, -70), (0.06967326253652573, -47), (1.391770362854004, -67))
        + (11, 42, 1, -28),
        ((0.08546793460845947, -29), (0.8922163248062134, -32), (0.40714630484580994, -49))
        + (109, -24, 1, -2),
    ],
)
def test_pytorch_add_as_measured(a_grid, b_grid, out_grid, a, b, count, code):
    add = QAdd.from_float(Grid(*a_grid), Grid(*b_grid), Grid(*out_grid))
    sides = (np.full((1, count), side, np.int8) for side in (a, b))
    assert forward(add, *sides, runtime=TORCH).tolist() == [[code] * count]


def test_pytorch_pools_windows_around_the_zero_point():
    image = np.int8(
        [
            [-12, -4, -6, -13, -16, 13, 3, 11, 8, 14, 3, 18],
            [-19, 19, -18, -13, -8, 3, 7, -13, -4, 9, -8, 15],
        ]
    ).reshape(1, 2, 12, 1)
    pool = QAvgPool2D(Grid(0.119, -123), kernel=(2, 3), stride=(1, 3))
    assert forward(pool, image, runtime=TORCH).ravel().tolist() == [-7, -6, 2, 8]
    tie = np.repeat(np.int8([-104, -105]), 7).reshape(1, 2, 7, 1)  # times 1 / 14, not over 14
    tie = np.concatenate([tie, tie], axis=2)
    pool = QAvgPool2D(Grid(0.25, -60), kernel=(2, 7), stride=(1, 7))
    assert forward(pool, tie, runtime=TORCH).ravel().tolist() == [-105, -105]


def test_pytorch_pools_a_whole_image_by_a_rounded_reciprocal():
    tie = np.repeat(np.int8([-18, -17]), 15).reshape(1, 5, 6, 1)
    pool, two = QGlobalAvgPool2D(Grid(0.25, 88)), np.concatenate([tie, tie], axis=3)
    assert forward(pool, two, runtime=TORCH).tolist() == [[-17, -17]]
    assert forward(pool, tie, runtime=TORCH).tolist() == [[-18]]
    image = np.repeat(np.int8([0, 1]), 35).reshape(1, 7, 10, 1)  # 1 / 7 / 10 is not 1 / 70
    image = np.concatenate([image, image], axis=3)
    assert forward(pool, image, runtime=TORCH).tolist() == [[1, 1]]
    assert forward(pool, two, runtime=ONNX).tolist() == [[-18, -18]]
    assert forward(QMean(pool.in_grid, pool.in_grid), two, runtime=TORCH).tolist() == [[-18, -18]]


def test_pytorch_has_no_mean_onto_another_grid():
    with pytest.raises(ValueError, match="keeps its grid"):
        mean = QMean(Grid(0.5, 0), Grid(0.25, 0))
        forward(mean, np.zeros((1, 2, 2, 1), np.int8), runtime=TORCH)


@pytest.mark.parametrize(("runtime", "code"), [(ONNX, 127), (TORCH, -128)])
def test_a_product_beyond_int32_is_clamped_or_cast(runtime, code):
    bias, scale = np.int32([2**20]), np.float32([10.0])
    weight = np.int8([[127]])
    dense = QDense(Grid(1.0, 0), Grid(1e-4, 5), weight, bias, scale, Requantizer(1.0))
    assert forward(dense, np.int8([[127]]), runtime=runtime).tolist() == [[code]]


@pytest.mark.parametrize(
    ("runtime", "in_grid", "weight_scale", "out_grid", "weight", "x", "bias", "code"),
    [
        # PyTorch's real bias, divided back, may miss the integer: here it comes back as 1506.0001
        (ONNX, (0.0007698640692979097, 40), 0.0036612863186746836)
        + ((0.00030441879061982036, -23), 13, -80, 1506, -24),
        (TORCH, (0.0007698640692979097, 40), 0.0036612863186746836)
        + ((0.00030441879061982036, -23), 13, -80, 1506, -23),
        # s_in * s_w in float32, and divided by s_out before it multiplies: else 38
        (TORCH, (0.00961082149296999, 93), 0.003488855203613639)
        + ((2.011334180831909, -13), -125, 86, 3088339, 39),
        # the real bias is float32 of a float64 product: else 20
        (TORCH, (0.006715778261423111, -91), 0.00028886873042210937)
        + ((2.334674119949341, -20), 65, 11, 48733245, 21),
        # XNNPACK's ratio is float32 after each of its two steps: else 85
        (RUNTIMES["litert-xnnpack"], (0.008152911439538002, -52), 0.001079325214959681)
        + ((1.649470567703247, 18), -115, -61, 12651667, 86),
    ],
)
def test_dense_as_measured(runtime, in_grid, weight_scale, out_grid, weight, x, bias, code):
    scale = np.float32([weight_scale])
    grids, parts = (Grid(*in_grid), Grid(*out_grid)), (np.int8([[weight]]), np.int32([bias]))
    dense = QDense(*grids, *parts, scale, Requantizer(1.0))
    assert forward(dense, np.int8([[x]]), runtime=runtime).tolist() == [[code]]


def to_float32(exact: Fraction) -> np.float32:
    """The float32 next to an exact number, ties to the even one, by comparing its neighbours."""
    near = np.float32(float(exact))
    candidates = [np.nextafter(near, np.float32(end)) for end in (-np.inf, np.inf)] + [near]
    distances = [abs(Fraction(float(candidate)) - exact) for candidate in candidates]
    nearest = [c for c, d in zip(candidates, distances, strict=True) if d == min(distances)]
    return min(nearest, key=lambda candidate: int(candidate.view(np.int32)) & 1)


def test_fused_rounds_once():
    rng = np.random.default_rng(7)
    ratios = np.float32(np.exp2(rng.uniform(-12, 12, 2000)))
    codes = rng.integers(-128, 128, 2000)
    # a third of the sums cancel, a third lie next to a tie of two float32 numbers
    addends = np.float32(rng.choice([-1, 1], 2000) * np.exp2(rng.uniform(-70, 12, 2000)))
    addends[::3] = -(ratios * codes.astype(np.float32))[::3]
    ratios[1::3], codes[1::3] = np.float32(2**24 - 1) / 2**16, 129
    # these come back onto the tie if float64's last bit is made even
    ratios[-2:], codes[-2:] = 1, 2**24 + 1
    addends[-2:] = np.float32([1, -1]) * np.nextafter(np.float32(2**-28), np.float32(0))
    # half a step of the larger addend, less 2**-18, which float64 loses
    ratios[-3], codes[-3], addends[-3] = 1 + 2**-23, 2**28 - 32, 2**52 + 2**29
    want = [
        to_float32(Fraction(float(ratio)) * int(code) + Fraction(float(addend)))
        for ratio, code, addend in zip(ratios, codes, addends, strict=True)
    ]
    assert fused(ratios, codes, addends).tolist() == np.float32(want).tolist()
