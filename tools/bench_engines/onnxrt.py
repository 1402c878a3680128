"""ONNX Runtime, int8 and float32."""

from collections.abc import Callable
from functools import partial

import onnxruntime
from numpy.typing import NDArray

from tinyq.layers.nodes import INPUT
from tools.agreement.onnxrt import channels_first
from tools.bench_engines import onnx_models
from tools.bench_engines.cases import Case
from tools.bench_engines.session import Session, signed, unsigned

INT8, FLOAT32 = "onnxruntime-int8", "onnxruntime-float32"


def prepare(case: Case, runner: str) -> Callable[[], Session]:
    """Return what builds a session; runner: INT8 or FLOAT32."""
    if runner == INT8:
        model, images = onnx_models.int8(case.qnet), unsigned(case.codes)
    else:
        model = onnx_models.float32(case.net, case.qnet.image_shape)
        images = case.qnet.grids[INPUT].dequantize(case.codes)
    codes = signed if runner == INT8 else None
    return partial(session, model, channels_first(images), codes)


def session(model: bytes, images: NDArray, codes: Callable | None) -> Session:
    """Return a session on an .onnx; images (N, C, H, W); codes: as Session takes it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    runtime = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {INPUT: images}
    return Session(lambda: runtime.run(None, feed)[0], codes)
