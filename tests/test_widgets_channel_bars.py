"""The channel bars: numbers against plain fractions, a tensor of one's own, what is refused."""

from fractions import Fraction

import numpy as np
import pytest
from traitlets import TraitError
from widget_v8 import Script, run_call

from tinyq.widgets import ChannelBars
from tinyq.widgets.data.networks import NETWORKS
from tinyq.widgets.data.subject import PARTS


@pytest.fixture(scope="module")
def v8():
    return Script(ChannelBars)


def round_half_away(x: Fraction) -> int:
    floor = int(abs(x) + Fraction(1, 2))
    return floor if x >= 0 else -floor


def fraction_codes(shown: ChannelBars) -> list[list[int]]:
    """The codes of each channel, worked in exact fractions from the scales that are shown."""
    value, rows = shown.value, []
    for weights, scale, zero in zip(
        shown.weights.reshape(len(shown.weights), -1).tolist(),
        value["scales"],
        value["zero_points"],
        strict=True,
    ):
        codes = (round_half_away(Fraction(w) / Fraction(scale)) + zero for w in weights)
        rows.append([min(max(code, value["qmin"]), value["qmax"]) for code in codes])
    return rows


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("layer", PARTS)
def test_codes_are_those_of_exact_fractions(v8, network, layer):
    rng = np.random.default_rng([3, *network.encode(), *layer.encode()])
    for per_channel in (False, True):
        for symmetric in (False, True):
            bits = int(rng.integers(2, 9))
            shown = ChannelBars(
                network=network,
                layer=layer,
                per_channel=per_channel,
                symmetric=symmetric,
                bits=bits,
                channel=int(rng.integers(4)),
            )
            value, codes = v8.show(shown), fraction_codes(shown)
            assert value["first"] == [min(row) for row in codes]
            assert value["last"] == [max(row) for row in codes]
            own = codes[shown.channel]
            assert value["channel_codes"] == [[q, own.count(q)] for q in sorted(set(own))]
            assert len(set(value["scales"])) == 1 or per_channel


def test_a_scale_of_its_own_gains_what_3_3_predicts():
    value = ChannelBars(network="wide", layer="block1", channel=7).value
    predicted = 20 * np.log10(value["one_scale"] / value["own_scale"])
    assert value["one_sqnr"] == 3.27 and value["own_sqnr"] == 46.28
    assert abs(value["own_sqnr"] - value["one_sqnr"] - predicted) < 1


def test_a_tensor_of_ones_own(v8):
    weights = np.float32([[1, -0.25, 0], [0, 0, 0], [1e-3, 2e-3, -1e-3]])
    shown = ChannelBars(weights, per_channel=True, symmetric=False, bits=4)
    assert shown.channel == 2 and shown.hide == "network,layer"
    v8.show(shown)
    assert shown.value["scales"][1] == 1.0 and shown.value["sqnr"][1] is None
    assert 'hide="network,layer"' in shown.html()
    scales, channel, tensor = run_call(v8.copied(shown), weights=weights)
    assert scales.tolist() == shown.value["scales"]
    assert (channel, tensor) == (shown.value["channel_sqnr"], shown.value["tensor_sqnr"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": np.float32([1, 2])}, r"an axis of channels and others, got \(2,\)"),
        ({"weights": np.float32([[1, np.nan]])}, "weights must be finite"),
        ({"channel": 8}, "channel must be at most 7, got 8"),
        ({"bits": 9}, "bits"),
        ({"layer": "block3"}, "layer"),
    ],
    ids=str,
)
def test_what_is_refused(arguments, message):
    with pytest.raises((ValueError, TraitError), match=message):
        _ = ChannelBars(**arguments).value


def test_a_click_picks_a_channel_and_a_smaller_layer_keeps_one(browse, tmp_path):
    from widget_page import settle, write_page

    page = browse(write_page(tmp_path, ChannelBars(layer="dense", channel=9).html()))
    node = page.locator("tinyq-channel-bars")
    assert node.evaluate("node => node.value.channel") == 9
    node.locator("select").nth(1).select_option("dense")
    node.locator("select").nth(1).select_option("block, first 3\u00d73")
    settle(page)
    assert node.evaluate("node => node.value.channel") == 7
    node.locator("svg").click(position={"x": 200, "y": 40 + 26 * 2.5})
    settle(page)
    assert node.evaluate("node => [node.state.channel, node.value.channel]") == [2, 2]
