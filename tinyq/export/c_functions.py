"""The run time in C: the text of the functions that a network needs, and of no others."""

from pathlib import Path
from string import Template

from tinyq.export.arena import Arena
from tinyq.export.c_kernels import RESCALES, kernel_of

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
}


def functions(memory: Arena) -> dict[str, str]:
    """Return the text of each function of the run time that the nodes need, in order, by name."""
    used = {kernel_of(node.layer).function for node in memory.nodes}
    for node in memory.nodes:
        used |= {RESCALES[r.rounding] for r in node.layer.requantizers.values()}
    for name in reversed(NEEDS):
        if name in used:
            used |= NEEDS[name]
    return {name: fill(f"{name}.c") for name in NEEDS if name in used}


def fill(template: str, **values: object) -> str:
    """Return the text of a file in c_templates, with values in the places that it leaves."""
    return Template((TEMPLATES / template).read_text(encoding="ascii")).substitute(values)
