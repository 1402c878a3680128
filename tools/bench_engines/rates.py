"""What this machine can do at most: products a second of its GEMMs, bytes a second of a copy."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.bench_engines.runners import BLAS, COPY
from tools.bench_engines.session import Session


@dataclass(frozen=True)
class Product:
    """A matrix product (m, k) x (k, n)."""

    m: int
    k: int
    n: int


@dataclass(frozen=True)
class Block:
    """So many bytes to be copied to another place."""

    bytes: int


def prepare(subject: Product | Block, kernel: str) -> Callable[[], Session]:
    """Return what builds a session on a kernel."""
    if kernel == COPY:
        return lambda: Session(copier(subject))
    if kernel == BLAS:
        return lambda: Session(blas(subject))
    return lambda: Session(matmul_integer(subject))


def blas(size: Product) -> Callable[[], np.ndarray]:
    """Return NumPy's float32 product, into memory that is there already."""
    a, b = np.ones((size.m, size.k), np.float32), np.ones((size.k, size.n), np.float32)
    out = np.empty((size.m, size.n), np.float32)
    return lambda: np.matmul(a, b, out=out)


def matmul_integer(size: Product) -> Callable[[], np.ndarray]:
    """Return ONNX Runtime's MatMulInteger of uint8 and packed int8 codes."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.ones((size.k, size.n), np.int8), "b")
    node = helper.make_node("MatMulInteger", ["a", "b"], ["y"])
    a = helper.make_tensor_value_info("a", TensorProto.UINT8, [size.m, size.k])
    y = helper.make_tensor_value_info("y", TensorProto.INT32, [size.m, size.n])
    graph = helper.make_graph([node], "product", [a], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    feed = {"a": np.ones((size.m, size.k), np.uint8)}
    return lambda: session.run(None, feed)[0]


def copier(block: Block) -> Callable[[], None]:
    """Return a copy of so many bytes."""
    source, target = (np.full(block.bytes, value, np.uint8) for value in (1, 0))
    return lambda: np.copyto(target, source)
