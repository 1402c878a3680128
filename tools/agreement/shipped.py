"""`python -m tools.agreement.shipped`: export networks in each format, run the files, compare.

Each file is what a reader would get from tinyq.export.  What it gives is held against what
tinyq.runtimes says of that runtime; for TFLite Micro, C and npz these are tinyq's own codes.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from tinyq import export
from tinyq.export.files import rewrite
from tinyq.models import digits, resnet
from tinyq.network import QNetwork
from tinyq.runtimes import RUNTIMES, trace
from tools.agreement import adapters, report, resnets

RECORD, BUILT = Path("book/shipped.json"), Path("build/shipped.json")
ARENA = 1 << 24
SIZE, CALIBRATION, SHOWN = (64, 64), 8, 4
LARGEST_DIFFERENCE = 1e-4
COMPILE = ["cc", "-std=c99", "-O1", "network.c", "main.c", "-o", "network"]
Codes = NDArray[np.int8]


def loaded(qnet: QNetwork, codes: Codes, folder: Path) -> Codes:
    """Return the logits of the network that export.npz wrote and export.load read."""
    export.npz(qnet, folder / "net.npz")
    return export.load(folder / "net.npz")(codes)


def compiled(qnet: QNetwork, codes: Codes, folder: Path) -> Codes:
    """Return what the program of export.c prints.  Raises FileNotFoundError without a compiler."""
    export.c(qnet, folder, images=codes)
    subprocess.run(COMPILE, cwd=folder, check=True)
    done = subprocess.run(["./network"], cwd=folder, check=True, text=True, capture_output=True)
    lines = done.stdout.splitlines()
    return np.array([line.partition(":")[2].split() for line in lines], np.int8)


def micro(qnet: QNetwork, codes: Codes, folder: Path) -> Codes:
    """Return TFLite Micro's logits, one image a call, ReLUs and SAME pads fused."""
    from tflite_micro.python.tflite_micro.runtime import Interpreter

    path = folder / "net.tflite"
    export.tflite(qnet, path, fuse_relu=True, fuse_pad=True)
    interpreter = Interpreter.from_file(str(path), arena_size=ARENA)

    def one(image: Codes) -> Codes:
        interpreter.set_input(image, 0)
        interpreter.invoke()
        return interpreter.get_output(0)

    return np.concatenate([one(image[None]) for image in codes])


def litert(qnet: QNetwork, codes: Codes, folder: Path, runtime: str) -> Codes:
    """Return LiteRT's logits under a set of kernels, nothing fused."""
    from tools.agreement.litert import invoke

    export.tflite(qnet, folder / "net.tflite", count=len(codes))
    return invoke((folder / "net.tflite").read_bytes(), [codes], runtime)


def onnxruntime(qnet: QNetwork, codes: Codes, folder: Path, form: str) -> Codes:
    """Return ONNX Runtime's logits; int8 QDQ may be fused, as it must be told on x86."""
    from tools.agreement.onnxrt import invoke

    export.onnx(qnet, folder / "net.onnx", form=form)
    return invoke((folder / "net.onnx").read_bytes(), [codes], fuse_int8=True)


@dataclass(frozen=True)
class Way:
    """A format on a runtime: run(qnet, codes, folder) gives logits by the rules of a runtime."""

    format: str
    runtime: str
    rules: str
    run: Callable[[QNetwork, Codes, Path], Codes]


WAYS = (
    Way("npz", "tinyq", "tflite-micro", loaded),
    Way("C99", "cc -O1", "tflite-micro", compiled),
    Way("tflite", "tflite-micro", "tflite-micro", micro),
    *(
        Way("tflite", name, name, partial(litert, runtime=name))
        for name in ("litert-reference", "litert-optimized", "litert-xnnpack")
    ),
    *(
        Way(f"onnx {form}", "onnxruntime", "onnxruntime", partial(onnxruntime, form=form))
        for form in ("qlinear", "qdq")
    ),
)


@dataclass
class Row:
    """On how many images every logit was equal; missing: why none was run."""

    network: str
    format: str
    runtime: str
    images: int
    equal: int = 0
    missing: str | None = None


def networks(count: int, seed: int) -> Iterator[tuple[str, QNetwork, Codes]]:
    """Yield the networks that are shipped, by name, and images for them as codes."""
    rng = np.random.default_rng(seed)
    weights, biases, images = resnet.seed()
    qnet = resnet.stem_block(weights, biases).quantize(images)
    yield "seed", qnet, rng.integers(-128, 128, (count, 16, 16, 3)).astype(np.int8)
    data = digits.load()
    qnet = data.net.quantize(data.images[data.calibration])
    yield "digits", qnet, qnet.grids["input"].quantize(data.images[:count])
    qnet = resnet.resnet18(resnets.state(seed)).quantize(resnets.images(seed, CALIBRATION, SIZE))
    codes = qnet.grids["input"].quantize(resnets.images(seed + 1, SHOWN, SIZE))
    yield "ResNet-18, 64x64", qnet, codes


def shipped(name: str, qnet: QNetwork, codes: Codes, way: Way) -> Row:
    """Return how one network fares in one format on one runtime."""
    row = Row(name, way.format, way.runtime, len(codes))
    with TemporaryDirectory() as folder:
        try:
            got = way.run(qnet, codes, Path(folder))
        except (ImportError, FileNotFoundError) as error:
            row.missing = str(error)
            return row
    want = trace(qnet, codes, RUNTIMES[way.rules])[qnet.nodes[-1].name]
    if got.shape == want.shape and got.dtype == np.int8:
        row.equal = int((got == want).all(axis=1).sum())
    return row


def agrees_in_float(seed: int) -> bool:
    """Print how far tinyq's float ResNet-18 is from PyTorch's; return whether it is near."""
    try:
        from tools.agreement.torch_resnet import largest_difference
    except ImportError as error:
        print(f"ResNet-18 in float: {error}")
        return True
    difference = largest_difference(seed)
    print(f"ResNet-18 in float: logits within {difference:.1e} of PyTorch's")
    return difference <= LARGEST_DIFFERENCE


def versions() -> dict[str, str]:
    """Return the versions of the runtimes and of the compiler."""
    names = [way.runtime for way in WAYS if way.runtime in adapters.SOURCES]
    found = {name: adapters.load(name).version for name in names}
    compiler = subprocess.run(["cc", "--version"], check=True, text=True, capture_output=True)
    return found | {"cc": compiler.stdout.splitlines()[0]}


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line a network and format; return 1 where a byte differs, or a float is far off.

    A run in which every format was there and equal is written, with --record as the record.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.agreement.shipped", description=__doc__)
    parser.add_argument("--images", type=int, default=2000, help="through the small networks")
    parser.add_argument("--seed", type=int, default=1, help="of images and random weights")
    parser.add_argument("--record", action="store_true", help=f"write {RECORD} and not {BUILT}")
    options = parser.parse_args(argv)
    rows, close = [], agrees_in_float(options.seed)
    for name, qnet, codes in networks(options.images, options.seed):
        for way in WAYS:
            row = shipped(name, qnet, codes, way)
            outcome = row.missing or f"{row.equal} of {row.images} images, every byte"
            print(f"{name}: {way.format} on {way.runtime}: {outcome}", flush=True)
            rows.append(row)
    if all(row.equal == row.images for row in rows):
        about = {"seed": options.seed, "date": report.today(), "machine": report.machine()}
        about["versions"], out = versions(), RECORD if options.record else BUILT
        record = {**about, "rows": [*map(asdict, rows)]}
        rewrite(out, report.as_json(record).encode())
        print(f"wrote {out}")
    differs = any(row.equal < row.images and not row.missing for row in rows)
    return int(differs or not close)


if __name__ == "__main__":
    sys.exit(main())
