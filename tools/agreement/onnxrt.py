"""ONNX Runtime's answers, by its own int8 operators on the CPU."""

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tinyq.export.onnx_file import of_network
from tinyq.layers import QMean
from tinyq.network import QNetwork
from tools.agreement import models
from tools.agreement.cases import Case, Refused

VERSION = f"onnxruntime {version('onnxruntime')}"


def run(case: Case) -> NDArray[np.int8]:
    """Return ONNX Runtime's codes for a case, images as NHWC.

    Raises Refused for a mean over other axes than height and width.
    """
    layer, codes = case.layer, case.inputs[0]
    if isinstance(layer, QMean) and (codes.ndim != 4 or set(layer.axes) != {0, 1}):
        raise Refused("only a mean over height and width was measured")
    codes = invoke(models.onnx(case), case.inputs)
    return codes if isinstance(case.layer, QMean) else channels_last(codes)


def pipeline(qnet: QNetwork, images: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return ONNX Runtime's logits (N, classes) for images of codes (N, H, W, C)."""
    return invoke(of_network(qnet, {}), [images])


def invoke(
    model: bytes, inputs: Sequence[NDArray[np.int8]], fuse_int8: bool = False
) -> NDArray[np.int8]:
    """Return the one output of a model for inputs (N, H, W, C) or (N, C), as the model gives it.

    fuse_int8: whether int8 QDQ may become integer operators, which is not the default on x86.
    """
    options = onnxruntime.SessionOptions()
    if fuse_int8:
        options.add_session_config_entry("session.qdqisint8allowed", "1")
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = (argument.name for argument in session.get_inputs())
    feed = {name: channels_first(codes) for name, codes in zip(names, inputs, strict=True)}
    return session.run(None, feed)[0]


def channels_first(codes: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return images (N, H, W, C) as (N, C, H, W), laid out so; rows as they are."""
    return np.ascontiguousarray(codes.transpose(0, 3, 1, 2)) if codes.ndim == 4 else codes


def channels_last(codes: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return images (N, C, H, W) as (N, H, W, C); rows as they are."""
    return codes.transpose(0, 2, 3, 1) if codes.ndim == 4 else codes
