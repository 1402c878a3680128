"""The accumulator meter: sums against the loop nests, the bound at its edge, what it refuses."""

import numpy as np
import pytest
from traitlets import TraitError
from widget_page import settle, write_page
from widget_v8 import Script

from tinyq import Grid
from tinyq.layers import QConv2D, QDense
from tinyq.loops.conv import accumulate
from tinyq.widgets import AccumulatorMeter
from tinyq.widgets.accumulator_meter.accumulator_meter import bits_of
from tinyq.widgets.data.networks import NETWORKS, quantized
from tinyq.widgets.data.subject import PARTS


@pytest.fixture(scope="module")
def v8():
    return Script(AccumulatorMeter)


def sums_by_hand(meter: AccumulatorMeter) -> tuple[list[int], list[int]]:
    """The accumulators of the channel, and its U8S8 pairs, in plain Python."""
    layer, codes = meter.fed
    weight, zero = layer.weight[meter.channel].tolist(), meter.zero_point
    if codes.ndim == 2:
        weight, image, (down, right) = [[weight]], [[codes[0].tolist()]], (1, 1)
    else:
        image, (down, right) = codes[0].tolist(), layer.stride
    sums, pairs = [], []
    high, wide = len(weight), len(weight[0])
    for y in range(0, len(image) - high + 1, down):
        for x in range(0, len(image[0]) - wide + 1, right):
            terms = [
                (w, q)
                for i in range(high)
                for j in range(wide)
                for w, q in zip(weight[i][j], image[y + i][x + j], strict=True)
            ]
            sums.append(int(layer.bias[meter.channel]) + sum(w * (q - zero) for w, q in terms))
            unsigned = [w * (q + 128) for w, q in terms]
            pairs += [sum(unsigned[k : k + 2]) for k in range(0, len(unsigned), 2)]
    return sums, pairs


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("part", PARTS)
def test_sums_are_those_of_a_loop(v8, network, part):
    rng = np.random.default_rng([4, *network.encode(), *part.encode()])
    meter = AccumulatorMeter(
        network=network,
        part=part,
        zero_point=int(rng.integers(-128, 128)),
        weight_bits=int(rng.integers(2, 9)),
        channel=int(rng.integers(4)),
    )
    value, (sums, pairs) = v8.show(meter), sums_by_hand(meter)
    assert (value["seen_least"], value["seen_largest"]) == (min(sums), max(sums))
    assert value["acc"] == max(sums, key=abs) == sums[int(value["place"])]
    assert value["acc"] == value["bias"] + value["correction"] + value["products"]
    assert value["least"] <= min(sums) and max(sums) <= value["largest"]
    held = sum(not -(2**15) <= pair < 2**15 for pair in pairs)
    assert (value["pairs"], value["saturated"]) == (len(pairs), held)


def test_the_zero_point_of_the_network_gives_the_sums_of_the_network():
    meter = AccumulatorMeter()
    layer, codes = meter.fed
    own = layer.accumulate(codes)[0, :, :, 0]
    grid = layer.in_grid
    picture, weight = codes[0].tolist(), layer.weight[0].tolist()
    top, left = (2 * i for i in divmod(meter.value["place"], own.shape[1]))
    acc = accumulate(picture, weight, int(layer.bias[0]), grid.zero_point, top, left)
    assert meter.value["acc"] == acc
    assert (meter.value["seen_least"], meter.value["seen_largest"]) == (own.min(), own.max())


@pytest.mark.parametrize(
    ("state", "most"),
    [
        ({"zero_point": -128}, 66_311),
        ({"zero_point": 0}, 132_104),
        ({"zero_point": -128, "weight_bits": 7}, 133_674),
    ],
    ids=str,
)
def test_one_product_more_leaves_int32(state, most):
    value = AccumulatorMeter(**state, kernel=1, inputs=1).value
    assert value["most_int32"] == most == (2**31 - 1) // value["bound"]
    assert value["bound"] * most < 2**31 <= value["bound"] * (most + 1)


def test_bits_are_counted_at_the_edges():
    assert [bits_of(2**n - 1) for n in (7, 15, 31)] == [8, 16, 32]
    assert [bits_of(2**n) for n in (7, 15, 31)] == [9, 17, 33]


def test_a_layer_of_ones_own(v8):
    rng = np.random.default_rng(4)
    grid = Grid(0.02, -100)
    layers = [
        (QConv2D, rng.normal(size=(3, 2, 2, 3)), (1, 5, 4, 3)),
        (QDense, rng.normal(size=(3, 7)), (1, 7)),
    ]
    for kind, weights, shape in layers:
        bias = np.float32([0.5, 0, -2])
        layer = kind.from_float(np.float32(weights), bias, grid, Grid(0.1, 0))
        meter = AccumulatorMeter(layer, rng.integers(-128, 128, shape, np.int8), channel=2)
        assert (meter.zero_point, meter.hide) == (-100, "network,part")
        v8.show(meter)
        assert sums_by_hand(meter)[0][meter.value["place"]] == meter.value["acc"]
        assert meter.value["fan_in"] == meter.value["layer_fan_in"] == weights[0].size
        v8.call_agrees(meter, layer=layer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": "conv"}, "layer must be a Linear, got 'conv'"),
        ({"codes": np.zeros((1, 2), np.int8)}, "layer and codes must be given together"),
        ({"layer": quantized("seed").nodes[-1].layer}, "layer and codes must be given together"),
        ({"channel": 8}, "channel must be at most 7, got 8"),
        ({"zero_point": 128}, "zero_point"),
        ({"kernel": 0}, "kernel"),
    ],
    ids=str,
)
def test_what_is_refused(arguments, message):
    with pytest.raises((TypeError, ValueError, TraitError), match=message):
        _ = AccumulatorMeter(**arguments).value


def test_a_layer_brings_its_own_form_and_zero_point(browse, tmp_path):
    page = browse(write_page(tmp_path, AccumulatorMeter(channel=7).html()))
    node = page.locator("tinyq-accumulator-meter")
    node.get_by_role("button", name="One more").click()
    settle(page)
    assert "neither an int16 nor an int32" in node.locator(".tinyq-seen").inner_text()
    node.locator("select").nth(1).select_option("dense")
    settle(page)
    value = node.evaluate("node => node.value")
    assert (value["fan_in"], value["zero_point"], value["channel"]) == (8, -128, 3)
