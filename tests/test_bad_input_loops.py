"""The loops refuse what is no integer, no ratio and no image: every argument of every kernel."""

import inspect
from typing import Any

import numpy as np
import pytest

from tinyq import loops

IMAGE = [[[1, 2]]]
PAIRS = ((2**30, 0),) * 3
CODES = {"qmin": -8, "qmax": 7}
STEP = {"acc": 3, "multiplier": 2**30, "shift": 1}
WINDOW = {"image": IMAGE, "size": (1, 1), "stride": (1, 1)}
SCALES = {"scale_a": 0.5, "scale_b": 0.5, "scale_out": 1.0, "left_shift": 20}
CURVE = {"code": 3, "grid": (0.5, 0), "out_grid": (0.25, -128)}
# A valid call of each kernel; each() is none, it carries one to every place.
CALLS: dict[str, dict[str, Any]] = {
    "add": {"image_a": IMAGE, "image_b": IMAGE, "zero_points": (0, 0, 0), "multipliers": PAIRS}
    | {"left_shift": 20, **CODES},
    "add_multipliers": SCALES,
    "add_ratios": SCALES,
    "as_ints": {"nested": IMAGE},
    "avg_pool2d": WINDOW | CODES,
    "clamp": {"image": IMAGE, "lo": 0, "hi": 3},
    "broadcast": {"a": [[1, 2]], "b": [3]},
    "concat": {"samples": [IMAGE, IMAGE], "axis": 1},
    "conv2d": {"image": IMAGE, "weights": [IMAGE], "biases": [3], "stride": (1, 1)}
    | {"zero_point_in": 0, "multipliers": [2**30], "shifts": [1], "zero_point_out": 0, **CODES},
    "dense": {"vector": [1, 2], "weights": [[1, 2]], "biases": [3], "zero_point_in": 0}
    | {"multiplier": 2**30, "shift": 1, "zero_point_out": 0, **CODES},
    "depthwise_conv2d": {"image": IMAGE, "weights": [[[3]]] * len(IMAGE[0][0])}
    | {"biases": [3] * len(IMAGE[0][0]), "stride": (1, 1), "zero_point_in": 0}
    | {"multipliers": [2**30] * len(IMAGE[0][0]), "shifts": [1] * len(IMAGE[0][0])}
    | {"zero_point_out": 0, **CODES, "dilation": (1, 1), "depth_multiplier": 1},
    "float32": {"x": 0.5},
    "float32_multiplier": {"ratio": 0.5},
    "float64_multiplier": {"ratio": 0.5},
    "global_avg_pool2d": {"image": IMAGE, **CODES},
    "hard_swish_code": CURVE,
    "int32": {"value": 3},
    "leaky_relu_code": CURVE | {"code": -3, "alpha": 0.1},
    "logistic_code": {"code": 3, "grid": (0.5, 0)},
    "max_pool2d": WINDOW | {"pads": (0, 0, 0, 0)},
    "mean": {"tensor": IMAGE, "axes": (0, 1), "zero_point_in": 0}
    | {"multiplier": 2**30, "shift": 1, "zero_point_out": 0, **CODES},
    "mul": {"a": [[1, 2]], "b": [3], "zero_points": (0, 0, 0)}
    | {"multiplier": 2**30, "shift": 1, **CODES},
    "mean_pool2d": WINDOW | {"in_zero_point": 0, "requantize": int},
    "multiply_by_quantized_multiplier": {"x": 3, "multiplier": 2**30, "shift": 1},
    "pad": {"sample": IMAGE, "pads": ((0, 0), (0, 0), (1, 0)), "value": 3},
    "pad2d": {"image": IMAGE, "pads": (0, 0, 0, 1), "value": 3},
    "quantize_multiplier": {"ratio": 0.5},
    "relu": {"image": IMAGE, "zero_point": 1},
    "relu6_code": CURVE,
    "relu_code": CURVE,
    "requantize": STEP | {"zero_point": 0, **CODES},
    "rescale_float32": STEP,
    "rescale_float64": STEP,
    "rescale_single": STEP,
    "rescale_up": STEP,
    "reshape": {"sample": IMAGE, "shape": (2, 1)},
    "rounding_divide_by_pot": {"x": 3, "n": 1},
    "saturating_rounding_doubling_high_mul": {"a": 3, "b": 2**30},
    "softmax": {"row": [1, 2], "multiplier": 2**30, "left": 1},
    "softmax_shares": {"row": [1, 2], "multiplier": 2**30, "left": 1, "bits": 8},
    "softmax_multiplier": {"scale": 0.5, "beta": 1.0},
    "sub": {"a": [[1, 2]], "b": [3], "zero_points": (0, 0, 0), "multipliers": PAIRS}
    | {"left_shift": 20, **CODES},
    "tanh_code": {"code": 3, "grid": (0.5, 0)},
    "transpose": {"sample": IMAGE, "axes": (2, 0, 1)},
    "wrap_int32": {"value": 3},
}
ALIEN = [None, object(), "word", "3", b"3", 1j, [None], ["a"], {}, {"a": 1}, np.array(["a"])]
NO_INTEGER = [*ALIEN, True, 0.5, 1.0, np.float32(1), float("nan"), [0.5], [[[0.5]]], [[[True]]]]
NO_REAL = [*ALIEN, True, float("nan"), float("inf"), [0.5]]
NO_RATIO = [*NO_REAL, -0.5]
NO_IMAGE = [
    [],
    [[]],
    [[[]]],
    [[[1]], []],
    [[[1], [2]], [[3]]],
    [[[1], [2, 3]]],
    [[1]],
    [1],
    [IMAGE],
]


def test_every_kernel_is_in_the_table():
    assert {f for f in loops.__all__ if inspect.isfunction(getattr(loops, f))} == {*CALLS, "each"}


@pytest.mark.parametrize(
    ("function", "name"), [(f, name) for f, arguments in CALLS.items() for name in arguments]
)
def test_what_is_no_number_of_its_kind_is_refused(function, name):
    call, arguments = getattr(loops, function), CALLS[function]
    call(**arguments)
    wrong = NO_RATIO if isinstance(arguments[name], float) else NO_INTEGER
    for value in NO_REAL if name == "alpha" else wrong:  # a slope may be negative
        with pytest.raises((TypeError, ValueError)):
            call(**{**arguments, name: value})


@pytest.mark.parametrize("name", ["image", "image_a", "image_b"])
@pytest.mark.parametrize("value", NO_IMAGE, ids=str)
def test_what_is_no_image_is_refused(value, name):
    for function in [f for f, arguments in CALLS.items() if name in arguments]:
        with pytest.raises((TypeError, ValueError)):
            getattr(loops, function)(**{**CALLS[function], name: value})


@pytest.mark.parametrize("left_shift", [-1, 32, 10**9])
def test_a_left_shift_is_that_of_an_int32(left_shift):
    for function in ("add", "add_ratios", "add_multipliers", "sub"):
        with pytest.raises(ValueError, match=f"left_shift must lie in 0..31, got {left_shift}"):
            getattr(loops, function)(**{**CALLS[function], "left_shift": left_shift})


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 10**50])
def test_what_int32_cannot_hold_is_an_overflow(value):
    for function, name in [(f, n) for f, given in CALLS.items() for n in given if n in "abx acc"]:
        if isinstance(CALLS[function][name], int):
            with pytest.raises(OverflowError, match="does not fit in int32"):
                getattr(loops, function)(**{**CALLS[function], name: value})
