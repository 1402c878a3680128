"""Near-zero channels: a scale in which the bias fits int32, and a ledger that says so."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyq import Grid, Network, Node, Scheme, export, floatref, layers
from tinyq.layers.nodes import INPUT
from tinyq.layers.widening import widened_channels, widened_scales
from tinyq.methods.correction import correct_biases
from tinyq.network import QNetwork
from tinyq.network.ledger import format_ledger
from tinyq.runtimes import RUNTIMES, oracle, trace
from tinyq.weights import weight_scales

IN, OUT = Grid(0.02, 0), Grid(0.1, 0)
DEAD = np.float32([0.5, 1e-20]), np.float32([0.1, -1.2156529426574707])
EVERY = np.arange(-128, 128).astype(np.int8)[:, None]
RNG = np.random.default_rng(5)


def dead_conv(weights=DEAD[0], bias=DEAD[1], **how):
    kind = layers.QConv2DPerChannel if how.pop("per_channel", True) else layers.QConv2D
    return kind.from_float(weights.reshape(-1, 1, 1, 1), bias, IN, OUT, **how)


@pytest.mark.parametrize("per_channel", [True, False])
def test_a_dead_channel_gives_its_bias_for_every_input(per_channel):
    conv = dead_conv(per_channel=per_channel)
    codes = EVERY[:, :, None, None]
    assert set(conv.forward(codes)[..., 1].ravel().tolist()) == {-12}
    live = dead_conv(DEAD[0][:1], DEAD[1][:1])
    assert (conv.forward(codes)[..., 0] == live.forward(codes)[..., 0]).all()
    assert oracle.forward(conv, [[[5]]]) == conv.forward(np.int8([[[[5]]]]))[0].tolist()


def test_the_real_runtimes_give_it_too(tmp_path):
    for runtime in ("ai_edge_litert", "tflite_micro", "onnx", "onnxruntime"):
        pytest.importorskip(runtime, reason=f"{runtime} is not installed", exc_type=ImportError)
    from tools.agreement import litert, onnxrt, tflm

    qnet = QNetwork((Node("c", dead_conv(), (INPUT,)),), {INPUT: IN, "c": OUT}, {}, (1, 1, 1))
    codes = EVERY[:, :, None, None]
    got = {name: litert.pipeline(qnet, codes, name) for name in litert.KERNELS}
    got["tflite-micro"] = tflm.pipeline(qnet, codes)
    export.onnx(qnet, tmp_path / "net.onnx")
    got["onnxruntime"] = onnxrt.invoke((tmp_path / "net.onnx").read_bytes(), [codes])
    for name, made in got.items():
        want = trace(qnet, codes, RUNTIMES[name])["c"]
        assert made.ravel().tolist() == want.ravel().tolist() and (want[..., 1] == -12).all(), name


@settings(max_examples=150, deadline=None)
@given(
    exponents=st.lists(st.integers(-149, 0), min_size=1, max_size=4),
    bias=st.floats(-9, 9, width=32),
    zero_point=st.integers(-128, 127),
    bits=st.sampled_from([2, 4, 8]),
    per_channel=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_channel_gives_its_real_number_to_a_step(
    exponents, bias, zero_point, bits, per_channel, seed
):
    rng, grid = np.random.default_rng(seed), Grid(0.03, zero_point)
    with np.errstate(under="ignore"):
        weights = np.ldexp(rng.uniform(-1, 1, (len(exponents), 3)), np.array(exponents)[:, None])
    original = floatref.Conv2D(
        weights.astype(np.float32).reshape(-1, 1, 1, 3),
        np.full(len(exponents), bias, np.float32),
    )
    codes = rng.integers(-128, 128, (20, 1, 1, 3)).astype(np.int8)
    want = original.forward(grid.dequantize(codes))
    out = Grid.from_range(float(want.min()), float(want.max()) + 0.1)
    layer = original.quantize(grid, out, Scheme(bits, 8, per_channel))
    got = out.dequantize(layer.forward(codes))
    rounded = 0.5 * layer.weight_scale.astype(np.float64).max() * 255 * grid.scale * 3
    kept = 0.5 * grid.scale * float(layer.weight_scale.max())  # of the bias
    assert np.abs(got - want).max() <= out.scale * 1.001 + rounded + kept


def test_scales_that_fit_stay_as_they_are():
    for shape in ((8, 3, 3, 4), (5, 1, 1, 1), (3, 700)):
        weights = RNG.normal(size=shape).astype(np.float32)
        bias = RNG.normal(size=shape[0]).astype(np.float32)
        for bits in (2, 8):
            for per_channel in (True, False):
                scales = weight_scales(weights, per_channel, bits)
                assert widened_scales(scales, weights, bias, IN, OUT, bits) is scales


def test_what_widening_would_change_is_refused_as_before():
    live = np.float32([1.0, 1.0])
    with pytest.raises(ValueError, match=r"bias\[1\] = .* must fit int32"):
        dead_conv(live, np.float32([0.1, 1e12]))
    with pytest.raises(ValueError, match="have no float32 scale: too small"):
        layers.QDense.from_float(np.float32([[1e-40]]), np.float32([1e20]), IN, Grid(2e-3, 0))


LIVE = floatref.Conv2D(np.float32([0.5, 0.25, -0.5])[:, None, None, None], np.float32([0.1, 1, 0]))
IMAGES = RNG.uniform(-1, 1, (20, 3, 3, 1)).astype(np.float32)


def quantized(*weights: float, **how) -> QNetwork:
    conv = floatref.Conv2D(np.float32(weights)[:, None, None, None], np.float32([0.1, 5.0, -3.0]))
    return Network((Node("conv", conv, (INPUT,), "conv"),), 1).quantize(IMAGES, **how)


def test_the_ledger_marks_widened_channels_and_says_which():
    table = format_ledger(quantized(0.5, 1e-20, 1e-40).ledger()).splitlines()
    assert "0.003937* " in table[2]
    assert table[3] == ("* conv: near-zero weights, scale widened for the bias: channels 1, 2")
    plain = format_ledger(quantized(0.5, 0.25, -0.5).ledger())
    assert "*" not in plain and len(plain.splitlines()) == 3
    assert quantized(0.5, 0.0, 0.0).ledger()[1].widened == ()


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_channels_that_were_widened_can_be_told_from_the_layer(bits):
    weights = np.float32([0.5, 1e-12, 1e-20, 0.3])[:, None] * np.ones((4, 5), np.float32)
    conv = floatref.Conv2D(weights[:, None, None, :], np.float32([1, 2, -3, 0]))
    layer = conv.quantize(IN, OUT, Scheme(weight_bits=bits))
    found = widened_channels(layer.weight, layer.bias, layer.weight_scale, layer.in_grid)
    assert found == (1, 2)


def test_a_widened_network_is_corrected_saved_and_compiled(tmp_path):
    qnet = quantized(0.5, 1e-20, 1e-40)
    conv = floatref.Conv2D(
        np.float32([0.5, 1e-20, 1e-40])[:, None, None, None], np.float32([0.1, 5.0, -3.0])
    )
    net = Network((Node("conv", conv, (INPUT,), "conv"),), 1)
    better = correct_biases(net, qnet, IMAGES)
    assert (
        np.abs(better.dequantize(better(IMAGES)) - net(IMAGES)).max() < better.grids["conv"].scale
    )
    assert (qnet.compile(batch=20)(IMAGES) == qnet(IMAGES)).all()
    export.npz(qnet, tmp_path / "net.npz")
    assert (export.load(tmp_path / "net.npz")(IMAGES) == qnet(IMAGES)).all()


def test_no_warning_comes_out():
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert dead_conv(np.float32([0.5, 1e-42])).weight.ravel().tolist() == [127, 0]


@pytest.mark.parametrize(
    ("codes", "sign"),
    [((1, -126), 1), ((127, 0), -1)],  # they add up to 16255 and to -16256 at most
)
def test_a_scale_stays_to_the_last_accumulator_that_int32_holds(codes, sign):
    unit, wide = np.float32([2.0**-20]), Grid(1e6, 0)
    for steps, stays in ((16777089, True), (16777090, False)):  # of 128: 2**31 - 16256, and more
        bias = np.float32([sign * 128 * steps]) * unit
        scales = widened_scales(unit, np.float32([codes]) * unit, bias, Grid(1.0, 0), wide, 8)
        assert (scales == unit).all() == stays, steps


@pytest.mark.parametrize("in_scale", [1.0, 0.3, 3.0, 1e-3, 1e6])
def test_a_widened_scale_is_hardly_above_the_least_that_readers_hold(in_scale):
    least = np.finfo(np.float32).tiny
    none, bias = np.float32([[1e-40]]), np.float32([0])
    (scale,) = widened_scales(np.float32([1]), none, bias, Grid(in_scale, 0), OUT, 8)
    product = np.float32(in_scale) * scale
    assert min(scale, product) >= least and min(scale, product) <= least * 1.0001


@pytest.mark.parametrize(
    ("in_scale", "steps", "is_least"),
    [(1.0, 1.9, True), (1.0, 2.5, False), (4.0, 1.9, True), (0.25, 7.9, True), (0.25, 8.1, False)],
)
def test_the_least_scale_is_that_of_the_product_where_that_is_smaller(in_scale, steps, is_least):
    scale = np.float32([steps * np.finfo(np.float32).tiny])
    told = widened_channels(np.int8([[127]]), np.int32([0]), scale, Grid(in_scale, 0))
    assert told == ((0,) if is_least else ())


@pytest.mark.parametrize(("count", "end"), [(1, "channel 0"), (8, "6, 7"), (9, "6, 7, ...")])
def test_the_ledger_names_eight_channels(count, end):
    weights, bias = np.full((count, 1), 1e-20, np.float32), np.ones(count, np.float32)
    nodes = (Node("fc", floatref.Dense(weights, bias), (INPUT,), "fc"),)
    rows = Network(nodes, 1).quantize(np.float32([[1.0]])).ledger()
    assert format_ledger(rows).endswith(end)


def test_a_scale_is_widened_where_that_moves_an_output_by_half_a_step_and_no_more():
    """A bias of 1 asks for a unit of 2**-30: 128 codes, half a unit each, move by 2**-24."""
    none, bias, unit = np.float32([[1e-40]]), np.float32([1]), Grid(1.0, 0)
    half = Grid(2.0**-23, 0)
    assert widened_scales(np.float32([1]), none, bias, unit, half, 8).tolist() == [2.0**-30]
    with pytest.raises(ValueError, match="too small"):
        finer = Grid(2.0**-23 * (1 - 2.0**-20), 0)
        widened_scales(np.float32([1]), none, bias, unit, finer, 8)


def test_the_least_normal_scale_is_not_too_small():
    least = np.finfo(np.float32).tiny
    weights, bias = np.float32([[127 * least]]), np.float32([0])
    stays = widened_scales(np.float32([least]), weights, bias, Grid(1.0, 0), OUT, 8)
    assert stays.tolist() == [least]
