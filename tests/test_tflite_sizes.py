"""A file whose batch is free computes shapes: they are computed while it is opened."""

from dataclasses import replace

import numpy as np
import pytest

schema = pytest.importorskip(
    "ai_edge_litert.schema_py_generated", reason="its schema builds the files", exc_type=ImportError
)

from tflite_files import model, pack, quantization, tensor  # noqa: E402
from tflite_tensors import RUNTIMES  # noqa: E402

from tinyq.models.load_tflite import to_network  # noqa: E402
from tinyq.models.tflite import parse  # noqa: E402
from tinyq.models.tflite_sizes import with_sizes  # noqa: E402
from tinyq.models.understand_tflite import understand  # noqa: E402

GRID = quantization([0.05], [-7])
SIZES = np.array([1, 4, 3, 2], np.int32)


def integers(*numbers: int) -> bytes:
    return np.array(numbers, np.int32).tobytes()


def flattened(begin=0, end=1, stride=1, masks=None, row=24, axis=0, count=2, made=()) -> bytes:
    """Keras' Flatten of an image (4, 3, 2), as TensorFlow's converter writes it."""
    tensors = [
        tensor((1, 4, 3, 2), quantization=GRID, shapeSignature=[-1, 4, 3, 2]),
        tensor((4,), "INT32"),
        tensor((1,), "INT32", 1),
        tensor((1,), "INT32", 2),
        tensor((1,), "INT32", 3),
        tensor(made, "INT32"),
        tensor((), "INT32", 4),
        tensor((2,), "INT32"),
        tensor((1, 24), quantization=GRID, shapeSignature=[-1, 24]),
    ]
    slicing = schema.StridedSliceOptionsT(**({"shrinkAxisMask": 1} | (masks or {})))
    options = schema.BuiltinOptions
    steps = [
        ("SHAPE", [0], [1], options.ShapeOptions, schema.ShapeOptionsT(schema.TensorType.INT32)),
        ("STRIDED_SLICE", [1, 2, 3, 4], [5], options.StridedSliceOptions, slicing),
        ("PACK", [5, 6], [7], options.PackOptions, schema.PackOptionsT(count, axis)),
        ("RESHAPE", [0, 7], [8], options.ReshapeOptions, schema.ReshapeOptionsT()),
    ]
    codes, operators = [], []
    for number, (name, reads, makes, kind, table) in enumerate(steps):
        code = getattr(schema.BuiltinOperator, name)
        codes.append(schema.OperatorCodeT(min(code, 127), None, 1, code))
        operators.append(schema.OperatorT(number, reads, makes, kind, table))
    held = [integers(begin), integers(end), integers(stride), integers(row)]
    return pack(model(tensors, operators, codes, held, [0], [8]))


@pytest.mark.parametrize("runtime", list(RUNTIMES))
def test_flatten_of_keras_is_one_reshape(runtime):
    content = flattened()
    read = parse(content)
    network = to_network(read, understand(read))
    assert [node.name for node in network.nodes] == ["reshape_3"]
    x = np.random.default_rng(0).integers(-128, 128, (1, 4, 3, 2)).astype(np.int8)
    assert np.array_equal(network(x), RUNTIMES[runtime](content, read, x)[8])
    assert network(np.concatenate([x, x])).shape == (2, 24)


@pytest.mark.parametrize("stride", [-2, -1, 1, 3])
@pytest.mark.parametrize("end", [-5, -1, 0, 2, 9])
@pytest.mark.parametrize("begin", [-9, -1, 0, 1, 7])
@pytest.mark.parametrize("masks", [0, 1, 2, 3])
def test_a_slice_of_sizes_is_tensorflows(begin, end, stride, masks):
    """Held against TensorFlow's rule, place by place: an end before the first is -1 or 0."""
    first, last = (3, -1) if stride < 0 else (0, 4)
    low, high = (-1, 3) if stride < 0 else (0, 4)
    at = first if masks & 1 else min(max(begin + 4 * (begin < 0), low), high)
    stop = last if masks & 2 else min(max(end + 4 * (end < 0), low), high)
    want = []
    while (at < stop) if stride > 0 else (at > stop):
        want.append(int(SIZES[at]))
        at += stride
    content = flattened(begin, end, stride, {"shrinkAxisMask": 0} | named(masks), made=(len(want),))
    held = with_sizes(parse(content)).tensors[5].data
    assert held is not None and held.tolist() == want


def named(masks: int) -> dict[str, int]:
    return {"beginMask": masks & 1, "endMask": masks >> 1}


SLICE, PACK, RESHAPE = "STRIDED_SLICE version 1: ", "PACK version 1: ", "RESHAPE version 1: "
WANTED = "its output must have the shape that it asks for, "
REFUSED = [
    ({"masks": {"ellipsisMask": 1}}, SLICE + "not supported"),
    ({"masks": {"newAxisMask": 1}}, SLICE + "not supported"),
    ({"masks": {"offset": True}}, SLICE + "not supported"),
    ({"masks": {"shrinkAxisMask": 0}}, SLICE + "not supported"),
    ({"begin": 4}, SLICE + "not supported"),
    ({"begin": -5}, SLICE + "not supported"),
    ({"masks": {"shrinkAxisMask": 0}, "stride": 0}, SLICE + "not supported"),
    ({"axis": 1}, PACK + "not supported"),
    ({"count": 3}, PACK + "not supported"),
    ({"row": 12}, RESHAPE + WANTED + "(1, 12)"),
    ({"begin": 1}, RESHAPE + WANTED + "(4, 24)"),
]


@pytest.mark.parametrize(("change", "why"), REFUSED)
def test_what_is_no_arithmetic_on_sizes_stays_and_is_refused_by_name(change, why):
    refusals = [str(refusal) for refusal in understand(parse(flattened(**change))).refusals]
    assert any(why in refusal for refusal in refusals), refusals


def test_numbers_without_end_are_left_alone():
    """A slice of a constant as large as a file may hold is no arithmetic on shapes."""
    read = parse(flattened())
    many = replace(read.tensors[1], data=np.zeros(1 << 20, np.int32))
    changed = replace(read, tensors=(read.tensors[0], many, *read.tensors[2:]))
    slicing = tuple(one for one in read.operators if one.name != "SHAPE")
    left = with_sizes(replace(changed, operators=slicing))
    assert [one.name for one in left.operators] == ["STRIDED_SLICE", "PACK", "RESHAPE"]
