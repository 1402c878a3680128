"""Files of .tflite for the reader's tests: other people's, tinyq's own, and some built for it."""

import os
from collections.abc import Iterator
from dataclasses import fields
from enum import IntEnum
from functools import cache
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from export_networks import random_qnet
from tflite_oracle import camel

from tinyq import Rounding
from tinyq.export.tflite_file import of_network
from tinyq.models.tflite.options import OPTIONS

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "models"
FOLDER = Path(os.environ.get("MODELS", SHARED))
OTHERS = sorted(FOLDER.glob("*.tflite"))
OWN_MODEL = Path(__file__).resolve().parents[1] / "book" / "own_model" / "digits_int8.tflite"


def need_others() -> None:
    """Skip a test, with the reason, where other people's models are not there."""
    if not OTHERS:
        pytest.skip(f"no .tflite in {FOLDER}: name a folder that has some in MODELS")


# What tinyq writes of random networks, with each way to fuse.
OWN = [(seed, fuse) for seed in range(12) for fuse in ("", "relu", "pad", "relu pad")]


@cache
def own(seed: int, fuse: str) -> bytes:
    """The file of a random network, for two images a call; fuse: what becomes part of others."""
    qnet = random_qnet(seed, (Rounding.DOUBLE,), (8,))
    return of_network(qnet, 2, **{f"fuse_{layer}": True for layer in fuse.split()})


def pack(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def tensor(shape=(2, 3), kind="INT8", buffer=0, name="t", **more) -> schema.TensorT:
    return schema.TensorT(list(shape), getattr(schema.TensorType, kind), buffer, name, **more)


def quantization(scales, zero_points, axis=0, **more) -> schema.QuantizationParametersT:
    return schema.QuantizationParametersT(
        scale=list(scales), zeroPoint=list(zero_points), quantizedDimension=axis, **more
    )


def model(tensors, operators=(), codes=(), buffers=(), inputs=(), outputs=()) -> schema.ModelT:
    """A model of one subgraph; buffers: the contents after buffer 0, which is empty."""
    held = [schema.BufferT(data=np.frombuffer(data, np.uint8)) for data in buffers]
    graph = schema.SubGraphT(list(tensors), list(inputs), list(outputs), list(operators), "main")
    return schema.ModelT(3, list(codes), [graph], "built", [schema.BufferT(), *held])


def every_operator(rng: np.random.Generator) -> schema.ModelT:
    """A model with each operator of OPTIONS: absent options, the defaults, then drawn ones."""
    codes, operators = [], []
    for name, (number, kind) in OPTIONS.items():
        code = getattr(schema.BuiltinOperator, name)
        codes.append(schema.OperatorCodeT(min(code, 127), None, int(rng.integers(1, 9)), code))
        for options in ["absent", "default", "drawn"][: 3 if number else 1]:
            operator = schema.OperatorT(len(codes) - 1, draw_inputs(rng), [int(rng.integers(4))])
            if options != "absent":
                operator.builtinOptionsType = number
                operator.builtinOptions = getattr(schema, f"{kind.__name__}T")()
            if options == "drawn":
                for field in fields(kind):
                    setattr(operator.builtinOptions, camel(field.name), drawn(field.type, rng))
            operators.append(operator)
    return model(every_tensor(rng), operators, codes, [bytes(range(24))], [0], [3])


def draw_inputs(rng: np.random.Generator) -> list[int]:
    return rng.integers(-1, 4, rng.integers(0, 5)).tolist()


def every_tensor(rng: np.random.Generator) -> list[schema.TensorT]:
    """Four tensors that no operator needs: one name twice, per tensor and per axis, a constant."""
    scales = np.float32(rng.random(3)).tolist()
    return [
        tensor((1, 4), shapeSignature=[-1, 4], quantization=quantization(scales[:1], [-128])),
        tensor((2, 3), quantization=quantization(scales, [0, 1, -2], 1)),
        tensor((2, 3), "INT32", 1, "größe " * 20),
        tensor((), "FLOAT32", name=None),
    ]


def drawn(kind, rng: np.random.Generator):
    """A random value of an option's type."""
    if kind == tuple[int, ...]:
        return rng.integers(-1, 9, rng.integers(0, 5)).tolist()
    if kind is bytes:
        return rng.integers(0, 256, 3).tolist()
    if issubclass(kind, IntEnum):
        return int(rng.choice(list(kind)))
    drawers = {
        bool: lambda: bool(rng.integers(2)),
        int: lambda: int(rng.integers(-(2**31), 2**31)),
        float: lambda: float(np.float32(rng.normal())),
    }
    return drawers[kind]()


def contents() -> Iterator[tuple[str, bytes]]:
    """Every file, by name."""
    yield from ((path.name, path.read_bytes()) for path in OTHERS)
    yield from ((f"own {seed} {fuse}", own(seed, fuse)) for seed, fuse in OWN)
    yield "every operator", pack(every_operator(np.random.default_rng(0)))
