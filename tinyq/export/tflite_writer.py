"""Pack a model into a flatbuffer, with the schema classes of LiteRT's wheel, not TensorFlow."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.export.tflite_operator import Operator
from tinyq.export.tflite_operators import operators
from tinyq.export.tflite_steps import Step
from tinyq.layers import QConstant
from tinyq.layers.contract import Layer, Shape
from tinyq.models.extra import imported

# A runtime refuses an operator of a version newer than its own, and an older version than these may
# have no int8 kernel: so each is the oldest that has one.
VERSIONS = {
    "ADD": 2,
    "AVERAGE_POOL_2D": 2,
    "CONCATENATION": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "HARD_SWISH": 1,
    "LEAKY_RELU": 2,
    "LOGISTIC": 2,
    "MAX_POOL_2D": 2,
    "MEAN": 2,
    "MUL": 2,
    "PAD": 2,
    "PADV2": 2,
    "QUANTIZE": 2,
    "RELU": 2,
    "RELU6": 2,
    "RESHAPE": 1,
    "SOFTMAX": 2,
    "SUB": 2,
    "TANH": 2,
    "TRANSPOSE": 2,
}


class Writer:
    """The tensors, buffers and operators of one model, in the order they were added."""

    def __init__(self) -> None:
        self.schema = imported("ai_edge_litert.schema_py_generated")
        self.buffers = [self.schema.BufferT()]  # buffer 0 is empty, for tensors made at run time
        self.tensors: list[Any] = []  # schema.TensorT; the schema has no types
        self.codes: list[str] = []
        self.operators: list[Any] = []  # schema.OperatorT
        self.names: dict[str, int] = {}

    def activation(self, name: str, grid: Grid, shape: Shape) -> int:
        """Add a tensor made at run time; return its index."""
        self._check(name)
        self.names[name] = self._tensor(name, shape, "int8", 0, [grid.scale], grid.zero_point)
        return self.names[name]

    def _check(self, name: str) -> None:
        if name in self.names:
            raise ValueError(f"layers must have names that no other tensor has, got {name!r}")

    def constant(
        self,
        name: str,
        values: NDArray[Any],
        scales: Sequence[float],
        zero_point: int,
        axis: int = 0,
    ) -> int:
        """Add a tensor of int8 or int32 values, scales along an axis; return its index."""
        little = values.astype(values.dtype.newbyteorder("<"))
        self.buffers.append(self.schema.BufferT(data=np.frombuffer(little.tobytes(), np.uint8)))
        place = len(self.buffers) - 1
        return self._tensor(name, values.shape, values.dtype.name, place, scales, zero_point, axis)

    def _tensor(
        self,
        name: str,
        shape: Shape,
        dtype: str,
        buffer: int,
        scales: Sequence[float],
        zero_point: int,
        axis: int = 0,
    ) -> int:
        quantization = self.schema.QuantizationParametersT()
        if len(scales):
            quantization.scale = [float(scale) for scale in scales]
            quantization.zeroPoint = [int(zero_point)] * len(scales)
            quantization.quantizedDimension = axis
        self.tensors.append(
            self.schema.TensorT(
                shape=[int(size) for size in shape],
                type=getattr(self.schema.TensorType, dtype.upper()),
                buffer=buffer,
                name=name,
                quantization=quantization,
            )
        )
        return len(self.tensors) - 1

    def add(self, step: Step[Layer]) -> None:
        """Add the operators of a step and the tensors that they make; a constant has none."""
        if type(step.layer) is QConstant:
            grid, codes = step.layer.out_grid, step.layer.codes[None]
            self._check(step.output)
            self.names[step.output] = self.constant(
                step.output, codes, [grid.scale], grid.zero_point
            )
            return
        reads = [self.names[name] for name in step.inputs]
        *before, last = operators(step, *(tuple(self.tensors[i].shape) for i in reads))
        for operator in before:  # such operators keep the grid of what they read
            name = f"{step.output}/{operator.code}"
            reads = [self._operator(operator, name, reads, step.layer.in_grids[0])]
        self._operator(last, step.output, reads, step.layer.out_grid)

    def _operator(self, operator: Operator, name: str, reads: list[int], grid: Grid) -> int:
        """Add an operator; return the index of the tensor that it makes."""
        reads = reads + [
            self.constant(f"{name}/{c.name}", c.values, c.scales, c.zero_point, c.axis)
            for c in operator.constants
        ]
        made = self.activation(name, grid, operator.shape)
        if operator.code not in self.codes:
            self.codes.append(operator.code)
        written = self.schema.OperatorT(
            opcodeIndex=self.codes.index(operator.code), inputs=reads, outputs=[made]
        )
        if operator.options:
            written.builtinOptionsType = getattr(self.schema.BuiltinOptions, operator.options)
            options = getattr(self.schema, f"{operator.options}T")
            written.builtinOptions = options(**operator.fields)
        self.operators.append(written)
        return made

    def finish(self, inputs: Sequence[str], output: str) -> bytes:
        """Return the model's bytes."""
        graph = self.schema.SubGraphT(
            tensors=self.tensors,
            operators=self.operators,
            inputs=[self.names[name] for name in inputs],
            outputs=[self.names[output]],
            name="main",
        )
        model = self.schema.ModelT(
            version=3,
            description="tinyq",
            operatorCodes=[self._code(name) for name in self.codes],
            subgraphs=[graph],
            buffers=self.buffers,
        )
        builder = imported("flatbuffers").Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _code(self, name: str) -> Any:
        """Return the schema's OperatorCodeT for an operator."""
        code = getattr(self.schema.BuiltinOperator, name)
        # A code was one byte once: old readers read that field, new ones the larger of both.
        return self.schema.OperatorCodeT(
            deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=VERSIONS[name]
        )
