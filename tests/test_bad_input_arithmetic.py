"""The arithmetic refuses what it cannot compute: every argument of every function, by its domain.

Every wrong value that an argument's annotation rules out; test_domains_arithmetic.py has the values
beyond a limit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from bad_input import outcome, public, refuses_all
from reference import random_network

from tinyq import (
    Grid,
    Requantizer,
    Rounding,
    affine,
    analysis,
    fixedpoint,
    observers,
    requantize,
    weights,
)
from tinyq.analysis import bench, parity
from tinyq.layers import images, scheme
from tinyq.methods import equalization, fold
from tinyq.models import resnet
from tinyq.network import calibration
from tinyq.requantize import requantizer, roundings

WEIGHTS, BIASES, IMAGES = random_network(seed=3, filters=2, inner=2, size=(6, 6), count=3)
NET = resnet.stem_block(WEIGHTS, BIASES)
QNET = NET.quantize(IMAGES)
RUNS = analysis.run_both(NET, QNET, IMAGES)
LABELS = np.array([0, 1, 2])
LOGITS = np.float32([[0.5, 0.25], [0.25, 0.5]])
ROW, PER_ROW = np.float32([[0.5, 0.25]]), np.float32([0.5])
NORM = {name: [1.0] for name in ("gamma", "beta", "mean", "var")} | {"eps": 1.0}
PAIR = {"first": [[8.0]], "bias": [2.0], "second": [[0.5]]}
STEP = {"acc": np.int32([3]), "multiplier": np.int32([2**30]), "shift": np.int32([1])}
GRID, ONE = Grid(0.5, 3), Requantizer(0.5)
REALS, INTEGERS, ANY_REAL = np.floating, np.integer, np.float64

# function: a valid call, and what its ArrayLike arguments take.
Call = tuple[dict[str, Any], dict[str, Any]]
CALLS: dict[Callable[..., Any], Call] = {
    affine.round_half_away: ({"x": [0.5]}, {"x": ANY_REAL}),
    affine.check_ends: ({"qmin": -128, "qmax": 127}, {}),
    affine.check_scale: ({"name": "scale", "scale": 0.5}, {"name": object}),
    Grid: ({"scale": 0.5, "zero_point": 0, "qmin": -8, "qmax": 7}, {}),
    Grid.from_range: ({"lo": -1.0, "hi": 1.0, "qmin": -8, "qmax": 7}, {}),
    GRID.quantize: ({"x": [0.5]}, {"x": REALS}),
    GRID.dequantize: ({"codes": [3]}, {"codes": INTEGERS}),
    fixedpoint.quantize_multiplier: ({"ratio": 0.5}, {}),
    fixedpoint.saturating_rounding_doubling_high_mul: (
        {"a": [3], "b": 2**30},
        {"a": INTEGERS, "b": INTEGERS},
    ),
    fixedpoint.rounding_divide_by_pot: (
        {"x": [3], "exponent": 1},
        {"x": INTEGERS, "exponent": INTEGERS},
    ),
    fixedpoint.shift_left_int32: ({"x": [3], "shift": -1}, {"x": INTEGERS, "shift": INTEGERS}),
    fixedpoint.multiply_by_quantized_multiplier: (
        {"x": [3], "multiplier": 2**30, "shift": 1},
        {"x": INTEGERS, "multiplier": INTEGERS, "shift": INTEGERS},
    ),
    requantize.rescale_up: (STEP, dict.fromkeys(STEP, INTEGERS)),
    requantize.rescale_single: (STEP, dict.fromkeys(STEP, INTEGERS)),
    requantize.rescale_float32: ({"acc": [3], "ratio": 0.5}, {"acc": INTEGERS, "ratio": ANY_REAL}),
    requantize.rescale_float64: ({"acc": [3], "ratio": 0.5}, {"acc": INTEGERS, "ratio": ANY_REAL}),
    Requantizer: ({"ratio": [0.5], "rounding": Rounding.UP}, {"ratio": ANY_REAL}),
    Requantizer.from_scales: (
        {"in_scale": 0.5, "scales": [0.5], "out_scale": 0.5, "rounding": Rounding.FLOAT32},
        {"scales": ANY_REAL},
    ),
    ONE.rescale: ({"acc": [3]}, {"acc": INTEGERS}),
    ONE.requantize: ({"acc": [3], "grid": GRID}, {"acc": INTEGERS}),
    weights.weight_max: ({"bits": 4}, {}),
    weights.weight_scales: ({"weights": ROW, "per_channel": True, "bits": 4}, {}),
    weights.by_channel: ({"factors": PER_ROW, "weights": ROW}, {"factors": np.ndarray}),
    weights.quantize_weights: ({"weights": ROW, "scales": PER_ROW, "bits": 4}, {}),
    weights.quantize_bias: ({"bias": PER_ROW, "in_scale": 0.5, "scales": PER_ROW}, {}),
    observers.Percentile: ({"percent": 99.0}, {}),
    observers.MovingAverage: ({"momentum": 0.5}, {}),
    observers.MinMax: ({"lo": -1.0, "hi": 1.0}, {}),
    scheme.Scheme: (
        {"weight_bits": 4, "activation_bits": 8, "per_channel": True, "rounding": Rounding.UP},
        {},
    ),
    fold.batch_norm: (
        {"x": [[3.0]]} | NORM,
        dict.fromkeys(["x", *NORM], ANY_REAL) | {"eps": float},
    ),
    fold.fold_batch_norm: (
        {"weights": [[3.0]]} | NORM,
        dict.fromkeys(["weights", *NORM], ANY_REAL) | {"eps": float},
    ),
    fold.equalize: (PAIR, dict.fromkeys(PAIR, ANY_REAL)),
    fold.rescale: (PAIR | {"factors": [0.5]}, dict.fromkeys([*PAIR, "factors"], ANY_REAL)),
    fold.correct_bias: (
        {"bias": [1.0], "weights": [[0.3]], "dequantized": [[0.5]], "mean_input": [2.0]},
        dict.fromkeys(["bias", "weights", "dequantized", "mean_input"], ANY_REAL),
    ),
    images.check_images: (
        {"images": IMAGES, "wanted": (6, 6, 3)},
        {"images": np.ndarray, "wanted": object},
    ),
    images.to_codes: (
        {"images": IMAGES, "grid": GRID, "wanted": (6, 6, 3)},
        {"images": np.ndarray, "wanted": object, "grid": object},
    ),
    images.batches: (
        {"images": IMAGES, "channels": 3},
        {"images": np.ndarray, "channels": object},
    ),
    calibration.check_observer: ({"observer": observers.MSE}, {}),
    equalization.equalize_network: ({"net": NET}, {}),
    equalization.joined_pairs: ({"nodes": NET.nodes}, {}),
    analysis.predict: ({"logits": LOGITS}, {"logits": np.ndarray}),
    analysis.accuracy: (
        {"logits": LOGITS, "labels": LABELS[:2]},
        {"logits": np.ndarray, "labels": np.ndarray},
    ),
    analysis.agreement: (
        {"logits": LOGITS, "others": LOGITS},
        {"logits": np.ndarray, "others": np.ndarray},
    ),
    analysis.score: (
        {"logits": LOGITS, "reference": LOGITS, "labels": LABELS[:2]},
        {"logits": np.ndarray, "reference": np.ndarray, "labels": np.ndarray},
    ),
    parity.sqnr_db: (
        {"reference": [0.5], "approximation": [0.5]},
        {"reference": ANY_REAL, "approximation": ANY_REAL},
    ),
    parity.compare: ({"net": NET, "qnet": QNET, "images": IMAGES, "tolerance": 0.4}, {}),
    analysis.run_both: ({"net": NET, "qnet": QNET, "images": IMAGES}, {}),
    analysis.tensor_errors: ({"runs": RUNS}, {}),
    analysis.telescope: ({"runs": RUNS}, {}),
    analysis.one_at_a_time: ({"runs": RUNS, "labels": LABELS}, {"labels": np.ndarray}),
    analysis.grid_owners: ({"qnet": QNET}, {}),
    analysis.mixed_trace: ({"net": NET, "qnet": QNET, "images": IMAGES, "quantized": ()}, {}),
    analysis.mixed_logits: ({"net": NET, "qnet": QNET, "images": IMAGES, "quantized": ()}, {}),
    bench.bench: ({"qnet": QNET, "image": IMAGES[:1], "repeats": 1}, {"image": np.ndarray}),
}
for sweep in (analysis.sweep_bits, analysis.sweep_layer_bits):
    CALLS[sweep] = (
        {"net": NET, "calibration": IMAGES, "images": IMAGES, "labels": LABELS}
        | {"bits": [8], "scheme": scheme.INT8},
        {"calibration": np.ndarray, "images": np.ndarray, "labels": np.ndarray},
    )
for observer in (observers.MinMax, observers.MovingAverage, observers.Percentile,
                 observers.MSE, observers.Entropy):  # fmt: skip
    seen = observer().observe(np.float32([-1, 1]))
    CALLS[seen.observe] = ({"batch": np.float32([1])}, {"batch": REALS})
    CALLS[seen.merge] = ({"other": observer()}, {"other": observer})
    CALLS[seen.grid] = ({"qmin": -8, "qmax": 7}, {})

# What a room offers and the table has not, with the reason.
ROOMS = {
    affine: set(),
    fixedpoint: set(),
    roundings: {"Rounding"},  # an Enum
    requantizer: set(),
    weights: set(),
    scheme: set(),
    equalization: set(),
    images: {"check_shape", "form_of", "sizes_of", "naming"},  # for what was checked; a context
    calibration: {"Traced", "calibrate", "observe_batch"},  # behind Network.calibrate
}
EXPORTED = {
    fold: set(),
    # what a function returns, nobody makes it
    analysis: {"BitSweep", "LayerBitSweep", "OneAtATime", "Runs", "Score", "Telescope"}
    | {"TensorError"},
    # no argument of their own; MinMax has a test below
    observers: {"MSE", "Entropy", "Observer"},
}


def called(owner: Any) -> set[str]:
    return {
        part
        for function in CALLS
        for part in function.__qualname__.split(".")[:1]
        if function.__module__.startswith(owner.__name__)
    }


@pytest.mark.parametrize("room", [*ROOMS, *EXPORTED], ids=lambda room: room.__name__)
def test_every_function_is_in_the_table(room):
    offered = set(public(room)) if room in ROOMS else set(room.__all__)
    left_out = (ROOMS | EXPORTED)[room]
    assert offered - called(room) == left_out


SAID = {"batch": "calibration data", "calibration": "images"}
CASES = [
    pytest.param(function, arguments, name, hints.get(name), id=f"{function.__qualname__}-{name}")
    for function, (arguments, hints) in CALLS.items()
    for name in arguments
    if hints.get(name) is not object
]


@pytest.mark.parametrize(("function", "arguments", "name", "hint"), CASES)
def test_what_its_annotation_rules_out_is_refused(function, arguments, name, hint, capsys):
    outcome(function, arguments)  # the call is valid as it stands
    refuses_all(function, arguments, name, hint, SAID.get(name))
