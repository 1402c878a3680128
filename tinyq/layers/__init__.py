"""The int8 layers: built once from floats on the host, run on integers alone."""

from tinyq.layers.add import QAdd
from tinyq.layers.linear import QConv2D, QConv2DPerChannel, QDense
from tinyq.layers.passthrough import (
    QAvgPool2D,
    QClamp,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
    qrelu,
    qrelu6,
)

__all__ = [
    "QAdd",
    "QAvgPool2D",
    "QClamp",
    "QConv2D",
    "QConv2DPerChannel",
    "QDense",
    "QGlobalAvgPool2D",
    "QMaxPool2D",
    "QPad2D",
    "qrelu",
    "qrelu6",
]
