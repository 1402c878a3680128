"""A calibrated network as C99: constants and an integer run time, for any microcontroller."""

from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.export.arena import Arena, arena
from tinyq.export.c_data import constants, identifier, rows, stored
from tinyq.export.c_fields import RESCALES
from tinyq.export.c_functions import fill, functions, structs
from tinyq.export.c_kernels import KERNELS, kernel_of, weight_size
from tinyq.export.files import write_files
from tinyq.layers.checks import padded_shape
from tinyq.layers.contract import Shape, lookup
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import INPUT, naming_layer
from tinyq.layers.pool import Pool
from tinyq.network import QNetwork

PROGRAM = ("main.c", "images.h")
ID = "TINYQ_NETWORK_ID"  # in the templates
LARGEST = 2**31 - 1  # the largest index of the run time, an int32_t


@checked
def c(
    qnet: QNetwork, folder: str | Path, *, images: NDArray[Any] | None = None, force: bool = False
) -> None:
    """Write a calibrated network as C99 that gives the same bytes: integers only, no libc, no heap.

    folder gets ``network.h`` (the interface: ``int tinyq_run(const int8_t *, int8_t *)``),
    ``network_data.h`` (the constants) and ``network.c`` (the run time: the functions that this
    network needs, and no others).  With images it also gets ``main.c`` and ``images.h``, a program
    that prints the codes that come out: ``cc network.c main.c && ./a.out``.
    The tensors between input and output share a static arena; see tinyq.export.arena.
    Files of two networks do not compile together: each has the id of its network, the digest of
    the first three files, and looks for it with ``#error``.

    qnet: an int8 network of tinyq's layers, each of Rounding DOUBLE, UP or SINGLE, as the run time
    has no floats.  images: for main.c, as qnet takes them; None for no program.
    force: whether files that exist are replaced.
    Raises, before any file is written: FileExistsError for a file that exists, without force, and
    where the folder has the program of another network and this one gets none; TypeError for a
    wrong type, or a layer that is not one of tinyq.layers; ValueError for a rounding in floats, or
    a network that could not run.
    """
    contents = c_files(qnet, images)
    stale = [name for name in PROGRAM if Path(folder, name).exists()]
    if images is None and stale:
        raise FileExistsError(
            f"{folder} has {' and '.join(stale)} of another export, which would print other codes: "
            "give images too, or remove them"
        )
    files = {Path(folder, name): text.encode("ascii") for name, text in contents.items()}
    write_files(files, force=force)


def c_files(qnet: QNetwork, images: NDArray[Any] | None = None) -> dict[str, str]:
    """Return the texts of header, constants, run time, and of a program with images, by name."""
    shapes = qnet.shapes()
    _check(qnet, shapes)
    memory = arena(qnet, shapes)
    everything = [*memory.nodes, *memory.constants]
    names = {node.name: identifier(i, node.name) for i, node in enumerate(everything)}
    texts = functions(memory, shapes)
    signature = "(int32_t acc, int32_t multiplier, int32_t shift);\n"
    data = [f"static int64_t {f}{signature}" for f in texts if f in RESCALES.values()]
    data += structs(memory, shapes)
    data += ["\n".join([*stored(names[n.name], n.layer), ""]) for n in memory.constants]
    data += [constants(names[node.name], node, shapes) for node in memory.nodes]
    array = f"static int8_t arena[{memory.size}];\n" if memory.size else ""
    run = fill("run.c", statements=_statements(qnet, memory, names, shapes))
    files = {
        "network.h": _header(qnet, shapes),
        "network_data.h": fill("network_data.h", constants="\n".join(data)),
        "network.c": "\n".join(filter(None, [fill("prelude.c"), *texts.values(), array, run])),
    }
    # capitals: an id with the digits 1e5 would look like a float
    digest = sha256("".join(files.values()).encode("ascii")).hexdigest()[:16].upper()
    if images is not None:
        files |= _program(qnet, images)
    return {name: text.replace(ID, f"TINYQ_NETWORK_{digest}") for name, text in files.items()}


def _check(qnet: QNetwork, shapes: dict[str, Shape]) -> None:
    """Raise TypeError or ValueError for what the C code cannot do."""
    if prod(qnet.image_shape) > LARGEST:
        raise ValueError(f"C must index the image in 31 bits, got {qnet.image_shape}")
    for node in qnet.nodes:
        with naming_layer(node.name):
            lookup(KERNELS, node.layer, "C")
            for requantizer in node.layer.requantizers.values():
                if requantizer.rounding not in RESCALES:
                    names = ", ".join(rounding.name for rounding in RESCALES)
                    got = requantizer.rounding.name
                    raise ValueError(f"C without floats must round as {names}, got {got}")
            sizes = [prod(shapes[node.name])]
            if isinstance(node.layer, Linear):
                sizes.append(weight_size(node.layer))
            if isinstance(node.layer, Pool):
                sizes.append(prod(padded_shape(shapes[node.inputs[0]], node.layer.pads)))
            if max(sizes) > LARGEST:
                raise ValueError(f"C must index it in 31 bits, got {max(sizes)} codes")


def _statements(
    qnet: QNetwork, memory: Arena, names: dict[str, str], shapes: dict[str, Shape]
) -> str:
    """Return the body of tinyq_run: one call for each layer, after a check of the input.

    The input is checked where its grid is narrower than int8.
    """
    grid, lines = qnet.grids[INPUT], []
    # only comparisons that can be true: compilers warn of the others
    ends = [f"input[i] < {grid.qmin}"] * (grid.qmin > -128)
    ends += [f"input[i] > {grid.qmax}"] * (grid.qmax < 127)
    if ends:
        lines.append(fill("check_input.c", off=" || ".join(ends)).rstrip())
    places = {INPUT: "input"} | {name: f"arena + {at}" for name, at in memory.starts.items()}
    places |= {node.name: f"{names[node.name]}_codes" for node in memory.constants}
    places[memory.nodes[-1].name] = "output"
    for node in memory.nodes:
        kernel = kernel_of(node, shapes)
        # a constant that is the output is copied there from its own codes
        inputs = ", ".join(places[n] for n in node.inputs) or f"{names[node.name]}_codes"
        if kernel.listed:
            inputs = f"(const int8_t *const[]){{{inputs}}}"
        call = f"{kernel.function}(&{names[node.name]}, {inputs}, {places[node.name]});"
        lines.append(f"    {call}")
    return "\n".join(lines)


def _header(qnet: QNetwork, shapes: dict[str, Shape]) -> str:
    last = qnet.nodes[-1].name
    fields = {
        f"{side}_{field}": getattr(qnet.grids[name], field)
        for side, name in (("in", INPUT), ("out", last))
        for field in ("scale", "zero_point", "qmin", "qmax")
    }
    sizes = {"input_size": prod(shapes[INPUT]), "output_size": prod(shapes[last])}
    return fill("network.h", layout=_layout(shapes[INPUT]), **sizes, **fields)


def _layout(shape: Shape) -> str:
    """Return the lines of network.h that say how the codes of one sample lie in memory."""
    if len(shape) != 3:
        return f"/* One sample, its shape {shape}, the last axis fastest. */"
    height, width, channels = shape
    return fill("layout.h", height=height, width=width, channels=channels).rstrip()


def _program(qnet: QNetwork, images: NDArray[Any]) -> dict[str, str]:
    """Return main.c, and images.h with the images as codes."""
    codes = qnet.trace(images)[INPUT]
    if not len(codes):
        raise ValueError(f"images must hold at least one, got shape {codes.shape}")
    lines = []
    for image in codes.reshape(len(codes), -1).tolist():
        lines += ["    {", *rows(image), "    },"]
    text = fill("images.h", count=len(codes), rows="\n".join(lines))
    return dict(zip(PROGRAM, (fill("main.c"), text), strict=True))
