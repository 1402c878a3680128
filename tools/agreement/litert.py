"""LiteRT's answers, by its three sets of kernels: reference, optimized, and XNNPACK by default."""

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from tinyq.export.tflite_file import of_network
from tinyq.layers.linear import Linear
from tinyq.network import QNetwork
from tools.agreement import models
from tools.agreement.cases import Case, Refused

KERNELS = {
    "litert-reference": OpResolverType.BUILTIN_REF,
    "litert-optimized": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "litert-xnnpack": OpResolverType.AUTO,
}
XNNPACK_RATIOS = 256
VERSION = f"ai-edge-litert {version('ai-edge-litert')}"


def run(case: Case, runtime: str) -> NDArray[np.int8]:
    """Return LiteRT's codes for a case, in the shape that it gives them.

    runtime: a key of KERNELS.  Raises Refused for a ratio that XNNPACK does not take.
    """
    try:
        return invoke(models.tflite(case), case.inputs, runtime)
    except RuntimeError as error:
        if runtime == "litert-xnnpack" and isinstance(case.layer, Linear):
            ratio = case.layer.requantizer.ratio.max()
            if ratio >= XNNPACK_RATIOS:
                raise Refused(f"XNNPACK takes ratios below {XNNPACK_RATIOS}") from error
        raise


def pipeline(
    qnet: QNetwork, images: NDArray[np.int8], runtime: str, **fuse: bool
) -> NDArray[np.int8]:
    """Return LiteRT's logits (N, classes) for images of codes; fuse: as `of_network` takes it."""
    model = of_network(qnet, len(images), **fuse)
    return invoke(model, [images], runtime)


def invoke(model: bytes, inputs: Sequence[NDArray[np.int8]], runtime: str) -> NDArray[np.int8]:
    """Return the one output of a model under a set of kernels."""
    interpreter = Interpreter(
        model_content=model, experimental_op_resolver_type=KERNELS[runtime], num_threads=1
    )
    interpreter.allocate_tensors()
    for details, codes in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(details["index"], codes)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
