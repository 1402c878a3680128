"""Which module builds which runner or kernel, imported only in the process that times it."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

LAYERS, ENGINES = "layers", ("numpy", "vnni")
BLAS, INTEGER, COPY = "float32 BLAS", "u8 x s8", "copy"
REFERENCE, OPTIMIZED, XNNPACK = "litert-reference", "litert-optimized", "litert-xnnpack"


@dataclass(frozen=True)
class Source:
    """Where a runner comes from.

    module: of this package, with `prepare`; packages: what it runs on; threads: how many it is
    timed with; divides: whether its own workers share those threads, each calling a library that
    then gets one.
    """

    module: str
    packages: tuple[str, ...]
    threads: tuple[int, ...] = (1, 2)
    divides: bool = False


LITERT = Source("litert", ("ai-edge-litert",))
ALONE = (1,)  # NumPy's integer products and LiteRT's reference kernels know no threads
ONNX_RUNTIME = Source("onnxrt", ("onnxruntime",))
RUNNERS = {
    LAYERS: Source("ours", ("numpy",), ALONE),
    "numpy": Source("ours", ("numpy",), divides=True),
    "vnni": Source("ours", ("numpy", "numba", "onnxruntime"), divides=True),
    REFERENCE: Source("litert", LITERT.packages, ALONE),
    OPTIMIZED: LITERT,
    XNNPACK: LITERT,
    "onnxruntime-int8": ONNX_RUNTIME,
    "onnxruntime-float32": ONNX_RUNTIME,
    "pytorch-int8": Source("torch_int8", ("torch",)),
}

LIMITS = dict.fromkeys((BLAS, INTEGER, COPY), Source("rates", ("numpy", "onnxruntime")))


def versions(runners: Sequence[str]) -> dict[str, str]:
    """Return what each runner runs on, in words."""
    return {
        runner: ", ".join(f"{name} {version(name)}" for name in RUNNERS[runner].packages)
        for runner in runners
    }


def load(module: str) -> Callable:
    """Return prepare(case, runner, threads) of a module.  Raises ImportError without a package."""
    return importlib.import_module(f"tools.bench_engines.{module}").prepare
