"""How many images each runtime that takes a file names rightly."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from tools.agreement import onnxrt
from tools.agreement.litert import KERNELS

Images = NDArray[np.float32]


def right(name: str, model: bytes, images: Images, labels: NDArray[np.int64]) -> dict[str, int]:
    """Return the number of right answers by runtime: of a .tflite, LiteRT's three sets of kernels.

    name, model: the file's; images (N, H, W, C), ink 0..1; labels (N,).
    """
    if name.endswith(".tflite"):
        found = {runtime: litert(model, images, runtime) for runtime in KERNELS}
    else:
        found = {"onnxruntime": onnxrt.invoke(model, [images])}
    return {runtime: int((p.argmax(axis=1) == labels).sum()) for runtime, p in found.items()}


def litert(model: bytes, images: Images, runtime: str) -> NDArray[np.int8]:
    """Return LiteRT's codes (N, classes) for images, all in one call; runtime: a key of KERNELS."""
    interpreter = Interpreter(
        model_content=model, experimental_op_resolver_type=KERNELS[runtime], num_threads=1
    )
    (image,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(image["index"], images.shape)
    interpreter.allocate_tensors()
    scale, zero_point = image["quantization"]
    codes = np.rint(images / np.float32(scale)) + zero_point
    interpreter.set_tensor(image["index"], codes.clip(-128, 127).astype(np.int8))
    interpreter.invoke()
    return interpreter.get_tensor(out["index"])
