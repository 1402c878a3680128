"""The first place at which two runtimes part: against a plain search, and where one is planted."""

import json
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from export_networks import random_codes, random_qnet
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import LAYER_CASES, alone
from rank_networks import moving_qnet

from tinyq import Grid, Rounding, layers
from tinyq.layers.nodes import Node
from tinyq.models import resnet
from tinyq.network import QNetwork
from tinyq.runtimes import RUNTIMES, Difference, QMean, first_difference, run, trace

# which has no operator for two layers; here it borrows them, so that each layer is tried
ORT = RUNTIMES["onnxruntime"]
MICRO = replace(
    RUNTIMES["tflite-micro"], mean_pool=ORT.mean_pool, softmax_to_grid=ORT.softmax_to_grid
)
PLANTED = replace(MICRO, name="planted")
KINDS = list(run.RULES)
SEEDS = range(12)
cached_qnet = cache(random_qnet)


@cache
def network_with(kind: type) -> QNetwork:
    """A random network in which some layer is of the type."""
    for make in (cached_qnet, moving_qnet):
        for seed in SEEDS:
            if any(type(node.layer) is kind for node in make(seed).nodes):
                return make(seed)
    if kind is not QMean:  # the random networks have the layers of the book alone
        return alone(next(case for case in LAYER_CASES.values() if type(case.layer) is kind))
    grid, out = Grid(0.05, -7), Grid(0.02, 3)
    nodes = (Node("mean", QMean(grid, out), ("input",)),)
    return QNetwork(nodes, {"input": grid, "mean": out}, {}, (5, 6, 3))


def plain_search(qnet, codes, one, other):
    """(node, place, codes, bytes that differ) of the first difference, from two whole traces."""
    a, b = trace(qnet, codes, one), trace(qnet, codes, other)
    for name in a:
        for place in np.ndindex(a[name].shape):
            if a[name][place] != b[name][place]:
                pair = int(a[name][place]), int(b[name][place])
                return name, place, pair, int((a[name] != b[name]).sum())
    return None


@pytest.mark.parametrize(("one", "other"), list(combinations(RUNTIMES, 2)))
def test_it_is_what_a_plain_search_finds(one, other):
    found_any = False
    for seed in SEEDS:
        qnet = cached_qnet(seed)
        codes = random_codes(qnet, 4, seed)
        found, want = (
            first_difference(qnet, codes, one, other),
            plain_search(qnet, codes, one, other),
        )
        assert (found is None) == (want is None)
        if found:
            found_any = True
            assert (found.node, found.place, found.codes, found.differing) == want
            assert found.sides == (one, other) and found.tensor is None
            told = {name: step.code for step in found.explanation.steps for name in step.runtimes}
            assert (told[one], told[other]) == found.codes
            assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    assert found_any, "the networks tell these two runtimes nowhere apart"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_runtime_does_not_differ_from_itself(runtime):
    qnet = cached_qnet(1)
    assert first_difference(qnet, random_codes(qnet, 2), runtime, RUNTIMES[runtime]) is None


def plant(monkeypatch, kind, change):
    """Let the runtime PLANTED change what the layers of a type give: change(layer, codes)."""
    rule = run.RULES[kind]

    def planted(runtime, layer, *codes):
        out = rule(runtime, layer, *codes)
        return change(layer, out) if runtime.name == "planted" else out

    monkeypatch.setitem(run.RULES, kind, planted)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_planted_byte_is_found_in_each_kind_of_layer(kind, monkeypatch):
    qnet, rng = network_with(kind), np.random.default_rng(3)
    codes = random_codes(qnet, 3)
    right = trace(qnet, codes, MICRO)
    for node in [node for node in qnet.nodes if type(node.layer) is kind]:
        want = right[node.name]
        place = tuple(rng.integers(0, want.shape).tolist())

        def flip(layer, out, place=place, node=node):
            out = out.copy()
            if layer is node.layer:
                out[place] ^= 1
            return out

        with monkeypatch.context() as patch:
            plant(patch, kind, flip)
            found = first_difference(qnet, codes, MICRO, PLANTED)
            assert isinstance(found, Difference)
        assert (found.node, found.kind, found.place) == (node.name, kind.__name__, place)
        assert found.codes == (want[place], want[place] ^ 1)
        assert (found.differing, found.size) == (1, want.size)
        assert f"{node.name} ({kind.__name__})" in str(found)


@pytest.mark.parametrize("rounding", [r for r in Rounding if r is not Rounding.DOUBLE])
@pytest.mark.parametrize("setting", ["conv", "dense"])
def test_a_changed_rounding_is_named(rounding, setting):
    kinds = (layers.QDense,)
    if setting == "conv":
        kinds = (layers.QConv2D, layers.QConv2DPerChannel, layers.QDepthwiseConv2D)
    rules, seen = replace(PLANTED, **{setting: rounding}), 0
    for seed in SEEDS:
        qnet = cached_qnet(seed)
        found = first_difference(qnet, random_codes(qnet, 40), MICRO, rules)
        if found:
            seen += 1
            assert type({n.name: n.layer for n in qnet.nodes}[found.node]) in kinds
            steps = {step.rule: step for step in found.explanation.steps}
            assert "tflite-micro" in steps["DOUBLE"].runtimes
            assert "planted" in steps[rounding.name].runtimes
            assert (steps["DOUBLE"].code, steps[rounding.name].code) == found.codes
    assert seen, f"no network tells {rounding.name} apart"


@dataclass(frozen=True, eq=False)
class FileNetwork(QNetwork):
    """A network as from a file: an operator is several nodes."""

    tensor_indices: dict[str, int]


def conv_and_clamp() -> FileNetwork:
    """Pad, convolve and clamp as one operator, tensor 22 of its file."""
    every = (node.layer for seed in SEEDS for node in cached_qnet(seed).nodes)
    plain = (one for one in every if isinstance(one, layers.QConv2D))
    whole = (one for one in plain if one.out_grid.qmax - one.out_grid.qmin == 255)
    conv = next(one for one in whole if one.dilation == (1, 1))
    shape = (5, 6, conv.weight.shape[3])
    grid, low = conv.out_grid, conv.out_grid.zero_point
    nodes = (
        Node("conv_2d_0.pad", layers.QPad2D(conv.in_grid, (1, 1, 1, 1)), ("input",)),
        Node("conv_2d_0", conv, ("conv_2d_0.pad",)),
        Node("conv_2d_0.relu", layers.QClamp(grid, low, grid.qmax), ("conv_2d_0",)),
    )
    grids = {"input": conv.in_grid} | {node.name: node.layer.out_grid for node in nodes}
    return FileNetwork(nodes, grids, {}, shape, {"input": 0, "conv_2d_0.relu": 22})


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_a_fused_clamp_hides_a_difference_or_lets_it_through(data):
    qnet = conv_and_clamp()
    codes, zero_point = random_codes(qnet, 1), qnet.grids["conv_2d_0"].zero_point
    want = trace(qnet, codes, MICRO)
    place = tuple(data.draw(st.integers(0, n - 1)) for n in want["conv_2d_0"].shape)
    wrong = data.draw(st.integers(-128, 127))

    def change(layer, out):
        out = out.copy()
        out[place] = wrong
        return out

    with pytest.MonkeyPatch.context() as patch:
        plant(patch, type(qnet.nodes[1].layer), change)
        found = first_difference(qnet, codes, MICRO, PLANTED)
    pair = max(int(want["conv_2d_0"][place]), zero_point), max(wrong, zero_point)
    if pair[0] == pair[1]:
        assert found is None
    else:
        assert (found.node, found.tensor, found.place) == ("conv_2d_0.relu", 22, place)
        assert found.codes == pair and found.kind == type(qnet.nodes[1].layer).__name__
        facts = found.explanation.facts
        layer, padded = qnet.nodes[1].layer, want["conv_2d_0.pad"]
        assert facts["accumulator"] == layer.accumulate(padded)[place]
        assert facts["clamp"] == f"{zero_point}..{layer.out_grid.qmax}"
        assert "tensor 22" in str(found)


def test_names_of_runtimes_and_arguments_are_checked():
    qnet = cached_qnet(0)
    codes, known = random_codes(qnet, 1), ", ".join(RUNTIMES)
    for call in (
        lambda: trace(qnet, codes, "xnnpack"),
        lambda: first_difference(qnet, codes, "tflite-micro", "xnnpack"),
    ):
        with pytest.raises(ValueError, match=f"^runtime must be one of {known}, got 'xnnpack'$"):
            call()
    with pytest.raises(TypeError, match="model must be a QNetwork, got 'seed'"):
        first_difference("seed", codes, MICRO, MICRO)
    with pytest.raises(TypeError, match="second must be str or Runtime, got 3"):
        first_difference(qnet, codes, MICRO, 3)
    with pytest.raises(ValueError, match="images must have shape"):
        first_difference(qnet, codes[:, 1:], MICRO, MICRO)


def test_trace_takes_a_name_and_float_images():
    seed = resnet.seed()
    qnet = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
    one = trace(qnet, seed.images[:2], runtime="litert-xnnpack")
    other = trace(qnet, qnet.grids["input"].quantize(seed.images[:2]), RUNTIMES["litert-xnnpack"])
    assert list(one) == list(other)
    assert all(np.array_equal(one[name], other[name]) for name in one)
