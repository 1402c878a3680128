"""The constants of each layer as C: arrays, and one struct for each layer."""

import re
from collections.abc import Iterator, Sequence

from tinyq.export.c_kernels import Shapes, kernel_of, weight_of
from tinyq.layers.contract import Layer
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import Node


def identifier(number: int, name: str) -> str:
    """Return a C identifier for a layer: the number makes it unique, the name makes it readable.

    >>> identifier(3, "layer1.0.conv1")
    'n3_layer1_0_conv1'
    """
    return f"n{number}_" + re.sub("[^0-9A-Za-z]+", "_", name).strip("_")[:40]


def constants(name: str, node: Node[Layer], shapes: Shapes) -> str:
    """Return the C of one layer's constants, the last of them ``static const struct ... name``."""
    layer, lines = node.layer, []
    for field, requantizer in layer.requantizers.items():
        pairs = zip(requantizer.multiplier.tolist(), requantizer.shift.tolist(), strict=True)
        ratios = [f"{{{multiplier}, {shift}}}" for multiplier, shift in pairs]
        lines += array("struct ratio", f"{name}_{field}", ratios)
    if isinstance(layer, Linear):
        lines += array("int8_t", f"{name}_weight", weight_of(layer).ravel().tolist())
        lines += array("int32_t", f"{name}_bias", layer.bias.tolist())
    kernel = kernel_of(layer)
    lines.append(f"static const struct {kernel.struct} {name} = {{")
    fields = kernel.fields(name, node, shapes).items()
    lines += [f"    .{field} = {value}," for field, value in fields]
    return "\n".join([*lines, "};", ""])


def array(kind: str, name: str, values: Sequence[object]) -> list[str]:
    """Return the lines of a C array, with a few values on each."""
    return [f"static const {kind} {name}[{len(values)}] = {{", *rows(values), "};"]


def rows(values: Sequence[object]) -> Iterator[str]:
    """Yield lines of up to 99 columns with the values, each followed by a comma."""
    items = [f"{value}," for value in values]
    per_line = 96 // (1 + max(map(len, items)))
    for start in range(0, len(items), per_line):
        yield "    " + " ".join(items[start : start + per_line])
