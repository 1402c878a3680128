"""Layers from the numbers of a file, and the pads that SAME stands for."""

from dataclasses import replace

import numpy as np
import pytest
from layer_cases import LAYER_CASES

from tinyq import Grid, Rounding, layers
from tinyq.layers.linear import Linear
from tinyq.loops.conv import output_size
from tinyq.runtimes import RUNTIMES
from tinyq.runtimes.run import forward

RNG = np.random.default_rng(6)
IN, OUT = Grid(0.05, -7), Grid(0.3, 4)
MADE = [case.layer for case in LAYER_CASES.values() if isinstance(case.layer, Linear)]


@pytest.mark.parametrize("layer", MADE, ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize("rounding", Rounding)
def test_codes_and_scales_make_the_layer_that_from_float_makes(layer, rounding):
    numbers = layer.weight, layer.bias, layer.weight_scale, layer.in_grid, layer.out_grid
    window = {"stride": layer.stride} if hasattr(layer, "stride") else {}
    made = type(layer).from_codes(*numbers, rounding, **window)
    assert type(made) is type(layer) and made.in_grid is layer.in_grid
    assert made.requantizer.rounding is rounding
    assert made.requantizer.ratio.tolist() == pytest.approx(
        [layer.in_grid.scale * s / layer.out_grid.scale for s in layer.weight_scale.tolist()]
    )
    if rounding is Rounding.DOUBLE:
        assert made.requantizer.multiplier.tolist() == layer.requantizer.multiplier.tolist()
        assert made.requantizer.shift.tolist() == layer.requantizer.shift.tolist()


def test_a_layer_without_bias_has_zeros():
    weight, scales = RNG.integers(-127, 128, (4, 7)).astype(np.int8), np.float32([0.01])
    bare = layers.QDense.from_codes(weight, None, scales, IN, OUT)
    assert bare.bias.tolist() == [0, 0, 0, 0] and bare.bias.dtype == np.int32
    zeros = layers.QDense.from_codes(weight, np.zeros(4, np.int32), scales, IN, OUT)
    codes = RNG.integers(-128, 128, (9, 7)).astype(np.int8)
    assert (bare.forward(codes) == zeros.forward(codes)).all()


def test_a_dense_layer_may_have_a_scale_for_each_row():
    """MODELS' files have such: each row is requantized by its own ratio."""
    weight = RNG.integers(-127, 128, (3, 7)).astype(np.int8)
    bias, scales = np.int32([5, -900, 40]), np.float32([0.01, 0.002, 0.03])
    dense = layers.QDense.from_codes(weight, bias, scales, IN, OUT)
    codes = RNG.integers(-128, 128, (9, 7)).astype(np.int8)
    for row in range(3):
        one = layers.QDense.from_codes(
            weight[row : row + 1], bias[row : row + 1], scales[row : row + 1], IN, OUT
        )
        assert (dense.forward(codes)[:, row] == one.forward(codes)[:, 0]).all()


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (
            {"weight_scale": np.float32([0.1, 0.2])},
            ValueError,
            "weight_scale must have shape",
        ),
        ({"weight_scale": np.float32([0.0])}, ValueError, "scales must be above 0"),
        ({"bias": np.int32([1, 2])}, ValueError, r"bias must have shape \(4,\)"),
        ({"bias": np.int64([1, 2, 3, 4])}, TypeError, "bias must be an array of int32"),
        ({"weight": np.zeros((4, 7), np.uint8)}, TypeError, "weight must be an array of int8"),
        ({"stride": (1, 1)}, TypeError, "stride"),
    ],
)
def test_numbers_that_make_no_layer_are_refused(wrong, error, message):
    right = {
        "weight": np.ones((4, 7), np.int8),
        "bias": np.int32([1, 2, 3, 4]),
        "weight_scale": np.float32([0.1]),
        "in_grid": IN,
        "out_grid": OUT,
    }
    assert layers.QDense.from_codes(**right) is not None
    with pytest.raises(error, match=message):
        layers.QDense.from_codes(**right | wrong)


def test_same_pads_are_the_fewest_that_keep_every_place():
    """By their definition: ceil(size / stride) windows fit, not with one pixel less."""
    for size in range(1, 23):
        for kernel in range(1, 6):
            for stride in range(1, 5):
                for dilation in range(1, 4):
                    before, after = layers.same_pads(size, kernel, stride, dilation)
                    reach, places = (kernel - 1) * dilation + 1, -(-size // stride)
                    total = before + after
                    assert 0 <= after - before <= 1
                    used = (places - 1) * stride + reach
                    assert used <= size + total and (total == 0 or used == size + total)
                    if reach <= size + total:
                        assert output_size(size + total, reach, stride) >= places


def test_same_pads_are_litert_s():
    pytest.importorskip("ai_edge_litert", reason="not installed", exc_type=ImportError)
    from tinyq.export.tflite_file import build
    from tools.agreement.litert import invoke

    conv = replace(LAYER_CASES["QConv2D"].layer, out_grid=Grid(0.06, 10))
    for height, width in ((7, 8), (8, 7), (5, 5)):
        for stride in ((1, 1), (2, 3), (3, 2)):
            layer = replace(conv, stride=stride)
            sides = zip((height, width), layer.weight.shape[1:3], stride, strict=True)
            pads = sum((layers.same_pads(*side) for side in sides), ())
            pad = layers.QPad2D(layer.in_grid, pads)
            codes = RNG.integers(-128, 128, (1, height, width, 3)).astype(np.int8)
            nodes = [(pad, ("x",), "pad"), (layer, ("pad",), "made")]
            inputs = {"x": (layer.in_grid, codes.shape)}
            fused, apart = (build(nodes, inputs, "made", fuse_pad=fuse) for fuse in (True, False))
            want = forward(layer, pad.forward(codes), runtime=RUNTIMES["litert-reference"])
            assert b"pad" not in fused and b"pad" in apart, "SAME must stand for the pads"
            for model in (fused, apart):
                assert invoke(model, [codes], "litert-reference").tolist() == want.tolist()
