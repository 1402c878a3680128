"""A calibrated network as ONNX: operators on int8 codes, or on real numbers between codes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tinyq.checks import checked
from tinyq.export import readers
from tinyq.export.files import write_files
from tinyq.export.onnx_qdq import qdq
from tinyq.export.onnx_qlinear import qlinear
from tinyq.export.onnx_writer import Dims, Writer
from tinyq.export.portable import check_one_shape, check_portable
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.nodes import INPUT, naming_layer
from tinyq.network import QNetwork

FORMS = {"qlinear": qlinear, "qdq": qdq}
CHECKS = {"qlinear": readers.qlinear, "qdq": readers.qdq}
BATCH = "N"


@checked
def onnx(qnet: QNetwork, path: str | Path, *, form: str = "qlinear", force: bool = False) -> None:
    """Write a calibrated network as ONNX, opset 21: int8 images (N, C, H, W) in, int8 codes out.

    Each layer's output has the layer's name, and tinyq's shape with the channels second.
    form "qlinear": operators on codes, QLinearConv and, where ONNX has none, ONNX Runtime's own
    (domain com.microsoft): QGemm, and QLinearAdd and its kin for products, average pools, softmax.
    form "qdq": ONNX's operators on real numbers, each between DequantizeLinear and QuantizeLinear,
    for a runtime to fuse.
    The file holds codes, weights and scales; a runtime rounds by rules of its own.  ONNX Runtime
    gives the bytes of ``tinyq.runtimes.trace(qnet, codes, RUNTIMES["onnxruntime"])``.  On x86 it
    fuses form "qdq" only under the session option ``session.qdqisint8allowed`` = "1"; else it
    computes in float32, and a code is off by one now and then.

    qnet: an int8 network of tinyq's layers; path: of the file; force: whether an existing file is
    replaced.
    Raises ImportError without onnx (extra ``runtimes``), FileExistsError for a file that exists,
    without force; TypeError for a layer that is not one of tinyq.layers; ValueError for an unknown
    form, a network that could not run, grids narrower than int8, ratios of the network's own, or
    scales that float32 does not multiply: see tinyq.export.readers.
    """
    if form not in FORMS:
        raise ValueError(f"form must be one of {list(FORMS)}, got {form!r}")
    shapes = check_portable(qnet, CHECKS[form])
    for node in qnet.nodes:
        with naming_layer(node.name):  # channels first, two shapes would be aligned otherwise
            check_one_shape(node, shapes)
    content = of_network(qnet, shapes, form)
    write_files({Path(path): content}, force=force)


def of_network(qnet: QNetwork, shapes: Mapping[str, Shape], form: str = "qlinear") -> bytes:
    """Return the model of a whole network; shapes: of one image's tensors, as far as known."""
    nodes = [(node.layer, node.inputs, node.name) for node in qnet.nodes]
    dims = {name: channels_first(shape) for name, shape in shapes.items()}
    inputs = {INPUT: channels_first(qnet.image_shape)}
    return build(nodes, inputs, qnet.nodes[-1].name, dims, form, shapes)


def channels_first(shape: Shape) -> Dims:
    """Return (H, W, C) as ONNX declares a batch of it; (C,) and other ranks likewise.

    >>> channels_first((4, 5, 3)), channels_first((10,))
    (('N', 3, 4, 5), ('N', 10))
    """
    return (BATCH, shape[-1], *shape[:-1])


def build(
    nodes: Sequence[tuple[Layer, Sequence[str], str]],
    inputs: Mapping[str, Dims],
    output: str,
    dims: Mapping[str, Dims] = {},
    form: str = "qlinear",
    shapes: Mapping[str, Shape] = {},
) -> bytes:
    """Return the .onnx of a graph of layers.

    nodes: (layer, input names, output name) in running order; layers of tinyq.layers or, in form
    "qlinear", QMean; inputs: dimensions by name, in the order of the model's inputs, None for an
    unknown one; output: the name it returns; dims: of the layers' outputs, as far as known; shapes:
    of one sample of each tensor, as tinyq has it, which layers that move codes need.
    Raises ImportError without onnx, TypeError for a layer that has no operator in this form.
    """
    writer = Writer()
    for layer, reads, made in nodes:
        with naming_layer(made):
            known = [shapes[name] for name in reads if name in shapes]
            writer.add(FORMS[form](layer, reads, known), made)
    return writer.finish(inputs, output, dims)
