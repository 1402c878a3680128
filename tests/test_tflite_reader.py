"""The reader of .tflite against the schema classes of LiteRT, field by field, on every file."""

import os
import re
import struct
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("ai_edge_litert", reason="the oracle is LiteRT's schema", exc_type=ImportError)

import tflite_files as files  # noqa: E402
from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from tflite_files import model, pack, quantization, tensor  # noqa: E402
from tflite_oracle import assert_same, camel, members  # noqa: E402

from tinyq.models.tflite import list_operators, parse, read  # noqa: E402
from tinyq.models.tflite.builtins import NAMES  # noqa: E402
from tinyq.models.tflite.options import OPTIONS  # noqa: E402
from tinyq.models.tflite.types import (  # noqa: E402
    Activation,
    Padding,
    TensorType,
    WeightsFormat,
)

# ------------------------------------------------------------------------------- against the oracle


def test_other_peoples_models_are_read_as_the_schema_reads_them():
    files.need_others()
    for path in files.OTHERS:
        assert_same(path.read_bytes())
        assert len(list_operators(read(path))) == len(parse(path.read_bytes()).operators)


@pytest.mark.parametrize(("seed", "fuse"), files.OWN)
def test_what_tinyq_writes_is_read_as_the_schema_reads_it(seed, fuse):
    assert_same(files.own(seed, fuse))


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(st.integers(0, 2**32 - 1))
def test_every_operator_with_any_options(seed):
    assert_same(pack(files.every_operator(np.random.default_rng(seed))))


def test_the_names_and_numbers_are_the_schemas():
    assert dict(zip(NAMES, range(len(NAMES)), strict=True)) == members(schema.BuiltinOperator)
    for kind, theirs in [
        (Padding, schema.Padding),
        (Activation, schema.ActivationFunctionType),
        (WeightsFormat, schema.FullyConnectedOptionsWeightsFormat),
        (TensorType, schema.TensorType),
    ]:
        assert {m.name: m.value for m in kind} == members(theirs)


def test_each_table_is_the_schemas_whole_with_its_defaults():
    for name, (number, kind) in OPTIONS.items():
        if number:
            assert number == getattr(schema.BuiltinOptions, kind.__name__), name
            theirs = vars(getattr(schema, f"{kind.__name__}T")())
            mine = {camel(f.name): f.default or None for f in fields(kind)}
            assert mine == {field: value or None for field, value in theirs.items()}, name


def test_the_issues_operators_have_their_options():
    asked = (
        "CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED RESHAPE SQUEEZE TRANSPOSE SOFTMAX ADD SUB MUL"
    )
    asked += (
        " CONCATENATION PAD PADV2 AVERAGE_POOL_2D MAX_POOL_2D MEAN QUANTIZE DEQUANTIZE LOGISTIC"
    )
    asked += " TANH HARD_SWISH LEAKY_RELU RELU RELU6"
    asked += " SHAPE STRIDED_SLICE PACK EXPAND_DIMS"  # beyond it: Keras' Flatten and Conv1D
    assert set(asked.split()) == set(OPTIONS)


# ---------------------------------------------------------------------------------- what files hold


def one_tensor(content=b"", **about) -> bytes:
    """A model with one tensor, whose buffer has the content."""
    return pack(model([tensor(buffer=1, **about)], buffers=[content]))


def test_an_empty_buffer_is_no_constant():
    assert parse(one_tensor()).tensors[0].data is None


def test_a_type_that_numpy_has_not_comes_as_bytes():
    (got,) = parse(one_tensor(b"\x12\x34\x56", kind="INT4")).tensors
    assert (got.type.name, got.data.dtype) == ("INT4", np.uint8)
    assert got.data.tolist() == [0x12, 0x34, 0x56]


def outside(place: int, size: int, after: bytes) -> bytes:
    """A model whose one constant lies after the flatbuffer."""
    built = model([tensor(buffer=1)], buffers=[b""])
    built.buffers[1] = schema.BufferT(offset=place, size=size)
    content = pack(built)
    return content + bytes(-len(content) % 16) + after


def test_data_after_the_flatbuffer_are_read_within_the_file():
    codes = np.arange(-3, 3, dtype=np.int8)
    place = len(outside(1 << 20, 6, b""))
    content = outside(place, 6, codes.tobytes())
    assert parse(content).tensors[0].data.tolist() == codes.reshape(2, 3).tolist()
    where = "buffer 1: offset and size: bytes .* lie outside the file"
    for wrong in (outside(place + 1, 6, codes.tobytes()), outside(2**64 - 1, 6, b"")):
        with pytest.raises(ValueError, match=where):
            parse(wrong)
    with pytest.raises(ValueError, match=r"tensor 0: buffer 1 must have the 6 bytes"):
        parse(outside(place, 5, codes.tobytes()))


def test_litert_reads_data_after_the_flatbuffer_at_the_same_place(tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    codes = np.arange(-3, 3, dtype=np.int8)
    content = outside(len(outside(1 << 20, 6, b"")), 6, codes.tobytes())
    interpreter = Interpreter(model_content=content)
    assert interpreter.get_tensor(0).tolist() == parse(content).tensors[0].data.tolist()


def test_the_larger_of_both_codes_is_the_operator():
    codes = [
        schema.OperatorCodeT(9, None, 1, 0),
        schema.OperatorCodeT(127, None, 1, 150),
        schema.OperatorCodeT(32, "mine", 7, 32),
        schema.OperatorCodeT(127, None, 2, 4321),
    ]
    operators = [schema.OperatorT(i, [-1, 0], [0]) for i in range(4)]
    assert list_operators(parse(pack(model([tensor()], operators, codes)))) == [
        "operator 0, FULLY_CONNECTED version 1: -, int8 (2, 3) -> int8 (2, 3)",
        "operator 1, GELU version 1: -, int8 (2, 3) -> int8 (2, 3)",
        "operator 2, CUSTOM mine version 7: -, int8 (2, 3) -> int8 (2, 3)",
        "operator 3, BUILTIN_4321 version 2: -, int8 (2, 3) -> int8 (2, 3)",
    ]


def test_a_name_that_is_no_text_is_kept():
    name = "näme".encode("latin-1")
    content = one_tensor(name="n?me").replace(b"n?me", name)
    assert parse(content).tensors[0].name == r"n\xe4me"


def test_the_bias_of_the_old_converter_is_read():
    grid = quantization([0.5, 0.25], [0, 0], 3)
    (got,) = parse(one_tensor(shape=(2,), kind="INT32", quantization=grid)).tensors
    assert got.scales.tolist() == [0.5, 0.25] and got.quantized_dimension == 3


def test_zero_points_without_scales_are_no_quantization():
    (got,) = parse(one_tensor(quantization=quantization([], [3, 4], 1))).tensors
    assert (len(got.scales), len(got.zero_points), got.quantized_dimension) == (0, 0, 0)


def test_what_changes_the_meaning_stands_in_unread():
    details = {"detailsType": 2, "details": schema.BlockwiseQuantizationT()}
    built = model(
        [
            tensor(isVariable=True),
            tensor(sparsity=schema.SparsityParametersT(), buffer=1),
            tensor(externalBuffer=2),
            tensor(quantization=quantization([], [], **details)),
            tensor(),
        ],
        buffers=[b"12345"],
    )
    built.subgraphs.append(built.subgraphs[0])
    got = parse(pack(built))
    starts = [
        "subgraphs: only",
        "tensor 0: is_v",
        "tensor 1: spar",
        "tensor 2: exte",
        "tensor 3: qua",
    ]
    assert [line[: len(start)] for line, start in zip(got.unread, starts, strict=True)] == starts
    assert got.tensors[1].data.tolist() == list(b"12345")
    assert not parse(one_tensor()).unread


# ---------------------------------------------------------------------------------- what is refused


def operator(index=0, inputs=(0,), outputs=(0,), **more) -> bytes:
    codes = [schema.OperatorCodeT(3, None, 1, 3)]
    made = schema.OperatorT(index, list(inputs), list(outputs), **more)
    return pack(model([tensor()], [made], codes))


def with_options(number: int, options) -> bytes:
    return operator(builtinOptionsType=number, builtinOptions=options)


def vtable_with(place: int, number: int) -> bytes:
    """A model whose root's vtable has a number at a place: its size, its table's, its fields'."""
    content = bytearray(one_tensor())
    (root,) = struct.unpack_from("<I", content)
    (back,) = struct.unpack_from("<i", content, root)
    struct.pack_into("<H", content, root - back + place, number)
    return bytes(content)


def bad_files() -> dict[str, bytes]:
    """What is said of files that no writer makes, and such a file."""
    conv = schema.Conv2DOptionsT
    newer = model([])
    newer.version = 4
    graphless = model([])
    graphless.subgraphs = []
    negative = model([], codes=[schema.OperatorCodeT(-5, None, 1, -1)])
    two, three = [0.5, 0.5], [0.5, 0.5, 0.5]
    return {
        "model: version must be 3, got 4": pack(newer),
        "model: subgraphs must be 1 or more, got 0": pack(graphless),
        "model: bytes 4 to 7 must be b'TFL3', got b''": b"",
        "model: bytes 4 to 7 must be b'TFL3', got b'TFL2'": one_tensor().replace(b"TFL3", b"TFL2"),
        "model: bytes 8 to 11 lie outside the file, which has 8": b"\x08\0\0\0TFL3",
        "model: its sizes must be 4 or more: it is no table": vtable_with(0, 3),
        "model: its sizes must be 4 or .*": vtable_with(2, 3),
        "model: version: the field lies outside its table": vtable_with(4, 3),
        "model: version: the field lies outside .*": vtable_with(4, 1000),
        "model: version must be 3, got 0": vtable_with(4, 0),
        "subgraph 0: inputs must be 0 or more and below 1, got 1": pack(
            model([tensor()], inputs=[1])
        ),
        "subgraph 0: outputs must be 0 or more and below 1, got -1": pack(
            model([tensor()], outputs=[-1])
        ),
        "operator_code 0: builtin_code must be 0 or more, got -1": pack(negative),
        "operator 0: opcode_index must be below 1, got 1": operator(index=1),
        "operator 0: inputs must be -1 or more and below 1, got -2": operator(inputs=[-2]),
        "operator 0: outputs must be 0 or more and below 1, got -1": operator(outputs=[-1]),
        "operator 0: builtin_options_type of CONV_2D must be 1, got 5": with_options(
            5, schema.Pool2DOptionsT()
        ),
        "operator 0: builtin_options: padding must be one of SAME, VALID, got 2": with_options(
            1, conv(padding=2)
        ),
        "tensor 0: type must be one of FLOAT32, .*, got 99": one_tensor().replace(b"\x09", b"\x63"),
        "tensor 0: shape must have sizes of 0 or more, got \\(2, -3\\)": one_tensor(shape=(2, -3)),
        "tensor 0: shape must have at most 8 sizes, got 9": one_tensor(shape=(1,) * 9),
        "tensor 0: shape must fit 2147483648 bytes, got": one_tensor(shape=(2**31 - 1,) * 8),
        "tensor 0: shape_signature must have 2 sizes or none, got 1": one_tensor(
            shapeSignature=[1]
        ),
        "tensor 0: shape_signature must have .* -1 or more": one_tensor(shapeSignature=[-2, 3]),
        "tensor 0: buffer must be below 1, got 7": pack(model([tensor(buffer=7)])),
        "tensor 0: buffer 1 must have the 6 bytes of INT8 \\(2, 3\\), got 5": one_tensor(b"12345"),
        "tensor 0: quantization: zero_point must have as many entries as scale, 2, got 1": (
            one_tensor(quantization=quantization(two, [0]))
        ),
        "tensor 0: quantization: scale must be finite and 0 or more, got \\[nan": one_tensor(
            quantization=quantization([float("nan")], [0])
        ),
        "tensor 0: quantization: scale must be finite and 0 or more, got \\[-0.5": one_tensor(
            quantization=quantization([-0.5], [0])
        ),
        "tensor 0: quantization: scale must have 1 entry or 2, the size of axis 0, got 3": (
            one_tensor(quantization=quantization(three, [0] * 3))
        ),
        "tensor 0: quantization: scale must have 1 entry or 1, the size of axis 2, got 3": (
            one_tensor(quantization=quantization(three, [0] * 3, 2))
        ),
    }


@pytest.mark.parametrize("said", bad_files())
def test_a_bad_file_is_refused_with_the_place(said, tmp_path):
    path = tmp_path / "bad.tflite"
    path.write_bytes(bad_files()[said])
    whole = f"^{re.escape(str(path))} is not a .tflite that tinyq can read: {said}"
    with pytest.raises(ValueError, match=whole):
        read(path)


def test_a_folder_a_pipe_and_a_device_are_refused_before_they_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(OSError, match="is no plain file: name one"):
            read(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.tflite")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.tflite"
    for size, said in (
        (1 << 40, "must be below 2147483648 bytes"),
        ((1 << 31) - 1, "must be b'TFL3'"),
    ):
        with path.open("wb") as file:
            file.truncate(size)  # sparse: it takes no room on the disk
        with pytest.raises(ValueError, match=said):
            read(path)
