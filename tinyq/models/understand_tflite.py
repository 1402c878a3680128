"""From what a .tflite holds to the nodes of an int8 network, and what is not understood of it."""

from collections.abc import Iterator

from tinyq.checks.values import shown
from tinyq.layers.contract import Layer
from tinyq.layers.nodes import INPUT, Node
from tinyq.models.opened.understood import MOST_WEIGHTS, Refusal, Understood, held
from tinyq.models.opened.value import Value, said
from tinyq.models.tflite import Model, Operator, TensorType
from tinyq.models.tflite_layers.grid import grid_of
from tinyq.models.tflite_layers.op import Op
from tinyq.models.tflite_layers.table import OPERATORS
from tinyq.models.tflite_sizes import with_sizes


def understand(model: Model) -> Understood[int]:
    """Return the layers that a model's operators are, and all refusals at once."""
    model = with_sizes(model)
    values: dict[int, Value] = {}
    operators: dict[str, int] = {}
    nodes: list[Node[Layer]] = []
    refusals = [Refusal(None, "model", why) for why in (*model.unread, *_ends(model))]
    if refusals[len(model.unread) :]:  # without ends of its own it has no batch and no order
        return Understood((), operators, values, tuple(refusals))
    if model.tensors[model.inputs[0]].type is not TensorType.FLOAT32:
        try:
            values[model.inputs[0]] = _input(model)
        except ValueError as error:
            refusals.append(Refusal(None, "model", f"its input: {error}"))
    weights = 0
    for operator in model.operators:
        op = Op(model, operator, values)
        try:
            made = _made(op)
            weights += sum(map(held, op.nodes))
            if weights > MOST_WEIGHTS:
                raise ValueError(f"the constants must have {MOST_WEIGHTS} bytes together, got more")
        except ValueError as error:
            refusals.append(Refusal(operator.index, title(operator), str(error)))
            values |= dict(_unknown(op))
            continue
        values[op.output.index] = made
        operators |= dict.fromkeys((node.name for node in op.nodes), operator.index)
        nodes += op.nodes
    return Understood(tuple(nodes), operators, values, tuple(refusals))


def title(operator: Operator) -> str:
    """Return an operator as messages have it: "operator 7, SVDF version 3"."""
    return f"operator {operator.index}, {kind(operator)} version {operator.version}"


def kind(operator: Operator) -> str:
    """Return an operator's name, and of a custom one its own as text of one line."""
    custom = shown(operator.custom_code) if operator.custom_code else ""
    return " ".join(filter(None, [operator.name, custom]))


def _ends(model: Model) -> Iterator[str]:
    """Yield what is wrong with the model's inputs and outputs."""
    for what, tensors in (("input", model.inputs), ("output", model.outputs)):
        if len(tensors) != 1:
            yield f"it must have one {what}, got {len(tensors)}"
            return
    shape = model.tensors[model.inputs[0]].shape
    if len(shape) < 2 or min(shape) < 1:
        yield f"its input must have two axes or more, each 1 or more, got {shape}"


def _input(model: Model) -> Value:
    """Return the int8 input of a model."""
    tensor = model.tensors[model.inputs[0]]
    return Value(INPUT, grid_of(tensor), tensor.shape[1:], tensor.shape[1:])


def _made(op: Op) -> Value:
    """Return what an operator makes, after adding its nodes; raise ValueError where it is refused.

    What it makes must be what the file says of its output.
    """
    operator = op.operator
    if operator.name not in OPERATORS:
        raise ValueError("not supported")
    known = OPERATORS[operator.name]
    if not 1 <= operator.version <= known.newest:
        raise ValueError(f"its version must be in 1..{known.newest}")
    least, most = known.inputs
    if not least <= len(operator.inputs) <= most:
        wanted = least if least == most else f"{least}..{most}"
        raise ValueError(f"it must have {wanted} inputs, got {len(operator.inputs)}")
    _check_output(op)
    value = known.make(op)
    wanted_shape = (op.batch, *value.seen)
    if op.output.shape != wanted_shape:
        raise ValueError(f"its output must have shape {wanted_shape}, got {op.output.shape}")
    if not value.real and (grid := grid_of(op.output)) != value.grid:
        raise ValueError(
            f"it must keep the grid of its input, {said(value.grid)}, got {said(grid)}"
        )
    return value


def _check_output(op: Op) -> None:
    """Raise ValueError unless an operator makes one tensor, which nothing else makes."""
    outputs = op.operator.outputs
    if len(outputs) != 1:
        raise ValueError(f"it must have one output, got {len(outputs)}")
    if op.output.data is not None or op.output.index in (*op.values, *op.model.inputs):
        raise ValueError(f"its output, tensor {op.output.index}, must be made by it alone")


def _unknown(op: Op) -> Iterator[tuple[int, Value]]:
    """Yield what the outputs of a refused operator would be, so that its readers are understood."""
    for index in op.operator.outputs:
        tensor = op.model.tensors[index]
        if index in op.values or tensor.data is not None or not tensor.shape:
            continue
        try:
            yield index, Value(op.name, grid_of(tensor), tensor.shape[1:], tensor.shape[1:])
        except ValueError:
            continue
