"""What was handed over may change afterwards: a layer or a network keeps what was proved of it."""

import copy
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from engine_networks import codes
from export_networks import random_qnet
from layer_cases import LAYER_CASES, alone
from test_digits import DIGITS

from tinyq import MinMax, Network, Node, Scheme, export, floatref
from tinyq.export.c_kernels import KERNELS
from tinyq.export.codec import STORED
from tinyq.layers.nodes import INPUT
from tinyq.methods.correction import correct_biases
from tinyq.network import QNetwork
from tinyq.observers import Observer, Percentile

WAYS = {
    "made": lambda made: made,
    "replaced": replace,
    "copied": copy.copy,
    "deep-copied": copy.deepcopy,
    "pickled": lambda made: pickle.loads(pickle.dumps(made)),
    "pickled by the oldest protocol": lambda made: pickle.loads(pickle.dumps(made, protocol=0)),
}
PARTS = [part for case in LAYER_CASES.values() for part in (case.layer, case.original)]
PARTS += [Scheme(), DIGITS.net, Node("a", PARTS[0], ("b", "c"))]
PARTS += [DIGITS.net.nodes[1], random_qnet(4).ledger()[1]]
NETWORKS = {name: alone(case) for name, case in LAYER_CASES.items()}
NETWORKS |= {f"random {seed}": random_qnet(seed) for seed in range(2)}
NETWORKS["histograms"] = DIGITS.net.quantize(DIGITS.images[:20], observer=Percentile)


def writable(value: object) -> object:
    """A value that its owner can still change: arrays, lists and dictionaries all the way down."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, tuple):
        return [writable(item) for item in value]
    if isinstance(value, Mapping):
        return {name: writable(item) for name, item in value.items()}
    return copy.copy(value) if isinstance(value, Observer) else value


def handed_over(made: object) -> dict:
    """The arguments to make it anew, each still in the hands of its owner."""
    return {field.name: writable(getattr(made, field.name)) for field in fields(made) if field.init}


def scribble(value: object) -> None:
    """Change whatever can be changed."""
    if isinstance(value, np.ndarray):
        value[...] = -128 if value.dtype == np.int8 else 2**30
    elif isinstance(value, list):
        for item in value:
            scribble(item)
        value.clear()
    elif isinstance(value, dict):
        for item in value.values():
            scribble(item)
        value.clear()
    elif isinstance(value, Observer):
        value.observe(np.float32([-1e6, 1e6]))


def reached(made: object, seen: dict[int, object]) -> Iterator[object]:
    """Each object that can be reached from one, itself among them; observers are left out.

    They remember ranges, go on doing so, and no code is computed from them.
    """
    if id(made) in seen or isinstance(made, Observer | type | str | bytes):
        return
    seen[id(made)] = made
    yield made
    items = [*vars(made).values()] if hasattr(made, "__dict__") else []
    items += [*made.values()] if isinstance(made, Mapping) else []
    items += [*made] if isinstance(made, tuple | list) else []
    for item in items:
        yield from reached(item, seen)


def check_nobody_can_write(made: object) -> None:
    """Every array refuses, every container is one that does, and so does every attribute."""
    for part in reached(made, {}):
        assert not isinstance(part, list | dict | set), type(part)
        if isinstance(part, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                part[...] = 1
            with pytest.raises(ValueError, match="WRITEABLE"):
                part.setflags(write=True)
        if isinstance(part, Mapping):
            with pytest.raises(TypeError, match="does not support item assignment"):
                part["input"] = None
        if is_dataclass(part):
            for field in fields(part):
                with pytest.raises(AttributeError):
                    setattr(part, field.name, None)


def says(made: object) -> object:
    """All that an object is made of, in one comparable value."""
    if isinstance(made, np.ndarray):
        return made.dtype, made.shape, made.tobytes()
    if isinstance(made, Mapping):
        return {name: says(item) for name, item in made.items()}
    if isinstance(made, tuple | list):
        return [says(item) for item in made]
    if is_dataclass(made) or isinstance(made, Observer):
        return type(made), says(vars(made))
    return made


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_a_part_is_its_own_and_read_only(part, way):
    given = handed_over(part)
    made = WAYS[way](type(part)(**given))
    scribble(given)
    assert type(made) is type(part) and says(made) == says(part)
    check_nobody_can_write(made)


def shares(qnet: QNetwork) -> list[list[int]]:
    """For each grid of the network, which of its grids are the same object."""
    grids = [*qnet.grids.values()]
    for node in qnet.nodes:
        grids += [*node.layer.in_grids, node.layer.out_grid]
    return [[k for k, other in enumerate(grids) if other is grid] for grid in grids]


def answers(qnet: QNetwork, plan, folder) -> dict[str, object]:
    """What a network does: its codes, its ledger, its plan's codes, and the bytes of its files."""
    images = codes(qnet, 3)
    kinds = {type(node.layer) for node in qnet.nodes}
    in_npz, in_c = kinds <= {*STORED}, kinds <= KERNELS.keys()  # "not exported" is a legal state
    if in_npz:
        export.npz(qnet, folder / "net.npz", force=True)
    if in_c:
        export.c(qnet, folder, force=True)
    rows = [says(row) for row in qnet.ledger()]
    tensors = {name: tensor.tobytes() for name, tensor in qnet.trace(images).items()}
    written = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(written) >= in_npz + 3 * in_c
    return {"rows": rows, "trace": tensors, "plan": plan(images).tobytes(), "files": written}


@cache
def answers_of(name: str) -> dict[str, object]:
    """What a network of NETWORKS does, before anything was handed over."""
    with TemporaryDirectory() as folder:
        return answers(NETWORKS[name], NETWORKS[name].compile(batch=3), Path(folder))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_its_own_and_read_only(name, way, tmp_path):
    qnet, want = NETWORKS[name], answers_of(name)
    given = handed_over(qnet)
    inputs = [list(node.inputs) for node in qnet.nodes]
    given["nodes"] = [replace(node, inputs=own) for node, own in zip(qnet.nodes, inputs)]  # noqa: B905
    made = WAYS[way](QNetwork(**given))
    plan = made.compile(batch=3)
    scribble(given)
    scribble(inputs)
    assert answers(made, plan, tmp_path) == want and says(made.ranges) == says(qnet.ranges)
    assert shares(made) == shares(qnet)
    check_nobody_can_write(made)


def test_a_network_is_not_what_was_calibrated_later():
    ranges = DIGITS.net.calibrate(DIGITS.images[:20], observer=Percentile)
    qnet = DIGITS.net.quantize_on(ranges, (16, 16, 3))
    before = says(qnet.ranges)
    for seen in ranges.values():
        seen.observe(np.float32([-99, 99]))
    ranges.clear()
    assert says(qnet.ranges) == before


def test_a_corrected_network_shares_nothing_that_can_change():
    qnet = DIGITS.net.quantize(DIGITS.images[:20], observer=Percentile)
    corrected = correct_biases(DIGITS.net, qnet, DIGITS.images[:20])
    before = says(corrected)
    for seen in qnet.ranges.values():
        seen.observe(np.float32([-99, 99]))
    assert says(corrected) == before
    assert all(corrected.grids[name] is grid for name, grid in qnet.grids.items())


def test_a_float_network_is_its_own():
    inputs, weights = [INPUT], np.ones((2, 1, 1, 3), np.float32)
    nodes = [Node("conv", floatref.Conv2D(weights, np.zeros(2, np.float32)), inputs, "conv")]
    net = Network(nodes, channels=3)
    images = np.ones((1, 2, 2, 3), np.float32)
    before = net(images).tolist()
    scribble([weights, inputs, nodes])
    assert net(images).tolist() == before
    assert net.quantize_on({"input": MinMax(0, 1), "conv": MinMax(0, 3)}, [2, 2, 3]).shapes()
