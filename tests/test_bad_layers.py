"""Whatever makes or runs a layer or a network refuses each wrong value of each argument by name."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import fields

import numpy as np
import pytest
from bad_input import arguments_of, public, refuses_all
from layer_cases import LAYER_CASES
from numpy.typing import NDArray
from test_digits import DIGITS

from tinyq import MinMax, Scheme, floatref, layers, network
from tinyq.layers import qrelu, qrelu6
from tinyq.layers.functions import Function
from tinyq.layers.nodes import check_nodes, tensor_shapes
from tinyq.methods import correction
from tinyq.network import calibration, ledger, wiring

IMAGES = DIGITS.images[:4]
NET = DIGITS.net
QNET = NET.quantize(IMAGES)
GRIDS = LAYER_CASES["QAdd"].layer.in_grids
ROW = QNET.ledger()[1]


def parts_of(made) -> dict:
    """The arguments that a dataclass was made from."""
    return {field.name: getattr(made, field.name) for field in fields(made) if field.init}


MADE = [part for one in LAYER_CASES.values() for part in (one.layer, one.original)]
MADE += [floatref.HardSwish(), floatref.LeakyReLU(0.1), floatref.Tanh()]
MADE += [NET, QNET, Scheme(), NET.nodes[0], ROW]
CALLS = {type(made): parts_of(made) for made in MADE if fields(made)}
FLOATS = {"weights": np.ones((2, 3), np.float32), "bias": np.zeros(2, np.float32)}
FLOATS |= {"in_grid": GRIDS[0], "out_grid": GRIDS[1]}
WIDE = FLOATS | {"weights": np.ones((2, 1, 1, 3), np.float32), "stride": (1, 1)}
ROUNDING = {"rounding": Scheme().rounding}
PAIR = {"a_grid": GRIDS[0], "b_grid": GRIDS[1], "out_grid": GRIDS[1]} | ROUNDING
HOW = {"rounding": Scheme().rounding, "weight_bits": 8}
CALLS |= {
    qrelu: {"grid": GRIDS[0]},
    qrelu6: {"grid": GRIDS[0]},
    layers.same_pads: {"size": 32, "kernel": 3, "stride": 2, "dilation": 1},
    layers.QDense.from_codes: {
        **{"weight": np.int8([[1, 2]]), "bias": np.int32([3]), "weight_scale": np.float32([0.5])},
        **{"in_grid": GRIDS[0], "out_grid": GRIDS[1], "rounding": Scheme().rounding},
    },
    layers.QDense.from_float: FLOATS | HOW,
    layers.QConv2D.from_float: WIDE | HOW,
    layers.QConv2DPerChannel.from_float: WIDE | HOW,
    layers.QAdd.from_float: PAIR | {"left_shift": 20},
    layers.QMul.from_float: PAIR,
    layers.QSub.from_float: PAIR,
    layers.QRescale.from_float: {"in_grid": GRIDS[0], "out_grid": GRIDS[1]} | ROUNDING,
    layers.QTable.of: {
        **{"function": Function.LEAKY_RELU, "alpha": 0.1},
        **{"in_grid": GRIDS[0], "out_grid": GRIDS[1]},
    },
    check_nodes: {"nodes": NET.nodes},
    tensor_shapes: {"nodes": QNET.nodes, "image_shape": QNET.image_shape},
    wiring.check_wiring: {
        **{"nodes": QNET.nodes, "grids": QNET.grids, "image_shape": QNET.image_shape}
    },
    ledger.ledger_row: {
        **{"name": "conv", "layer": QNET.nodes[1].layer},
        **{"out_grid": GRIDS[0], "activation_bytes": 8},
    },
    ledger.format_ledger: {"rows": [ROW]},
    correction.correct_biases: {"net": NET, "qnet": QNET, "images": IMAGES},
    calibration.check_observer: {"observer": MinMax},
    NET.__call__: {"images": IMAGES},
    NET.trace: {"images": IMAGES},
    NET.quantize_on: {
        **{"ranges": QNET.ranges, "image_shape": QNET.image_shape},
        **{"scheme": Scheme(), "schemes": {"input": Scheme()}},
    },
}
# Calls whose annotations name what only a type checker imports, and what each argument takes.
SCHEMES = {"scheme": Scheme, "schemes": Mapping[str, Scheme]}
WATCHED = {"images": NDArray[np.floating], "observer": Callable, "executor": Executor | None}
GIVEN = {"images": IMAGES, "observer": MinMax, "executor": None}
HINTED = [
    (NET.calibrate, GIVEN, WATCHED),
    (NET.quantize, GIVEN | {"scheme": Scheme(), "schemes": {}}, WATCHED | SCHEMES),
    (QNET.compile, {"engine": "numpy", "batch": 1}, {"engine": str, "batch": int}),
    (QNET.dequantize, {"logits": np.int8([[3]])}, {"logits": NDArray[np.integer]}),
]
# What a proved caller alone calls, with arguments that it has proved: the rules themselves, bases
# that cannot be made, protocols, and context managers for messages.
BEHIND = {"checks", "images", "contract"}
BEHIND |= {"Linear", "PassThrough", "Pool", "check_weight_shapes", "check_left_shift", "check_mean"}
BEHIND |= {"check_multiplier", "check_axes", "mean_shape", "Window", "window_counts"}
BEHIND |= {"mean_codes", "run_nodes", "naming_layer", "FloatLayer", "check_reals", "Traced"}
BEHIND |= {"calibrate", "observe_batch", "corrected", "real_weights"}
BEHIND |= {"broadcast", "exponential", "functions", "hard_swish", "check_accumulator"}
BEHIND |= {"check_alpha", "check_row", "check_softmax_grid", "exponentials", "shares"}
BEHIND |= {"normalized_reciprocal", "same_pads", "check_sum_ratios", "OneInput"}
BEHIND |= {"new_shape", "joined_shape", "check_new_shape", "check_axes", "check_pads"}
BEHIND |= {"widened_scales", "without_the_smallest", "widened_channels", "Flatten"}


def modules():
    for package in (layers, floatref, network):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)
    yield correction


def test_every_public_function_and_class_is_tried():
    tried = {call.__name__ for call in CALLS} | BEHIND
    tried |= {type(made).__name__ for made in MADE}  # those without a field have no argument
    for module in modules():
        if module.__name__.split(".")[-1] not in BEHIND:
            assert set(public(module)) <= tried, module.__name__


@pytest.mark.parametrize(("call", "arguments", "name"), arguments_of(CALLS))
def test_each_wrong_value_of_each_argument_is_refused(call, arguments, name):
    call(**arguments)
    refuses_all(call, arguments, name)


@pytest.mark.parametrize(("call", "arguments", "hints"), HINTED)
def test_so_are_those_of_annotations_for_a_type_checker_alone(call, arguments, hints):
    assert arguments.keys() == hints.keys()
    for name, hint in hints.items():
        refuses_all(call, arguments, name, hint)


def methods():
    """Each forward, out_shape and quantize of the cases, with the arguments of a valid call."""
    for one in LAYER_CASES.values():
        if type(one.layer) is layers.QConcat:  # its arguments have no names
            continue
        layer, original = one.layer, one.original
        codes = [np.full((1, *one.shapes[0]), grid.zero_point, np.int8) for grid in layer.in_grids]
        reals = [np.ones((1, *shape), np.float32) for shape in one.shapes]
        grids = [*layer.in_grids, None if layer.out_grid in layer.in_grids else layer.out_grid]
        for call, given in (
            (layer.forward, codes),
            (layer.out_shape, one.shapes),
            (original.forward, reals),
            (original.quantize, [*grids, Scheme()]),
        ):
            yield call, dict(zip(inspect.signature(call).parameters, given, strict=True))


@pytest.mark.parametrize(("call", "arguments"), list(methods()))
def test_a_method_refuses_each_wrong_value_of_each_argument(call, arguments):
    call(**arguments)
    for name in arguments:
        refuses_all(call, arguments, name)
