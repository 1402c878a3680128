"""The grid passport: its stamps against the ledger, its costs against the book's own layers."""

import json

import numpy as np
import pytest
from widget_page import settle, write_page
from widget_v8 import Script, agree

from tinyq.analysis import parity
from tinyq.models import digits, resnet
from tinyq.requantize import Requantizer
from tinyq.widgets import GridPassport
from tinyq.widgets.grid_passport.needless import with_needless

TAG = "tinyq-grid-passport"


@pytest.fixture(scope="module")
def trained():
    data = digits.load()
    return data.net, data.images[data.test[:2]], data.images[data.calibration[:16]]


def test_every_stage_and_stamp_equals_python():
    states = [
        {"stage": stage, "stamp": stamp, "image": stage % 4, "channel": stage % 9}
        for stage in range(14)
        for stamp in ("none", "copy", "wider", "own")
    ]
    assert agree(Script(GridPassport), GridPassport, states) == 0


def test_passes_is_the_ledgers_word_and_grids_are_objects():
    seed = resnet.seed()
    rows = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images).ledger()
    shown = [GridPassport(stage=stage).value for stage in range(14)]
    assert [v["requantizes"] for v in shown] == [row.requantizes for row in rows]
    assert [v["passes"] for v in shown].count(True) == 8
    assert [v["grid"] for v in shown] == [1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 5, 5, 5, 6]


@pytest.mark.parametrize("stage", range(14))
def test_a_copy_changes_no_code_and_costs_a_product_each(stage):
    cost = GridPassport(stage=stage, stamp="copy", image=1).value["cost"]
    assert (cost["multiplier"], cost["shift"], cost["changed"]) == (2**30, -1, 0)
    assert cost["db"][0] == cost["db"][1] and cost["worst"][0] == cost["worst"][1]
    assert cost["products"] > 0


def test_the_cost_of_the_pools_own_range():
    """Chapter 7's needless requantizer, on one image, and the logits that follow from it."""
    seed = resnet.seed()
    net = resnet.stem_block(seed.weights, seed.biases)
    qnet, image = net.quantize(seed.images), seed.images[2:3]
    codes = qnet.trace(image)["stem_maxpool2x2"]
    old, new = qnet.grids["stem_maxpool2x2"], qnet.ranges["stem_maxpool2x2"].grid()
    again = Requantizer(old.scale / new.scale).requantize(codes.astype(np.int32) + 1, new)
    assert old.zero_point == -1
    cost = GridPassport(stage=4, stamp="own", image=2, channel=5).value["cost"]
    assert cost["changed"] == (again != codes).sum() > 60
    assert cost["after"] == again[0, ..., 5].ravel().tolist()
    real = net.trace(image)["stem_maxpool2x2"]
    db = [parity.sqnr_db(real, g.dequantize(q)) for g, q in ((old, codes), (new, again))]
    assert cost["db"] == pytest.approx(db, abs=0.006)
    assert cost["worst"][0] == parity.compare(net, qnet, image).worst
    stamped = with_needless(net, "stem_maxpool2x2", new)
    assert [n.inputs for n in stamped.nodes if "needless" in n.inputs] == [
        ("needless",),
        ("block_conv3x3_b", "needless"),
    ]


def test_what_the_class_refuses(trained):
    net, images, calibration = trained
    with pytest.raises(ValueError, match=r"image must be in 0\.\.1, got 2"):
        _ = GridPassport(net, images, calibration, image=2).value
    with pytest.raises(ValueError, match="net and images"):
        GridPassport(net)


def test_a_network_from_python_is_walked_by_keys(browse, tmp_path, trained):
    widget = GridPassport(*trained, stage=6, stamp="wider", image=1)
    page = browse(write_page(tmp_path, widget.html()))
    page.locator(f"{TAG} .tinyq-widget").wait_for()

    def agrees() -> None:
        settle(page)
        seen = page.locator(TAG).evaluate("node => node.value")
        assert seen == json.loads(json.dumps(widget.value))

    agrees()
    page.locator(".tinyq-stages [aria-selected=true]").press("ArrowDown")
    widget.stage = 7
    agrees()
    assert page.locator(".tinyq-stamp b").inner_text() == "PASSES"
    page.get_by_role("option", name="block_add").click()
    widget.stage = 10
    agrees()
    assert page.locator(".tinyq-stamp").inner_text().split("\n") == [
        "REQUANTIZES",
        "grid 4 and 2 \u2192 grid 5",
    ]
    page.get_by_role("combobox").select_option("none")
    widget.stamp = "none"
    agrees()
