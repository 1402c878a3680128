"""Networks that get no plan, and the layers of one's own that a plan leaves alone."""

from dataclasses import replace

import numpy as np
import pytest
from engine_networks import ENGINES, GRID, add, conv, dense, differs, network

from tinyq import Grid, Requantizer
from tinyq.layers import QClamp, QGlobalAvgPool2D, QMaxPool2D, qrelu
from tinyq.layers.nodes import INPUT

NARROW = Grid(0.1, 0, -8, 7)
IMAGES = np.random.default_rng(0).integers(-128, 128, (3, 8, 8, 4), dtype=np.int8)

MISFITS = {
    "layer 'conv': its weight needs C = 3, got": [("conv", conv((4, 2, 2, 3)))],
    "layer 'dense': its weight needs C = 3, got": [
        ("mean", QGlobalAvgPool2D(GRID)),
        ("dense", dense(3, 5)),
    ],
    "layer 'row': its weight needs C = 3, got .8, 8, 4.": [("row", dense(3, 5))],
    "layer 'pool': .*must fit the image": [("pool", QMaxPool2D(GRID, (9, 1), (9, 1)))],
    "layer 'add': .*must have shapes that broadcast": [
        ("pool", QMaxPool2D(GRID, (2, 2), (2, 2))),
        ("add", add(), "input", "pool"),
    ],
}


@pytest.mark.parametrize("message", MISFITS)
def test_layers_that_do_not_fit_together_make_no_network(message):
    with pytest.raises(ValueError, match=message):
        network(MISFITS[message], (8, 8, 4))


class Halved(Requantizer):
    """A requantizer of one's own: half of what the ratio says."""

    def rescale(self, acc):
        return super().rescale(acc) // 2


@pytest.mark.parametrize("engine", ENGINES)
def test_a_requantizer_of_ones_own_keeps_its_arithmetic(engine):
    layer = conv((5, 3, 3, 4))
    own = replace(layer, requantizer=Halved(layer.requantizer.ratio))
    assert not differs(network([("conv", own)], (8, 8, 4)), IMAGES, engine)


# Layers on a narrow grid that read the codes of a wide one, after a convolution or a clamp.
AFTER_CONV = [QClamp(NARROW, -4, 6), QMaxPool2D(NARROW, (2, 2), (2, 2))]
AFTER_CLAMP = [conv((5, 3, 3, 4), grid=NARROW), QGlobalAvgPool2D(NARROW), add(NARROW, NARROW)]
STRAY = [(conv((4, 3, 3, 4)), after) for after in AFTER_CONV]
STRAY += [(qrelu(GRID), after) for after in AFTER_CLAMP]


@pytest.mark.parametrize(("before", "after"), STRAY)
def test_a_layer_on_another_grid_than_the_tensor_makes_no_network(before, after):
    reads = ("before",) * len(after.in_grids)
    with pytest.raises(ValueError, match="'after': its grid of 'before' must be"):
        network([("before", before), ("after", after, *reads)], (8, 8, 4))


def test_a_name_used_twice_makes_no_network():
    with pytest.raises(ValueError, match="layer 'a': it must have a name of its own"):
        network([("a", conv((4, 3, 3, 4))), ("a", conv((4, 3, 3, 4)), INPUT)], (8, 8, 4))


class Sums(QClamp):
    """A layer that returns no codes."""

    def forward(self, codes):
        return super().forward(codes).astype(np.int32)


class Shorter(QClamp):
    """A layer whose codes have another shape than it says."""

    def forward(self, codes):
        return super().forward(codes)[:, 1:]


@pytest.mark.parametrize("kind", [Sums, Shorter])
def test_a_layer_that_makes_other_codes_than_it_says_makes_no_plan(kind):
    with pytest.raises(TypeError, match="'own' must return int8"):
        network([("own", kind(GRID, -9, 9))], (8, 8, 4)).compile()
