"""The whole block through the oracle alone: the seed's golden bytes, then any other weights.

A transcription of the reference's description: floats calibrate, in float32, and Python ints run.
It shares nothing with `tinyq.affine`, `tinyq.floatref`, `tinyq.layers` or `tinyq.network`; with
other weights it is what `tinyq.resnet.stem_block` must equal.
"""

import math

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from tinyq import loops
from tinyq.models import resnet

F32 = np.float32
PAD_3, PAD_1 = (3, 3, 3, 3), (1, 1, 1, 1)
GOLDEN = [[-8, 102, 89, -41], [-20, 71, 55, -60], [-16, 89, 78, -44], [5, 124, 109, -34]]
# What the reference calls a tensor's grid, and the layer of tinyq's network that makes it.
MADE_BY = {
    "input": "input",
    "stem": "stem_conv7x7_s2",
    "conv1": "block_conv3x3_a",
    "conv2": "block_conv3x3_b",
    "add": "block_add",
}


def wave(function, angle):
    """A sine or cosine of float32 angles, rounded to float32: the same on every processor."""
    return function(angle.astype(np.float64)).astype(F32)


def fill(shape, amplitude, frequency, phase):
    """A sinusoid in float32, along the flattened tensor."""
    n = math.prod(shape)
    t = np.arange(n, dtype=F32) / F32(n)
    return (F32(amplitude) * wave(np.sin, F32(frequency) * t + F32(phase))).reshape(shape)


SEED_WEIGHTS = {
    "stem": fill((8, 7, 7, 3), 0.10, 5.0, 0.1),
    "block1": fill((8, 3, 3, 8), 0.06, 7.0, 0.5),
    "block2": fill((8, 3, 3, 8), 0.06, 9.0, 1.1),
    "dense": fill((4, 8), 0.15, 3.0, 0.2),
}
SEED_BIASES = {name: np.zeros(len(w), F32) for name, w in SEED_WEIGHTS.items()}


def sample(s):
    i = np.arange(768, dtype=F32)
    sine, cosine = wave(np.sin, F32(0.13) * (17 * s + i)), wave(np.cos, F32(0.4) * (s + i))
    return (F32(0.7) * sine + F32(0.3) * cosine).reshape(16, 16, 3)


# ------------------------------------------------------------------------ calibration, in floats


def float_conv(image, weights, pad, stride):
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))
    windows = sliding_window_view(padded, weights.shape[1:3], (0, 1))[::stride, ::stride]
    return np.einsum("yxchw,ohwc->yxo", windows, weights)


def float_forward(image):
    """The seven tensors whose ranges the reference prints, of the seed's network, in float32."""
    stem = float_conv(image, SEED_WEIGHTS["stem"], 3, 2)
    pool = sliding_window_view(np.maximum(stem, 0), (2, 2), (0, 1))[::2, ::2].max((3, 4))
    conv1 = float_conv(pool, SEED_WEIGHTS["block1"], 1, 1)
    conv2 = float_conv(np.maximum(conv1, 0), SEED_WEIGHTS["block2"], 1, 1)
    added = np.maximum(conv2 + pool, 0)
    logits = SEED_WEIGHTS["dense"] @ added.mean((0, 1))
    tensors = {"input": image, "stem": stem, "pool": pool, "conv1": conv1, "conv2": conv2}
    return tensors | {"add": added, "logits": logits}


@pytest.fixture(scope="module")
def ranges():
    runs = [float_forward(sample(s)) for s in range(32)]
    every = {name: np.stack([run[name] for run in runs]) for name in runs[0]}
    return {name: (tensor.min(), tensor.max()) for name, tensor in every.items()}


def lround(x):
    return math.floor(x + 0.5) if x >= 0 else -math.floor(-x + 0.5)


def grid_of(lo, hi):
    lo, hi = min(lo, F32(0)), max(hi, F32(0))
    scale = (hi - lo) / F32(255)
    return scale, min(max(lround(-128 - float(lo) / float(scale)), -128), 127)


def quantize(x, scale, zero_point):
    if np.ndim(x):
        return [quantize(item, scale, zero_point) for item in x]
    return min(max(lround(float(x) / float(scale)) + zero_point, -128), 127)


def prepare(weights, biases, grid_in, grid_out, per_tensor=False):
    """What a layer with weights needs to run: codes, int32 biases, zero_points, multipliers."""
    peaks = [np.abs(weights if per_tensor else row).max() for row in weights]
    scales = [peak / F32(127) if peak else F32(1) for peak in peaks]
    codes = [quantize(row, scale, 0) for row, scale in zip(weights, scales, strict=True)]
    (s_in, zero_in), (s_out, zero_out) = grid_in, grid_out
    acc_scales = [float(s_in) * float(scale) for scale in scales]
    int_biases = [lround(float(b) / s) for b, s in zip(biases, acc_scales, strict=True)]
    pairs = [loops.quantize_multiplier(s / float(s_out)) for s in acc_scales]
    return codes, int_biases, zero_in, *zip(*pairs, strict=True), zero_out


# --------------------------------------------------------------------------- run time, in integers


def conv(image, stride, codes, biases, *rest):
    return loops.conv2d(image, codes, biases, (stride, stride), *rest)


def dense(vector, codes, biases, zero_in, multipliers, shifts, zero_out):
    return loops.dense(vector, codes, biases, zero_in, multipliers[0], shifts[0], zero_out)


def int_forward(image, weights, biases, grids):
    """Layers 1 to 13 of the reference on one image of codes."""

    def prepared(name, grid_in, grid_out, **kind):
        return prepare(weights[name], biases[name], grids[grid_in], grids[grid_out], **kind)

    stem_zero, conv1_zero, add_zero = (grids[name][1] for name in ("stem", "conv1", "add"))
    x = loops.pad2d(image, PAD_3, grids["input"][1])
    x = loops.relu(conv(x, 2, *prepared("stem", "input", "stem")), stem_zero)
    skip = loops.max_pool2d(x, (2, 2), (2, 2))
    x = loops.pad2d(skip, PAD_1, stem_zero)
    x = loops.relu(conv(x, 1, *prepared("block1", "stem", "conv1")), conv1_zero)
    x = loops.pad2d(x, PAD_1, conv1_zero)
    x = conv(x, 1, *prepared("block2", "conv1", "conv2"))
    scales, zero_points = zip(*(grids[name] for name in ("conv2", "stem", "add")), strict=True)
    x = loops.relu(loops.add(x, skip, zero_points, loops.add_multipliers(*scales)), add_zero)
    pooled = loops.global_avg_pool2d(x)
    return dense(pooled, *prepared("dense", "add", "logits", per_tensor=True))


# ------------------------------------------------------------------------------------------- tests


def test_ranges_and_grids_are_those_of_the_reference(ranges):
    assert {name: f"{lo:.3f}..{hi:.3f}" for name, (lo, hi) in ranges.items()} == {
        "input": "-1.000..1.000",
        "stem": "-7.907..7.913",
        "pool": "0.000..7.913",
        "conv1": "-10.058..10.174",
        "conv2": "-11.453..11.868",
        "add": "0.000..15.840",
        "logits": "1.305..4.895",
    }
    grids = {name: grid_of(*ranges[name]) for name in ranges if name != "pool"}
    assert {name: f"{scale:.5f} / {zero}" for name, (scale, zero) in grids.items()} == {
        "input": "0.00784 / -1",
        "stem": "0.06204 / -1",
        "conv1": "0.07934 / -1",
        "conv2": "0.09146 / -3",
        "add": "0.06212 / -128",
        "logits": "0.01920 / -128",
    }


def test_the_golden_logits_come_out_of_the_oracle(ranges):
    grids = {name: grid_of(*ranges[name]) for name in ranges}
    images = [quantize(sample(s), *grids["input"]) for s in range(4)]
    assert [int_forward(x, SEED_WEIGHTS, SEED_BIASES, grids) for x in images] == GOLDEN


@pytest.mark.parametrize("seed", range(6))
def test_the_network_equals_the_oracle_on_other_weights_biases_and_images(seed):
    rng = np.random.default_rng(seed)
    colours, stem, block, classes = (int(n) for n in rng.integers(1, 6, 4))
    height, width = (int(n) for n in rng.integers(5, 20, 2))

    def normal(*shape):
        return rng.normal(rng.normal(), 1 / math.sqrt(math.prod(shape[1:])), shape).astype(F32)

    weights = {
        "stem": normal(stem, 7, 7, colours),
        "block1": normal(block, 3, 3, stem),
        "block2": normal(stem, 3, 3, block),
        "dense": normal(classes, stem),
    }
    weights["stem"][0] = 0  # a filter of zeros has scale 1
    biases = {name: normal(len(w)) for name, w in weights.items()}
    images = rng.normal(rng.normal(), 1, (8, height, width, colours)).astype(F32)

    qnet = resnet.stem_block(weights, biases).quantize(images)
    made_by = MADE_BY | {"logits": f"dense_{stem}x{classes}"}
    grids = {tensor: qnet.grids[name] for tensor, name in made_by.items()}
    grids = {name: (grid.scale, grid.zero_point) for name, grid in grids.items()}
    wild = images[:3] * F32([0.1, 1, 40]).reshape(3, 1, 1, 1)  # the last one clips at the input
    codes = [quantize(image, *grids["input"]) for image in wild]
    want = [int_forward(image, weights, biases, grids) for image in codes]
    assert len({logit for row in want for logit in row}) > 1
    assert qnet(wild).tolist() == want
    assert qnet(np.int8(codes)).tolist() == want
