"""Whatever is still decoded of a damaged .onnx is opened, or refused line by line."""

import re
from collections import Counter
from collections.abc import Iterator
from math import prod

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="not installed", exc_type=ImportError)

from test_load_onnx_refusals import SOUND  # noqa: E402

from tinyq.models.load_onnx import to_network  # noqa: E402
from tinyq.models.onnx import fused, parse  # noqa: E402
from tinyq.models.onnx_ledger import operator_rows  # noqa: E402
from tinyq.models.tflite_ledger import format_rows  # noqa: E402
from tinyq.models.understand_onnx import understand  # noqa: E402

LINE = re.compile(r"(model|node \d+, .* '.*'|node \d+, .* \".*\"|.*): .")
PLACE = re.compile(r"(model|initializer .*): .")
MOST = 1 << 18  # codes of the largest tensor of a network that is run
NUMBERS = [0, 1, 2, 3, -1, -2, 7, 127, 128, 255, 1 << 20, 1 << 31, (1 << 63) - 1, -(1 << 63)]
WORDS = ["", "x", "y", "s", "z", "z_out", "w", "t", "r", "NOTSET", "SAME_UPPER", "Conv", "Relu"]
WORDS += ["QLinearConv", "com.microsoft", "ai.onnx", "axis", "pads", "QuantizeLinear"]
FILES = {kind: make().SerializeToString() for kind, make in SOUND.items()}


def fields(message) -> Iterator[tuple[object, object, object]]:
    """Every number, text and list of a protobuf message: (message, its field, the value)."""
    for field, value in message.ListFields():
        yield message, field, value
        parts = value if hasattr(value, "append") else [value]
        for part in parts:
            if hasattr(part, "ListFields"):
                yield from fields(part)


def change(rng: np.random.Generator, made: onnx.ModelProto) -> None:
    """Say something else in one place of a model."""
    places = list(fields(made))
    message, field, value = places[rng.integers(len(places))]
    word, number = WORDS[rng.integers(len(WORDS))], NUMBERS[rng.integers(len(NUMBERS))]
    try:
        if hasattr(value, "append"):  # a list: one of it changes, goes, or comes twice
            index = int(rng.integers(len(value)))
            what = rng.integers(3)
            if what == 0:
                del value[index]
            elif what == 1 or hasattr(value[index], "ListFields"):
                value.append(value[index])
            else:
                value[index] = word if isinstance(value[index], str) else number
        elif isinstance(value, str):
            setattr(message, field.name, word)
        elif isinstance(value, bytes):
            setattr(message, field.name, rng.bytes(int(rng.integers(9))))
        elif isinstance(value, float):
            setattr(message, field.name, float(rng.choice([0, -1, np.inf, np.nan, 1e-40, 3e38])))
        elif isinstance(value, int):
            setattr(message, field.name, number)
        else:
            message.ClearField(field.name)
    except (ValueError, TypeError):  # beyond the field's type
        message.ClearField(field.name)


def mutants(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Sound files that say something else in one to three places, or whose bytes are damaged."""
    rng, kinds = np.random.default_rng(seed), list(FILES)
    for _ in range(count):
        kind = kinds[rng.integers(len(kinds))]
        content = bytearray(FILES[kind])
        if rng.random() < 0.7:
            made = onnx.ModelProto.FromString(bytes(content))
            for _ in range(rng.integers(1, 4)):
                change(rng, made)
            yield kind, made.SerializeToString()
            continue
        for _ in range(rng.integers(1, 4)):
            content[rng.integers(len(content))] = rng.integers(256)
        yield kind, bytes(content[: len(content) if rng.random() < 0.7 else rng.integers(400)])


def became(kind: str, content: bytes) -> str:
    """Open a file; a network that opens must run."""
    try:
        model = fused(parse(content))
    except ValueError as error:
        assert PLACE.match(str(error)), (kind, error)
        return "unread"
    understood = understand(model)
    assert format_rows(operator_rows(model, understood))
    try:
        network = to_network(model, understood)
    except ValueError as error:
        assert all(map(LINE.match, str(error).splitlines())), (kind, error)
        return "refused"
    if max(map(prod, network.shapes().values())) < MOST:
        network(np.full((1, *network.image_shape), 3, np.int8))
    return "network"


def check(count: int, seed: int) -> None:
    met = Counter(became(kind, content) for kind, content in mutants(count, seed))
    assert min(met[what] for what in ("unread", "network", "refused")) > count // 50, met


def test_two_thousand_files_that_say_something_else():
    check(2000, 0)


@pytest.mark.full
def test_ten_thousand_more():
    check(10000, 1)
