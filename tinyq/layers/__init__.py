"""The int8 layers: built once from floats on the host, run on integers alone."""

from tinyq.layers.add import QAdd
from tinyq.layers.concat import QConcat
from tinyq.layers.constant import QConstant
from tinyq.layers.conv import QConv2D, QConv2DPerChannel
from tinyq.layers.dense import QDense
from tinyq.layers.depthwise import QDepthwiseConv2D
from tinyq.layers.mean import QMean
from tinyq.layers.mean_pool import QMeanPool2D
from tinyq.layers.mul import QMul
from tinyq.layers.pad import QPad
from tinyq.layers.passthrough import QClamp, QPad2D, qrelu, qrelu6
from tinyq.layers.pool import QAvgPool2D, QGlobalAvgPool2D, QMaxPool2D
from tinyq.layers.rescale import QRescale
from tinyq.layers.reshape import QReshape
from tinyq.layers.same import same_pads
from tinyq.layers.softmax import QSoftmax
from tinyq.layers.softmax_to_grid import QSoftmaxToGrid
from tinyq.layers.sub import QSub
from tinyq.layers.table import QTable
from tinyq.layers.transpose import QTranspose

__all__ = [
    "QAdd",
    "QAvgPool2D",
    "QClamp",
    "QConstant",
    "QConcat",
    "QConv2D",
    "QConv2DPerChannel",
    "QDense",
    "QDepthwiseConv2D",
    "QGlobalAvgPool2D",
    "QMaxPool2D",
    "QMean",
    "QMeanPool2D",
    "QMul",
    "QPad",
    "QPad2D",
    "QRescale",
    "QReshape",
    "QSoftmax",
    "QSoftmaxToGrid",
    "QSub",
    "QTable",
    "QTranspose",
    "qrelu",
    "qrelu6",
    "same_pads",
]
