"""What a layer is told and what it refuses: shapes, dtypes, ranges, the accumulator bound."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

from tinyq import Grid, Requantizer
from tinyq.layers import (
    QAdd,
    QAvgPool2D,
    QClamp,
    QConv2D,
    QConv2DPerChannel,
    QDense,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
    qrelu,
    qrelu6,
)
from tinyq.layers.images import check_shape, to_codes

A, B = Grid(0.1, -5), Grid(0.2, 7)
IMAGE = np.zeros((2, 6, 5, 3), np.int8)
CONV = QConv2DPerChannel.from_float(
    np.ones((4, 3, 2, 3), np.float32), np.zeros(4, np.float32), A, B, stride=(2, 1)
)
DENSE = QDense.from_float(np.ones((4, 3), np.float32), np.zeros(4, np.float32), A, B)
ADD = QAdd.from_float(A, B, Grid(0.3, 0))
UNARY = [
    QPad2D(A, (1, 2, 0, 3)),
    CONV,
    qrelu(A),
    qrelu6(A),
    QMaxPool2D(A, (2, 3), (2, 1)),
    QAvgPool2D(A, (2, 3), (2, 1)),
    QGlobalAvgPool2D(A),
]
SHAPES = [
    (2, 9, 8, 3),
    (2, 2, 4, 4),
    (2, 6, 5, 3),
    (2, 6, 5, 3),
    (2, 3, 3, 3),
    (2, 3, 3, 3),
    (2, 3),
]


def kind(layer):
    return type(layer).__name__


@pytest.mark.parametrize(
    ("layer", "shape"),
    list(zip(UNARY, SHAPES, strict=True)),
    ids=[type(layer).__name__ for layer in UNARY],
)
def test_output_shape_dtype_and_grid(layer, shape):
    out = layer.forward(IMAGE)
    assert (out.shape, out.dtype) == (shape, np.int8)
    assert layer.out_grid is (B if layer is CONV else A)


@pytest.mark.parametrize("layer", UNARY, ids=kind)
@pytest.mark.parametrize(
    ("codes", "error", "message"),
    [
        (IMAGE.astype(np.float32), TypeError, r"codes must be int8 .*got float32 \(2, 6, 5, 3\)"),
        (IMAGE.astype(np.int32), TypeError, "codes must be int8 .*got int32"),
        (IMAGE.view(np.uint8), TypeError, "codes must be int8 .*got uint8"),
        (IMAGE.tolist(), TypeError, "codes must be an int8 array .*got list"),
        (IMAGE[0, 0, 0], ValueError, r"codes must have shape .*got \(3,\)"),
    ],
    ids=["float", "int32", "uint8", "list", "rank"],
)
def test_forward_refuses_with_the_layers_name(layer, codes, error, message):
    with pytest.raises(error, match=f"{kind(layer)}.forward: {message}"):
        layer.forward(codes)


def test_forward_refuses_wrong_channels_and_small_images():
    with pytest.raises(ValueError, match=r"QConv2DPerChannel.forward: codes must have C = 3"):
        CONV.forward(IMAGE[..., :2])
    with pytest.raises(
        ValueError, match=r"kernel \(3, 2\) must fit the image, got .*\(2, 2, 5, 3\)"
    ):
        CONV.forward(IMAGE[:, :2])
    with pytest.raises(ValueError, match=r"QMaxPool2D.forward: kernel \(2, 3\) must fit"):
        UNARY[4].forward(IMAGE[:, :, :2])
    with pytest.raises(ValueError, match="QDense.forward: codes must have C = 3, got shape"):
        DENSE.forward(np.zeros((2, 5), np.int8))
    with pytest.raises(ValueError, match=r"QAdd.forward: a and b must have shapes that broadcast"):
        ADD.forward(IMAGE, IMAGE[..., :2])
    with pytest.raises(TypeError, match="QAdd.forward: a must be int8"):
        ADD.forward(IMAGE.astype(np.int16), IMAGE)
    with pytest.raises(TypeError, match="QAdd.forward: b must be int8"):
        ADD.forward(IMAGE, IMAGE.astype(np.int16))


def test_codes_off_a_narrow_grid_are_refused():
    narrow = Grid(0.1, 0, qmin=-8, qmax=7)
    stray = np.full((1, 2, 2, 3), 8, np.int8)
    conv = QConv2D.from_float(np.ones((1, 1, 1, 3), np.float32), np.zeros(1, np.float32), narrow, A)
    add = QAdd.from_float(A, narrow, A)
    pool = QMaxPool2D(narrow, (1, 1), (1, 1))
    for call in (
        lambda: conv.forward(stray),
        lambda: pool.forward(stray),
        lambda: qrelu(narrow).forward(-stray - 1),
        lambda: add.forward(stray, stray),
    ):
        with pytest.raises(ValueError, match=r"(codes|b) must lie in -8..7, got -?[89]..-?[89]"):
            call()
    assert (conv.forward(stray - 1) == conv.forward(np.full_like(stray, 7))).all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: QPad2D(A, (1, 1)), ValueError, r"pads must be 4 integers, got \(1, 1\)"),
        (lambda: QPad2D(A, (1, 1, -1, 0)), ValueError, "pads .* must be 4 integers >= 0"),
        (lambda: QPad2D(A, (1, 1, 0.5, 0)), TypeError, "pads must be an integer, got 0.5"),
        (lambda: QPad2D(A, 3), TypeError, "pads must be 4 integers, got 3"),
        (lambda: QMaxPool2D(A, (0, 2), (1, 1)), ValueError, "QMaxPool2D: kernel"),
        (lambda: QAvgPool2D(A, (2, 2), (1, 0)), ValueError, "QAvgPool2D: stride"),
        (
            lambda: QMaxPool2D(A, (2, 3), (1, 1), (0, 2, 0, 0)),
            ValueError,
            r"QMaxPool2D: pads must be below the kernel \(2, 3\), got \(0, 2, 0, 0\)",
        ),
        (
            lambda: QMaxPool2D(A, (2, 3), (1, 1), (0, 0, 3, 0)),
            ValueError,
            r"pads must be below the kernel \(2, 3\), got \(0, 0, 3, 0\)",
        ),
        (
            lambda: QMaxPool2D(A, (2, 3), (1, 1), (0, -1, 0, 0)),
            ValueError,
            "QMaxPool2D: pads .* must be 4 integers >= 0",
        ),
        (lambda: replace(CONV, stride=(0, 1)), ValueError, "QConv2DPerChannel: stride"),
        (
            lambda: replace(CONV, weight=CONV.weight.astype(float)),
            TypeError,
            "weight must be an array of int8",
        ),
        (
            lambda: replace(CONV, bias=CONV.bias.astype(np.int64)),
            TypeError,
            "bias must be an array of int32",
        ),
        (lambda: replace(CONV, weight=CONV.weight[0]), ValueError, r"weight must have shape \(O"),
        (lambda: replace(CONV, bias=CONV.bias[:3]), ValueError, r"bias must have shape \(4,\)"),
        (
            lambda: replace(CONV, weight_scale=CONV.weight_scale[:2]),
            ValueError,
            r"weight_scale must have shape \(1,\) or \(4,\), got \(2,\)",
        ),
    ],
)
def test_building_refuses(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("layer", [QConv2D, QConv2DPerChannel])
@pytest.mark.parametrize(
    ("weights", "bias", "message"),
    [
        (np.zeros((0, 3, 3, 1)), np.zeros(0), r"weights must have shape \(O, KH, KW, I\)"),
        (np.ones((2, 3)), np.zeros(2), r"weights must have shape \(O, KH, KW, I\), got \(2, 3\)"),
        (np.full((2, 1, 1, 1), np.nan), np.zeros(2), "weights must be finite"),
        (np.ones((2, 1, 1, 1)), np.array([0, np.inf]), "bias must be finite"),
        (np.ones((2, 1, 1, 1)), np.array([0, 1e12]), r"bias\[1\] = .* must fit int32"),
    ],
)
def test_from_float_refuses(layer, weights, bias, message):
    with pytest.raises(ValueError, match=message):
        layer.from_float(weights.astype(np.float32), bias.astype(np.float32), A, B)


def test_the_accumulator_bound_is_tight():
    # 255 * 127 a product: 66,311 of them fit int32, one more does not
    grid = Grid(1.0, -128)

    def dense(fan_in, sign=1.0, bias=0.0):
        weights = np.full((1, fan_in), sign, np.float32)
        return QDense.from_float(weights, np.float32([bias]), grid, grid)

    widest = dense(66_311)
    assert widest.accumulator_range()[1].tolist() == [255 * 127 * 66_311]
    assert widest.accumulate(np.full((1, 66_311), 127, np.int8)).tolist() == [[2_147_481_735]]
    for sign in (1.0, -1.0):
        with pytest.raises(ValueError, match="QDense: the accumulator must fit int32"):
            dense(66_312, sign)
    room = 2**31 - 1 - 2_147_481_735
    full = replace(widest, bias=np.int32([room]))
    assert full.accumulate(np.full((1, 66_311), 127, np.int8)).tolist() == [[2**31 - 1]]
    with pytest.raises(ValueError, match="the accumulator must fit int32"):
        replace(widest, bias=np.int32([room + 1]))


@pytest.mark.parametrize(
    ("zero_point", "most"), [(-128, 23), (127, 23), (0, 23), (-1, 23), (-5, 23)]
)
def test_left_shift_headroom(zero_point, most):
    grid = Grid(1.0, zero_point)
    steps = max(127 - zero_point, zero_point + 128)
    assert steps * 2**most < 2**31
    QAdd.from_float(grid, grid, Grid(2.0, 0), left_shift=most)
    with pytest.raises(ValueError, match=f"left_shift must be in 0..{most}"):
        QAdd.from_float(grid, grid, Grid(2.0, 0), left_shift=most + 1)


def test_add_refuses_an_output_grid_that_tflite_aborts_on():
    with pytest.raises(ValueError, match="QAdd: out_grid.scale must exceed"):
        QAdd.from_float(A, B, Grid(2 * 0.2 / 2**20, 0))


def test_relu6_upper_code_is_clipped_to_the_grid():
    assert (qrelu6(Grid(0.01, 0)).high, qrelu6(Grid(0.1, -3)).high) == (127, 57)


def test_layers_leave_their_input_alone():
    codes = np.random.default_rng(9).integers(-128, 128, IMAGE.shape).astype(np.int8)
    for layer in UNARY:
        before = codes.copy()
        out = layer.forward(codes)
        out[...] = 0
        assert (codes == before).all(), kind(layer)


def test_the_accumulator_bound_does_not_wrap_with_the_ends_of_its_grid():
    grids = Grid(1.0, 100), Grid(1.0, 100, np.int8(-128), np.int8(127))
    weights, bias = np.full((1, 70_000), 127, np.float32), np.zeros(1, np.float32)
    want, got = (QDense.from_float(weights, bias, grid, B).accumulator_range() for grid in grids)
    assert got == want and want[0] == 70_000 * 127 * -228


def test_a_layer_keeps_its_sizes_as_a_tuple_of_pythons_own_integers():
    for sizes in ([2, 1], (np.int64(2), np.int8(1))):
        pads = [*sizes, *sizes]
        made = [
            (replace(CONV, stride=sizes).stride, QMaxPool2D(A, (3, 3), sizes, pads[:4]).stride),
            (QAvgPool2D(A, sizes, sizes).kernel, QAvgPool2D(A, (1, 1), sizes).stride),
        ]
        pads = QPad2D(A, pads).pads, QMaxPool2D(A, (3, 3), (1, 1), pads).pads
        assert made == [((2, 1), (2, 1))] * 2 and pads == ((2, 1, 2, 1),) * 2
        assert {type(one) for pair in [*made[0], *made[1], *pads] for one in pair} == {int}


def test_what_is_no_integer_is_refused_by_name():
    with pytest.raises(TypeError, match="QClamp: high must be an integer, got 7.9"):
        QClamp(A, -3, 7.9)
    with pytest.raises(TypeError, match="left_shift must be an integer, got 19.5"):
        QAdd.from_float(A, B, A, left_shift=19.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: QMaxPool2D(A, (2, 2), (0, 1)),
            r"^QMaxPool2D: stride \(SY, SX\) must be 2 integers >= 1, got \(0, 1\)$",
        ),
        (lambda: replace(CONV, bias=CONV.bias[:3]), r"^QConv2DPerChannel: bias must have shape"),
        (
            lambda: replace(CONV, requantizer=Requantizer([0.1, 0.2])),
            r"^QConv2DPerChannel: requantizer.ratio must have shape \(1,\) or \(4,\), got \(2,\)$",
        ),
        (
            lambda: QPad2D(A, (1, 1, -1, 0)),
            r"^QPad2D: pads \(top, bottom, left, right\) must be 4 integers >= 0, got",
        ),
        (
            lambda: check_shape(IMAGE[..., :2], (None, None, 3)),
            r"^images must have shape \(N, H, W, 3\), got \(2, 6, 5, 2\)$",
        ),
        (
            lambda: to_codes(IMAGE - 9, Grid(0.1, 0, -8, 7), (6, 5, 3)),
            "^images as codes must lie in -8..7, got -9..-9$",
        ),
    ],
)
def test_a_refusal_names_the_argument_what_it_needs_and_what_it_got(make, message):
    with pytest.raises(ValueError, match=message):
        make()


COPIES = {
    "made": lambda layer: layer,
    "replaced": lambda layer: replace(layer),
    "copied": copy.copy,
    "deep-copied": copy.deepcopy,
    "pickled": lambda layer: pickle.loads(pickle.dumps(layer)),
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("layer", [CONV, DENSE], ids=kind)
def test_nobody_writes_to_a_layer_that_was_proved(layer, way):
    names = ("weight", "bias", "weight_scale")
    arrays = {name: getattr(layer, name).copy() for name in names}
    before = layer.accumulator_range()
    made = COPIES[way](replace(layer, **arrays))
    for name, array in arrays.items():
        array[...] = -128 if name == "weight" else 2**30
        with pytest.raises(ValueError, match="read-only"):
            getattr(made, name)[...] = 1
    for name in ("ratio", "multiplier", "shift"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(made.requantizer, name)[...] = 1
    assert np.array_equal(made.accumulator_range(), before)
    assert made.in_grid == layer.in_grid
