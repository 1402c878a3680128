"""The constants of each layer as C: arrays, and one struct for each layer."""

import re
from collections.abc import Iterator, Sequence

from tinyq.export.c_fields import Shapes, arrays, ratios
from tinyq.export.c_kernels import kernel_of
from tinyq.layers.contract import Layer
from tinyq.layers.nodes import Node


def identifier(number: int, name: str) -> str:
    """Return a C identifier for a layer: the number makes it unique, the name makes it readable.

    >>> identifier(3, "layer1.0.conv1")
    'n3_layer1_0_conv1'
    """
    return f"n{number}_" + re.sub("[^0-9A-Za-z]+", "_", name).strip("_")[:40]


def constants(name: str, node: Node[Layer], shapes: Shapes) -> str:
    """Return the C of one layer's constants, the last of them ``static const struct ... name``."""
    lines = []
    for field, requantizer in ratios(node.layer).items():
        pairs = zip(requantizer.multiplier.tolist(), requantizer.shift.tolist(), strict=True)
        lines += array("struct ratio", f"{name}_{field}", [f"{{{m}, {s}}}" for m, s in pairs])
    lines += stored(name, node.layer)
    kernel = kernel_of(node, shapes)
    lines.append(f"static const struct {kernel.struct} {name} = {{")
    fields = kernel.fields(name, node, shapes).items()
    lines += [f"    .{field} = {value}," for field, value in fields]
    return "\n".join([*lines, "};", ""])


def stored(name: str, layer: Layer) -> list[str]:
    """Return the lines of the arrays of a layer's codes and integers."""
    return [
        line
        for field, values in arrays(layer).items()
        for line in array(f"{values.dtype.name}_t", f"{name}_{field}", values.ravel().tolist())
    ]


def array(kind: str, name: str, values: Sequence[object]) -> list[str]:
    """Return the lines of a C array, with a few values on each."""
    return [f"static const {kind} {name}[{len(values)}] = {{", *rows(values), "};"]


def rows(values: Sequence[object]) -> Iterator[str]:
    """Yield lines of up to 99 columns with the values, each followed by a comma."""
    items = [f"{value}," for value in values]
    per_line = 96 // (1 + max(map(len, items)))
    for start in range(0, len(items), per_line):
        yield "    " + " ".join(items[start : start + per_line])
