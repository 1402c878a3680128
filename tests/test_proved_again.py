"""Whoever goes round a constructor gets no plan and no file: all is proved once more before."""

from dataclasses import fields, replace
from pathlib import Path
from types import NoneType

import numpy as np
import pytest
from layer_cases import LAYER_CASES, alone

from tinyq import Grid, Requantizer, export, layers
from tinyq.layers.functions import Function
from tinyq.mutants.add import UnprovedAdd
from tinyq.network import QNetwork

LEAVING = {
    "npz": export.npz,
    "C": export.c,
    "TFLite": export.tflite,
    "ONNX on codes": export.onnx,
    "ONNX on real numbers": lambda qnet, to: export.onnx(qnet, to, form="qdq"),
    "a plan": lambda qnet, to: qnet.compile(),
    "shapes": lambda qnet, to: qnet.shapes(),
}
# What a field becomes that nobody may set, by the type that it has.
FORGED = {
    Grid: [None, Grid(2.0**-126, 0), 3],
    Requantizer: [None, Requantizer([0.3] * 9), Requantizer(1.5), 0.5],
    float: [None, 0.0, -1.0, float("nan"), "1"],
    Function: [Function.LEAKY_RELU, "TANH", 3],
    NoneType: [0.5, "none"],
    int: [99, -99, None, 5.5],
    tuple: [(), (0,) * 4, (-1, 1), (99, 0, 0, 0), None],
    np.ndarray: [None, np.int8([1]), np.full((1, 1), np.nan)],
}


def refused(layer, field: str, value) -> bool:
    """Whether the layer's constructor refuses a value; any other grid is not that of the tensor."""
    try:
        replace(layer, **{field: value})
    except (TypeError, ValueError):
        return True
    return isinstance(value, Grid)


def forgeries() -> list:
    """Each layer, each of its fields, each value that its constructor refuses."""
    found = []
    for kind, case in LAYER_CASES.items():
        for field in fields(case.layer):
            right = getattr(case.layer, field.name)
            values = next(FORGED[known] for known in FORGED if isinstance(right, known))
            wrong = [value for value in values if refused(case.layer, field.name, value)]
            assert wrong, (kind, field.name)
            found += [(kind, field.name, value) for value in wrong]
    return found


def check_nothing_leaves(qnet: QNetwork, to: Path, owner: object, field: str, value) -> None:
    """Set a field behind its owner's back: no plan, no file; and put it right again."""
    own = getattr(owner, field)
    object.__setattr__(owner, field, value)
    try:
        for leave in LEAVING.values():
            with pytest.raises((TypeError, ValueError)):
                leave(qnet, to / "file")
    finally:
        object.__setattr__(owner, field, own)
    assert not list(to.iterdir()) and qnet.shapes()


@pytest.mark.parametrize(("kind", "field", "value"), forgeries())
def test_a_forged_field_is_refused_before_anything_leaves(kind, field, value, tmp_path):
    qnet = alone(LAYER_CASES[kind])
    (layer,) = (node.layer for node in qnet.nodes if node.name == "made")
    check_nothing_leaves(qnet, tmp_path, layer, field, value)


CONV = alone(LAYER_CASES["QConv2DPerChannel"])
LAYER = CONV.nodes[0].layer
NAN, ONES = float("nan"), np.ones(4, np.int32)
DEEPER = {
    "a grid's scale": (LAYER.in_grid, "scale", NAN),
    "a grid's zero_point": (LAYER.out_grid, "zero_point", 128),
    "a multiplier": (LAYER.requantizer, "multiplier", ONES),
    "a shift": (LAYER.requantizer, "shift", ONES),
    "a ratio": (LAYER.requantizer, "ratio", np.full(4, NAN)),
    "a node's layer": (CONV.nodes[0], "layer", LAYER_CASES["QConv2D"].original),
    "a node's class": (CONV.nodes[0], "layer", type(LAYER)),
    "a node's inputs": (CONV.nodes[0], "inputs", ("made",)),
    "the nodes": (CONV, "nodes", [None]),
    "no nodes": (CONV, "nodes", ()),
    "the grids": (CONV, "grids", {}),
    "the image's size": (CONV, "image_shape", (99,)),
    "the image's channels": (CONV, "image_shape", (5, 6, 4)),
}


@pytest.mark.parametrize(("owner", "field", "value"), DEEPER.values(), ids=DEEPER)
def test_so_is_what_lies_deeper(owner, field, value, tmp_path):
    check_nothing_leaves(CONV, tmp_path, owner, field, value)


class Lenient(layers.QConv2DPerChannel):
    """A subclass that asks less than its base."""

    def __post_init__(self) -> None:
        pass

    def _prove(self) -> None:
        pass


SCALE = np.zeros_like(LAYER.weight_scale)
LENIENT = Lenient(
    **{f.name: getattr(LAYER, f.name) for f in fields(LAYER)} | {"weight_scale": SCALE}
)
ADD = LAYER_CASES["QAdd"]
UNPROVED = UnprovedAdd(**{f.name: getattr(ADD.layer, f.name) for f in fields(ADD.layer)})


@pytest.mark.parametrize(
    ("layer", "case", "message"),
    [
        (LENIENT, LAYER_CASES["QConv2DPerChannel"], "weight_scale must be finite and above 0"),
        (replace(UNPROVED, left_shift=24), ADD, "left_shift must be in 0..23"),
        (replace(UNPROVED, rescale_a=Requantizer(0.6)), ADD, "ratios must be at most 1/2"),
    ],
)
def test_a_subclass_that_proves_less_is_in_no_network(layer, case, message):
    with pytest.raises(ValueError, match=f"layer 'made': .*{message}"):
        alone(case._replace(layer=layer))


def test_a_subclass_that_holds_what_its_base_demands_runs_but_is_not_exported(tmp_path):
    qnet = alone(ADD._replace(layer=UNPROVED))
    images = np.zeros((1, *qnet.image_shape), np.int8)
    assert (qnet(images) == alone(ADD)(images)).all()
    for name, leave in LEAVING.items():
        if name not in ("a plan", "shapes"):
            with pytest.raises((TypeError, ValueError), match="layer 'made': "):
                leave(qnet, tmp_path / "file")
