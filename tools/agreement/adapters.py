"""Which module asks which runtime, imported only when it is asked for."""

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tools.agreement.networks import VARIANTS, Variant


@dataclass(frozen=True)
class Source:
    """Where a runtime's answers come from.

    module: its adapter in this package; options: keyword arguments that pick the runtime in it;
    fuses: whether its models can hold fused ReLUs and SAME pads.
    """

    module: str
    options: dict[str, str]
    fuses: bool


@dataclass(frozen=True)
class Adapter:
    """A runtime that is there: version in words, run(case) -> codes, pipeline(qnet, images)."""

    version: str
    run: Callable
    pipeline: Callable


SOURCES = {
    "tflite-micro": Source("tflm", {}, fuses=True),
    "litert-reference": Source("litert", {"runtime": "litert-reference"}, fuses=True),
    "litert-optimized": Source("litert", {"runtime": "litert-optimized"}, fuses=True),
    "litert-xnnpack": Source("litert", {"runtime": "litert-xnnpack"}, fuses=True),
    "onnxruntime": Source("onnxrt", {}, fuses=False),
    "pytorch": Source("torch_rt", {}, fuses=False),
}


def load(runtime: str) -> Adapter:
    """Return the adapter of a runtime.  Raises ImportError where its wheel does not import."""
    source = SOURCES[runtime]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheels' own, which tests would turn into errors
        module = importlib.import_module(f"tools.agreement.{source.module}")
    run, pipeline = (
        partial(function, **source.options) for function in (module.run, module.pipeline)
    )
    return Adapter(module.VERSION, run, pipeline)


def variants(runtime: str) -> list[Variant]:
    """Return the ways to write a network that a runtime's models can hold."""
    fuses = SOURCES[runtime].fuses
    return [v for v in VARIANTS if fuses or not (v.fuse_relu or v.fuse_pad)]
