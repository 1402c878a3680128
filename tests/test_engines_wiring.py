"""Plans of small networks: each layer alone and in odd places, on odd grids and sizes."""

from dataclasses import fields

import numpy as np
import pytest
from engine_networks import ENGINES, GRID, add, codes, conv, dense, differs, network, single

from tinyq import Grid, Rounding
from tinyq.layers import (
    QAvgPool2D,
    QClamp,
    QConv2D,
    QDense,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
    qrelu,
    qrelu6,
)

# The sums of a convolution with a 2x2 kernel of 3 channels, as conv() puts them on a grid.
OUT = conv((4, 2, 2, 3)).out_grid
# Grids whose real zero is at an end, in the middle or beside it; and of few codes.
GRIDS = [Grid(0.1, -128), Grid(0.1, 127), Grid(0.1, 0), Grid(0.1, -1)]
GRIDS += [Grid(0.1, -8, -8, 7), Grid(0.1, 7, -8, 7), Grid(0.1, 1, -2, 1), Grid(0.1, 101, 100, 101)]


def pool(kernel, stride=None, pads=(0, 0, 0, 0), grid=OUT) -> QMaxPool2D:
    return QMaxPool2D(grid, kernel, stride or kernel, pads)


def pad(*pads: int, grid=GRID) -> QPad2D:
    return QPad2D(grid, pads)


# A linear step of 4 filters, then what a step might fold: 6x9 pixels after it.
C = ("conv", conv((4, 2, 2, 3)))
AFTER_CONV = {
    "nothing": [],
    "relu": [("relu", qrelu(OUT))],
    "relu6": [("relu6", qrelu6(OUT))],
    "clamp just below real zero": [("clamp", QClamp(OUT, OUT.zero_point - 1, 90))],
    "clamp to one code": [("clamp", QClamp(OUT, 33, 33))],
    "clamp twice": [("low", QClamp(OUT, 0, 127)), ("high", QClamp(OUT, -128, 40))],
    "clamp read twice": [("relu", qrelu(OUT)), ("add", add(OUT, OUT), "relu", "relu")],
    "conv read by two": [("relu", qrelu(OUT)), ("add", add(OUT, OUT), "conv", "relu")],
    "pool 2x2": [("pool", pool((2, 2)))],
    "pool 2x2, then clamp": [("pool", pool((2, 2))), ("relu", qrelu(OUT))],
    "clamp, pool, clamp": [
        ("a", qrelu(OUT)),
        ("b", pool((2, 2))),
        ("c", QClamp(OUT, -9, 50)),
    ],
    "pool twice": [("a", pool((2, 2))), ("b", pool((3, 2)))],
    "pool 1x1": [("pool", pool((1, 1)))],
    "pool 2x1": [("pool", pool((2, 1)))],
    "pool 1x2, a column over": [("pool", pool((1, 2)))],
    "pool 4x4, rows and columns over": [("pool", pool((4, 4)))],
    "pool 5x2": [("pool", pool((5, 2)))],
    "pool of the whole image": [("pool", pool((6, 9)))],
    "pool that overlaps": [("pool", pool((3, 3), (2, 2)))],
    "pool that overlaps down": [("pool", pool((3, 2), (2, 2)))],
    "pool with gaps": [("pool", pool((1, 2), (2, 3)))],
    "pool with pads": [("pool", pool((2, 2), pads=(1, 0, 0, 1)))],
    "3x3/2 pool with pads": [("relu", qrelu(OUT)), ("pool", pool((3, 3), (2, 2), (1, 1, 1, 1)))],
    "pool read by two": [("pool", pool((2, 2))), ("add", add(OUT, OUT), "pool", "pool")],
    "average": [("average", QAvgPool2D(OUT, (2, 3), (1, 2)))],
    "mean": [("mean", QGlobalAvgPool2D(OUT))],
    "pad": [("pad", pad(1, 0, 2, 3, grid=OUT))],
    "mean, relu, dense, relu": [
        ("mean", QGlobalAvgPool2D(OUT)),
        ("relu", qrelu(OUT)),
        ("dense", dense(4, 6, OUT)),
        ("again", qrelu(Grid(0.2, 9))),
    ],
    "skip": [
        ("pad", pad(1, 1, 1, 1, grid=OUT)),
        ("second", conv((4, 3, 3, 4), grid=OUT, out=GRID)),
        ("add", add(GRID, OUT), "second", "conv"),
        ("relu", qrelu(Grid(0.17, -20))),
        ("relu twice", QClamp(Grid(0.17, -20), -20, 60)),
        ("pool", pool((2, 2), grid=Grid(0.17, -20))),
    ],
    "an add that another layer reads before its clamp": [
        ("add", add(OUT, OUT), "conv", "conv"),
        ("relu", qrelu(Grid(0.17, -20))),
        ("both", add(Grid(0.17, -20), Grid(0.17, -20)), "add", "relu"),
    ],
    "layers that nobody reads": [
        ("dead", QMaxPool2D(OUT, (2, 2), (2, 2)), "conv"),
        ("dead too", conv((2, 3, 3, 4), grid=OUT), "conv"),
        ("relu", qrelu(OUT), "conv"),
    ],
}
ON_INPUT = {
    "clamp first": [("clamp", QClamp(GRID, -40, 70)), C],
    "pad": [("pad", pad(0, 1, 2, 3)), C],
    "pad beyond the kernel": [("pad", pad(5, 0, 0, 7)), C],
    "pad of nothing": [("pad", pad(0, 0, 0, 0)), C],
    "pad twice": [("a", pad(1, 0, 0, 1)), ("b", pad(0, 2, 1, 0)), C],
    "pad before a max pool": [("pad", pad(1, 1, 1, 1)), ("pool", pool((2, 2), grid=GRID))],
    "pad before an average": [("pad", pad(1, 1, 1, 1)), ("mean", QAvgPool2D(GRID, (2, 2), (2, 2)))],
    "pad read twice": [
        ("pad", pad(1, 1, 1, 1)),
        ("a", conv((4, 3, 3, 3), out=GRID), "pad"),
        ("b", conv((4, 3, 3, 3), out=OUT, seed=1), "pad"),
        ("add", add(GRID, OUT), "a", "b"),
    ],
    "a tensor under three pads": [
        ("clamp", QClamp(GRID, -90, 90)),
        ("pad a", pad(1, 1, 1, 1), "clamp"),
        ("a", conv((4, 3, 3, 3), out=GRID), "pad a"),
        ("pad b", pad(4, 0, 3, 1), "clamp"),
        ("b", conv((4, 5, 5, 3), out=GRID), "pad b"),
        ("c", conv((4, 1, 1, 3), out=GRID), "clamp"),
        ("a + b", add(), "a", "b"),
        ("all", add(Grid(0.17, -20), GRID), "a + b", "c"),
    ],
    "the input with itself": [("add", add(), "input", "input")],
    "the input with itself, twice": [
        ("add", add(), "input", "input"),
        ("again", add(Grid(0.17, -20), GRID), "add", "input"),
    ],
    "dense from the input's mean": [("mean", QGlobalAvgPool2D(GRID)), ("dense", dense(3, 5))],
    "rows added": [
        ("mean", QGlobalAvgPool2D(GRID)),
        ("dense", dense(3, 3)),
        ("add", add(Grid(0.2, 9), GRID), "dense", "mean"),
        ("relu6", qrelu6(Grid(0.17, -20))),
    ],
    "1x1 stride 2": [("conv", conv((5, 1, 1, 3), (2, 2)))],
    "stride beyond the kernel": [
        ("conv", conv((5, 2, 1, 3), (3, 4), out=OUT)),
        ("relu", qrelu(OUT)),
    ],
    "kernel as large as the image": [("conv", conv((5, 7, 10, 3)))],
    "one row of windows": [("conv", conv((5, 7, 3, 3), (9, 1)))],
    "one column of windows": [("conv", conv((5, 2, 10, 3), (1, 9)))],
    "stride far beyond the image": [("conv", conv((5, 2, 2, 3), (10**12, 10**12)))],
    "many filters": [("conv", conv((130, 2, 2, 3), (1, 2)))],
    "pool": [("pool", pool((3, 2), grid=GRID))],
    "average that is not square": [("average", QAvgPool2D(GRID, (3, 2), (2, 3)))],
}
NETWORKS = {f"conv, {name}": [C, *layers] for name, layers in AFTER_CONV.items()} | ON_INPUT


def of_rounding(layers: list[tuple], rounding: Rounding) -> list[tuple]:
    """Return the layers with requantizers of another rounding."""
    changed = []
    for name, layer, *inputs in layers:
        if isinstance(layer, QConv2D | QDense):
            parts = {f.name: getattr(layer, f.name) for f in fields(layer)}
            ratio = layer.requantizer.ratio
            layer = type(layer)(**parts | {"requantizer": type(layer.requantizer)(ratio, rounding)})
        changed.append((name, layer, *inputs))
    return changed


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_wiring(engine, name):
    for rounding in Rounding:
        qnet = network(of_rounding(NETWORKS[name], rounding), (7, 10, 3))
        # 19 images: enough for an add by table
        for count in (1, 19):
            assert not differs(qnet, codes(qnet, count), engine), rounding


ALONE = {
    "pad": lambda grid: pad(1, 2, 3, 0, grid=grid),
    "clamp": lambda grid: QClamp(grid, grid.qmin, grid.zero_point),
    "max pool": lambda grid: pool((3, 3), (2, 2), (1, 1, 1, 1), grid=grid),
    "average": lambda grid: QAvgPool2D(grid, (2, 2), (2, 1)),
    "mean": lambda grid: QGlobalAvgPool2D(grid),
    "conv": lambda grid: conv((4, 3, 3, 3), grid=grid),
    "conv per tensor": lambda grid: conv((4, 3, 2, 3), (2, 1), grid=grid, per_tensor=True),
    "dense": lambda grid: dense(3, 5, grid),
}


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("engine", ENGINES)
def test_each_layer_alone_on_every_grid(engine, name):
    for grid in GRIDS:
        for shape in ((6, 5, 3), (3, 3, 3)):
            qnet = single(ALONE[name](grid), shape)
            assert not differs(qnet, codes(qnet, 5), engine), (grid, shape)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_grid_on_both_sides_of_conv_clamp_and_add(engine):
    for source in GRIDS:
        for out in GRIDS:
            layers = [("pad", pad(1, 1, 1, 1, grid=source))]
            layers += [("conv", conv((3, 3, 3, 3), grid=source, out=out)), ("relu", qrelu(out))]
            layers += [("add", add(out, source, source), "relu", "input"), ("six", qrelu6(source))]
            qnet = network(layers, (6, 7, 3), source)
            for count in (2, 40):
                assert not differs(qnet, codes(qnet, count), engine), (source, out, count)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_add_by_table_in_tiles_of_images_and_of_rows(engine):
    for shape, count in (((40, 41, 4), 12), ((205, 97, 4), 1)):
        qnet = network([("add", add(), "input", "input")], shape)
        tiled = qnet.compile(engine, count)._steps[0].views
        assert len(tiled) > 1 or engine == "vnni"  # whose table needs no scratch memory
        assert not differs(qnet, codes(qnet, count), engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_images_of_one_pixel(engine):
    c = conv((4, 1, 1, 3))
    layers = [("conv", c), ("relu", qrelu(c.out_grid)), ("pool", pool((1, 1), grid=c.out_grid))]
    layers += [("add", add(c.out_grid, c.out_grid), "pool", "pool")]
    layers += [("mean", QGlobalAvgPool2D(Grid(0.17, -20))), ("dense", dense(4, 2, Grid(0.17, -20)))]
    qnet = network(layers, (1, 1, 3))
    for count in (1, 33):
        assert not differs(qnet, codes(qnet, count), engine)


class Doubled(QConv2D):
    """A layer of one's own, whose arithmetic no engine can know."""

    def out_shape(self, shape):
        height, width, channels = super().out_shape(shape)
        return height, width, 2 * channels

    def forward(self, codes):
        return np.repeat(super().forward(codes), 2, axis=3)


class Mirrored(QMaxPool2D):
    """Another one, that is none of the pools."""

    def forward(self, codes):
        return -super().forward(np.maximum(codes, -127))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_layer_of_one_s_own_runs_by_its_own_forward(engine):
    inner = conv((3, 2, 2, 3), out=GRID)
    own = Doubled(**{field.name: getattr(inner, field.name) for field in fields(inner)})
    mirrored = Mirrored(GRID, (2, 2), (2, 2))
    layers = [("pad", pad(1, 1, 1, 1)), ("own", own), ("relu", qrelu(GRID))]
    layers += [("conv", conv((4, 1, 1, 6), out=GRID)), ("mirrored", mirrored)]
    qnet = network(layers, (6, 6, 3))
    assert not differs(qnet, codes(qnet, 3), engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_border_is_never_written(engine):
    qnet = network(NETWORKS["a tensor under three pads"], (7, 10, 3))
    plan = qnet.compile(engine, batch=3)
    plan(codes(qnet, 3))
    # four rows and three columns before the image for one reader, a row and a column after it
    buffer = plan._tensors["clamp"].buffer
    assert buffer.shape == (3, 4 + 7 + 1, 3 + 10 + 1, 3)
    inside = np.zeros(buffer.shape, bool)
    inside[:, 4:-1, 3:-1] = True
    assert set(buffer[~inside].tolist()) == {GRID.zero_point}
    assert len(set(buffer[inside].tolist())) > 100
