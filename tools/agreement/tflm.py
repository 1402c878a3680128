"""TensorFlow Lite Micro's answers."""

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro.runtime import Interpreter

from tinyq.export.tflite_file import of_network
from tinyq.network import QNetwork
from tools.agreement import models
from tools.agreement.cases import Case

VERSION = f"tflite-micro {version('tflite-micro')}"
ARENA = 1 << 19
BATCH = 50
IMAGE_ARENA = 1 << 16


def run(case: Case) -> NDArray[np.int8]:
    """Return TFLite Micro's codes for a case, in the shape that it gives them."""
    return invoke(Interpreter.from_bytes(models.tflite(case), arena_size=ARENA), case.inputs)


def pipeline(qnet: QNetwork, images: NDArray[np.int8], **fuse: bool) -> NDArray[np.int8]:
    """Return TFLite Micro's logits (N, classes) for images of codes, a batch at a time.

    fuse: as `of_network` takes it.
    """
    logits = []
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        arena = ARENA + IMAGE_ARENA * len(batch)
        model = Interpreter.from_bytes(of_network(qnet, len(batch), **fuse), arena_size=arena)
        logits.append(invoke(model, [batch]))
    return np.concatenate(logits)


def invoke(interpreter: Interpreter, inputs: Sequence[NDArray[np.int8]]) -> NDArray[np.int8]:
    """Return the one output of a model that holds its arena."""
    for index, codes in enumerate(inputs):
        interpreter.set_input(codes, index)
    interpreter.invoke()
    return interpreter.get_output(0)
