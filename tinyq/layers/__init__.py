"""The int8 layers: built once from floats on the host, run on integers alone."""

from tinyq.layers.add import QAdd
from tinyq.layers.conv import QConv2D, QConv2DPerChannel
from tinyq.layers.dense import QDense
from tinyq.layers.passthrough import QClamp, QPad2D, qrelu, qrelu6
from tinyq.layers.pool import QAvgPool2D, QGlobalAvgPool2D, QMaxPool2D

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
