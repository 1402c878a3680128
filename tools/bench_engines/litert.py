"""LiteRT, by its three sets of kernels.

ReLUs are fused and pads are SAME where they can be: XNNPACK takes five times as long when a ReLU
stands alone.  The global mean is AVERAGE_POOL_2D, which has tinyq's bytes; XNNPACK leaves it to the
optimized kernels, at no cost that can be measured against MEAN.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from tinyq.export.tflite_file import of_network
from tools.agreement.cases import Refused
from tools.agreement.litert import KERNELS
from tools.bench_engines.cases import Case
from tools.bench_engines.session import Session


def prepare(case: Case, runner: str) -> Callable[[], Session]:
    """Return what builds a session; runner: a key of KERNELS."""
    model = case.content
    if model is None:
        model = of_network(case.qnet, case.batch, fuse_relu=True, fuse_pad=True)
    return partial(session, model, case.codes, runner)


def session(model: bytes, codes: NDArray[np.int8], runner: str) -> Session:
    """Return a session on a .tflite.  Raises Refused for one that LiteRT does not take."""
    try:
        interpreter = Interpreter(
            model_content=model, experimental_op_resolver_type=KERNELS[runner], num_threads=1
        )
    except ValueError as error:
        raise Refused(f"LiteRT refuses the file: {str(error)[:60]}") from error
    (reads,) = interpreter.get_input_details()
    if tuple(reads["shape"]) != codes.shape:  # a file that others made, for one sample
        interpreter.resize_tensor_input(reads["index"], codes.shape)
    interpreter.allocate_tensors()
    (makes,) = interpreter.get_output_details()

    def call() -> NDArray[np.int8]:
        interpreter.set_tensor(reads["index"], codes)
        interpreter.invoke()
        return interpreter.get_tensor(makes["index"])

    return Session(call, np.asarray)
