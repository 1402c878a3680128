"""A small residual network, and what it computes with any set of layers quantized, by hand.

The second road is written in Python floats (float64) and shares no code with tinyq: rounding,
weight scales, clamping and the residual wiring are all spelled out here.
"""

import math

import numpy as np

from tinyq.floatref import Add, Conv2D, Dense, GlobalAvgPool2D, ReLU
from tinyq.layers.nodes import Node
from tinyq.network import Network

RNG = np.random.default_rng(404)
WEIGHTS_A = RNG.normal(size=(2, 2)).astype(np.float32)
WEIGHTS_B = RNG.normal(size=(2, 2)).astype(np.float32)
WEIGHTS_D = RNG.normal(size=(3, 2)).astype(np.float32)
BIAS_A, BIAS_B = np.float32([0.3, -0.2]), np.float32([-0.1, 0.25])
BIAS_D = np.float32([0.05, 0.4, -0.3])
# 1x1 images, so that a convolution is a matrix and a mean over the image is the pixel itself
IMAGES = RNG.normal(size=(40, 1, 1, 2)).astype(np.float32)
LABELS = RNG.integers(0, 3, 40)
OWNERS = ("input", "conv_a", "conv_b", "add", "dense")

NET = Network(
    (
        Node("conv_a", Conv2D(WEIGHTS_A[:, None, None, :], BIAS_A), ("input",), observe="conv_a"),
        Node("relu_a", ReLU(), ("conv_a",)),
        Node("conv_b", Conv2D(WEIGHTS_B[:, None, None, :], BIAS_B), ("relu_a",), observe="conv_b"),
        Node("add", Add(), ("conv_b", "relu_a"), observe="relu"),
        Node("relu", ReLU(), ("add",)),
        Node("mean", GlobalAvgPool2D(), ("relu",)),
        Node("dense", Dense(WEIGHTS_D, BIAS_D), ("mean",), observe="dense"),
    ),
    channels=2,
)


def nearest(x):
    """Round half away from zero."""
    return math.copysign(math.floor(abs(x) + 0.5), x)


def on_grid(values, grid):
    """Return real numbers rounded to a grid: quantized and dequantized."""
    codes = (min(max(nearest(v / grid.scale) + grid.zero_point, -128), 127) for v in values)
    return [grid.scale * (code - grid.zero_point) for code in codes]


def layer(weights, bias, x, scaling=None, in_scale=None):
    """Return bias + weights x in real numbers.

    scaling: None for the weights as they are, "row" for a scale a row, "tensor" for one scale;
    in_scale: of the grid that x would be on, for the bias.
    """
    result = []
    for row, b in zip(weights, bias, strict=True):
        if scaling:
            peak = np.abs(row if scaling == "row" else weights).max()
            scale = float(peak / np.float32(127))
            row = [nearest(float(w) / scale) * scale for w in row]
            b = nearest(float(b) / (in_scale * scale)) * in_scale * scale
        result.append(float(b) + sum(float(w) * v for w, v in zip(row, x, strict=True)))
    return result


def by_hand(pixel, on, grids):
    """Return the logits of one pixel of two channels with the layers in ``on`` quantized."""

    def made(name, x, weights, bias, source, scaling="row"):
        values = layer(weights, bias, x, scaling if name in on else None, grids[source].scale)
        return stored(name, values)

    def stored(name, values):
        return on_grid(values, grids[name]) if name in on else values

    x = stored("input", [float(v) for v in pixel])
    skip = [max(v, 0.0) for v in made("conv_a", x, WEIGHTS_A, BIAS_A, "input")]
    b = made("conv_b", skip, WEIGHTS_B, BIAS_B, "conv_a")
    total = stored("add", [p + q for p, q in zip(b, skip, strict=True)])
    total = [max(v, 0.0) for v in total]
    return made("dense", total, WEIGHTS_D, BIAS_D, "add", "tensor")


def logits_by_hand(on, grids):
    """Return by_hand of all IMAGES, (N, 3) in float64."""
    return np.array([by_hand(image[0, 0], on, grids) for image in IMAGES])
