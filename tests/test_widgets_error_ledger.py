"""The error ledger: its rows against tinyq.analysis, its script against tinyq, its scans."""

import re
from functools import partial

import numpy as np
import pytest
import traitlets
from widget_page import settle, write_page
from widget_v8 import Script, agree

from tinyq.analysis import run_both, sweep_layer_bits, tensor_errors
from tinyq.layers.scheme import Scheme
from tinyq.models import digits, resnet
from tinyq.widgets import ErrorLedger
from tinyq.widgets.error_ledger.error_ledger import CODES, WEIGHTS

TAG = "tinyq-error-ledger"


def test_script_and_tinyq_agree_on_any_bits():
    rng = np.random.default_rng(1)
    states = [
        {field: int(rng.integers(2, 9)) for field in rng.permutation([*WEIGHTS, *CODES])[:many]}
        | {"per_channel": bool(rng.integers(2)), "wide": bool(rng.integers(2))}
        | {"scan": int(rng.integers(21))}
        for many in rng.integers(0, 11, 30)
    ]
    refused = agree(Script(ErrorLedger), ErrorLedger, states)
    assert refused == sum(state["scan"] == 20 for state in states) < 10


def test_a_readers_network_and_labels_are_shown():
    weights, biases, images = resnet.seed()
    net = resnet.stem_block(weights, biases)
    labels = net(images[:5]).argmax(axis=1)
    make = partial(ErrorLedger, net, images[:5], labels, images)
    script = Script(ErrorLedger, make().data)
    states = [{"scan": 4}, {"stem_codes": 3}, {"dense_weights": 2}, {"per_channel": False}]
    assert agree(script, make, states) == 0
    assert agree(script, make, [{"scan": 5}, {"wide": True}]) == 2


FIELDS = {
    "stem_weights": ("stem_conv7x7_s2", "weight_bits"),
    "block1_weights": ("block_conv3x3_a", "weight_bits"),
    "block2_weights": ("block_conv3x3_b", "weight_bits"),
    "dense_weights": ("dense_8x10", "weight_bits"),
    "input_codes": ("input", "activation_bits"),
    "stem_codes": ("stem_conv7x7_s2", "activation_bits"),
    "block1_codes": ("block_conv3x3_a", "activation_bits"),
    "block2_codes": ("block_conv3x3_b", "activation_bits"),
    "add_codes": ("block_add", "activation_bits"),
    "logits_codes": ("dense_8x10", "activation_bits"),
}


@pytest.mark.parametrize("field", [*WEIGHTS, *CODES])
def test_a_slider_moves_its_own_layer(field):
    """The public road, from the calibration scans on, gives the same rows."""
    data = digits.load()
    name, kind = FIELDS[field]
    qnet = data.net.quantize(data.images[data.calibration], schemes={name: Scheme(**{kind: 3})})
    shown = ErrorLedger(**{field: 3})
    errors = tensor_errors(run_both(data.net, qnet, shown.shown[0].images))
    assert shown.value["sqnr"] == [round(one.sqnr_db, 2) for one in errors]
    assert shown.value["largest"] == [one.max_codes for one in errors]
    whole, before = ErrorLedger().value["sqnr"], list(qnet.grids).index(name)
    assert shown.value["sqnr"][:before] == whole[:before]
    assert shown.value["sqnr"][before] < whole[before]


def test_the_answers_are_those_of_the_sweep_of_chapter_11():
    data = digits.load()
    subject, labels = ErrorLedger().shown
    sweep = sweep_layer_bits(
        data.net, data.images[data.calibration], subject.images, labels, bits=[2]
    )
    for part, (name, scores) in zip(WEIGHTS, sweep.weights.items(), strict=True):
        shown = ErrorLedger(**{part: 2}).value
        assert shown["right"] == round(20 * scores[2].accuracy), name
        assert shown["same"] == round(20 * scores[2].agreement), name
        assert shown["sqnr"][-1] == round(scores[2].sqnr_db, 2), name


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"scan": 20}, ValueError, "scan must be in 0..19, got 20"),
        ({"stem_weights": 1}, traitlets.TraitError, "stem_weights"),
        ({"add_codes": 9}, traitlets.TraitError, "add_codes"),
        ({"labels": np.arange(3)}, ValueError, "net, images and labels must be given"),
    ],
    ids=str,
)
def test_what_cannot_be_shown_is_refused(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        ErrorLedger(**arguments)


def test_labels_must_fit_a_readers_images():
    weights, biases, images = resnet.seed()
    net = resnet.stem_block(weights, biases)
    for labels, error in ((None, TypeError), (np.arange(3), ValueError), ([0], TypeError)):
        with pytest.raises(error, match="labels must"):
            ErrorLedger(net, images[:2], labels)
    with pytest.raises(ValueError, match="wide must be False"):
        ErrorLedger(net, images[:2], np.arange(2), wide=True)


def test_scans_are_picked_with_mouse_and_keys_and_wrong_ones_are_marked(browse, tmp_path):
    widget = ErrorLedger(block1_weights=2)
    page = browse(write_page(tmp_path, widget.html(), widgets=[ErrorLedger]))
    node = page.locator(TAG)
    scans = page.locator(".tinyq-scans button")
    assert scans.count() == 20
    scans.nth(6).click()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert node.evaluate("node => node.state.scan") == 7
    assert page.evaluate("document.activeElement.ariaPressed") == "true"
    widget.scan = 7
    assert node.evaluate("node => node.value.floats") == widget.value["floats"]
    wrong = page.locator(".tinyq-scans .tinyq-wrong").count()
    assert wrong == 20 - widget.value["right"] > 0


def test_the_list_tells_each_tensors_error(browse, tmp_path):
    page = browse(write_page(tmp_path, ErrorLedger().html(), widgets=[ErrorLedger]))
    options = page.get_by_role("option")
    options.nth(13).press("Home")
    settle(page)
    assert options.nth(0).get_attribute("aria-selected") == "true"
    first = ErrorLedger().value["largest"][0]
    assert (
        f"input: largest error {first:.3f}".rstrip("0")
        in page.locator(".tinyq-error-ledger-figure").inner_text()
    )


def test_each_sliders_name_has_one_line(browse, tmp_path):
    page = browse(write_page(tmp_path, ErrorLedger().html()))
    page.add_style_tag(content="tinyq-error-ledger { width: 688px }")  # the book's column
    settle(page)
    names = page.locator("[data-field] label span")
    assert len(set(names.evaluate_all("all => all.map((one) => one.clientHeight)"))) == 1
