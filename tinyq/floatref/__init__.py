"""The same layers in float32: what the integers are held against, and what calibration watches.

Every sum adds one product at a time in the order of the loop nest, in float32, without fused
multiply-add.  So a range, a grid and a golden byte do not depend on the BLAS, its threads or the
processor.
"""

from tinyq.floatref.contract import Array, FloatLayer
from tinyq.floatref.elementwise import (
    Constant,
    HardSwish,
    LeakyReLU,
    Logistic,
    Mul,
    Rescale,
    Softmax,
    Sub,
    Tanh,
)
from tinyq.floatref.moves import Concat, Flatten, Pad, Reshape, Transpose
from tinyq.floatref.pointwise import Add, Pad2D, ReLU, ReLU6
from tinyq.floatref.pools import AvgPool2D, GlobalAvgPool2D, MaxPool2D, Mean
from tinyq.floatref.weighted import Conv2D, Dense, DepthwiseConv2D, Weighted

__all__ = [
    "Add",
    "Array",
    "AvgPool2D",
    "Concat",
    "Constant",
    "Conv2D",
    "Dense",
    "DepthwiseConv2D",
    "Flatten",
    "FloatLayer",
    "GlobalAvgPool2D",
    "HardSwish",
    "LeakyReLU",
    "Logistic",
    "MaxPool2D",
    "Mean",
    "Mul",
    "Pad",
    "Pad2D",
    "ReLU",
    "ReLU6",
    "Rescale",
    "Reshape",
    "Softmax",
    "Sub",
    "Tanh",
    "Transpose",
    "Weighted",
]
