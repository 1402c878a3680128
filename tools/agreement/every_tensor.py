"""Every int8 tensor that a runtime makes of a .tflite, whoever wrote the file."""

import warnings
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tinyq.models.tflite import Model, TensorType

ARENA = 1 << 24
RUNTIMES = ("tflite-micro", "litert-reference", "litert-optimized", "litert-xnnpack")
Tensors = Mapping[int, NDArray[np.int8]]
Ask = Callable[[NDArray], Tensors]


def made(model: Model) -> list[int]:
    """Return the indices of the int8 tensors that operators make."""
    return [
        index
        for operator in model.operators
        for index in operator.outputs
        if model.tensors[index].type is TensorType.INT8
    ]


def asker(runtime: str, content: bytes, model: Model) -> Ask:
    """Return the function that gives a runtime's tensors, by index, of an input.

    runtime: one of RUNTIMES; content: the file, and model: what is read of it.
    Raises RuntimeError or ValueError where the runtime does not take the file, ImportError where
    there is no such runtime.
    """
    return micro(content, model) if runtime == RUNTIMES[0] else litert(runtime, content, model)


def micro(content: bytes, model: Model) -> Ask:
    """Return TFLite Micro's function: it keeps outputs alone, so each tensor becomes one."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    from tflite_micro.python.tflite_micro.runtime import Interpreter

    changed = schema.ModelT.InitFromPackedBuf(content)
    changed.subgraphs[0].outputs = made(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(changed.Pack(builder), b"TFL3")
    interpreter = Interpreter.from_bytes(bytes(builder.Output()), arena_size=ARENA)

    def ask(x: NDArray) -> Tensors:
        interpreter.set_input(x, 0)
        interpreter.invoke()
        return {index: interpreter.get_output(place) for place, index in enumerate(made(model))}

    return ask


def litert(runtime: str, content: bytes, model: Model) -> Ask:
    """Return the function of LiteRT under a set of kernels."""
    from ai_edge_litert.interpreter import Interpreter

    from tools.agreement.litert import KERNELS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that kept tensors take memory
        interpreter = Interpreter(
            model_content=content,
            experimental_op_resolver_type=KERNELS[runtime],
            experimental_preserve_all_tensors=True,
            num_threads=1,
        )
    interpreter.allocate_tensors()

    def ask(x: NDArray) -> Tensors:
        interpreter.set_tensor(model.inputs[0], x)
        interpreter.invoke()
        return {index: interpreter.get_tensor(index) for index in made(model)}

    return ask
