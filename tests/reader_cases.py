"""Networks of one layer whose scales come from anywhere in float32, for the readers of files.

Run as a program it answers for one reader: see `main`.  A reader may abort its process, so a test
runs it so.
"""

import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tinyq import Grid, Requantizer, export, layers  # noqa: E402
from tinyq.export import onnx_file, tflite_file  # noqa: E402
from tinyq.layers.linear import Linear  # noqa: E402
from tinyq.layers.nodes import Node  # noqa: E402
from tinyq.network import QNetwork  # noqa: E402
from tinyq.runtimes import RUNTIMES, trace  # noqa: E402

LINEAR = {
    "conv": layers.QConv2D,
    "conv_per_channel": layers.QConv2DPerChannel,
    "dense": layers.QDense,
}
ON_ONE_GRID = {
    "average_pool": lambda grid: layers.QAvgPool2D(grid, (2, 3), (1, 2)),
    "whole_pool": lambda grid: layers.QAvgPool2D(grid, (4, 5), (1, 1)),
    "global_pool": layers.QGlobalAvgPool2D,
    "max_pool": lambda grid: layers.QMaxPool2D(grid, (2, 3), (1, 2), (1, 0, 1, 2)),
    "pad": lambda grid: layers.QPad2D(grid, (1, 2, 0, 1)),
    "relu": layers.qrelu,
    "relu6": layers.qrelu6,
    "clamp": lambda grid: layers.QClamp(grid, max(grid.zero_point - 3, -128), 127),
}
OPERATORS = [*LINEAR, "add", *ON_ONE_GRID]
LOWEST, HIGHEST = -149, 120  # powers of two: the least float32, and where a grid's end leaves it


def network(layer, inputs: int = 1) -> QNetwork:
    nodes = (Node("only", layer, ("input",) * inputs),)
    shape = (1, 1, 5) if isinstance(layer, layers.QDense) else (4, 5, 2)
    if isinstance(layer, layers.QDense):  # a mean of one pixel gives the rows that it reads
        mean = Node("mean", layers.QGlobalAvgPool2D(layer.in_grid), ("input",))
        nodes = mean, Node("only", layer, ("mean",))
    grids = {"input": layer.in_grids[0]} | {node.name: node.layer.out_grid for node in nodes}
    return QNetwork(nodes, grids, {}, shape)


def linear(kind: str, in_grid: Grid, scales, out_grid: Grid, rng, bias: int = 255) -> QNetwork:
    scales = np.asarray(scales, np.float32)
    shape = (3, 5) if kind == "dense" else (3, 2, 2, 2)
    weight = rng.integers(-127, 128, shape).astype(np.int8)
    biases = rng.integers(-bias, bias + 1, 3).astype(np.int32)
    rescale = Requantizer.from_scales(in_grid.scale, scales, out_grid.scale)
    stride = {} if kind == "dense" else {"stride": (1, 1)}
    return network(LINEAR[kind](in_grid, out_grid, weight, biases, scales, rescale, **stride))


def add(a: Grid, b: Grid, out: Grid) -> QNetwork:
    """An add of the input, and of the input on another grid by a convolution with the weight 1."""
    rescale = Requantizer.from_scales(a.scale, np.float32([1]), b.scale)
    weight = np.ones((2, 1, 1, 2), np.int8)
    zeros, ones = np.zeros(2, np.int32), np.float32([1])
    move = layers.QConv2D(a, b, weight, zeros, ones, rescale, stride=(1, 1))
    nodes = (
        Node("b", move, ("input",)),
        Node("only", layers.QAdd.from_float(a, b, out), ("input", "b")),
    )
    return QNetwork(nodes, {"input": a, "b": b, "only": out}, {}, (4, 5, 2))


def random_case(operator: str, seed: int, index: int) -> QNetwork:
    """Return a network: the scales are even in their logarithm, or near each other's product."""
    rng = np.random.default_rng((seed, OPERATORS.index(operator), index))
    while True:
        try:
            with np.errstate(over="ignore", under="ignore"):
                return drawn(operator, rng)
        except ValueError:  # what no grid, requantizer or add can be
            continue


def drawn(operator: str, rng) -> QNetwork:
    one = scale(rng, LOWEST, HIGHEST)
    if operator in ON_ONE_GRID:
        return network(ON_ONE_GRID[operator](grid(rng, one)))
    if operator == "add":
        # beyond 2**20 the declared rule of LiteRT's vector kernel is one code off now and then
        other, out = one * scale(rng, -20, 20), one * scale(rng, -20, 40)
        return add(grid(rng, one), grid(rng, other), grid(rng, out))
    far, count = rng.random() < 0.3, 3 if operator == "conv_per_channel" else 1
    weight = scale(rng, LOWEST, HIGHEST)
    if rng.random() < 0.3:  # a product at either end of float32
        weight = 2.0 ** (rng.uniform(-152, -120) if one < 1 else rng.uniform(120, 130)) / one
    out = scale(rng, LOWEST, HIGHEST) if far else one * weight * scale(rng, -29, 35)
    scales = [weight, *(weight * scale(rng, -20, 20) for _ in range(count - 1))]
    bias = 2 ** int(rng.choice([1, 8, 16, 24]))
    return linear(operator, grid(rng, one), scales, grid(rng, out), rng, bias)


def scale(rng, low: float, high: float) -> float:
    """Return a number from 2**low to 2**high: any, a power of two, or one near either end."""
    power = rng.uniform(low, high)
    match rng.integers(6):
        case 0:
            power = rng.uniform(low, low + (high - low) / 10)
        case 1:
            power = rng.uniform(high - (high - low) / 20, high)
        case 2:
            power = np.floor(power)
    return float(2.0**power)


def grid(rng, scale: float) -> Grid:
    return Grid(scale, int(rng.choice([-128, 0, 127, int(rng.integers(-128, 128))])))


# ----------------------------------------------------------------------------- the other process


def reader(name: str) -> tuple[str, Callable, Callable, str]:
    """Return of a reader: the format's suffix, its writer with and without the check, its rules."""
    if name in ("onnx-qlinear", "onnx-fused", "onnx-qdq"):
        form = "qlinear" if name == "onnx-qlinear" else "qdq"
        return (
            "onnx",
            lambda qnet, path: export.onnx(qnet, path, form=form),
            lambda qnet: onnx_file.of_network(qnet, qnet.shapes(), form),
            "onnxruntime",
        )
    return "tflite", export.tflite, lambda qnet: tflite_file.of_network(qnet, 1), name


def answer(name: str, model: bytes, codes: np.ndarray) -> np.ndarray:
    if name == "tflite-micro":
        from tools.agreement.tflm import ARENA, Interpreter, invoke

        return invoke(Interpreter.from_bytes(model, arena_size=ARENA), [codes])
    if name.startswith("onnx"):
        from tools.agreement import onnxrt

        return onnxrt.channels_last(onnxrt.invoke(model, [codes], fuse_int8=name == "onnx-fused"))
    from tools.agreement import litert

    return litert.invoke(model, [codes], name)


def tolerance(name: str, qnet: QNetwork) -> float:
    """Return how many codes a reader may differ by: real numbers are rounded, codes are not."""
    if name != "onnx-qdq":
        return 0
    layer = qnet.nodes[-1].layer
    if not isinstance(layer, Linear):
        return 1
    terms = 255 * np.abs(layer.weight.astype(np.float64)).reshape(3, -1).sum(axis=1)
    return float(1 + ((terms + np.abs(layer.bias)) * layer.requantizer.ratio).max() * 2.0**-21)


def outcome(name: str, qnet: QNetwork, folder: Path, guarded: bool) -> str:
    """Return "same", or what is wrong; "refused: why" where the exporter refuses."""
    suffix, write, build, rules = reader(name)
    path = folder / f"net.{suffix}"
    path.unlink(missing_ok=True)
    try:
        write(qnet, path) if guarded else path.write_bytes(build(qnet))
    except ValueError as error:
        return f"refused: {error}"
    codes = np.random.default_rng(0).integers(-128, 128, (1, *qnet.image_shape)).astype(np.int8)
    want = trace(qnet, codes, RUNTIMES[rules])["only"]
    got = answer(name, path.read_bytes(), codes).reshape(want.shape)
    off = np.abs(got.astype(int) - want).max()
    if off > tolerance(name, qnet):
        return f"{off} codes off its rules"
    off = np.abs(got.astype(int) - qnet(codes)).max()
    return "same" if guarded or off <= 1 else f"{off} codes off the network's"


def networks(task: str) -> Iterator[tuple[QNetwork, bool]]:
    """Yield the networks of a task, and whether the exporter may refuse them."""
    from reader_limits import LIMITS

    kind, what, *numbers = task.split()
    if kind == "random":
        seed, count = map(int, numbers)
        yield from ((random_case(what, seed, index), True) for index in range(count))
    else:
        yield getattr(LIMITS[what], kind)(), kind == "inside"


def main(name: str, *tasks: str) -> None:
    """Print a line of JSON before each network and one after it.

    tasks: "random OPERATOR SEED COUNT"; "inside LIMIT"; "beyond LIMIT", with the check left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        for task in tasks:
            for index, (qnet, guarded) in enumerate(networks(task)):
                print(json.dumps({"case": f"{task}, number {index}"}), flush=True)
                try:
                    said = outcome(name, qnet, Path(folder), guarded)
                except Exception as error:
                    said = f"{type(error).__name__}: {error}"
                print(json.dumps({"said": said}), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", module="(?!tinyq).*")
    main(*sys.argv[1:])
