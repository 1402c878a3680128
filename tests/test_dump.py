"""Tensors dumped from a device: a wrong byte is located, and whose rule gave it is said."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from export_networks import random_codes, random_qnet
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyq import Rounding
from tinyq.network import QNetwork
from tinyq.runtimes import RUNTIMES, compare, first_difference, forward, trace
from tinyq.runtimes.whose import SINGLE

NETWORKS = [random_qnet(seed) for seed in range(8)]
CODES = [random_codes(qnet, 3, seed) for seed, qnet in enumerate(NETWORKS)]
RIGHT = [trace(qnet, x, "tflite-micro") for qnet, x in zip(NETWORKS, CODES, strict=True)]
NUMBER = st.integers(0, len(NETWORKS) - 1)


@given(NUMBER, st.data())
@settings(max_examples=60, deadline=None)
def test_a_flipped_byte_is_located_among_the_tensors_that_are_there(number, data):
    qnet, right = NETWORKS[number], RIGHT[number]
    kept = data.draw(st.sets(st.sampled_from(list(right)), min_size=1))
    wrong = data.draw(st.sampled_from(sorted(kept)))
    place = tuple(data.draw(st.integers(0, size - 1)) for size in right[wrong].shape)
    bits = data.draw(st.integers(1, 255))
    dump = {name: right[name].copy() for name in kept}
    dump[wrong].view(np.uint8)[place] ^= bits
    said = compare(qnet, CODES[number], dump)
    found, before = said.found, list(right)[: list(right).index(wrong) + 1]
    assert (found.node, found.place, found.differing) == (wrong, place, 1)
    assert found.codes == (right[wrong][place], dump[wrong][place])
    assert found.sides == ("tflite-micro", "the dump") and found.size == right[wrong].size
    assert list(said.compared) == [name for name in before if name in kept]
    assert list(said.skipped) == [name for name in before if name not in kept and name != "input"]
    assert all(name in str(said) for name in said.skipped)
    assert json.loads(json.dumps(said.to_dict())) == said.to_dict()
    if wrong == "input":
        assert "the device had another input" in str(said)
    elif set(before) <= kept:
        assert said.bytes_off["tflite-micro"] == 1


@given(NUMBER, st.sampled_from(list(RUNTIMES)), st.data())
@settings(max_examples=60, deadline=None)
def test_a_devices_runtime_is_recognized_by_its_bytes(number, device, data):
    qnet, x = NETWORKS[number], CODES[number]
    every = trace(qnet, x, device)
    dump = {
        name: every[name] for name in data.draw(st.sets(st.sampled_from(list(every)), min_size=1))
    }
    said = compare(qnet, x, dump)
    differ = [name for name in every if name in dump and (every[name] != RIGHT[number][name]).any()]
    assert (said.found.node if said.found else None) == (differ[0] if differ else None)
    if said.found:
        assert said.bytes_off[device] == 0 and said.bytes_off["tflite-micro"] > 0
        last = str(said).split("bytes are those of ")[1].splitlines()[0]
        assert device in last
    assert compare(qnet, x, dump, device).found is None


@pytest.mark.parametrize("device", [name for name in RUNTIMES if name != "tflite-micro"])
def test_a_device_with_one_kernel_of_another_rule_is_recognized(device):
    told = 0
    for qnet, x, right in zip(NETWORKS, CODES, RIGHT, strict=True):
        for node in qnet.nodes:
            inputs = [right[name] for name in node.inputs]
            got = forward(node.layer, *inputs, runtime=RUNTIMES[device])
            said = compare(qnet, x, {**right, node.name: got})
            assert (said.found is None) == np.array_equal(got, right[node.name])
            if said.found:
                told += 1
                assert said.found.node == node.name and said.bytes_off[device] == 0
    assert told, f"no layer tells {device} from TFLite Micro"


def test_a_whole_dump_differs_where_two_runtimes_do():
    for qnet, x in zip(NETWORKS, CODES, strict=True):
        for name in RUNTIMES:
            found = first_difference(qnet, x, "tflite-micro", name)
            said = compare(qnet, x, trace(qnet, x, name)).found
            where = found and (found.node, found.place, found.codes, found.explanation)
            assert where == (said and (said.node, said.place, said.codes, said.explanation))


def test_single_rounding_is_recognized():
    assert SINGLE.conv is SINGLE.dense is Rounding.SINGLE
    told = 0
    for qnet, x in zip(NETWORKS, CODES, strict=True):
        said = compare(qnet, x, trace(qnet, x, SINGLE))
        if said.found:
            told += 1
            assert said.bytes_off[SINGLE.name] == 0 and SINGLE.name in str(said)
    assert told


def test_no_rule_gives_nonsense():
    qnet, x, right = NETWORKS[0], CODES[0], RIGHT[0]
    name = qnet.nodes[0].name
    wrong = right[name] ^ np.int8(85)
    said = compare(qnet, x, {name: wrong})
    assert min(said.bytes_off.values()) > 0
    assert f"no runtime gives the dump's bytes; nearest, {min(said.bytes_off.values())}" in str(
        said
    )


@dataclass(frozen=True, eq=False)
class FileNetwork(QNetwork):
    """A network as from a file."""

    tensor_indices: dict[str, int]


def test_tensors_go_by_name_or_by_index_in_the_file():
    qnet, x, right = NETWORKS[1], CODES[1], RIGHT[1]
    indices = {name: 100 + 3 * i for i, name in enumerate(right)}
    model = FileNetwork(qnet.nodes, qnet.grids, {}, qnet.image_shape, indices)
    last = qnet.nodes[-1].name
    wrong = right[last].copy()
    wrong[0, 0] ^= 1
    for key in (last, indices[last], np.int64(indices[last]), str(indices[last])):
        said = compare(model, x, {key: wrong, indices["input"]: right["input"], "7": x})
        assert (said.found.node, said.found.tensor) == (last, indices[last])
        assert said.unknown == ("7",) and "in the dump alone, skipped: 7" in str(said)
    with pytest.raises(ValueError, match=f"dump must have a tensor once, got two of '{last}'"):
        compare(model, x, {last: wrong, str(indices[last]): wrong})


def test_what_is_no_dump_is_refused():
    qnet, x, right = NETWORKS[0], CODES[0], RIGHT[0]
    name, good = qnet.nodes[0].name, right[qnet.nodes[0].name]
    for dump, kind, message in (
        ({}, ValueError, r"dump must name tensors of the network \(input, "),
        ({"other": good}, ValueError, r"dump must name tensors of the network .* got \['other'\]"),
        (
            {name: good.astype(np.int32)},
            TypeError,
            "must be an array of int8, got an array of int32",
        ),
        ({name: good.view(np.uint8)}, TypeError, "must be an array of int8, got an array of uint8"),
        ({name: good.tolist()}, TypeError, "must be an array of int8, got "),
        ({name: good[0]}, ValueError, "must have shape "),
        ({name: good[:, 1:]}, ValueError, "must have shape "),
        (5, TypeError, "dump must be a Mapping, got 5"),
    ):
        with pytest.raises(kind, match=message):
            compare(qnet, x, dump)
    with pytest.raises(ValueError, match="runtime must be one of"):
        compare(qnet, x, {name: good}, "device")
