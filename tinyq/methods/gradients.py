"""The slopes of a loss L backwards through the float layers: reverse-mode differentiation by hand.

Each layer of tinyq.floatref is a function y = f(x).  From dL/dy these functions make dL/dx, and
dL/dweights where there are weights.  Sums run in a fixed order, without a BLAS, as the forward ones
do, so training gives the same bytes everywhere.
"""

from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked, in_float
from tinyq.floatref import (
    Add,
    AvgPool2D,
    Conv2D,
    Dense,
    GlobalAvgPool2D,
    MaxPool2D,
    Pad2D,
    ReLU,
    Weighted,
)
from tinyq.layers.checks import output_size, pad_image, taps
from tinyq.layers.pool import window_counts

Array = NDArray[np.float32]
Arrays = tuple[Array, ...]


@singledispatch
def input_slopes(layer: object, inputs: Arrays, slope: Array) -> Arrays:
    """Return dL/dx for each input x of a layer.

    layer: of tinyq.floatref; inputs: what its forward was given; slope: dL/dy, of y's shape.
    Returns an array for each input, of its shape and dtype.  Raises TypeError for another layer.

    >>> input_slopes(ReLU(), (np.float32([-1, 2]),), np.float32([5, 5]))[0].tolist()
    [0.0, 5.0]
    """
    raise TypeError(f"no gradient is known for a {type(layer).__name__}")


@input_slopes.register
def _(layer: Pad2D, inputs: Arrays, slope: Array) -> Arrays:
    top, bottom, left, right = layer.pads
    return (slope[:, top : slope.shape[1] - bottom, left : slope.shape[2] - right],)


@input_slopes.register
def _(layer: ReLU, inputs: Arrays, slope: Array) -> Arrays:
    return (slope * (inputs[0] > 0),)


@input_slopes.register
def _(layer: Add, inputs: Arrays, slope: Array) -> Arrays:
    return slope, slope


@input_slopes.register
def _(layer: MaxPool2D, inputs: Arrays, slope: Array) -> Arrays:
    """Give all of the slope to the first of equal maxima: quantized numbers tie often."""
    # `taps` yields, for each place in a window, a view of all pixels that it ever covers.  So the
    # loop adds into `back` through the views of the same places.
    x = pad_image(inputs[0], layer.pads, -np.inf)
    best, back = layer.forward(inputs[0]), np.zeros_like(x)
    given = np.zeros(best.shape, bool)
    shape = (layer.kernel, layer.stride, best.shape[1:3])
    for (_, _, tap), (_, _, into) in zip(taps(x, *shape), taps(back, *shape), strict=True):
        mine = (tap == best) & ~given
        into += slope * mine
        given |= mine
    return input_slopes(Pad2D(layer.pads), inputs, back)


@input_slopes.register
def _(layer: AvgPool2D, inputs: Arrays, slope: Array) -> Arrays:
    back = np.zeros_like(pad_image(inputs[0], layer.pads, 0.0))
    counts = window_counts(inputs[0].shape[1:3], layer).astype(np.float32)
    share: Array = np.divide(slope, counts)
    for _, _, into in taps(back, layer.kernel, layer.stride, slope.shape[1:3]):
        into += share
    return input_slopes(Pad2D(layer.pads), inputs, back)


@input_slopes.register
def _(layer: GlobalAvgPool2D, inputs: Arrays, slope: Array) -> Arrays:
    whole = AvgPool2D((inputs[0].shape[1], inputs[0].shape[2]), (1, 1))
    return input_slopes(whole, inputs, slope[:, None, None, :])


@input_slopes.register
def _(layer: Conv2D, inputs: Arrays, slope: Array) -> Arrays:
    back = np.zeros_like(inputs[0])
    kernel, out = layer.weights.shape[1:3], slope.shape[1:3]
    every = taps(back, kernel, layer.stride, out, layer.dilation)
    for ky, kx, into in every:
        for o, filter_tap in enumerate(layer.weights[:, ky, kx]):
            into += slope[..., o, None] * filter_tap
    return (back,)


@input_slopes.register
def _(layer: Dense, inputs: Arrays, slope: Array) -> Arrays:
    back = np.zeros_like(inputs[0])
    for o, row in enumerate(layer.weights):
        back += slope[:, o, None] * row
    return (back,)


@checked
@in_float("x and slope")
def weight_slopes(layer: Weighted, x: Array, slope: Array) -> tuple[Array, Array]:
    """Return dL/dweights and dL/dbias of a layer with weights.

    dL/dw_ok = sum over all windows m of slope_mo x_mk,   dL/db_o = sum over m of slope_mo

    x: what the layer was given; slope: dL/dy.  Returns arrays of the shapes of weights and bias.
    Raises TypeError for a wrong type, ValueError for a wrong shape, NaN or infinity.

    >>> dense = Dense(np.float32([[2, 3]]), np.float32([0]))
    >>> [s.tolist() for s in weight_slopes(dense, np.float32([[5, 7]]), np.float32([[1]]))]
    [[[5.0, 7.0]], [1.0]]
    """
    wanted = "(N, {})" if isinstance(layer, Dense) else "(N, H, W, {})"
    if x.ndim != layer.weights.ndim or x.shape[-1] != layer.weights.shape[-1]:
        raise ValueError(f"x must be {wanted.format(layer.weights.shape[-1])}, got {x.shape}")
    # A dense layer is a convolution with one window an image, so both are a sum over windows.
    windows = x if isinstance(layer, Dense) else _windows(layer, x)
    if slope.shape[-1:] != layer.bias.shape or slope.size != len(windows) * len(layer.bias):
        raise ValueError(
            f"slope must have {len(windows)} rows of {len(layer.bias)}, got {slope.shape}"
        )
    slope = slope.reshape(-1, len(layer.bias))
    sums = [(slope[:, o, None] * windows).sum(axis=0) for o in range(len(layer.bias))]
    return np.stack(sums).reshape(layer.weights.shape), slope.sum(axis=0)


def _windows(layer: Conv2D, x: Array) -> Array:
    """Return what each output sees: (N * OH * OW, KH * KW * I)."""
    kernel = layer.weights.shape[1:3]
    out = output_size(layer, x.shape, kernel, layer.stride, layer.dilation)
    every = taps(x, kernel, layer.stride, out, layer.dilation)
    seen = np.stack([tap for _, _, tap in every], axis=3)
    return seen.reshape(-1, layer.weights[0].size)
