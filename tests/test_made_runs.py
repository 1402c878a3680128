"""A network that could be made runs: as the loop nests do, in a plan, and out of its files."""

import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from engine_networks import codes
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyq import Grid, Requantizer, Rounding, export, layers
from tinyq.export import load
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import INPUT, Node
from tinyq.network import QNetwork
from tinyq.runtimes import oracle

QUICK = settings(max_examples=80, deadline=None, derandomize=True, database=None)
SCALES = st.sampled_from([0.01, 0.1, 0.125, 0.3, 2.0])
ENDS = st.sampled_from([(-128, 127), (-128, 127), (-8, 7), (-2, 1), (100, 101)])
GRIDS = st.builds(
    lambda scale, ends, part: Grid(scale, ends[0] + int(part * (ends[1] - ends[0])), *ends),
    *(SCALES, ENDS, st.sampled_from([0.0, 0.3, 0.5, 1.0])),
)
PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
KINDS = ["conv", "conv", "dense", "add", "pad", "relu", "clamp", "max", "average", "mean"]


def real(draw, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return rng.normal(size=shape).astype(np.float32)


def layer_on(draw, kind: str, grids: list[Grid], channels: int):
    """A layer of a kind on grids, for tensors of some channels.  Raises as its constructor."""
    grid, rounding = grids[0], draw(st.sampled_from(Rounding))
    bias = real(draw, draw(st.integers(1, 3)))
    match kind:
        case "conv":
            made = draw(st.sampled_from([layers.QConv2D, layers.QConv2DPerChannel]))
            weights = real(draw, len(bias), *draw(PAIRS), channels)
            return made.from_float(weights, bias, grid, draw(GRIDS), draw(PAIRS), rounding)
        case "dense":
            weights = real(draw, len(bias), channels)
            return layers.QDense.from_float(weights, bias, grid, draw(GRIDS), rounding)
        case "add":
            shift = draw(st.integers(16, 24))
            return layers.QAdd.from_float(grid, grids[-1], draw(GRIDS), shift, rounding)
        case "pad":
            return layers.QPad2D(grid, draw(st.tuples(*[st.integers(0, 2)] * 4)))
        case "clamp":
            return layers.QClamp(grid, *sorted(draw(st.tuples(*[st.integers(-9, 110)] * 2))))
        case "max":
            return layers.QMaxPool2D(
                grid, draw(PAIRS), draw(PAIRS), draw(st.tuples(*[st.integers(0, 1)] * 4))
            )
        case "average":
            return layers.QAvgPool2D(grid, draw(PAIRS), draw(PAIRS))
    return layers.QGlobalAvgPool2D(grid) if kind == "mean" else layers.qrelu(grid)


@st.composite
def drafts(draw) -> dict:
    """The arguments of a network: mostly one that fits together, at times one that does not."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)))
    grids, sizes, nodes = {INPUT: draw(GRIDS)}, {INPUT: shape}, []
    for number in range(draw(st.integers(1, 6))):
        kind, strays = draw(st.sampled_from(KINDS)), draw(st.integers(0, 9)) == 0
        count = 2 if kind == "add" else 1
        reads = tuple(draw(st.sampled_from([*grids])) for _ in range(count))
        own = [draw(GRIDS) if strays else grids[name] for name in reads]
        try:
            layer = layer_on(draw, kind, own, sizes[reads[0]][-1])
            size = layer.out_shape(*(sizes[name] for name in reads))
        except ValueError:
            if not nodes or draw(st.integers(0, 3)):
                continue
            layer, size = nodes[-1].layer, shape
        name = f"{number}/{kind}"
        nodes.append(Node(name, layer, reads))
        grids[name], sizes[name] = layer.out_grid, size
    return {"nodes": nodes, "grids": grids, "ranges": {}, "image_shape": shape}


def fits(nodes, grids, ranges, image_shape) -> bool:
    """Whether a network may be made: its layers, run one by one by hand, meet on their grids."""
    made = {INPUT: np.full((1, *image_shape), grids[INPUT].zero_point, np.int8)}
    for node in nodes:
        if [grids[name] for name in node.inputs] != list(node.layer.in_grids):
            return False
        try:
            made[node.name] = node.layer.forward(*(made[name] for name in node.inputs))
        except (TypeError, ValueError):
            return False
    return bool(nodes)


WRITERS = {
    "npz": export.npz,
    "C": export.c,
    "TFLite": export.tflite,
    "ONNX on codes": export.onnx,
    "ONNX on real numbers": lambda qnet, to: export.onnx(qnet, to, form="qdq"),
}


def check_files(qnet: QNetwork, images: np.ndarray) -> None:
    """Each writer writes the network or refuses it with the name of a tensor, and no file."""
    names = "|".join(re.escape(repr(name)) for name in [INPUT, *(n.name for n in qnet.nodes)])
    with tempfile.TemporaryDirectory() as folder:
        for who, write in WRITERS.items():
            to = Path(folder) / who
            try:
                write(qnet, to)
            except (TypeError, ValueError) as refusal:
                assert re.search(names, str(refusal)), (who, refusal)
                assert who != "npz" and not to.exists()
        assert np.array_equal(load(Path(folder) / "npz")(images), qnet(images))


@QUICK
@given(drafts())
def test_a_network_is_made_if_and_only_if_it_runs(draft):
    if not fits(**draft):
        names = "|".join(re.escape(f"layer {node.name!r}: ") for node in draft["nodes"])
        with pytest.raises((TypeError, ValueError), match=names or "at least one layer, got none"):
            QNetwork(**draft)
        return
    qnet = QNetwork(**draft)
    images = codes(qnet, 2)
    made = qnet.trace(images)
    assert {name: tensor.shape[1:] for name, tensor in made.items()} == qnet.shapes()
    want = [oracle.trace(qnet, image) for image in images]
    for name, tensor in made.items():
        assert tensor.tolist() == [one[name] for one in want], name
    assert np.array_equal(qnet.compile(batch=2)(images), qnet(images))
    check_files(qnet, images)


RAGGED = st.lists(st.integers(0, 3), max_size=5).map(tuple)
ODD = [0.0, -1.0, 1e-45, 3e38, np.nan, np.inf]
RATIOS = st.lists(st.sampled_from([0.0, 0.3, 1.0, 2.0**29]), min_size=1, max_size=3)
KERNELS = {layers.QDense: 0, layers.QConv2D: 2, layers.QConv2DPerChannel: 2}


@QUICK
@given(st.data())
def test_a_layer_of_any_arrays_is_refused_or_runs(data):
    """Arguments that fit, some of them replaced: by any shape, code, scale, width or stride."""
    draw = data.draw
    kind = draw(st.sampled_from([*KERNELS]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    filters, *shape = rng.integers(1, 4, 2 + KERNELS[kind])
    grid, out_grid, rounding = draw(GRIDS), draw(GRIDS), draw(st.sampled_from(Rounding))
    arguments = {
        "in_grid": grid,
        "out_grid": out_grid,
        "weight": rng.integers(-127, 128, (filters, *shape)).astype(np.int8),
        "bias": rng.integers(-(2**18), 2**18, filters).astype(np.int32),
        "weight_scale": np.float32([0.5]),
        "requantizer": Requantizer.from_scales(grid.scale, [0.5], out_grid.scale, rounding),
    }
    anything = {
        "weight": RAGGED.map(lambda size: rng.integers(-128, 128, size).astype(np.int8)),
        "bias": RAGGED.map(lambda size: rng.integers(-(2**31), 2**31, size).astype(np.int32)),
        "weight_scale": st.builds(np.full, RAGGED | st.just((1,)), st.sampled_from(ODD)),
        "requantizer": RATIOS.map(Requantizer),
    }
    if KERNELS[kind]:
        anything["stride"] = st.tuples(st.integers(-1, 3), st.integers(-1, 3))
    replaced = draw(st.sets(st.sampled_from([*anything]), max_size=2))
    for name in sorted(replaced):
        arguments[name] = draw(anything[name])
    # the loop nests take their ratios from the scales
    check_linear(kind, arguments, loops=not replaced & {"weight_scale", "requantizer"})


def check_linear(kind: type[Linear], arguments: dict, loops: bool) -> None:
    """The layer is refused by name, or it runs on the ends of its grid as its loop nest does."""
    try:
        layer = kind(**arguments)
    except (TypeError, ValueError) as refusal:
        assert re.match(rf"{kind.__name__}: ({'|'.join(arguments)}|the accumulator)", str(refusal))
        return
    assert np.isfinite(layer.weight_scale).all() and (layer.weight_scale > 0).all()
    sides = (3, 3) if KERNELS[kind] else ()
    rng, grid = np.random.default_rng(0), layer.in_grid
    images = rng.choice([grid.qmin, grid.qmax], (2, *sides, layer.weight.shape[-1])).astype(np.int8)
    want = loops and [oracle.forward(layer, image.tolist()) for image in images]
    made = layer.forward(images)
    assert made.shape[1:] == layer.out_shape(images.shape[1:])
    assert not loops or made.tolist() == want
