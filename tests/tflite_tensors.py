"""Every tensor that a runtime makes of a .tflite, whoever wrote the file."""

from collections.abc import Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray
from tflite_files import pack
from tflite_micro.python.tflite_micro.runtime import Interpreter as Micro

from tinyq.models.tflite import Model, TensorType

Tensors = Mapping[int, NDArray[np.generic]]
ARENA = 1 << 22


def made(model: Model) -> list[int]:
    """The indices of the int8 tensors that operators make."""
    return [
        index
        for operator in model.operators
        for index in operator.outputs
        if model.tensors[index].type is TensorType.INT8
    ]


def litert_reference(content: bytes, model: Model, x: NDArray[np.generic]) -> Tensors:
    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
        num_threads=1,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(model.inputs[0], x)
    interpreter.invoke()
    return {index: interpreter.get_tensor(index) for index in (*model.inputs, *made(model))}


def tflite_micro(content: bytes, model: Model, x: NDArray[np.generic]) -> Tensors:
    """TFLite Micro keeps outputs alone, so each tensor becomes one."""
    changed = schema.ModelT.InitFromPackedBuf(content)
    changed.subgraphs[0].outputs = made(model)
    micro = Micro.from_bytes(pack(changed), arena_size=ARENA)
    micro.set_input(x, 0)
    micro.invoke()
    outputs = {index: micro.get_output(place) for place, index in enumerate(made(model))}
    return {model.inputs[0]: x} | outputs


RUNTIMES = {"litert-reference": litert_reference, "tflite-micro": tflite_micro}
