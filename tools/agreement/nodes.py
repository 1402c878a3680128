"""The ONNX backend's own node tests that fit int8 inference, answered with tinyq's layers.

`python -m tools.agreement.nodes` prints a line a test.  The tests' codes are mostly unsigned: code
and zero_point minus 128 are the same number in int8.  Their weights have zero_points, and
``w - zero_point`` needs nine bits: it is split into three int8 weights, one for each of three
copies of the input.
"""

import sys
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from onnx import helper
from onnx.backend.test.case.node import collect_testcases

from tinyq import Grid, Requantizer, Rounding
from tinyq.layers import QClamp, QConv2D, QDense, QMaxPool2D, QPad2D

COPIES = 3
ANY = Grid(1.0, 0)


def signed(codes: NDArray) -> NDArray[np.int8]:
    """Return uint8 codes minus 128, int8 ones as they are."""
    if codes.dtype == np.int8:
        return codes
    return (codes.astype(np.int16) - 128).astype(np.int8)


def like(codes: NDArray[np.int8], kind: np.dtype) -> NDArray:
    """Return int8 codes as the test has them: plus 128 for uint8."""
    return codes if kind == np.int8 else (codes.astype(np.int16) + 128).astype(np.uint8)


def grid(scale: NDArray, zero_point: NDArray) -> Grid:
    """Return the int8 grid of a scale and a zero_point of either kind, each of one element."""
    return Grid(float(scale.item()), int(signed(zero_point).item()))


def split(weight: NDArray, zero_point: NDArray) -> NDArray[np.int8]:
    """Return ``weight - zero_point`` as COPIES times the input channels, the last axis.

    weight: output channel first; zero_point: one element, or one an output channel.
    """
    zeros = zero_point.astype(np.int32).reshape(-1, *[1] * (weight.ndim - 1))
    rest, parts = weight.astype(np.int32) - zeros, []
    for _ in range(COPIES):
        parts.append(np.clip(rest, -127, 127))
        rest = rest - parts[-1]
    return np.concatenate(parts, axis=-1).astype(np.int8)


def copied(codes: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return codes COPIES times along the channels, the last axis, as `split` expects them."""
    return np.concatenate([codes] * COPIES, axis=-1)


def layer(kind: type, x_grid: Grid, out_grid: Grid, weight: NDArray[np.int8], scale: NDArray):
    """Return a layer without bias under Rounding.FLOAT32, as ONNX rounds; scale: of the weights."""
    scales = np.float32(scale).reshape(-1)
    ratio = Requantizer.from_scales(x_grid.scale, scales, out_grid.scale, Rounding.FLOAT32)
    return kind(x_grid, out_grid, weight, np.zeros(len(weight), np.int32), scales, ratio)


def qlinear_conv(x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero):
    """Return QLinearConv."""
    weight = split(w.transpose(0, 2, 3, 1), w_zero)
    conv = layer(QConv2D, grid(x_scale, x_zero), grid(y_scale, y_zero), weight, w_scale)
    codes = conv.forward(copied(signed(x).transpose(0, 2, 3, 1)))
    return like(codes.transpose(0, 3, 1, 2), y_zero.dtype)


def conv_integer(x, w, x_zero, w_zero=None, pads=(0, 0, 0, 0)):
    """Return ConvInteger; pads: (top, left, bottom, right)."""
    x_grid, weight = grid(np.float32(1), x_zero), w.transpose(0, 2, 3, 1)
    weight = split(weight, np.zeros(1, w.dtype) if w_zero is None else w_zero)
    top, left, bottom, right = pads
    image = copied(signed(x).transpose(0, 2, 3, 1))
    padded = QPad2D(x_grid, (top, bottom, left, right)).forward(image)
    conv = layer(QConv2D, x_grid, ANY, weight, np.float32(1))
    return conv.accumulate(padded).transpose(0, 3, 1, 2)


def qlinear_matmul(a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero):
    """Return QLinearMatMul, matrix by matrix."""
    grids = grid(a_scale, a_zero), grid(y_scale, y_zero)
    matrices = zip(a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:]), strict=True)
    codes = [
        layer(QDense, *grids, split(right.T, b_zero), b_scale).forward(copied(signed(left)))
        for left, right in matrices
    ]
    return like(np.reshape(codes, (*a.shape[:-1], b.shape[-1])), y_zero.dtype)


def matmul_integer(a, b, a_zero, b_zero):
    """Return MatMulInteger."""
    dense = layer(QDense, grid(np.float32(1), a_zero), ANY, split(b.T, b_zero), np.float32(1))
    return dense.accumulate(copied(signed(a)))


def by_channel(x: NDArray, scale: NDArray, zero: NDArray, convert: Callable) -> NDArray:
    """Return convert(part, grid) of a tensor: of each channel, axis 1, that has a grid."""
    if scale.ndim == 0:
        return convert(x, grid(scale, zero))
    parts = [convert(x[:, c], grid(scale[c], zero[c])) for c in range(len(scale))]
    return np.stack(parts, axis=1)


def quantize_linear(x, scale, zero):
    """Return QuantizeLinear."""
    codes = by_channel(x, scale, zero, lambda part, own: own.quantize(part))
    return like(codes, zero.dtype)


def dequantize_linear(x, scale, zero):
    """Return DequantizeLinear."""
    return by_channel(signed(x), scale, zero, lambda part, own: own.dequantize(part))


def max_pool(x, kernel_shape, pads):
    """Return MaxPool, stride 1; the padding is the least code, which never is the largest."""
    top, left, bottom, right = pads
    least = Grid(1.0, -128)
    image = QPad2D(least, (top, bottom, left, right)).forward(signed(x).transpose(0, 2, 3, 1))
    codes = QMaxPool2D(least, tuple(kernel_shape), (1, 1)).forward(image)
    return like(codes.transpose(0, 3, 1, 2), x.dtype)


def clip_min(x, low):
    """Return Clip with a lower bound alone."""
    return QClamp(ANY, int(low), 127).forward(x.reshape(1, -1)).reshape(x.shape)


def clip_max(x, high):
    """Return Clip with an upper bound alone."""
    return QClamp(ANY, -128, int(high)).forward(x.reshape(1, -1)).reshape(x.shape)


ANSWERS: dict[str, Callable[..., NDArray]] = {
    "test_qlinearconv": qlinear_conv,
    "test_qlinearmatmul_2D_int8_float32": qlinear_matmul,
    "test_qlinearmatmul_2D_uint8_float32": qlinear_matmul,
    "test_qlinearmatmul_3D_int8_float32": qlinear_matmul,
    "test_qlinearmatmul_3D_uint8_float32": qlinear_matmul,
    "test_quantizelinear": quantize_linear,
    "test_quantizelinear_axis": quantize_linear,
    "test_dequantizelinear": dequantize_linear,
    "test_dequantizelinear_axis": dequantize_linear,
    "test_convinteger_without_padding": conv_integer,
    "test_convinteger_with_padding": conv_integer,
    "test_matmulinteger": matmul_integer,
    "test_maxpool_2d_uint8": max_pool,
    "test_clip_default_int8_min": clip_min,
    "test_clip_default_int8_max": clip_max,
}


def run() -> Iterator[tuple[str, bool]]:
    """Yield the name of each test in ANSWERS, and whether dtype, shape and every byte are right.

    Raises LookupError where this release of onnx has no such test.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # onnx makes all its tests, those of log(0) too
        found = {test.name: test for test in collect_testcases(None) if test.name in ANSWERS}
    missing = sorted(set(ANSWERS) - set(found))
    if missing:
        raise LookupError(f"onnx has no node tests called {', '.join(missing)}")
    for name, answer in ANSWERS.items():
        (node,), ((inputs, (wanted,)),) = found[name].model.graph.node, found[name].data_sets
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        got = answer(*inputs, **attributes)
        yield name, got.dtype == wanted.dtype and np.array_equal(got, wanted)


def main() -> int:
    """Print a line a test and the count; return 1 where one does not pass."""
    results = dict(run())
    for name, passed in results.items():
        print(f"{'passed' if passed else 'FAILED'}  {name}")
    print(f"{sum(results.values())} of {len(results)} ONNX node tests passed")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
