"""Read an .onnx file as plain data; the package onnx decodes it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tinyq.models import foreign
from tinyq.models.extra import imported
from tinyq.models.onnx.constants import constant, text
from tinyq.models.onnx.model import Attribute, Model, Operator, Tensor

MOST = 1 << 30  # bytes of a file; protobuf itself has none of 2 GB
OWN = ("", "ai.onnx")  # the names of ONNX's own domain


def read(path: str | Path) -> Model:
    """Return what an .onnx file holds.

    Raises ImportError without onnx (extra ``runtimes``); OSError for a file that cannot be read or
    is no plain file; ValueError, with the path and the place, for one that is damaged or no .onnx.
    """
    content = foreign.read(path, MOST)
    try:
        return parse(content)
    except ValueError as error:
        raise ValueError(f"{path} is not an .onnx that tinyq can read: {error}") from error


def parse(content: bytes) -> Model:
    """Return what the content of an .onnx file holds; raises ImportError and ValueError as `read`.

    >>> parse(b"no model")
    Traceback (most recent call last):
    ValueError: model: it is no protobuf of an ONNX model
    """
    onnx = imported("onnx")
    try:
        proto = onnx.ModelProto.FromString(content)
    except Exception as error:  # protobuf's own, whose module depends on its version
        raise ValueError("model: it is no protobuf of an ONNX model") from error
    if not proto.HasField("graph"):
        raise ValueError("model: it must have a graph")
    graph, types = proto.graph, onnx.TensorProto.DataType
    constants = [constant(tensor) for tensor in graph.initializer]
    operators = list[Operator]()
    for index, node in enumerate(graph.node):
        if node.op_type == "Constant" and node.domain in OWN and len(node.output) == 1:
            constants += _made_by(node)
        else:
            operators.append(_operator(index, node))
    held = {tensor.name for tensor in constants}
    declared = [*graph.input, *graph.output, *graph.value_info]
    tensors = {text(info.name): _declared(info, types) for info in reversed(declared)}
    return Model(
        inputs=tuple(name for info in graph.input if (name := text(info.name)) not in held),
        outputs=tuple(text(info.name) for info in graph.output),
        tensors=tensors | {tensor.name: tensor for tensor in constants},
        operators=tuple(operators),
        opset=max((one.version for one in proto.opset_import if one.domain in OWN), default=0),
        unread=tuple(_unread(proto)),
    )


def _made_by(node: Any) -> Iterator[Tensor]:
    """Yield the constant of a node Constant, where it has one that is a tensor."""
    for attribute in node.attribute:
        if attribute.name == "value":
            yield replace(constant(attribute.t), name=text(node.output[0]))


def _operator(index: int, node: Any) -> Operator:
    attributes = {text(one.name): _attribute(one) for one in node.attribute}
    domain, name, label = (text(one) for one in (node.domain, node.op_type, node.name))
    inputs, outputs = (tuple(map(text, names)) for names in (node.input, node.output))
    domain, outputs = "" if domain in OWN else domain, tuple(filter(None, outputs))
    return Operator(index, name, label, domain, inputs, outputs, attributes)


def _attribute(one: Any) -> Attribute:
    """Return an attribute's value, None for one of a kind that tinyq does not read."""
    kind = type(one).AttributeType.Name(one.type)
    if kind == "STRING":
        return text(one.s)
    fields: dict[str, Any] = {"INT": one.i, "FLOAT": one.f}
    lists: dict[str, Any] = {"INTS": one.ints, "FLOATS": one.floats}
    return tuple(lists[kind]) if kind in lists else fields.get(kind)


def _declared(info: Any, types: Any) -> Tensor:
    tensor = info.type.tensor_type
    dims = tuple(map(_size, tensor.shape.dim)) if tensor.HasField("shape") else None
    code = tensor.elem_type
    kind = types.Name(code) if code in types.values() else "unknown"
    return Tensor(text(info.name), kind, dims)


def _size(dim: Any) -> int | str | None:
    if dim.HasField("dim_value"):
        return int(dim.dim_value)
    return text(dim.dim_param) if dim.HasField("dim_param") else None


def _unread(proto: Any) -> Iterator[str]:
    """Yield what is in a model beside its operators, and what is there twice."""
    graph = proto.graph
    if proto.functions:
        yield "its local functions are not read"
    if graph.sparse_initializer:
        yield "its sparse_initializer is not read"
    for tensor in graph.initializer:
        if tensor.data_location == type(tensor).EXTERNAL:
            yield f"the data of {text(tensor.name)!r} lie in another file, which is not opened"
    held = [text(tensor.name) for tensor in graph.initializer]
    known = {*held}
    inputs = [name for info in graph.input if (name := text(info.name)) not in known]
    made = [text(name) for node in graph.node for name in node.output if name]
    if twice := [name for name, count in Counter([*held, *inputs, *made]).items() if count > 1]:
        yield f"a tensor must be made once, got {', '.join(map(repr, twice[:4]))} more often"
