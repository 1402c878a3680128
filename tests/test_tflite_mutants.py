"""Damaged .tflite files give a model or a ValueError that names a place: no crash, no hang."""

import json
import struct
import tracemalloc

import flatbuffers
import numpy as np
import pytest

pytest.importorskip(
    "ai_edge_litert", reason="the sound files are made with LiteRT's schema", exc_type=ImportError
)

from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from beside import run_beside  # noqa: E402
from tflite_mutants import Mutant, mutants  # noqa: E402
from tflite_oracle import assert_same  # noqa: E402

from tinyq.models.tflite import parse  # noqa: E402


def became(count: int, seed: int) -> dict[str, int]:
    """Read mutants in a process of its own, under its limits; return how many became what."""
    run = run_beside("tflite_mutants", str(count), str(seed))
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert not told["wrong"], "\n".join(told["wrong"])
    return told["counts"]


def test_some_hundred_mutants():
    assert sum(became(500, 0).values()) == 500


@pytest.mark.full
def test_ten_thousand_mutants_within_a_minute_of_processor_time():
    counts = became(10_000, 1)
    assert sum(counts.values()) == 10_000
    assert min(counts["model"], counts["refused"]) > 500, counts


def test_each_way_of_damage_is_met_by_a_refusal_and_by_a_model():
    met = set()
    for name, content in mutants(800, 2):
        way = name.rpartition(": ")[2]
        try:
            parse(content)
            met.add((way, "model"))
        except ValueError:
            met.add((way, "refused"))
    for way in Mutant.WAYS:
        assert (way.__name__, "refused") in met, way
    assert sum(what == "model" for _, what in met) > 4, met


def test_what_is_read_of_a_mutant_is_what_the_schema_reads():
    """The schema's classes trust a file, so they may fail where the reader looks at less."""
    compared = 0
    for name, content in mutants(700, 3):
        try:
            parse(content)
        except ValueError:
            continue
        try:
            schema.ModelT.InitFromPackedBuf(content)
        except (ValueError, TypeError, struct.error):
            continue
        try:
            assert_same(content)
        except AssertionError as error:
            raise AssertionError(name) from error
        compared += 1
    assert compared > 50


# ---------------------------------------------------------------- small files that ask for much


def bomb(
    tensors: int, name: int, operators: int = 0, inputs: int = 0, copies: int = 1, scales: int = 0
) -> bytes:
    """A model that points to the same things again and again.

    tensors: with one name of so many bytes and one grid of so many scales; operators: with one
    vector of so many inputs; copies: how often the vector of tensors has the last of them.
    """
    builder = flatbuffers.Builder(1024)
    shared = builder.CreateString("x" * name)
    shape = builder.CreateNumpyVector(np.int32([scales]))
    grid = schema.QuantizationParametersT(
        scale=np.ones(scales, np.float32), zeroPoint=np.zeros(scales, np.int64)
    ).Pack(builder)
    made = []
    for _ in range(tensors):
        schema.TensorStart(builder)
        schema.TensorAddName(builder, shared)
        schema.TensorAddShape(builder, shape)
        schema.TensorAddQuantization(builder, grid)
        made.append(schema.TensorEnd(builder))
    reads = vector(builder, schema.OperatorStartInputsVector, [0] * inputs, "int32")
    acts = []
    for _ in range(operators):
        schema.OperatorStart(builder)
        schema.OperatorAddInputs(builder, reads)
        acts.append(schema.OperatorEnd(builder))
    made = vector(builder, schema.SubGraphStartTensorsVector, made + made[-1:] * (copies - 1))
    acts = vector(builder, schema.SubGraphStartOperatorsVector, acts)
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, made)
    schema.SubGraphAddOperators(builder, acts)
    graphs = vector(builder, schema.ModelStartSubgraphsVector, [schema.SubGraphEnd(builder)])
    schema.OperatorCodeStart(builder)
    code = schema.OperatorCodeEnd(builder)
    codes = vector(builder, schema.ModelStartOperatorCodesVector, [code])
    schema.BufferStart(builder)
    buffers = vector(builder, schema.ModelStartBuffersVector, [schema.BufferEnd(builder)])
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, graphs)
    schema.ModelAddOperatorCodes(builder, codes)
    schema.ModelAddBuffers(builder, buffers)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


def vector(builder, start, items, kind="table") -> int:
    start(builder, len(items))
    for item in reversed(items):
        builder.PrependInt32(item) if kind == "int32" else builder.PrependUOffsetTRelative(item)
    return builder.EndVector()


BOMBS = {
    "one long name": ((3000, 1_000_000), "the file points to the same bytes again and again"),
    "one long vector of inputs": ((1, 1, 3000, 200_000), "operator 1: inputs: the file points to"),
    "one long grid": (
        (3000, 1, 0, 0, 1, 300_000),
        "tensor 3: quantization: scale: the file points",
    ),
    "one tensor too often": ((1, 1, 0, 0, 65537), "subgraph 0: tensors: at most 65536 are read"),
    "one tensor often": ((1, 0, 0, 0, 4096), None),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_small_file_takes_little_memory(kind):
    shape, refusal = BOMBS[kind]
    content = bomb(*shape)
    tracemalloc.start()
    try:
        if refusal:
            with pytest.raises(ValueError, match=refusal):
                parse(content)
        else:
            assert len(parse(content).tensors) == 4096
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 << 20, f"{peak >> 20} MiB for a file of {len(content) >> 10} KiB"
