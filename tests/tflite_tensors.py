"""Every int8 tensor that a runtime makes of a .tflite, its input among them."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tinyq.models.tflite import Model
from tools.agreement.every_tensor import asker

Tensors = Mapping[int, NDArray[np.generic]]


def ask(runtime: str, content: bytes, model: Model, x: NDArray[np.generic]) -> Tensors:
    return {model.inputs[0]: x, **asker(runtime, content, model)(x)}


RUNTIMES = {name: partial(ask, name) for name in ("litert-reference", "tflite-micro")}
