"""The product of uint8 columns and an int8 matrix, by ONNX Runtime's MatMulInteger."""

from collections.abc import Callable

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 13, 8  # old enough for every ONNX Runtime that the extra allows
ENDS_AT_ONCE = 64


class Product:
    """``columns @ matrix`` in int32, the matrix packed once.

    matrix: int8 (K, N).

    >>> product = Product(np.int8([[1], [-2]]))
    >>> product(np.uint8([[255, 100]])).tolist()
    [[55]]
    """

    def __init__(self, matrix: NDArray[np.int8]):
        self.matrix = matrix
        ends = [
            helper.make_tensor_value_info("columns", TensorProto.UINT8, [None, matrix.shape[0]]),
            helper.make_tensor_value_info("sums", TensorProto.INT32, [None, matrix.shape[1]]),
        ]
        node = helper.make_node("MatMulInteger", ["columns", "matrix"], ["sums"])
        weights = numpy_helper.from_array(matrix, "matrix")
        graph = helper.make_graph([node], "product", ends[:1], ends[1:], [weights])
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # the plan brings the memory
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, columns: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Return the sums (M, N) of columns: uint8 (M, K)."""
        return self._session.run(None, {"columns": columns})[0]

    def bound(self, columns: NDArray[np.uint8], sums: NDArray[np.int32]) -> Callable[[], None]:
        """Return a call that multiplies what is in columns then, into sums; both C-contiguous."""
        binding = self._session.io_binding()
        binding.bind_input("columns", "cpu", 0, np.uint8, columns.shape, columns.ctypes.data)
        binding.bind_output("sums", "cpu", 0, np.int32, sums.shape, sums.ctypes.data)
        return lambda: self._session.run_with_iobinding(binding)

    def is_exact(self) -> bool:
        """Whether the sums are right where pairs of products are largest and smallest.

        An x86 processor without int8 dot products adds two products in int16, where 2 * 255 * 127
        does not fit.  A pair is largest for the codes 255 where a weight is positive, 0 elsewhere.
        There no term is negative, so what saturation takes away nothing gives back: a right sum
        means that no pair saturated, and for other codes each is smaller.  Likewise below.
        This takes for granted that the kernel is the same for any number of rows.
        """
        return self._is_exact_where(self.matrix > 0) and self._is_exact_where(self.matrix < 0)

    def _is_exact_where(self, driven: NDArray[np.bool_]) -> bool:
        """Whether each column's own sum is right for the codes 255 where driven, 0 elsewhere."""
        want = np.where(driven, self.matrix, np.int8(0)).sum(axis=0, dtype=np.int64) * 255
        ends = driven.T * np.uint8(255)
        # some columns at a time: of their sums only the diagonal matters
        for start in range(0, len(ends), ENDS_AT_ONCE):
            got = self(ends[start : start + ENDS_AT_ONCE]).diagonal(start)
            if (got != want[start : start + ENDS_AT_ONCE]).any():
                return False
        return True
