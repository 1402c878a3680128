"""What LiteRT's schema classes read in a .tflite, held against what tinyq reads."""

from dataclasses import fields

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinyq.models.tflite import parse
from tinyq.models.tflite.options import OPTIONS
from tinyq.models.tflite.types import DTYPES, TensorType


def members(kind) -> dict[str, int]:
    return {name: value for name, value in vars(kind).items() if name[0] != "_"}


def text(stored: bytes | None) -> str:
    return (stored or b"").decode(errors="backslashreplace")


def assert_same(content: bytes) -> None:
    """Every field that the reader reads is what the schema's classes read."""
    got, want = parse(content), schema.ModelT.InitFromPackedBuf(content)
    graph = want.subgraphs[0]
    assert (got.description, got.subgraphs) == (text(want.description), len(want.subgraphs))
    assert list(got.inputs) == listed(graph.inputs) and list(got.outputs) == listed(graph.outputs)
    assert len(got.tensors) == len(graph.tensors or [])
    for index, (mine, theirs) in enumerate(zip(got.tensors, graph.tensors or [], strict=True)):
        assert mine.index == index
        assert_same_tensor(mine, theirs, want.buffers)
    assert len(got.operators) == len(graph.operators or [])
    for index, (mine, theirs) in enumerate(zip(got.operators, graph.operators or [], strict=True)):
        assert mine.index == index
        assert_same_operator(mine, theirs, want.operatorCodes)


def assert_same_tensor(mine, theirs, buffers) -> None:
    assert (mine.name, mine.type) == (text(theirs.name), theirs.type)
    assert list(mine.shape) == listed(theirs.shape)
    assert list(mine.shape_signature) == listed(theirs.shapeSignature)
    grid = theirs.quantization
    if grid is None or not listed(grid.scale):  # runtimes look no further
        grid = schema.QuantizationParametersT()
    assert mine.scales.tolist() == listed(grid.scale)
    assert mine.zero_points.tolist() == listed(grid.zeroPoint)
    assert (mine.scales.dtype, mine.zero_points.dtype) == (np.float32, np.int64)
    assert mine.quantized_dimension == grid.quantizedDimension
    data = wanted_data(theirs, buffers)
    assert (mine.data is None) == (data is None)
    for array in (mine.scales, mine.zero_points, *([] if data is None else [mine.data])):
        assert not (array.flags.writeable and array.size)
    if data is not None:
        assert (mine.data.dtype, mine.data.shape) == (data.dtype, data.shape)
        assert mine.data.tobytes() == data.tobytes()


def assert_same_operator(mine, theirs, codes) -> None:
    code = codes[theirs.opcodeIndex]
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    names = {value: name for name, value in members(schema.BuiltinOperator).items()}
    assert mine.name == names.get(builtin, f"BUILTIN_{builtin}")
    assert (mine.version, mine.custom_code) == (code.version, text(code.customCode))
    assert list(mine.inputs) == listed(theirs.inputs)
    assert list(mine.outputs) == listed(theirs.outputs)
    assert (mine.options is None) == (mine.name not in OPTIONS)
    table = getattr(schema, f"{type(mine.options).__name__}T", None)
    for field in fields(mine.options) if mine.options else ():
        want = getattr(theirs.builtinOptions or table(), camel(field.name))
        got = getattr(mine.options, field.name)
        assert type(got) is field.type or isinstance(got, tuple)
        assert (list(got) if isinstance(got, tuple | bytes) else got) == (
            listed(want) if isinstance(got, tuple | bytes) else want
        ), field.name


def camel(name: str) -> str:
    """The schema's Python name of a field: stride_w is strideW there."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def wanted_data(parsed: schema.TensorT, buffers) -> np.ndarray | None:
    """The constant that a tensor has, as its shape and type say."""
    data = buffers[parsed.buffer].data
    if data is None or not len(data):
        return None
    data = np.asarray(data, np.uint8)
    kind = TensorType(parsed.type)
    if kind not in DTYPES or parsed.sparsity is not None:
        return data
    return np.frombuffer(data.tobytes(), DTYPES[kind]).reshape(listed(parsed.shape))


def listed(vector) -> list:
    """A vector of the schema's as a list: it is None where the file leaves it out."""
    return [] if vector is None else np.asarray(vector).tolist()
