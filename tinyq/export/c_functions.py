"""The run time in C: the text of the functions that a network needs, and of no others."""

from pathlib import Path
from string import Template

from tinyq.export.arena import Arena
from tinyq.export.c_fields import RESCALES, Shapes
from tinyq.export.c_kernels import kernel_of

TEMPLATES = Path(__file__).parent / "c_templates"

# The functions of the run time, each after those that it calls, which stand beside it.
NEEDS: dict[str, set[str]] = {
    "saturate": set(),
    "shift_left": set(),
    "rescale_double": {"shift_left"},
    "rescale_up": {"shift_left"},
    "rescale_single": set(),
    "rescale": set(),
    "conv2d": {"saturate", "rescale"},
    "depthwise_conv2d": {"saturate", "rescale"},
    "add": {"saturate", "rescale"},
    "pad2d": set(),
    "clamp": set(),
    "max_pool2d": set(),
    "avg_pool2d": {"saturate"},
    "avg_pool2d_padded": {"saturate"},
    "reshape": set(),
    "gather": set(),
    "concat": set(),
    "sub": {"saturate", "rescale"},
    "mul": {"saturate", "rescale"},
    "requantize": {"saturate", "rescale"},
    "table": set(),
    "high_mul": set(),
    "reciprocal": {"high_mul"},
    "softmax": {"reciprocal"},
    "place": set(),
    "mean": {"saturate", "rescale_double", "place"},
    "add_broadcast": {"add", "place"},
    "sub_broadcast": {"sub", "place"},
    "mul_broadcast": {"mul", "place"},
}
# The structs that not every network declares, each after those that it holds.
HOLDS: dict[str, set[str]] = {
    **{name: set() for name in ("reshape", "gather", "concat", "requantize", "table", "softmax")},
    **{name: set() for name in ("sub", "mul", "walk")},
    "mean": {"walk"},
    "add_broadcast": {"walk"},
    "sub_broadcast": {"walk", "sub"},
    "mul_broadcast": {"walk", "mul"},
}


def functions(memory: Arena, shapes: Shapes) -> dict[str, str]:
    """Return the text of each function of the run time that the nodes need, in order, by name."""
    used = {kernel_of(node, shapes).function for node in memory.nodes}
    for node in memory.nodes:
        used |= {RESCALES[r.rounding] for r in node.layer.requantizers.values()}
    return {name: _text(name, "c") for name in _with_all(used, NEEDS)}


def structs(memory: Arena, shapes: Shapes) -> list[str]:
    """Return the texts of the structs that the nodes need and not every network declares."""
    used = {kernel_of(node, shapes).struct for node in memory.nodes}
    return [_text(name, "h") for name in _with_all(used, HOLDS)]


def _with_all(used: set[str], needs: dict[str, set[str]]) -> list[str]:
    """Return what is used and what that needs, in the order of the table."""
    used = set(used)
    for name in reversed(needs):
        if name in used:
            used |= needs[name]
    return [name for name in needs if name in used]


def _text(name: str, kind: str) -> str:
    """Return the text of a function or a struct: all broadcasts have one template."""
    one = name.removesuffix("_broadcast")
    if one != name:
        return fill(f"broadcast.{kind}", kind=one)
    return fill(f"{name}.{kind}")


def fill(template: str, **values: object) -> str:
    """Return the text of a file in c_templates, with values in the places that it leaves."""
    return Template((TEMPLATES / template).read_text(encoding="ascii")).substitute(values)
