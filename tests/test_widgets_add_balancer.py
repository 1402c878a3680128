"""The add balancer: all pairs against exact fractions and QAdd, its map pixel by pixel."""

import json
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from widget_page import settle, write_page
from widget_v8 import Script, agree

from tinyq import layers, loops
from tinyq.models import digits, resnet
from tinyq.widgets import AddBalancer

TAG = "tinyq-add-balancer"


@pytest.fixture(scope="module")
def script():
    return Script(AddBalancer)


def states(count: int) -> list[dict]:
    rng = random.Random(8)
    return [
        {
            **{f"scale_{s}": round(10 ** rng.uniform(-4, 1), 6) for s in ("a", "b", "out")},
            **{f"zero_point_{s}": rng.choice([rng.randint(-128, 127), -128, 127]) for s in "ab"},
            **{"zero_point_out": rng.randint(-128, 127), "left_shift": rng.randint(0, 25)},
            **{f"code_{s}": rng.randint(-128, 127) for s in ("a", "b")},
        }
        for _ in range(count)
    ]


def test_javascript_equals_python_on_random_states(script):
    ties = {"scale_a": 0.5, "scale_b": 0.25, "scale_out": 1.0, "zero_point_out": 0}
    assert 0 < agree(script, AddBalancer, [*states(60), ties]) < 40


def test_the_controls_start_at_the_grids_of_the_seed():
    seed = resnet.seed()
    qnet = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
    assert AddBalancer().value["scales"][2] == qnet.grids["block_add"].scale


def test_the_counts_are_those_of_fractions_and_loops():
    state = {"scale_a": 0.02, "scale_b": 0.05, "scale_out": 0.06, "left_shift": 6}
    state |= {"zero_point_a": 5, "zero_point_b": -7, "zero_point_out": 3}
    shown = AddBalancer(**state).value
    a, b, out = (Fraction(scale) for scale in shown["scales"])
    pairs = loops.add_multipliers(*map(float, (a, b, out)), 6)
    us, vs = (
        [loops.multiply_by_quantized_multiplier((q - z) << 6, *pair) for q in range(-128, 128)]
        for z, pair in ((5, pairs[0]), (-7, pairs[1]))
    )
    missed = clipped = 0
    for i in range(256):
        for j in range(256):
            exact = (a * (i - 133) + b * (j - 121)) / out
            raw = int(abs(exact) + Fraction(1, 2)) * (1 if exact > 0 else -1) + 3
            nearest = min(max(raw, -128), 127)
            code = loops.multiply_by_quantized_multiplier(us[i] + vs[j], *pairs[2]) + 3
            missed += min(max(code, -128), 127) != nearest
            clipped += raw != nearest
    assert (shown["missed"], shown["clipped"]) == (missed, clipped)
    assert missed > 100


def test_the_layer_is_qadd_where_qadd_allows_it():
    balancer = AddBalancer(left_shift=23)
    theirs = layers.QAdd.from_float(*balancer.grids.values(), left_shift=23)
    every = np.meshgrid(*[np.arange(-128, 128).astype(np.int8)] * 2)
    assert np.array_equal(balancer.layer.forward(*every), theirs.forward(*every))
    assert AddBalancer(left_shift=24).value["headroom"] < 1 < balancer.value["headroom"]


class OddAdd(layers.QAdd):
    """An add that may compute otherwise than the page does."""


def test_what_the_class_refuses():
    data = digits.load()
    qnet = data.net.quantize(data.images[data.calibration[:8]])
    with pytest.raises(ValueError, match="come together"):
        AddBalancer(qnet)
    with pytest.raises(ValueError, match="scale_out must exceed"):
        _ = AddBalancer(left_shift=0, scale_out=0.01).value
    odd = [OddAdd(**vars(n.layer)) if n.name == "block_add" else n.layer for n in qnet.nodes]
    nodes = tuple(replace(n, layer=layer) for n, layer in zip(qnet.nodes, odd, strict=True))
    with pytest.raises(ValueError, match="qnet must have a QAdd called 'block_add'"):
        AddBalancer(replace(qnet, nodes=nodes), data.images[data.test[:3]])
    mine = AddBalancer(qnet, data.images[data.test[:3]])
    assert mine.scale_out == qnet.grids["block_add"].scale and mine.value["pairs"] == 3 * 128


def test_the_map_shows_the_misses_and_takes_the_pointer(browse, tmp_path):
    page = browse(write_page(tmp_path, AddBalancer(left_shift=3).html()))
    settle(page)
    orange = page.locator(f"{TAG} canvas").evaluate(
        """canvas => { const { data } = canvas.getContext("2d").getImageData(0, 0, 256, 256);
        let count = 0;
        for (let i = 0; i < data.length; i += 4) count += data[i] > 180 && data[i + 2] < 100;
        return count; }"""
    )
    assert orange == AddBalancer(left_shift=3).value["missed"] > 1000
    area = page.locator(f"{TAG} canvas").bounding_box()
    page.mouse.click(area["x"] + 1, area["y"] + area["height"] - 1)
    settle(page)
    state = page.locator(TAG).evaluate("node => node.state")
    assert (state["code_a"], state["code_b"]) == (-128, -128)
    data = digits.load()
    qnet = data.net.quantize(data.images[data.calibration[:8]])
    odd = [OddAdd(**vars(n.layer)) if n.name == "block_add" else n.layer for n in qnet.nodes]
    nodes = tuple(replace(n, layer=layer) for n, layer in zip(qnet.nodes, odd, strict=True))
    with pytest.raises(ValueError, match="qnet must have a QAdd called 'block_add'"):
        AddBalancer(replace(qnet, nodes=nodes), data.images[data.test[:3]])
    mine = AddBalancer(qnet, data.images[data.test[:2]])
    page = browse(write_page(tmp_path, mine.html()))
    settle(page)
    assert page.locator(TAG).evaluate("node => node.value") == json.loads(json.dumps(mine.value))
