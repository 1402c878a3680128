"""Networks and steps to try the engines on, built by hand: any wiring, any grid, any geometry."""

from importlib.util import find_spec

import numpy as np
import pytest

from tinyq import Grid, Requantizer, Rounding
from tinyq.engines.fuse import Op
from tinyq.engines.tensors import Tensor
from tinyq.layers import QAdd, QConv2D, QConv2DPerChannel, QDense, QGlobalAvgPool2D
from tinyq.layers.nodes import INPUT, Node
from tinyq.network import QNetwork

MISSING = [name for name in ("numba", "onnx", "onnxruntime") if find_spec(name) is None]
FAST = pytest.mark.skipif(bool(MISSING), reason=f"extra 'fast' is not there: {MISSING}")
ENGINES = ["numpy", pytest.param("vnni", marks=FAST)]
GRID, ONE = Grid(0.1, -3), Grid(1.0, 0)


def network(layers: list[tuple], shape: tuple[int, int, int], grid: Grid = GRID) -> QNetwork:
    """Return a network of (name, layer, *inputs); without inputs it reads the layer before it."""
    nodes, before = [], INPUT
    for name, layer, *inputs in layers:
        nodes.append(Node(name, layer, tuple(inputs) or (before,)))
        before = name
    grids = {INPUT: grid} | {node.name: node.layer.out_grid for node in nodes}
    return QNetwork(tuple(nodes), grids, {}, shape)


def conv(shape: tuple, stride=(1, 1), grid=GRID, out=None, seed=0, **how) -> QConv2D:
    """Return a convolution of random weights (O, KH, KW, I); most codes it makes are not clamped.

    how: rounding, per_tensor.
    """
    rng, kind = np.random.default_rng(seed), QConv2DPerChannel
    if how.pop("per_tensor", False):
        kind = QConv2D
    weights = rng.normal(size=shape).astype(np.float32)
    out = out or Grid(grid.scale * np.prod(shape[1:]) ** 0.5, 5)
    bias = rng.normal(scale=20 * grid.scale, size=shape[0]).astype(np.float32)
    return kind.from_float(weights, bias, grid, out, stride, **how)


def dense(inputs: int, outputs: int, grid=GRID, **how) -> QDense:
    """Return a dense layer of random weights."""
    weights = np.random.default_rng(inputs).normal(size=(outputs, inputs)).astype(np.float32)
    return QDense.from_float(weights, np.ones(outputs, np.float32), grid, Grid(0.2, 9), **how)


def add(a=GRID, b=GRID, out=None, **how) -> QAdd:
    """Return the sum of two grids."""
    return QAdd.from_float(a, b, out or Grid(0.17, -20), **how)


def layer_of(weights, bias, ratio, rounding=Rounding.DOUBLE, grid=ONE, out=ONE):
    """A convolution of one pixel: weights (O, I) and bias (O,) as codes, ratio a number or (O,)."""
    weights = np.array(weights, np.int8)[:, None, None, :]
    return QConv2DPerChannel(
        in_grid=grid,
        out_grid=out,
        weight=weights,
        bias=np.array(bias, np.int32),
        weight_scale=np.ones(1, np.float32),
        requantizer=Requantizer(ratio, rounding),
    )


def single(layer: object, shape: tuple[int, int, int]) -> QNetwork:
    """Return a network of one layer; a dense layer reads the image's mean, (1, 1, C) is its own."""
    mean = [("mean", QGlobalAvgPool2D(layer.in_grid))] if isinstance(layer, QDense) else []
    return network([*mean, ("layer", layer)], shape, layer.in_grid)


def codes(qnet: QNetwork, count: int, seed: int = 0) -> np.ndarray:
    """Return count images as codes: any of the grid, in the last image its two ends alone."""
    grid, rng = qnet.grids[INPUT], np.random.default_rng(seed)
    images = rng.integers(grid.qmin, grid.qmax + 1, (count, *qnet.image_shape)).astype(np.int8)
    images[-1] = rng.choice([grid.qmin, grid.qmax], qnet.image_shape)
    return images


def differs(qnet: QNetwork, images: np.ndarray, engine: str) -> str:
    """Return what a plan answers otherwise than the layers, "" for nothing."""
    want = qnet(images)
    got = qnet.compile(engine, len(images))(images)
    if (got.dtype, got.shape) != (want.dtype, want.shape):
        return f"{engine}: {got.dtype} {got.shape}, not {want.shape}"
    wrong = np.argwhere(got != want)
    at = tuple(wrong[0]) if len(wrong) else ()
    where = f"{len(wrong)} of {got.size} codes, first {got[at]}, not {want[at]}"
    return f"{engine}: {where}" if len(wrong) else ""


def step_of(engine, layer: object, shape: tuple[int, int, int], room: int = 10**9):
    """Return the step that an engine's module makes of one layer, None for its own forward."""
    shape = shape[2:] if isinstance(layer, QDense) else shape
    source, target = (Tensor((1, *one), []) for one in (shape, layer.out_shape(shape)))
    return engine.step(Op("layer", layer, (INPUT,)), [source], target, room)


def every_rounding() -> list:
    """Each rounding, as pytest parameters with its name."""
    return [pytest.param(rounding, id=rounding.name) for rounding in Rounding]
