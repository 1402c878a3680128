"""Which module builds which runner or kernel, imported only in the process that times it."""

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

LAYERS, ENGINES = "layers", ("numpy", "vnni")
BLAS, INTEGER, COPY = "float32 BLAS", "u8 x s8", "copy"
REFERENCE, OPTIMIZED, XNNPACK = "litert-reference", "litert-optimized", "litert-xnnpack"


@dataclass(frozen=True)
class Source:
    """Where a runner comes from: a module of this package, with `prepare`, and what it runs on."""

    module: str
    packages: tuple[str, ...]


LITERT = Source("litert", ("ai-edge-litert",))
ONNX_RUNTIME = Source("onnxrt", ("onnxruntime",))
RUNNERS = {
    LAYERS: Source("ours", ("numpy",)),
    "numpy": Source("ours", ("numpy",)),
    "vnni": Source("ours", ("numpy", "numba", "onnxruntime")),
    REFERENCE: LITERT,
    OPTIMIZED: LITERT,
    XNNPACK: LITERT,
    "onnxruntime-int8": ONNX_RUNTIME,
    "onnxruntime-float32": ONNX_RUNTIME,
    "pytorch-int8": Source("torch_int8", ("torch",)),
}

MICRO = "tflite-micro"
# What runs a file that others made as it is.
FILES = {
    MICRO: Source("tflm", ("tflite-micro",)),
    **dict.fromkeys((REFERENCE, OPTIMIZED, XNNPACK), LITERT),
}
LIMITS = dict.fromkeys((BLAS, INTEGER, COPY), Source("rates", ("numpy", "onnxruntime")))


def in_order(rows: Sequence[dict]) -> list[dict]:
    """Return rows of the record in the order of RUNNERS, whoever was done first."""
    return sorted(rows, key=lambda row: [*(RUNNERS | FILES)].index(row["runner"]))


def versions(runners: Iterable[str]) -> dict[str, str]:
    """Return what each runner runs on, in words."""
    return {
        runner: ", ".join(f"{name} {version(name)}" for name in (RUNNERS | FILES)[runner].packages)
        for runner in runners
    }


def load(module: str) -> Callable:
    """Return prepare(subject, runner) of a module.  Raises ImportError without a package."""
    return importlib.import_module(f"tools.bench_engines.{module}").prepare
