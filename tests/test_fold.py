"""Folding, equalization and bias correction against the layers they must not change."""

import math

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from test_digits import DIGITS, accuracies, accuracy, per_tensor, quantize

from tinyq.methods.fold import batch_norm, correct_bias, equalize, fold_batch_norm, rescale
from tinyq.models import resnet
from tinyq.weights import quantize_weights, weight_scales

RNG = np.random.default_rng(9)
EPS64 = np.finfo(np.float64).eps
X = RNG.normal(size=(4, 7, 6, 5))
WEIGHTS = RNG.normal(size=(6, 3, 3, 5)) * np.logspace(-3, 3, 6)[:, None, None, None]
NORM = {
    "gamma": np.array([1.5, -0.7, 0.0, 1e-3, 40.0, -2.0]),
    "beta": RNG.normal(size=6),
    "mean": RNG.normal(size=6) * 10,
    "var": np.array([0.0, 1e-6, 1.0, 3.0, 1e4, 0.2]),
    "eps": 1e-5,
}
FIRST, BIAS, SECOND = WEIGHTS, RNG.normal(size=6), RNG.normal(size=(4, 3, 3, 6))


def windows(x, size, stride=1):
    """What a kernel (size, size) sees: (N, OH, OW, size, size, C)."""
    seen = sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return np.moveaxis(seen, 3, 5)


def conv(x, weights, bias=0.0, stride=1):
    """VALID convolution in float64, by einsum."""
    seen = windows(np.asarray(x, np.float64), weights.shape[1], stride)
    return np.einsum("nijyxc,oyxc->nijo", seen, weights) + bias


def padded(x):
    return np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


def two_convs(x, first, bias, second):
    """Convolution, ReLU, pad, convolution."""
    return conv(padded(np.maximum(conv(x, first, bias), 0)), second)


def size_of_terms(x, first, bias, second):
    """The same with every term positive: what rounding errors are relative to."""
    return two_convs(abs(x), abs(first), abs(bias), abs(second))


def test_batch_norm_equals_a_loop():
    x = RNG.normal(size=(3, 6))
    got = batch_norm(x, **NORM)
    for (n, c), value in np.ndenumerate(x):
        g, b, m, v = (float(NORM[name][c]) for name in ("gamma", "beta", "mean", "var"))
        want = g * (float(value) - m) / math.sqrt(v + NORM["eps"]) + b
        assert got[n, c] == pytest.approx(want, rel=4 * EPS64)


def test_folding_keeps_the_function_to_float64_rounding():
    weights, bias = fold_batch_norm(WEIGHTS, **NORM)
    apart = batch_norm(conv(X, WEIGHTS), **NORM)
    folded = conv(X, weights, bias)
    sigma = np.sqrt(NORM["var"] + NORM["eps"])
    factor = np.abs(NORM["gamma"]) / sigma
    terms = factor * (conv(abs(X), abs(WEIGHTS)) + abs(NORM["mean"])) + abs(NORM["beta"])
    # 45 products, one rounding each and one in each sum, on both roads
    assert (np.abs(folded - apart) <= 100 * EPS64 * terms).all()


def test_folding_keeps_the_trained_networks_function():
    def block(weights, norm_or_bias):
        """Logits of the stem and the block in float64, a convolution and what follows it."""
        x = np.pad(DIGITS.images[DIGITS.calibration], ((0, 0), (3, 3), (3, 3), (0, 0)))
        x = np.maximum(norm_or_bias("stem", conv(x, weights["stem"], stride=2)), 0)
        n, h, w, c = x.shape
        x = skip = x.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))
        x = np.maximum(norm_or_bias("block1", conv(padded(x), weights["block1"])), 0)
        x = norm_or_bias("block2", conv(padded(x), weights["block2"]))
        return np.maximum(x + skip, 0).mean(axis=(1, 2)) @ weights["dense"].T + DIGITS.dense_bias

    weights, biases = DIGITS.folded()
    apart = block(DIGITS.weights, lambda name, x: batch_norm(x, *DIGITS.norms[name]))
    folded = block(weights, lambda name, x: x + biases[name])
    assert np.abs(folded - apart).max() <= 1e-12
    got = DIGITS.net(DIGITS.images[DIGITS.calibration])
    assert np.abs(got - apart).max() <= 1e-4  # float32


def test_rescaling_by_powers_of_two_keeps_every_bit():
    factors = 2.0 ** np.array([-6, 0, 3, 1, -2, 7])
    x, *layers = (a.astype(np.float32) for a in (X, FIRST, BIAS, SECOND))
    again = [part.astype(np.float32) for part in rescale(*layers, factors)]
    assert two_convs(x, *again).tobytes() == two_convs(x, *layers).tobytes()
    assert not np.array_equal(again[0], layers[0])


def test_rescaling_and_equalizing_keep_the_function_to_float64_rounding():
    want, terms = two_convs(X, FIRST, BIAS, SECOND), size_of_terms(X, FIRST, BIAS, SECOND)
    for parts in (
        rescale(FIRST, BIAS, SECOND, RNG.uniform(0.01, 100, 6)),
        equalize(FIRST, BIAS, SECOND),
    ):
        # 45 products feed each of 54
        assert (np.abs(two_convs(X, *parts) - want) <= 200 * EPS64 * terms).all()


def test_equalizing_makes_the_ranges_equal_and_forgets_an_earlier_rescale():
    first, bias, second = equalize(FIRST, BIAS, SECOND)
    made = np.abs(first).max(axis=(1, 2, 3))
    np.testing.assert_allclose(np.abs(second).max(axis=(0, 1, 2)), made, rtol=4 * EPS64)
    geometric = np.abs(FIRST).max(axis=(1, 2, 3)) * np.abs(SECOND).max(axis=(0, 1, 2))
    np.testing.assert_allclose(made, np.sqrt(geometric), rtol=4 * EPS64)
    after = equalize(*rescale(FIRST, BIAS, SECOND, [3.0, 0.1, 1, 70, 1e4, 0.5]))
    for got, want in zip(after, (first, bias, second), strict=True):
        np.testing.assert_allclose(got, want, rtol=16 * EPS64)


def test_a_channel_of_zeros_keeps_its_scale():
    first, second = FIRST.copy(), SECOND.copy()
    first[0], second[..., 1] = 0, 0
    got = equalize(first, BIAS, second)
    assert np.array_equal(got[1][:2], BIAS[:2])
    assert np.array_equal(got[0][1], first[1]) and np.array_equal(got[2][..., 0], second[..., 0])
    assert all(np.isfinite(part).all() for part in got)


def dequantized(weights, per_channel):
    """The real numbers of the int8 codes of weights, float64."""
    weights = np.float32(weights)
    scales = weight_scales(weights, per_channel)
    steps = np.broadcast_to(scales, len(weights)).astype(np.float64)
    codes = quantize_weights(weights, scales)
    return codes * steps.reshape(-1, *[1] * (weights.ndim - 1))


def test_the_corrected_bias_gives_the_mean_output_of_the_float_weights():
    rounded = dequantized(WEIGHTS, per_channel=False)
    seen = windows(X, 3)
    corrected = correct_bias(BIAS, WEIGHTS, rounded, seen.mean(axis=(0, 1, 2)))
    mean = conv(X, WEIGHTS, BIAS).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(conv(X, rounded, corrected).mean(axis=(0, 1, 2)), mean, atol=1e-11)
    assert np.abs(conv(X, rounded, BIAS).mean(axis=(0, 1, 2)) - mean).max() > 0.01


def test_one_mean_a_channel_serves_all_taps():
    rounded = dequantized(WEIGHTS, per_channel=True)
    mean = X.mean(axis=(0, 1, 2))
    whole = np.broadcast_to(mean, (3, 3, 5))
    got = correct_bias(BIAS, WEIGHTS, rounded, mean)
    assert np.array_equal(got, correct_bias(BIAS, WEIGHTS, rounded, whole))


def test_equalization_wins_the_wide_siblings_accuracy_back():
    weights, biases = DIGITS.widened()
    weights["block1"], biases["block1"], weights["block2"] = equalize(
        weights["block1"], biases["block1"], weights["block2"]
    )
    net = resnet.stem_block(weights, biases)
    qnet = quantize(net)
    floats, one_scale, _ = accuracies("wide_net")
    assert one_scale <= floats - 10
    assert accuracy(per_tensor(net, qnet)) >= floats - 1
    assert accuracy(qnet) >= floats - 1


def test_bias_correction_wins_back_part_of_the_wide_siblings_accuracy():
    weights, biases = DIGITS.widened()
    trace = DIGITS.wide_net.trace(DIGITS.images[DIGITS.calibration])
    pads = {"stem": ("stem_pad", 2), "block1": ("block_pad1", 1), "block2": ("block_pad2", 1)}
    for name, (pad, stride) in pads.items():
        seen = windows(trace[pad].astype(np.float64), weights[name].shape[1], stride)
        rounded = dequantized(weights[name], per_channel=False)
        mean = seen.mean(axis=(0, 1, 2))
        biases[name] = correct_bias(biases[name], weights[name], rounded, mean)
    # The grids stay those of the float network; the corrected biases are for its rounded weights.
    net, qnet = resnet.stem_block(weights, biases), quantize(DIGITS.wide_net)
    assert accuracy(per_tensor(net, qnet)) >= accuracies("wide_net")[1] + 10


REFUSED = {
    "NaN weights": (fold_batch_norm, {"weights": WEIGHTS * np.nan}, "weights must be finite"),
    "infinite mean": (fold_batch_norm, {"mean": np.full(6, np.inf)}, "mean must be finite"),
    "short beta": (fold_batch_norm, {"beta": np.zeros(5)}, r"beta must have shape \(C,\)"),
    "other C": (
        fold_batch_norm,
        {"weights": WEIGHTS[:5]},
        r"gamma must have shape \(5,\), got \(6",
    ),
    "negative var": (fold_batch_norm, {"var": -(NORM["gamma"] ** 2)}, "var must be >= 0, got"),
    "eps 0": (fold_batch_norm, {"eps": 0.0}, "eps must be finite and > 0, got 0.0"),
    "eps NaN": (batch_norm, {"eps": np.nan}, "eps must be a finite number, got nan"),
    "wrong x": (batch_norm, {"x": X}, r"x must have shape \(..., 6\), got \(4, 7, 6, 5\)"),
    "factor 0": (rescale, {"factors": [1, 1, 1, 1, 1, 0]}, "factors must be 6 numbers > 0, got"),
    "factor -1": (rescale, {"factors": [-1, 1, 1, 1, 1, 1]}, "factors must be 6 numbers > 0"),
    "one factor": (rescale, {"factors": 2.0}, "factors must be 6 numbers > 0, got 2.0"),
    "no bias": (equalize, {"bias": 0.0}, r"first must be \(C, ...\) and bias \(C,\), got"),
    "other second": (equalize, {"second": SECOND[..., 1:]}, r"second must be \(O, ..., 6\), got"),
    "mean of a pixel": (correct_bias, {"mean_input": 1.0}, r"mean_input must have shape \(3, 3, 5"),
    "other codes": (correct_bias, {"dequantized": WEIGHTS[..., 1:]}, r"dequantized \(6, 3, 3, 4\)"),
    "NaN codes": (correct_bias, {"dequantized": WEIGHTS * np.nan}, "dequantized must be finite"),
}
GOOD = {
    batch_norm: {"x": np.zeros((2, 6)), **NORM},
    fold_batch_norm: {"weights": WEIGHTS, **NORM},
    rescale: {"first": FIRST, "bias": BIAS, "second": SECOND, "factors": np.ones(6)},
    equalize: {"first": FIRST, "bias": BIAS, "second": SECOND},
    correct_bias: {
        "bias": BIAS,
        "weights": WEIGHTS,
        "dequantized": WEIGHTS,
        "mean_input": np.zeros(5),
    },
}


@pytest.mark.parametrize(("function", "changes", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals_name_the_argument(function, changes, message):
    function(**GOOD[function])
    with pytest.raises(ValueError, match=message):
        function(**{**GOOD[function], **changes})
