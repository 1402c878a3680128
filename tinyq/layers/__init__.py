"""The int8 layers: built once from floats on the host, run on integers alone."""

from tinyq.layers.add import QAdd
from tinyq.layers.constant import QConstant
from tinyq.layers.conv import QConv2D, QConv2DPerChannel
from tinyq.layers.dense import QDense
from tinyq.layers.mul import QMul
from tinyq.layers.passthrough import QClamp, QPad2D, qrelu, qrelu6
from tinyq.layers.pool import QAvgPool2D, QGlobalAvgPool2D, QMaxPool2D
from tinyq.layers.rescale import QRescale
from tinyq.layers.softmax import QSoftmax
from tinyq.layers.sub import QSub
from tinyq.layers.table import QTable

__all__ = [
    "QAdd",
    "QAvgPool2D",
    "QClamp",
    "QConstant",
    "QConv2D",
    "QConv2DPerChannel",
    "QDense",
    "QGlobalAvgPool2D",
    "QMaxPool2D",
    "QMul",
    "QPad2D",
    "QRescale",
    "QSoftmax",
    "QSub",
    "QTable",
    "qrelu",
    "qrelu6",
]
