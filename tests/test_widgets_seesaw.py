"""The seesaw: levelled where tinyq levels, the function kept, two layers of one's own, a drag."""

from dataclasses import replace

import numpy as np
import pytest
from traitlets import TraitError
from widget_page import settle, write_page
from widget_v8 import Script

from tinyq.methods import fold
from tinyq.methods.equalization import equalize_network
from tinyq.widgets import Seesaw
from tinyq.widgets.data.networks import NETWORKS, network, shown_images
from tinyq.widgets.data.subject import parts_of


@pytest.fixture(scope="module")
def v8():
    return Script(Seesaw)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_page_agrees_in_some_states(v8, name):
    rng = np.random.default_rng([9, *name.encode()])
    for channel in range(8):
        shown = Seesaw(
            network=name,
            channel=channel,
            factor=float(f"{10.0 ** rng.uniform(-3, 3):.3g}"),
            level_others=bool(rng.integers(2)),
            per_channel=bool(rng.integers(2)),
            bits=int(rng.integers(2, 9)),
        )
        v8.show(shown)
        made, read = shown.value["made"][channel], shown.value["read"][channel]
        product = shown.value["made_now"] * shown.value["read_now"]
        assert product == pytest.approx(made * read, rel=1e-6)  # what a seesaw keeps


def test_level_all_is_equalize():
    first, second = Seesaw().weights
    one, _, two = fold.equalize(first, np.zeros(len(first)), second)
    shown = Seesaw(level_others=True)
    shown.factor = shown.value["balanced"]
    value = shown.value
    assert value["mades"] == np.abs(np.float32(one)).reshape(8, -1).max(axis=1).tolist()
    assert value["reads"] == np.abs(np.float32(two)).reshape(-1, 8).max(axis=0).tolist()
    levelled = equalize_network(network("wide"))
    first = parts_of(levelled)[0]["block1"]
    assert np.abs(first).reshape(8, -1).max(axis=1) == pytest.approx(value["mades"], rel=1e-6)


def test_a_power_of_two_leaves_the_logits_as_they_are():
    """What the chapter claims of (9.4), on the wide network, bit by bit."""
    net, images = network("wide"), shown_images("wide")[:4]
    shown = Seesaw(channel=0, factor=0.0625)
    factors = np.ones(8)
    factors[0] = shown.factor
    nodes = {node.name: node for node in net.nodes}
    first, second = nodes["block_conv3x3_a"], nodes["block_conv3x3_b"]
    w1, b1, w2 = fold.rescale(first.layer.weights, first.layer.bias, second.layer.weights, factors)
    layers = {
        first.name: replace(first.layer, weights=np.float32(w1), bias=np.float32(b1)),
        second.name: replace(second.layer, weights=np.float32(w2)),
    }
    nodes = tuple(replace(n, layer=layers.get(n.name, n.layer)) for n in net.nodes)
    assert np.array_equal(replace(net, nodes=nodes)(images), net(images))
    assert np.abs(w1[0]).max() == shown.value["made_now"]


def test_levelling_is_worth_decibels_to_both_layers():
    tilted, level = Seesaw().value, Seesaw(factor=0.059, level_others=True).value
    assert (tilted["first_sqnr"], tilted["second_sqnr"]) == (32.7, 39.32)
    assert (level["first_sqnr"], level["second_sqnr"]) == (42.37, 42.63)
    assert (tilted["read_code"], level["read_code"]) == (2, 127)


def test_two_layers_of_ones_own(v8):
    rng = np.random.default_rng(9)
    first = np.float32(rng.normal(size=(5, 3)) * 10.0 ** rng.integers(-2, 3, (5, 1)))
    second = np.float32(rng.normal(size=(4, 5)))
    first[3] = 0  # such a channel keeps its scale
    shown = Seesaw(first, second, channel=2, factor=0.5, level_others=True)
    v8.show(shown)
    assert Seesaw(first, second, channel=3).value["balanced"] == 1.0
    assert Seesaw(first, second, channel=3).value["made_sqnr"] is None
    shown.level_others = False
    v8.call_agrees(shown, first=first, second=second)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first": np.ones((2, 3))}, "first and second must be given together"),
        ({"first": np.ones((2, 3)), "second": np.ones((2, 3))}, r"\(2, 3\) and \(2, 3\)"),
        ({"first": np.full((2, 3), np.nan), "second": np.ones((3, 2))}, "first"),
        ({"channel": 8}, "channel must be at most 7, got 8"),
        ({"factor": 0.0}, "factor"),
    ],
    ids=str,
)
def test_what_is_refused(arguments, message):
    with pytest.raises((ValueError, TraitError), match=message):
        _ = Seesaw(**arguments).value


def test_the_smallest_reach_fits_a_phone(browse, tmp_path):
    page = browse(write_page(tmp_path, Seesaw().html()), width=390)
    page.get_by_label("factor, typed").fill("1000")
    settle(page)
    text = page.locator("svg text", has_text="6.48e\u22125").bounding_box()
    widget = page.locator(".tinyq-widget").bounding_box()
    assert text["x"] + text["width"] < widget["x"] + widget["width"]


def test_no_words_are_cut_at_320_pixels(browse, tmp_path):
    page = browse(write_page(tmp_path, Seesaw().html()), width=304)  # less margin than the book
    widget = page.locator(".tinyq-widget").bounding_box()
    for text in page.locator("svg text").all():
        box = text.bounding_box()
        assert widget["x"] < box["x"] and box["x"] + box["width"] < widget["x"] + widget["width"]


def test_a_drag_tilts_the_plank_and_a_button_levels_it(browse, tmp_path):
    page = browse(write_page(tmp_path, Seesaw().html()))
    node = page.locator("tinyq-seesaw")
    grip = node.locator("circle.grip").first.bounding_box()
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 60)
    page.mouse.up()
    settle(page)
    tilted = node.evaluate("node => node.value")
    assert 0.01 < tilted["factor"] < 0.5 and tilted["channel"] == 0
    node.get_by_role("button", name="Level all").click()
    settle(page)
    level = node.evaluate("node => node.value")
    assert level["level_others"] and level["factor"] == level["balanced"]
    assert level["mades"] == pytest.approx(level["reads"], rel=1e-6)
    node.get_by_role("button", name="As they came").click()
    settle(page)
    end = node.locator("circle.end").nth(2).bounding_box()  # channel 2, where it is made
    page.mouse.click(end["x"] + 4, end["y"] + 4)
    settle(page)
    assert node.evaluate("node => [node.state.channel, node.state.factor]") == [2, 1]
