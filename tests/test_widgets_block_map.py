"""The block map: what it reads of a tensor against both networks, its script against tinyq."""

import re
from functools import partial

import numpy as np
import pytest
from widget_page import settle, write_page
from widget_v8 import Script, agree

from tinyq.analysis import run_both, tensor_errors
from tinyq.models import digits, resnet
from tinyq.widgets import BlockMap

TAG = "tinyq-block-map"


def every_stage(images: int, cells: list[tuple[int, int, int]]) -> list[dict]:
    return [
        {"stage": stage, "image": image, "row": row, "column": column, "channel": channel}
        for stage in range(14)
        for image in range(images)
        for row, column, channel in cells
    ]


def test_script_and_tinyq_agree_on_every_tensor():
    states = every_stage(4, [(0, 0, 0), (2, 3, 1), (255, 255, 255)])
    assert agree(Script(BlockMap), BlockMap, states) == 0
    assert agree(Script(BlockMap), BlockMap, [{"image": 4}]) == 1


def test_a_readers_network_and_images_are_shown():
    data = digits.load()
    images, calibration = data.images[data.test[:2]], data.images[data.calibration[:40]]
    make = partial(BlockMap, data.wide_net, images, calibration)
    assert agree(Script(BlockMap, make().data), make, every_stage(2, [(3, 1, 7)])) == 0
    black = partial(BlockMap, data.net, np.zeros((1, 16, 16, 3), np.float32))
    shown = black(stage=0)
    assert shown.value["sqnr"] is None and shown.value["largest"] == 0
    assert agree(Script(BlockMap, shown.data), black, every_stage(1, [(0, 0, 0)])) == 0


@pytest.mark.parametrize("stage", range(14))
def test_what_is_read_stands_in_both_networks(stage):
    weights, biases, images = resnet.seed()
    net = resnet.stem_block(weights, biases)
    runs = run_both(net, net.quantize(images), images[1:2])
    found = tensor_errors(runs)[stage]
    shown = BlockMap(stage=stage, image=1, row=1, column=2, channel=3).value
    place = (0, *shown["place"])
    assert shown["name"] == found.name
    assert shown["float"] == runs.floats[found.name][place]
    assert shown["code"] == runs.codes[found.name][place]
    assert shown["dequantized"] == runs.dequantized(found.name)[place]
    assert shown["largest"] == found.max_codes
    assert shown["sqnr"] == round(found.sqnr_db, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": 4}, "image must be in 0..3, got 4"),
        ({"images": np.zeros((1, 16, 16, 3), np.float32)}, "net and images must be given together"),
    ],
    ids=["image", "images"],
)
def test_what_cannot_be_shown_is_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        BlockMap(**arguments)


def test_the_list_and_the_pictures_are_picked_from(browse, tmp_path):
    page = browse(write_page(tmp_path, BlockMap().html(), widgets=[BlockMap]))
    node = page.locator(TAG)
    options = page.get_by_role("option")
    options.nth(5).click()
    page.keyboard.press("ArrowUp")
    settle(page)
    assert node.evaluate("node => node.value.name") == "stem_maxpool2x2"
    canvas = page.locator(".tinyq-pictures canvas").nth(1)
    size = canvas.bounding_box()
    canvas.click(position={"x": size["width"] * 0.95, "y": size["height"] * 0.3})
    settle(page)
    assert node.evaluate("node => node.value.place") == [1, 3, 6]
    assert page.locator('[data-field="row"] input').first.get_attribute("max") == "3"


def test_each_picture_shows_its_tensor(browse, tmp_path):
    """The pixels of the three canvases, read back: grey levels and the error's colours."""
    page = browse(write_page(tmp_path, BlockMap().html(), widgets=[BlockMap]))
    page.locator(f"{TAG} .tinyq-widget").wait_for()
    settle(page)
    painted = page.evaluate(
        """() => [...document.querySelectorAll(".tinyq-pictures canvas")].map((one) =>
        [...one.getContext("2d").getImageData(0, 0, one.width, one.height).data])"""
    )
    float_, int8, error = (np.array(one).reshape(8, 8, 4) for one in painted)
    shown = BlockMap()
    seed = shown.subject
    codes = shown.qnet.trace(seed.images[:1])["stem_conv7x7_s2"][0, ..., 6].astype(int)
    reals = seed.net.trace(seed.images[:1])["stem_conv7x7_s2"][0, ..., 6]
    grid = shown.qnet.grids["stem_conv7x7_s2"]
    assert np.array_equal(int8[..., 0], codes + 128) and (int8[..., 3] == 255).all()
    assert np.abs(float_[..., 0] - (reals / grid.scale + grid.zero_point + 128)).max() <= 0.501
    steps = codes - grid.zero_point - reals / grid.scale
    assert np.abs(error[..., 3] - 255 * np.abs(steps)).max() <= 1
    strong = np.abs(steps) > 0.1
    assert np.array_equal((error[..., 2] > error[..., 0])[strong], (steps < 0)[strong])
