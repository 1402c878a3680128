"""Each limit of tinyq.export.readers: a network just inside it, and one beyond it.

A network beyond goes wrong in the reader that is named, which is what the limit is for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from reader_cases import add, linear, network

from tinyq import Grid, layers
from tinyq.network import QNetwork


@dataclass(frozen=True)
class Limit:
    """reader: that goes wrong beyond; message: of the refusal; inside, beyond: make networks."""

    reader: str
    message: str
    inside: Callable[[], QNetwork]
    beyond: Callable[[], QNetwork]


def mean(scale: float) -> QNetwork:
    return network(layers.QAvgPool2D(Grid(scale, -128), (2, 3), (1, 1)))


def clamp(scale: float) -> QNetwork:
    return network(layers.QClamp(Grid(scale, 0), -3, 5))


def scaled(kind: str, one: float, weight: float, out: float, bias: int = 255) -> QNetwork:
    rng = np.random.default_rng(1)
    return linear(kind, Grid(one, 5), [weight], Grid(out, 0), rng, bias)


def summed(out: float) -> QNetwork:
    return add(Grid(2.0**104, 3), Grid(2.0**105, -9), Grid(out, 0))


def limit(reader: str, message: str, make: Callable, inside: tuple, beyond: tuple) -> Limit:
    return Limit(reader, message, partial(make, *inside), partial(make, *beyond))


def below(value: float) -> float:
    return float(np.nextafter(np.float32(value), np.float32(0)))


PRODUCT = r"in_scale \* weight_scale must be a float32"
LIMITS = {
    "weight": limit(
        "litert-xnnpack",
        r"XNNPACK takes scales from 2\*\*-126 on, got 5.87747e-39",
        scaled,
        ("dense", 2.0**110, 2.0**-126, 2.0**-10),
        ("dense", 2.0**110, 2.0**-127, 2.0**-10),
    ),
    "ratio": limit(
        "litert-xnnpack",
        r"below 256, got 256",
        scaled,
        ("conv", 0.5, 0.5, 2.0**-10 * (1 + 2**-20)),
        ("conv", 0.5, 0.5, 2.0**-10),
    ),
    "sum": limit(
        "litert-reference",
        r"LiteRT aborts .* out_scale must be below 2\*\*108 = .*, got 3.24519e\+32",
        summed,
        (below(2.0**108),),
        (2.0**108,),
    ),
    "tflite-infinite": limit(
        "litert-xnnpack",
        PRODUCT,
        scaled,
        ("conv", below(2.0**64), 2.0**64, 1.3 * 2.0**120),
        ("conv", 2.0**64, 2.0**64, 1.3 * 2.0**120),
    ),
    "onnx-infinite": limit(
        "onnx-qlinear",
        PRODUCT,
        scaled,
        ("dense", below(2.0**64), 2.0**64, 2.0**120),
        ("dense", 2.0**64, 2.0**64, 2.0**120),
    ),
    "tflite-denormal": limit(
        "litert-xnnpack",
        PRODUCT,
        scaled,
        ("conv", 1.3 * 2.0**-60, 2.0**-66, 2.0**-106, 2**28),
        ("conv", 1.3 * 2.0**-70, 2.0**-78, 2.0**-126, 2**28),
    ),
    "onnx-denormal": limit(
        "onnx-qlinear",
        PRODUCT,
        scaled,
        ("conv", 1.3 * 2.0**-60, 2.0**-66, 2.0**-116),
        ("conv", 1.3 * 2.0**-70, 2.0**-79, 2.0**-126, 2**28),
    ),
    "window": limit(
        "onnx-qlinear", "float32 must hold the sum of a window's", mean, (2.0**116,), (2.0**119,)
    ),
    "real-weight": limit(
        "onnx-qdq",
        "float32 must hold a real weight",
        scaled,
        ("conv", 2.0**-100, 2.0**119, 2.0**17),
        ("conv", 2.0**-100, 2.0**123, 2.0**21),
    ),
    "real-sum": limit(
        "onnx-qdq",
        "float32 must hold the sum of its real products",
        scaled,
        ("conv", 2.0**50, 2.0**58, 2.0**109),
        ("conv", 2.0**60, 2.0**60, 2.0**119),
    ),
    "clip": limit(
        "onnx-fused",
        "ONNX Runtime drops a Clip",
        clamp,
        (1.001 * 2.0**-23 / 125,),
        (0.999 * 2.0**-23 / 125,),
    ),
}
