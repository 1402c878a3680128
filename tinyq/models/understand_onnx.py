"""From what an .onnx holds to the nodes of an int8 network, and what is not understood of it."""

from collections.abc import Iterator

from tinyq.checks.values import shown
from tinyq.layers.contract import Layer
from tinyq.layers.nodes import INPUT, Node
from tinyq.models.onnx import MICROSOFT, Model, Operator
from tinyq.models.onnx_layers.op import Op
from tinyq.models.onnx_layers.order import in_tinyq
from tinyq.models.onnx_layers.table import OPERATORS
from tinyq.models.opened.understood import MOST_WEIGHTS, Refusal, Understood, held
from tinyq.models.opened.value import Value

OPSETS = 10, 28  # QLinearConv came with the first; the last is what was read


def understand(model: Model) -> Understood[str]:
    """Return the layers that a model's operators are, and all refusals at once.

    model: one whose QDQ groups are fused.
    """
    values: dict[str, Value] = {}
    operators: dict[str, int] = {}
    nodes: list[Node[Layer]] = []
    refusals = [Refusal(None, "model", why) for why in (*model.unread, *_ends(model))]
    if refusals:  # without ends of its own it has no batch
        return Understood((), operators, values, tuple(refusals))
    weights, behind = 0, set[str]()
    try:
        values |= _input(model)
    except ValueError as error:
        refusals.append(Refusal(None, "model", str(error)))
        behind.add(model.inputs[0])
    for operator in model.operators:
        if not behind.isdisjoint(operator.inputs) and operator.kind in OPERATORS:
            behind |= {*operator.outputs}
            continue
        op = Op(model, operator, values)
        try:
            value = _made(op)
            weights += sum(map(held, op.nodes))
            if weights > MOST_WEIGHTS:
                raise ValueError(f"the constants must have {MOST_WEIGHTS} bytes together, got more")
        except ValueError as error:
            refusals.append(Refusal(operator.index, title(operator), str(error)))
            behind |= {*operator.outputs}
            continue
        values[op.output] = value
        operators |= dict.fromkeys((node.name for node in op.nodes), operator.index)
        nodes += op.nodes
    return Understood(tuple(nodes), operators, values, tuple(refusals))


def title(operator: Operator) -> str:
    """Return an operator as messages have it: "node 7, QLinearConv 'conv1'"."""
    return f"node {operator.index}, {kind(operator)} {shown(operator.label)}"


def kind(operator: Operator) -> str:
    """Return an operator's name, behind its domain where that is no usual one, in one line."""
    name = operator.name if operator.name.isprintable() else shown(operator.name)
    return name if operator.domain in ("", MICROSOFT) else f"{shown(operator.domain)} {name}"


def _ends(model: Model) -> Iterator[str]:
    """Yield what is wrong with the model's inputs, outputs and version."""
    for what, tensors in (("input", model.inputs), ("output", model.outputs)):
        if len(tensors) != 1:
            yield f"it must have one {what}, got {len(tensors)}"
            return
    if not OPSETS[0] <= model.opset <= OPSETS[1]:
        yield f"its opset must be in {OPSETS[0]}..{OPSETS[1]}, got {model.opset}"


def _input(model: Model) -> dict[str, Value]:
    """Return what the model's input is by name; nothing where it is real numbers.

    Its grid stands in the first operator that says one of it, behind those that move codes.
    """
    name = model.inputs[0]
    shape = model.sample
    if (kind := model.tensors[name].type) == "FLOAT":
        return {}
    if kind != "INT8":
        raise ValueError(f"its input must be FLOAT or INT8, got {kind}")
    same = {name}
    says = Operator(0, "", "", "", (name, *model.grids.get(name, ())), (), {})
    if len(says.inputs) > 1:
        return {name: Value(INPUT, Op(model, says, {}).grid(1), in_tinyq(shape), shape)}
    for operator in model.operators:
        known = OPERATORS.get(operator.kind)
        if known is None or same.isdisjoint(operator.inputs):
            continue
        op = Op(model, operator, {})
        for place in known.codes:
            if place >= len(operator.inputs):
                break
            if operator.inputs[place] in same:
                return {name: Value(INPUT, op.grid(place + 1), in_tinyq(shape), shape)}
        same |= {*operator.outputs}
    raise ValueError("no operator says the grid of its input")


def _made(op: Op) -> Value:
    """Return what an operator makes, after adding its nodes; raise ValueError for a refusal."""
    operator = op.operator
    if operator.why_not:
        raise ValueError(operator.why_not)
    if operator.kind not in OPERATORS:
        raise ValueError("not supported")
    known = OPERATORS[operator.kind]
    least, most = known.inputs
    if not least <= len(operator.inputs) <= most:
        wanted = least if least == most else f"{least}..{most}"
        raise ValueError(f"it must have {wanted} inputs, got {len(operator.inputs)}")
    if len(operator.outputs) != 1:
        raise ValueError(f"it must have one output, got {len(operator.outputs)}")
    if others := {*operator.attributes} - known.attributes:
        raise ValueError(f"its attribute {shown(min(others))} is not supported")
    value = known.make(op)
    _check_declared(op, value)
    return value


def _check_declared(op: Op, value: Value) -> None:
    """Raise ValueError where the file declares another shape or type for an output."""
    tensor = op.model.tensors.get(op.output)
    if tensor is None:
        return
    if tensor.type != (wanted := "FLOAT" if value.real else "INT8") and tensor.type != "UNDEFINED":
        raise ValueError(f"its output must be {wanted}, got {tensor.type}")
    dims = tensor.dims
    if dims is not None and (
        len(dims) != len(value.seen) + 1
        or any(isinstance(d, int) and d != n for d, n in zip(dims[1:], value.seen, strict=True))
    ):
        raise ValueError(f"its output must have shape (N, {str(value.seen)[1:]}, got {dims}")
