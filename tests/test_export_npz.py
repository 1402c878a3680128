"""The file of a network: what comes back, and what is refused."""

import io
import json
import math
import re
import zipfile
from collections import Counter
from dataclasses import fields, replace
from functools import reduce
from operator import getitem

import numpy as np
import pytest
from export_networks import ELSEWHERE, KINDS, edge_qnet, random_codes, random_qnet
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, scalar_dtypes
from hypothesis.extra.numpy import arrays as st_arrays

from tinyq import Grid, Percentile, Requantizer, Rounding, export
from tinyq.export.archive import from_bytes, pack, sign, to_bytes
from tinyq.export.codec import encode
from tinyq.layers import QAdd, QDense, QGlobalAvgPool2D
from tinyq.layers.nodes import Node
from tinyq.models import digits, resnet
from tinyq.network import QNetwork

SEEDS = range(12)
QNET = random_qnet(seed=0, roundings=tuple(Rounding))
CONTENT = to_bytes(QNET)
CODES = random_codes(QNET, 8)
MOST_PIXELS = 10**5
SEEDED = settings(max_examples=150, derandomize=True, deadline=None, database=None)
NAMES = [*encode(QNET)[0], *(node.name for node in QNET.nodes), *(kind.__name__ for kind in KINDS)]


def assert_same(got, want):
    """Every constant, every shared grid, every byte."""
    assert [(n.name, n.inputs) for n in got.nodes] == [(n.name, n.inputs) for n in want.nodes]
    for a, b in zip(got.nodes, want.nodes, strict=True):
        assert type(a.layer) is type(b.layer)
        for field in fields(a.layer):
            x, y = getattr(a.layer, field.name), getattr(b.layer, field.name)
            if isinstance(x, Requantizer):
                assert x.rounding is y.rounding
                x, y = x.ratio, y.ratio
            assert type(x) is type(y)
            if isinstance(x, np.ndarray):
                assert (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes())
            else:
                assert x == y
    assert sharing(got) == sharing(want) and got.grids == want.grids
    assert got.image_shape == want.image_shape
    ends = [{name: (r.lo, r.hi) for name, r in net.ranges.items()} for net in (got, want)]
    assert ends[0] == ends[1]
    codes = random_codes(want, 3)
    traces = got.trace(codes), want.trace(codes)
    assert list(traces[0]) == list(traces[1])
    assert all(traces[0][name].tobytes() == traces[1][name].tobytes() for name in traces[1])


def sharing(qnet) -> list[bool]:
    grids = [g for n in qnet.nodes for g in (n.layer.out_grid, *layer_grids(n.layer))]
    grids += qnet.grids.values()
    return [a is b for a in grids for b in grids]


def layer_grids(layer) -> tuple:
    return layer.in_grids if isinstance(layer, QAdd) else (layer.in_grid,)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_network_comes_back_the_same(seed, tmp_path):
    qnet = random_qnet(seed, roundings=tuple(Rounding))
    export.npz(qnet, tmp_path / "net.npz")
    assert_same(export.load(tmp_path / "net.npz"), qnet)


def test_the_networks_above_have_every_layer_and_rounding():
    nets = [random_qnet(seed, roundings=tuple(Rounding)) for seed in SEEDS]
    used = [node.layer for net in nets for node in net.nodes]
    assert {type(layer) for layer in used} == KINDS - ELSEWHERE
    assert {a.requantizer.rounding for a in used if hasattr(a, "requantizer")} == set(Rounding)


@pytest.mark.parametrize("rounding", Rounding)
def test_the_ends_of_every_range_come_back(rounding):
    qnet = edge_qnet(rounding)
    assert_same(from_bytes(to_bytes(qnet)), qnet)


def test_equal_grids_that_are_not_one_stay_two():
    one, other = Grid(1.0, 0), Grid(1.0, 0)
    weights, bias = np.ones((1, 1), np.float32), np.zeros(1, np.float32)
    dense = QDense.from_float(weights, bias, one, other)
    nodes = (Node("mean", QGlobalAvgPool2D(one), ("input",)), Node("dense", dense, ("mean",)))
    grids = {"input": one, "mean": one, "dense": other}
    qnet = QNetwork(nodes, grids, {}, (1, 1, 1))
    assert_same(from_bytes(to_bytes(qnet)), qnet)


def test_the_digits_come_back_with_the_ranges_that_an_observer_saw():
    data = digits.load()
    qnet = data.wide_net.quantize(data.images[data.calibration[:40]], observer=Percentile)
    assert_same(from_bytes(to_bytes(qnet)), qnet)


def test_the_same_network_gives_the_same_bytes_and_a_loaded_one_too():
    assert to_bytes(random_qnet(seed=0, roundings=tuple(Rounding))) == CONTENT
    assert to_bytes(from_bytes(CONTENT)) == CONTENT


def test_an_existing_file_is_kept_unless_force(tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="exists and is kept"):
        export.npz(QNET, path)
    assert path.read_bytes() == b"mine"
    export.npz(QNET, path, force=True)
    assert path.read_bytes() == CONTENT


# ---------------------------------------------------------------------------------- what is refused


def refusal(content: bytes, tmp_path) -> str:
    path = tmp_path / "net.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="net.npz is not a network that tinyq can load: ") as error:
        export.load(path)
    return str(error.value).partition("load: ")[2]


def test_foreign_truncated_newer_and_altered_files(tmp_path):
    assert refusal(b"", tmp_path) == "it is no .npz file"
    assert refusal(b"\x89PNG\r\n" + CONTENT, tmp_path) == "it is no .npz file"
    missing = "its end is missing, or tinyq.export.npz did not write it"
    assert refusal(digits.PATH.read_bytes(), tmp_path) == missing
    for length in (4, 100, len(CONTENT) // 2, len(CONTENT) - 1):
        assert refusal(CONTENT[:length], tmp_path) == missing
    newer = sign(CONTENT.replace(b"tinyq network 1,", b"tinyq network 2,"))
    assert refusal(newer, tmp_path) == "it has version 2, this tinyq reads version 1"
    altered = "its content does not match its checksum: it was damaged or altered"
    for place in (4, 1000, len(CONTENT) - 200):
        flipped = bytearray(CONTENT)
        flipped[place] ^= 1
        assert refusal(bytes(flipped), tmp_path) == altered


def test_a_missing_file_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError):
        export.load(tmp_path / "none.npz")


def test_nothing_is_unpickled(tmp_path):
    header, arrays = encode(QNET)
    content = pack(header, arrays | {"1.weight": np.array([print], dtype=object)})
    assert "Python objects, and nothing is unpickled" in refusal(content, tmp_path)


def test_compressed_members_are_refused(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", bytes(10**6))
        archive.comment = b"tinyq network 1, SHA-256 " + bytes(64)
    assert refusal(sign(file.getvalue()), tmp_path).startswith("it unpacks to 1000000 bytes, more")


SEED = resnet.stem_block(*resnet.seed()[:2]).quantize(resnet.seed().images)


def put(value, *keys):
    """Return an edit of the header: value at keys, None to delete what is there."""

    def edit(header, arrays):
        *path, last = keys
        place = header
        for key in path:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value

    return edit


def put_array(name, change):
    """Return an edit of the arrays: change(array) under name, None to delete it."""

    def edit(header, arrays):
        arrays[name] = change(arrays[name]) if change else arrays.pop(name) and None

    return edit


CONV, ADD, DENSE = ("nodes", 1), ("nodes", 9), ("nodes", 12)
EDITS = {
    "scale must be a finite": put([0.0, 0, -128, 127], "grids", 0),
    "zero_point must be an integer in": put([1.0, 300, -128, 127], "grids", 0),
    "must have an integer here, got 1.5": put([1.0, 1.5, -128, 127], "grids", 0),
    "must have an integer here, got True": put([True, 3, 3, 3], "nodes", 0, "constants", "pads"),
    "a grid must be one of 6, got number 6": put(6, *CONV, "constants", "out_grid"),
    "a grid must be one of 6, got number -1": put(-1, "input"),
    "pads must be 4 integers": put([3, 3, 3], "nodes", 0, "constants", "pads"),
    "stride .* must be 2 integers >= 1": put([0, 1], *CONV, "constants", "stride"),
    "need qmin <= low <= high": put(-9, "nodes", 2, "constants", "high"),
    "KeyError: 'QUpsample'": put("QUpsample", *CONV, "kind"),
    "KeyError: 'NEAREST'": put("NEAREST", *CONV, "constants", "requantizer"),
    "KeyError: 'stride'": put(None, *CONV, "constants", "stride"),
    r"QDense has no \['stride'\]": put([1, 1], *DENSE, "constants", "stride"),
    "a name of its own": put("stem_pad", *CONV, "name"),
    "inputs must be among .* got .'dense_8x4'": put(["dense_8x4"], *CONV, "inputs"),
    "it must read 2 tensors, got .'stem_relu'": put(["stem_relu"], *ADD, "inputs"),
    "its grid of 'input' must be": put(3, "input"),
    "left_shift must be in 0..23": put(24, *ADD, "constants", "left_shift"),
    "must have shapes that broadcast": put(["block_conv3x3_b", "stem_relu"], *ADD, "inputs"),
    "image_shape .H, W, C. must be 3 integers >= 1": put([0, 16, 3], "image_shape"),
    r"kernel \(2, 2\) must fit": put([1, 1, 3], "image_shape"),
    "its weight needs C = 3, got": put([16, 16, 4], "image_shape"),
    "KeyError: 'nodes'": put(None, "nodes"),
    "at least one layer, got none": lambda h, a: (
        h.update(nodes=[]),
        [a.pop(k) for k in [*a] if k != "ranges"],
    ),
    "1.weight must be int8, got int16": put_array("1.weight", lambda w: w.astype(np.int16)),
    "weight must have shape": put_array("1.weight", lambda w: w[..., 0]),
    "bias must have shape": put_array("1.bias", lambda b: b[:-1]),
    "accumulator must fit int32": put_array("1.bias", lambda b: b + np.int32(2**31 - 9)),
    "weight_scale must be finite": put_array("1.weight_scale", lambda s: s * np.float32("nan")),
    "weight_scale must have shape": put_array("1.weight_scale", lambda s: s[:3]),
    r"ratio must be in 0..2\*\*30": put_array("1.requantizer", lambda r: -r),
    "each ratio must have shape": put_array("9.rescale_a", lambda r: np.repeat(r, 2)),
    "ratios must be at most 1/2": put_array("9.rescale_b", lambda r: r * 0 + 0.6),
    "ranges must be two numbers": put_array("ranges", lambda r: r * np.nan),
    "KeyError: '5.weight'": lambda h, a: a.pop("5.weight"),
    r"arrays that no layer takes: \['7.weight'\]": lambda h, a: a.update({"7.weight": a["ranges"]}),
}


@pytest.mark.parametrize("message", EDITS)
def test_a_file_with_a_valid_checksum_is_still_not_trusted(message, tmp_path):
    header, arrays = json.loads(json.dumps(encode(SEED)[0])), encode(SEED)[1]
    EDITS[message](header, arrays)
    assert re.search(message, refusal(pack(header, arrays), tmp_path))


def test_a_layer_of_ones_own_is_refused_with_its_name(tmp_path):
    class Mine(QAdd):
        pass

    add = SEED.nodes[9]
    mine = Mine(**{field.name: getattr(add.layer, field.name) for field in fields(add.layer)})
    nodes = (*SEED.nodes[:9], Node(add.name, mine, add.inputs), *SEED.nodes[10:])
    with pytest.raises(TypeError, match="layer 'block_add': a .npz has no Mine, only QAdd, "):
        export.npz(replace(SEED, nodes=nodes), tmp_path / "mine.npz")
    assert not list(tmp_path.iterdir())


# --------------------------------------------------------------------------------------- the fuzzer


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Return content after one to three random accidents."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        start, length = int(rng.integers(len(data) + 1)), int(rng.integers(1, 40))
        match rng.integers(6):
            case 0 if start < len(data):
                data[start] ^= 1 << int(rng.integers(8))
            case 1:
                data[start : start + length] = rng.bytes(length)
            case 2:
                del data[start : start + length]
            case 3:
                data[start:start] = rng.bytes(length)
            case 4:
                del data[start:]
            case 5:
                data[start : start + length] = bytes(length)
    return bytes(data)


def outcome(content: bytes) -> str:
    """Return "error", or "same" or "other" after a run of what was loaded."""
    try:
        qnet = from_bytes(content)
    except Exception:  # load makes a ValueError with the file's name of each
        return "error"
    if math.prod(qnet.image_shape) < MOST_PIXELS:  # a mutant's image may be larger than memory
        assert qnet(random_codes(qnet, 1)).dtype == np.int8
    return "same" if to_bytes(qnet) == CONTENT else "other"


def test_ten_thousand_damaged_files_give_an_error_or_the_same_network():
    rng = np.random.default_rng(7)
    seen = {"error": 0, "same": 0}
    for _ in range(10_000):
        damaged = mutate(CONTENT, rng)
        if damaged != CONTENT:
            seen[outcome(damaged)] += 1
    assert seen["error"] > 9_900, seen


def test_damaged_files_with_a_valid_checksum_give_an_error_or_the_same_network():
    """Each member has a checksum of its own, so that what loads has the same arrays and header."""
    rng, seen = np.random.default_rng(8), Counter()
    end = len(CONTENT) - 89
    for _ in range(4_000):
        body = mutate(CONTENT[:end], rng)
        seen[outcome(sign(body + CONTENT[end:]))] += 1
    assert set(seen) == {"error", "same"} and seen["error"] > 3_000, seen


def test_a_thousand_changed_headers_give_an_error_or_a_network_that_runs():
    rng, seen = np.random.default_rng(9), set()
    header, arrays = encode(QNET)
    text = json.dumps(header)
    for _ in range(1_000):
        changed = mutate(text.encode(), rng).decode("ascii", "ignore")
        try:
            header = json.loads(changed)
        except ValueError:
            continue
        seen.add(outcome(pack(header, arrays)))
    assert seen >= {"error", "other"}


NUMBERS = st.one_of(
    st.integers(-3, 300),
    st.sampled_from([2**31 - 1, 2**31, 2**63, -(2**63), 10**30, 10**400]),
    st.floats(),
)
VALUES = st.recursive(
    NUMBERS | st.none() | st.booleans() | st.text(max_size=5) | st.sampled_from(NAMES),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=5,
)


def places(value, path=()):
    """Yield the path of every value inside a header, its own first."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


@st.composite
def headers(draw) -> object:
    """The network's header with one to three of its values replaced, removed, doubled or moved."""
    header = json.loads(json.dumps(encode(QNET)[0]))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([*places(header)][1:]))
        *way, last = path
        place = reduce(getitem, way, header)
        match draw(st.integers(0, 3)):
            case 0:
                place[last] = draw(VALUES)
            case 1:
                del place[last]
            case 2 if isinstance(place, list):
                place.insert(draw(st.integers(0, len(place))), place[last])
            case _:
                other = draw(st.sampled_from([*places(header)][1:]))
                place[last] = json.loads(json.dumps(reduce(getitem, other, header)))
    return header


@SEEDED
@given(headers())
def test_any_header_gives_an_error_or_a_network_that_runs(header):
    assert outcome(pack(header, encode(QNET)[1])) in ("error", "same", "other")


@SEEDED
@given(st.data())
def test_any_array_gives_an_error_or_a_network_that_runs(data):
    header, arrays = encode(QNET)
    name = data.draw(st.sampled_from(sorted(arrays)))
    old = arrays[name]
    kind = data.draw(st.just(old.dtype) | scalar_dtypes())
    shape = data.draw(st.just(old.shape) | array_shapes(min_dims=0, min_side=0, max_side=5))
    arrays[name] = data.draw(st_arrays(kind, shape))
    assert outcome(pack(header, arrays)) in ("error", "same", "other")
