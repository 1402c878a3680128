"""The conv microscope: its numbers against the loop nests, its figure, data from Python."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from widget_page import settle, write_page
from widget_v8 import run_call

from tinyq import layers, loops
from tinyq.models import digits, resnet
from tinyq.widgets import ConvMicroscope

TAG = "tinyq-conv-microscope"


@pytest.fixture(scope="module")
def seed_block():
    seed = resnet.seed()
    return resnet.stem_block(seed.weights, seed.biases).quantize(seed.images), seed.images[:3]


@pytest.mark.parametrize("pad", ["zero_point", "0"])
def test_the_pixel_is_that_of_the_loop_nests(seed_block, pad):
    qnet, images = seed_block
    shown = ConvMicroscope(
        qnet, images, layer="block_conv3x3_a", image=2, filter=5, row=3, column=1, pad=pad
    ).value
    conv = {node.name: node.layer for node in qnet.nodes}["block_conv3x3_a"]
    code = 0 if pad == "0" else conv.in_grid.zero_point
    assert code != conv.in_grid.zero_point or pad == "zero_point"
    skip = qnet.trace(images)["stem_maxpool2x2"][2]
    products = np.zeros((3, 3, 8), int)
    for ky, kx, c in np.ndindex(products.shape):
        y, x = 3 + ky - 1, 1 + kx - 1
        at = int(skip[y, x, c]) if 0 <= y < 4 and 0 <= x < 4 else code
        products[ky, kx, c] = int(conv.weight[5, ky, kx, c]) * (at - conv.in_grid.zero_point)
    assert shown["products"] == products[..., 0].ravel().tolist()
    assert shown["sums"] == products.sum(axis=(0, 1)).tolist()
    assert shown["acc"] == products.sum() + conv.bias[5]
    pair = loops.quantize_multiplier(float(conv.requantizer.ratio[5]))
    assert (shown["multiplier"], shown["shift"]) == pair
    rescaled = loops.multiply_by_quantized_multiplier(shown["acc"], *pair)
    assert shown["rescaled"] == rescaled
    assert shown["code"] == min(max(rescaled + conv.out_grid.zero_point, -128), 127)


def test_the_right_map_is_the_network_and_the_inside_never_wrong():
    data = digits.load()
    qnet = data.net.quantize(data.images[data.calibration])
    images = data.images[data.test[:2]]
    shown = ConvMicroscope(qnet, images, image=1, filter=2, pad="0").value
    want = qnet.trace(images)["stem_conv7x7_s2"][1, ..., 2]
    assert shown["right_map"] == want.ravel().tolist()
    wrong = np.reshape(shown["map"], (8, 8)) != want
    assert not wrong[2:7, 2:7].any() and shown["wrong"] == wrong.sum() > 30


def test_what_the_class_refuses(seed_block):
    qnet, images = seed_block
    for state, message in [
        ({"row": 8}, r"row must be in 0\.\.7, got 8"),
        ({"layer": "block_conv3x3_a", "column": 4}, r"column must be in 0\.\.3, got 4"),
        ({"channel": 3}, r"channel must be in 0\.\.2, got 3"),
        ({"filter": 8}, r"filter must be in 0\.\.7, got 8"),
        ({"image": 3}, r"image must be in 0\.\.2, got 3"),
    ]:
        with pytest.raises(ValueError, match=message):
            _ = ConvMicroscope(qnet, images, **state).value
    with pytest.raises(ValueError, match="qnet and images come together"):
        ConvMicroscope(qnet)
    with pytest.raises(ValueError, match="images must"):
        ConvMicroscope(qnet, images[..., :2])
    with pytest.raises(ValueError, match="got none called block_conv3x3_b"):
        ConvMicroscope(replace(qnet, nodes=qnet.nodes[:8]), images)


class OddPad(layers.QPad2D):
    """A pad of which the page knows nothing."""


class OddConv(layers.QConv2DPerChannel):
    """A convolution of which the page knows nothing."""


@pytest.mark.parametrize(
    ("at", "odd", "found"),
    [(0, OddPad, "QConv2DPerChannel behind OddPad"), (1, OddConv, "OddConv behind QPad2D")],
)
def test_a_layer_that_may_compute_otherwise_is_refused_by_name(seed_block, at, odd, found):
    qnet, images = seed_block
    nodes = list(qnet.nodes)
    layer = nodes[at].layer
    parts = {field.name: getattr(layer, field.name) for field in fields(layer)}
    nodes[at] = replace(nodes[at], layer=odd(**parts))
    with pytest.raises(ValueError, match=f"stem_conv7x7_s2 must be a convolution .* got {found}"):
        ConvMicroscope(replace(qnet, nodes=tuple(nodes)), images)


def test_data_from_python_is_shown(browse, tmp_path, seed_block):
    widget = ConvMicroscope(*seed_block, layer="block_conv3x3_b", image=1, row=2, column=2)
    page = browse(write_page(tmp_path, widget.html()))
    page.locator(f"{TAG} .tinyq-widget").wait_for()
    assert page.locator(TAG).evaluate("node => node.value") == json.loads(json.dumps(widget.value))
    page.get_by_role("gridcell", name="row 0, column 3:").hover()
    settle(page)
    widget.row, widget.column = 0, 3
    assert page.locator(TAG).evaluate("node => node.value") == json.loads(json.dumps(widget.value))
    qnet, images = seed_block
    answer = run_call(page.locator("pre").inner_text(), qnet=qnet, images=images)
    assert answer == (widget.value["acc"], widget.value["code"])


def test_switching_the_pad_marks_the_border(browse, tmp_path):
    page = browse(write_page(tmp_path, ConvMicroscope().html()))
    marked = page.locator(f"{TAG} [role=gridcell].wrong")
    assert marked.count() == 0
    page.get_by_role("button", name="Pad with code 0").click()
    settle(page)
    assert marked.count() == page.locator(TAG).evaluate("node => node.value.wrong") == 39
    page.get_by_role("gridcell", name="row 0, column 0:").click()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.locator(TAG).evaluate("node => [node.state.row, node.state.column]") == [0, 1]
    assert "right is" in page.get_by_role("gridcell", selected=True).get_attribute("aria-label")
    page.get_by_role("combobox").select_option("block_conv3x3_a")
    settle(page)
    assert page.get_by_role("gridcell").count() == 16
