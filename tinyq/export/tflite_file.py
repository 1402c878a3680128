"""A calibrated network as an int8 .tflite, for TensorFlow Lite, LiteRT and TFLite Micro."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tinyq.affine import Grid
from tinyq.checks import checked, whole
from tinyq.export import readers
from tinyq.export.files import write_files
from tinyq.export.portable import check_portable
from tinyq.export.tflite_steps import Step, with_flat_means, with_relu, with_same
from tinyq.export.tflite_writer import Writer
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.nodes import INPUT, naming_layer
from tinyq.network import QNetwork


@checked
def tflite(
    qnet: QNetwork,
    path: str | Path,
    *,
    count: int = 1,
    fuse_relu: bool = False,
    fuse_pad: bool = False,
    force: bool = False,
) -> None:
    """Write a calibrated network as an int8 .tflite: one operator a layer, tensors by its names.

    The file holds codes, weights and scales; each runtime rounds by rules of its own, which
    tinyq.runtimes declares.  TFLite Micro's are those of Rounding.DOUBLE: the bytes of qnet.trace.

    qnet: an int8 network of tinyq's layers; path: of the file; count: images a call, 1..2**31 - 1.
    fuse_relu: whether a ReLU becomes part of the layer before it; fuse_pad: whether a pad becomes
    the SAME padding of the convolution after it where the two are the same.  Either removes a
    tensor and changes no byte of the others.  force: whether a file that exists is replaced.
    Raises ImportError without the schema classes (extra ``runtimes``), FileExistsError for a file
    that exists, without force; TypeError for a wrong type, or a layer that is not one of
    tinyq.layers; ValueError
    for a network that could not run, for what TFLite cannot hold (grids narrower than int8, ratios
    of the network's own, a clamp that is no ReLU or ReLU6), and for scales that the float32 of its
    kernels does not take: see tinyq.export.readers, and for a dense layer whose output scale is so
    fine that TFLite's kernels refuse the scale of its bias.
    """
    whole("count", count, 1, 2**31 - 1)
    check_portable(qnet, readers.tflite)
    content = of_network(qnet, count, fuse_relu=fuse_relu, fuse_pad=fuse_pad)
    write_files({Path(path): content}, force=force)


def of_network(qnet: QNetwork, count: int, **fuse: bool) -> bytes:
    """Return the model of a whole network for count images at a time; fuse: as `build` takes it."""
    nodes = [(node.layer, node.inputs, node.name) for node in qnet.nodes]
    inputs = {INPUT: (qnet.grids[INPUT], (count, *qnet.image_shape))}
    return build(nodes, inputs, qnet.nodes[-1].name, **fuse)


def build(
    nodes: Sequence[tuple[Layer, Sequence[str], str]],
    inputs: Mapping[str, tuple[Grid, Shape]],
    output: str,
    fuse_relu: bool = False,
    fuse_pad: bool = False,
) -> bytes:
    """Return the .tflite of a graph of layers.

    nodes: (layer, input names, output name) in running order; layers of tinyq.layers or QMean;
    inputs: (grid, shape) by name, in the order of the model's inputs; output: the name it returns.
    fuse_relu: put a ReLU into the layer before it; fuse_pad: put a pad into the convolution or
    max pool after it wherever it is what SAME means there.
    Raises ImportError without the schema classes, TypeError or ValueError for a layer that TFLite
    has no operator for.
    """
    writer = Writer()
    for name, (grid, shape) in inputs.items():
        writer.activation(name, grid, shape)
    steps = with_flat_means([Step(layer, tuple(names), made) for layer, names, made in nodes])
    if fuse_pad:
        steps = with_same(steps, {name: shape for name, (_, shape) in inputs.items()})
    for step in with_relu(steps) if fuse_relu else steps:
        with naming_layer(step.output):
            writer.add(step)
    return writer.finish(tuple(inputs), output)
