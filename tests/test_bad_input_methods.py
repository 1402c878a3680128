"""What a careless caller hands to tinyq.methods and tinyq.models ends in an error with its name."""

import numpy as np
import pytest
from bad_input import arguments_of, public, refuses_all
from bad_input_networks import IMAGES, LABELS, NET, QNET, SEED

from tinyq.affine import Grid
from tinyq.floatref import Dense
from tinyq.layers.scheme import INT8
from tinyq.methods import adam, adaround, correction, fakequant, finetune, gradients, in_order
from tinyq.models import digits, resnet, torch_resnet
from tinyq.observers import MinMax

GRID = Grid(0.5, 0)
ROWS = np.float32([[1, -2], [0, 3]])
DENSE = Dense(np.float32([[2, 3]]), np.float32([0]))
ADAM = adam.Adam([np.zeros(2)], 0.1)
RUN = fakequant.fake_forward(NET, QNET.grids, IMAGES)
STATE = {"layer1.0.conv1.weight": np.zeros((1, 1, 3, 3), np.float32)}
PAIR = {"net": NET, "qnet": QNET, "images": IMAGES}
TRAINED = {"net": NET, "images": IMAGES, "labels": LABELS, "calibration": IMAGES}

CALLS = {
    adam.Adam: {"parameters": [np.zeros(2)], "rate": 0.1},
    ADAM.step: {"slopes": [np.ones(2)]},
    adaround.adaround: {
        **{"weights": [[0.45, 0.4]], "scales": [1.0], "inputs": [[1.0, 1.0]], "weight_bits": 8}
    },
    adaround.errors: {"deltas": np.zeros((1, 2)), "gram": np.zeros((2, 2))},
    adaround.round_up_or_down: PAIR,
    correction.correct_biases: PAIR,
    in_order.change_in_order: {**PAIR, "change": lambda layer, original, codes: layer},
    fakequant.fake_quantize: {"x": ROWS, "grid": GRID},
    fakequant.reached: {"x": ROWS, "grid": GRID},
    fakequant.round_weights: {"net": NET, "scheme": INT8, "schemes": {}},
    fakequant.fake_forward: {"net": NET, "grids": QNET.grids, "images": IMAGES},
    fakequant.backward: {
        **{"net": NET, "grids": QNET.grids, "run": RUN},
        "slope": np.ones((2, 4), np.float32),
    },
    finetune.finetune: {
        **TRAINED,
        **{"observer": MinMax, "scheme": INT8, "schemes": {}},
        **{"epochs": 1, "seed": 0, "progress": None},
    },
    finetune.cross_entropy: {"logits": ROWS, "labels": np.array([0, 1])},
    gradients.weight_slopes: {"layer": DENSE, "x": ROWS, "slope": np.ones((2, 1), np.float32)},
    digits.load: {"path": digits.PATH},
    digits.upsample: {"scans": np.zeros((1, 8, 8), np.uint8)},
    resnet.stem_block: {"weights": SEED.weights, "biases": SEED.biases},
    resnet.resnet18: {"state_dict": STATE, "eps": 1e-5},
    torch_resnet.load_torch: {"state_dict": STATE, "eps": 1e-5},
}
# What gets only what one of the calls has checked, what takes nothing, and what a call returns.
INNER = {
    *("bits_of", "corrected", "real_weights", "input_steps", "input_slopes", "block_places"),
    *("seed", "FakeRun", "BatchNorm", "Digits", "Seed"),
}


@pytest.mark.parametrize(("function", "arguments", "name"), arguments_of(CALLS))
def test_each_wrong_value_is_refused_by_name(function, arguments, name):
    refuses_all(function, arguments, name)


def test_no_public_function_is_left_out():
    modules = (adam, adaround, correction, fakequant, finetune, gradients, in_order)
    names = {name for one in (*modules, digits, resnet, torch_resnet) for name in public(one)}
    assert names == {function.__name__ for function in CALLS} - {"step"} | INNER


WRONG = [
    (adam.Adam, {"rate": 0.0}, "rate"),
    (adam.Adam, {"rate": -1.0}, "rate"),
    (adam.Adam, {"parameters": [np.broadcast_to(0.5, 3)]}, "parameters"),
    (ADAM.step, {"slopes": []}, "slopes"),
    (ADAM.step, {"slopes": [np.full(2, 1e200)]}, "slopes"),
    (adaround.adaround, {"weights": np.zeros((0, 2))}, "weights"),
    (adaround.adaround, {"weights": [[1e300, 1.0]], "scales": [1e-300]}, "weights"),
    (adaround.adaround, {"inputs": [[1e200, 1.0]]}, "inputs"),
    (adaround.errors, {"deltas": np.full((1, 2), 1e200), "gram": np.ones((2, 2))}, "deltas"),
    (in_order.change_in_order, {"change": lambda *given: None}, "change"),
    (fakequant.round_weights, {"schemes": {"no_layer": INT8}}, "schemes"),
    (finetune.cross_entropy, {"logits": np.float64([[1e308, -1e308]] * 2)}, "logits"),
    (gradients.weight_slopes, {"slope": np.full((2, 1), 3e38, np.float32)}, "slope"),
    (ADAM.step, {"slopes": [np.ones(3)]}, "slopes"),
    (adaround.adaround, {"weight_bits": 9}, "weight_bits"),
    (adaround.adaround, {"weight_bits": 1}, "weight_bits"),
    (adaround.adaround, {"scales": [0.0]}, "scales"),
    (adaround.adaround, {"inputs": [[1.0]]}, "inputs"),
    (adaround.errors, {"gram": np.zeros((2, 3))}, "gram"),
    (adaround.errors, {"deltas": np.zeros(2)}, "deltas"),
    (correction.correct_biases, {"images": IMAGES[:0]}, "images"),
    (correction.correct_biases, {"images": IMAGES[0]}, "images"),
    (fakequant.round_weights, {"schemes": {"stem": 8}}, "schemes"),
    (fakequant.fake_forward, {"grids": {}}, "grids"),
    (fakequant.fake_forward, {"images": IMAGES[..., :2]}, "images"),
    (fakequant.backward, {"run": fakequant.FakeRun({}, {})}, "run"),
    (fakequant.backward, {"slope": np.ones((4, 2), np.float32)}, "slope"),
    (finetune.finetune, {"epochs": 0}, "epochs"),
    (finetune.finetune, {"seed": -1}, "seed"),
    (finetune.finetune, {"labels": LABELS[:1]}, "labels"),
    (finetune.finetune, {"labels": LABELS.astype(float)}, "labels"),
    (finetune.finetune, {"labels": LABELS + 4}, "labels"),
    (finetune.cross_entropy, {"logits": ROWS[0]}, "logits"),
    (finetune.cross_entropy, {"labels": np.array([0, 2])}, "labels"),
    (finetune.cross_entropy, {"logits": ROWS[:0], "labels": np.array([], int)}, "labels"),
    (gradients.weight_slopes, {"x": ROWS[0]}, "x must"),
    (gradients.weight_slopes, {"slope": np.ones((1, 1), np.float32)}, "slope"),
    (digits.upsample, {"scans": np.zeros((8, 8), np.uint8)}, "scans"),
    (digits.upsample, {"scans": np.full((1, 8, 8), 17, np.uint8)}, "scans"),
    (resnet.stem_block, {"weights": {}}, "weights"),
    (resnet.stem_block, {"biases": {**SEED.biases, "more": SEED.biases["stem"]}}, "biases"),
    (torch_resnet.load_torch, {"eps": 0.0}, "eps"),
    (torch_resnet.load_torch, {"state_dict": {"layer" + "9" * 5000 + ".0.": 1.0}}, "state_dict"),
    (torch_resnet.load_torch, {"state_dict": {**STATE, 7: 1.0}}, "state_dict"),
]


@pytest.mark.parametrize(("function", "changes", "name"), WRONG)
def test_limits_shapes_and_names_are_refused(function, changes, name):
    with pytest.raises((TypeError, ValueError), match=name):
        function(**{**CALLS[function], **changes})


def test_unsigned_labels_are_labels():
    loss, _ = finetune.cross_entropy(ROWS, np.uint8([0, 1]))
    assert loss == finetune.cross_entropy(ROWS, np.int64([0, 1]))[0]
