"""Schemes: bits of weights and codes, channels, rounding: each layer against the loops."""

import numpy as np
import pytest
from reference import random_network, weighted

from tinyq import Grid, Rounding, Scheme, layers
from tinyq.models import resnet
from tinyq.runtimes import oracle
from tinyq.weights import weight_max

RNG = np.random.default_rng(21)
WEIGHTS, BIASES, IMAGES = random_network(seed=21, filters=3, inner=4, size=(8, 8))
NET = resnet.stem_block(WEIGHTS, BIASES)
BITS = range(2, 9)
PAIRS = [(w, a) for w in BITS for a in BITS if w == a or 8 in (w, a)]
WEIGHTED = {"stem_conv7x7_s2": "stem", "block_conv3x3_a": "block1", "block_conv3x3_b": "block2"}
WEIGHTED |= {NET.nodes[-1].name: "dense"}


def check_parts(layer, codes, biases, multipliers, shifts):
    """What the host made of a layer's weights, against reference.py."""
    assert layer.weight.tolist() == np.array(codes).tolist()
    assert layer.bias.tolist() == biases
    made = layer.requantizer.multiplier, layer.requantizer.shift
    for got, want in zip(made, (multipliers, shifts), strict=True):
        assert np.broadcast_to(got, len(biases)).tolist() == list(want)


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize(("weight_bits", "activation_bits"), PAIRS)
def test_every_layer_equals_the_loops(weight_bits, activation_bits, per_channel):
    qnet = NET.quantize(IMAGES, scheme=Scheme(weight_bits, activation_bits, per_channel))
    trace = qnet.trace(IMAGES[:1])
    qmin, qmax = -(2 ** (activation_bits - 1)), 2 ** (activation_bits - 1) - 1
    largest = 2 ** (weight_bits - 1) - 1
    for node in qnet.nodes:
        assert (node.layer.out_grid.qmin, node.layer.out_grid.qmax) == (qmin, qmax)
        if name := WEIGHTED.get(node.name):
            scales = node.layer.in_grid.scale, node.layer.out_grid.scale
            per_tensor = not per_channel or name == "dense"
            parts = weighted(WEIGHTS[name], BIASES[name], *scales, per_tensor, largest)
            check_parts(node.layer, *parts)
        want = oracle.forward(node.layer, *(trace[name][0] for name in node.inputs))
        assert trace[node.name][0].tolist() == want, node.name
    assert np.unique(trace["input"]).size > 2 ** (activation_bits - 2)  # the codes are in use


@pytest.mark.parametrize("bits", BITS)
def test_weights_use_all_their_codes_and_no_other(bits):
    weights = np.linspace(-1, 1, 3000, dtype=np.float32).reshape(1, -1)
    layer = layers.QDense.from_float(
        weights, np.zeros(1, np.float32), Grid(0.01, 0, -2, 1), Grid(1.0, 0), weight_bits=bits
    )
    qmax = 2 ** (bits - 1) - 1
    assert np.unique(layer.weight).tolist() == list(range(-qmax, qmax + 1))
    assert layer.weight.dtype == np.int8


@pytest.mark.parametrize(("bits", "reach"), [(2, 1), (4, 7), (8, 127)])
def test_the_accumulator_bound_knows_the_bits(bits, reach):
    weights, bias = np.ones((1, 50, 1, 1), np.float32)[:, :1], np.zeros(1, np.float32)
    grid = Grid(1.0, -2, -2, 1)
    conv = layers.QConv2D.from_float(weights, bias, grid, grid, weight_bits=bits)
    assert [end.tolist() for end in conv.accumulator_range()] == [[0], [3 * reach]]


@pytest.mark.parametrize("rounding", Rounding)
def test_the_rounding_reaches_every_rescale(rounding):
    qnet = NET.quantize(IMAGES, scheme=Scheme(rounding=rounding))
    for node in qnet.nodes:
        parts = [v for v in vars(node.layer).values() if hasattr(v, "rounding")]
        assert all(part.rounding is rounding for part in parts)
        assert len(parts) == {"QAdd": 3, "QDense": 1, "QConv2DPerChannel": 1}.get(
            type(node.layer).__name__, 0
        )


def test_schemes_override_one_layer_and_no_other():
    narrow = Scheme(weight_bits=3, activation_bits=4)
    qnet = NET.quantize(IMAGES, schemes={"block_conv3x3_a": narrow, "input": narrow})
    plain = NET.quantize(IMAGES)
    for node, same in zip(qnet.nodes, plain.nodes, strict=True):
        weight = getattr(node.layer, "weight", None)
        if weight is not None:
            most = 3 if node.name == "block_conv3x3_a" else 127
            assert np.abs(weight).max() == most
        owner = node.name in ("block_conv3x3_a", "block_relu_a", "block_pad2", "stem_pad")
        assert (node.layer.out_grid.qmax == 7) == owner, node.name
        if not owner:
            assert node.layer.out_grid == same.layer.out_grid
    assert qnet.grids["input"].qmin == -8


def test_a_layer_that_passes_its_grid_on_takes_no_heed_of_activation_bits():
    qnet = NET.quantize(IMAGES, schemes={"stem_relu": Scheme(activation_bits=2)})
    assert qnet.grids["stem_relu"] is qnet.grids["stem_conv7x7_s2"]
    assert qnet(IMAGES).tolist() == NET.quantize(IMAGES)(IMAGES).tolist()


def test_bad_schemes_are_refused_before_any_image_is_read():
    images = iter([])
    with pytest.raises(ValueError, match=r"schemes must have names among \['input', 'stem_pad'.*"):
        NET.quantize(images, schemes={"stem": Scheme()})
    with pytest.raises(TypeError, match=r"schemes\['input'\] must be a Scheme, got 4"):
        NET.quantize(images, schemes={"input": 4})
    with pytest.raises(TypeError, match="scheme must be a Scheme, got 8"):
        NET.quantize(images, scheme=8)


@pytest.mark.parametrize("name", ["weight_bits", "activation_bits"])
@pytest.mark.parametrize("bits", [1, 9, 0, -4, 4.0, "4", True, None])
def test_bits_outside_2_to_8_are_refused(name, bits):
    kind = ValueError if type(bits) is int else TypeError
    with pytest.raises(kind, match=rf"Scheme: {name} must be an integer.*, got"):
        Scheme(**{name: bits})


def test_from_float_names_the_layer_and_the_bits():
    with pytest.raises(ValueError, match=r"QDense: weight_bits must be an integer in 2"):
        layers.QDense.from_float(
            np.ones((1, 1), np.float32),
            np.ones(1, np.float32),
            Grid(1.0, 0),
            Grid(1.0, 0),
            weight_bits=9,
        )
    with pytest.raises(ValueError, match=r"bits must be an integer in 2\.\.8, got 1"):
        weight_max(1)


def test_other_fields_are_checked():
    with pytest.raises(TypeError, match="per_channel must be True or False, got 1"):
        Scheme(per_channel=1)
    with pytest.raises(TypeError, match="rounding must be a Rounding, got 'DOUBLE'"):
        Scheme(rounding="DOUBLE")


def test_numpys_integers_are_bits_too():
    assert Scheme(np.int64(4), np.int64(4)) == Scheme(4, 4)
    assert Scheme(activation_bits=np.int8(8)).qmax == 127
