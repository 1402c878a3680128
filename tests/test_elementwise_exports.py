"""Networks with constants, broadcasts and functions, shipped: npz, C, and what ONNX refuses."""

from dataclasses import replace

import numpy as np
import pytest
from c_compilers import (
    ARM,
    QEMU,
    SANITIZE,
    assert_same_bytes,
    codes_from,
    compile_cortex_m,
    needs,
)
from elementwise_cases import EVERY, GATE, IN, OUT, QNET, drawn
from export_networks import random_codes
from layer_cases import LAYER_CASES

from tinyq import Grid, Node, export, layers
from tinyq.export.archive import from_bytes, to_bytes
from tinyq.export.codec import decode, encode
from tinyq.export.onnx_file import build, channels_first
from tinyq.export.onnx_qdq import OPERATORS as ON_REALS
from tinyq.export.onnx_qlinear import OPERATORS as ON_CODES
from tinyq.layers.functions import Function
from tinyq.network import QNetwork


@EVERY
def test_a_npz_keeps_it(name):
    qnet, codes = drawn(name)
    back = from_bytes(to_bytes(qnet))
    assert np.array_equal(back(codes), qnet(codes)) and to_bytes(back) == to_bytes(qnet)
    for one, other in zip(back.nodes, qnet.nodes, strict=True):
        if isinstance(one.layer, layers.QTable | layers.QSoftmax):
            same = ("function", "alpha", "beta")
            assert [getattr(one.layer, field, 0) for field in same] == [
                getattr(other.layer, field, 0) for field in same
            ]


@pytest.mark.parametrize(
    ("layer", "field", "value", "message"),
    [
        ("gate", "function", "SINE", "SINE"),
        ("gate", "alpha", 0.5, "LEAKY_RELU alone has an alpha"),
        ("gate", "alpha", "0.5", "must have a float here, got '0.5'"),
        ("shares", "beta", 1, "must have a float here, got 1"),
        ("shares", "beta", None, "must have a float here, got None"),
        ("shares", "beta", float("nan"), "must be a finite number, got nan"),
    ],
)
def test_a_header_that_was_changed_is_refused(layer, field, value, message):
    header, arrays = encode(QNET)
    (entry,) = (one for one in header["nodes"] if one["name"] == layer)
    assert decode(header, arrays).nodes[3].layer.function is Function.LOGISTIC
    entry["constants"][field] = value
    with pytest.raises((KeyError, TypeError, ValueError), match=message):
        decode(header, arrays)


@EVERY
def test_c_gives_the_same_bytes(name, tmp_path):
    assert_same_bytes(*drawn(name), tmp_path, "-O1", *SANITIZE)


def test_c_reads_a_constant_where_it_is_and_copies_one_that_is_the_output(tmp_path):
    constant = layers.QConstant(IN, np.int8([[[30, -20, 5]]]))
    nodes = (
        Node("shift", constant, ()),
        Node("moved", layers.QAdd.from_float(IN, IN, OUT), ("input", "shift")),
        Node("end", constant, ()),
    )
    grids = {"input": IN, "shift": IN, "moved": OUT, "end": IN}
    qnet = QNetwork(nodes, grids, {}, (4, 6, 3))
    export.c(qnet, tmp_path)
    assert "reshape(&n0_end, n0_end_codes, output);" in (tmp_path / "network.c").read_text()
    export.c(replace(qnet, nodes=nodes[:2]), tmp_path, force=True)
    call = "add_broadcast(&n0_moved, input, n1_shift_codes, output);"
    assert call in (tmp_path / "network.c").read_text()


@pytest.mark.parametrize("size", [1, 2, 4095])
def test_the_softmax_in_c_at_the_ends_of_its_sum(size, tmp_path):
    """A row of one code, whose share is 1; and the longest that an int32 sums up, all at 1."""
    softmax = layers.QSoftmax(IN, GATE)
    nodes = (Node("shares", softmax, ("input",)),)
    qnet = QNetwork(nodes, {"input": IN, "shares": GATE}, {}, (size,))
    codes = np.stack([np.full(size, code, np.int8) for code in (-128, 0, 127)])
    codes = np.concatenate([codes, random_codes(qnet, 5)])
    assert_same_bytes(qnet, codes, tmp_path, "-O1", *SANITIZE)


def test_the_softmax_in_c_rounds_each_exponential_of_the_sum(tmp_path):
    """Four thousand exponentials of about 0.6 of the sum's last bit: they move the row's share."""
    layer = layers.QSoftmax(Grid(0.1, 0), Grid(1 / 256, -128))
    grids = {"input": layer.in_grid, "y": layer.out_grid}
    qnet = QNetwork((Node("y", layer, ("input",)),), grids, {}, (4095,))
    codes = np.full((1, 4095), -10, np.int8)
    codes[0, 7] = 127
    last_bit = layer.exps[137] / 2**12
    assert 0.5 < last_bit < 0.75 and layer.forward(codes)[0, 7] == 126
    assert_same_bytes(qnet, codes, tmp_path, "-O1", *SANITIZE)


def broadcast_alone() -> QNetwork:
    nodes = (
        Node("mean", layers.QGlobalAvgPool2D(IN), ("input",)),
        Node("sum", layers.QAdd.from_float(IN, IN, OUT), ("input", "mean")),
    )
    return QNetwork(nodes, {"input": IN, "mean": IN, "sum": OUT}, {}, (4, 6, 3))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda qnet, to: export.onnx(qnet, to), "its inputs must have one shape here"),
        (lambda qnet, to: export.onnx(qnet, to, form="qdq"), "its inputs must have one shape here"),
        (lambda qnet, to: export.tflite(qnet, to), "a and b must have one rank in TFLite"),
    ],
    ids=["ONNX", "QDQ", "TFLite"],
)
def test_an_add_that_repeats_an_axis_is_refused_where_it_would_be_another(write, message, tmp_path):
    with pytest.raises(ValueError, match=f"layer 'sum': {message}"):
        write(broadcast_alone(), tmp_path / "file")
    assert not list(tmp_path.iterdir())


UNKNOWN = [
    (form, name)
    for form, known in {"qlinear": ON_CODES, "qdq": ON_REALS}.items()
    for name, case in LAYER_CASES.items()
    if type(case.layer) not in known
]


@pytest.mark.parametrize(("form", "name"), UNKNOWN)
def test_what_onnx_has_no_row_for_is_refused_with_layer_and_node(form, name):
    pytest.importorskip("onnx", exc_type=ImportError)
    case = LAYER_CASES[name]
    shapes = dict(zip("ab", case.shapes, strict=False))
    dims = {one: channels_first(shape) for one, shape in shapes.items()}
    with pytest.raises(TypeError, match=f"layer 'made': ONNX on .* has no {name}, only "):
        build([(case.layer, list(shapes), "made")], dims, "made", form=form, shapes=shapes)


@pytest.mark.full
@pytest.mark.parametrize("name", [*range(4), "squeeze and excite"])
def test_a_cortex_m_gives_the_same_bytes(name, tmp_path):
    needs(ARM, QEMU)
    qnet, codes = drawn(name)
    export.c(qnet, tmp_path)
    assert codes_from(compile_cortex_m("cortex-m3", tmp_path), codes, tmp_path) == (
        qnet(codes).tobytes()
    )
