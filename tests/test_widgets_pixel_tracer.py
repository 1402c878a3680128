"""The pixel tracer: its road against loops over every product, its script against tinyq."""

import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import traitlets
from widget_page import settle, write_page
from widget_v8 import Script, agree, python_value

from tinyq.models import digits, resnet
from tinyq.network import Network
from tinyq.widgets import PixelTracer
from tinyq.widgets.data.subject import GRIDS, of_seed
from tinyq.widgets.pixel_tracer.pixel_trace import trace_back
from tinyq.widgets.pixel_tracer.pixel_tracer import ENDS

TAG = "tinyq-pixel-tracer"
FACTORS = [0.01, 0.3, 1.5, 40] * 3 + [1e-12, 1e6, -1]


def random_states(seed: int, count: int, images: int, classes: int) -> list[dict]:
    """States with ranges near the seed's and far from them, some of them impossible."""
    rng = np.random.default_rng(seed)
    start = PixelTracer()
    states = []
    for _ in range(count):
        state = {
            "image": int(rng.integers(images)),
            "logit": int(rng.integers(classes)),
            "stage": int(rng.integers(14)),
        }
        for end in rng.choice(ENDS, rng.integers(1, 13), replace=False):
            state[str(end)] = float(getattr(start, end) * rng.choice(FACTORS))
        states.append(state)
    return states


def test_script_and_tinyq_agree_on_any_ranges():
    states = random_states(1, 120, images=5, classes=5)
    refused = agree(Script(PixelTracer), PixelTracer, states)
    assert 20 < refused < 100


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"stem_lo": 5, "stem_hi": 1}, "stem: lo = 5 is above hi = 1. Lower lo or raise hi."),
        ({"image": 4}, "image must be in 0 to 3."),
        ({"add_hi": 1e-9}, "No int8 network has these ranges: layer 'block_add': "),
    ],
    ids=str,
)
def test_a_refusal_says_why_in_words(state, sentence):
    assert Script(PixelTracer).value(state).startswith(sentence)


def test_a_readers_network_and_images_are_shown():
    data = digits.load()
    images, calibration = data.images[data.test[:3]], data.images[data.calibration[:40]]
    make = partial(PixelTracer, data.net, images, calibration)
    shown = make()
    assert shown.data and 'class="tinyq-data"' in shown.html()
    qnet = data.net.quantize(calibration)
    assert shown.value["codes"] == qnet(images[:1])[0].tolist()
    seen = {end: getattr(shown, end) for end in ENDS}
    states = [
        {**seen, "image": image, "logit": logit, "stage": 2, "block1_hi": hi}
        for image in range(3)
        for logit in (0, 9)
        for hi in (1.0, 50.0)
    ]
    assert agree(Script(PixelTracer, shown.data), make, states) == 0


def terms(layer, codes, place):
    """|w * (x - zero_point)| of every term of an accumulator, by the term's place: plain loops."""
    zero = layer.in_grid.zero_point
    if len(place) == 1:
        weights = layer.weight[place[0]].tolist()
        return {(c,): abs(w * (int(codes[c]) - zero)) for c, w in enumerate(weights)}
    top, left = place[0] * layer.stride[0], place[1] * layer.stride[1]
    return {
        (top + y, left + x, c): abs(int(w) * (int(codes[top + y, left + x, c]) - zero))
        for (y, x, c), w in np.ndenumerate(layer.weight[place[2]])
    }


LINEAR = [
    ("dense_8x4", "global_avgpool", (0, 0)),
    ("block_conv3x3_b", "block_relu_a", (1, 1)),
    ("block_conv3x3_a", "stem_maxpool2x2", (1, 1)),
    ("stem_conv7x7_s2", "input", (3, 3)),
]


@pytest.mark.parametrize("logit", range(4))
@pytest.mark.parametrize("image", range(4))
def test_the_road_takes_the_largest_term(image, logit):
    seed = of_seed()
    qnet = seed.net.quantize_on(seed.ranges, (16, 16, 3))
    tensors = qnet.trace(seed.images[image : image + 1])
    trace = trace_back(qnet, tensors, logit)
    layers = {node.name: node for node in qnet.nodes}
    for name, source, pad in LINEAR:
        if name == "block_conv3x3_a" and trace.via == "skip":
            continue  # the pool's code on the road is the skip's
        node = layers[name]
        found = terms(node.layer, tensors[node.inputs[0]][0], trace.places[name])
        largest = max(found, key=found.get)
        row_and_column = np.subtract(largest[:2], pad[: len(largest)])
        assert trace.places[source] == (*row_and_column, *largest[2:])
    pool, relu = trace.places["stem_maxpool2x2"], trace.places["stem_relu"]
    assert (relu[0] // 2, relu[1] // 2, relu[2]) == pool
    assert tensors["stem_relu"][0][relu] == tensors["stem_maxpool2x2"][0][pool]


def test_nothing_outside_the_boxes_moves_the_code_on_the_road():
    data = digits.load()
    qnet = data.net.quantize(data.images[data.calibration])
    rng = np.random.default_rng(2)
    small = 0
    for index in data.test[:12]:
        codes = qnet.trace(data.images[index : index + 1])
        for logit in range(0, 10, 3):
            trace = trace_back(qnet, codes, logit)
            top, left, bottom, right = trace.boxes["input"]
            noise = rng.integers(-128, 128, codes["input"].shape).astype(np.int8)
            noise[:, top:bottom, left:right] = codes["input"][:, top:bottom, left:right]
            small += noise[:, top:bottom, left:right].size < noise.size
            place = (0, *trace.places["block_relu_b"])
            assert qnet.trace(noise)["block_relu_b"][place] == codes["block_relu_b"][place]
    assert small > 5, "hardly a box left a pixel out"


def test_a_road_can_end_in_the_border():
    """All codes at the zero_point: every product is 0, and the first one lies in the frame."""
    seed = of_seed()
    black = PixelTracer(seed.net, np.zeros((1, 16, 16, 3), np.float32), seed.images)
    assert black.value["road"][0] == [None, None] and black.value["step"]["acc"] == 0
    assert (
        agree(
            Script(PixelTracer, black.data),
            lambda **_: black,
            [{field: getattr(black, field) for field in black.fields}],
        )
        == 0
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"image": 4}, ValueError, "image must be in 0..3, got 4"),
        ({"logit": 4}, ValueError, "logit must be in 0..3, got 4"),
        ({"stage": 14}, traitlets.TraitError, "stage"),
        ({"stem_lo": float("nan")}, ValueError, "stem_lo must be a finite number"),
        ({"net": Network((), 3), "images": of_seed().images}, ValueError, "got 0 layers with"),
        ({"net": of_seed().net}, ValueError, "net and images must be given together"),
        ({"net": "net", "images": of_seed().images}, TypeError, "net must be a Network, got 'net'"),
        ({"net": of_seed().net, "images": of_seed().images[:0]}, ValueError, "at least one"),
    ],
    ids=str,
)
def test_what_cannot_be_shown_is_refused(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        PixelTracer(**arguments)


def test_another_wiring_is_refused():
    net = of_seed().net
    # a network that runs, without the ReLU between the block's convolutions
    left = (node for node in net.nodes if node.name != "block_relu_a")
    nodes = tuple(
        replace(node, inputs=("block_conv3x3_a",)) if node.name == "block_pad2" else node
        for node in left
    )
    with pytest.raises(ValueError, match="form of resnet.stem_block"):
        PixelTracer(Network(nodes, 3), of_seed().images)


def test_the_ranges_that_are_shown_are_the_calibrated_ones():
    weights, biases, images = resnet.seed()
    qnet = resnet.stem_block(weights, biases).quantize(images)
    shown = PixelTracer()
    got = [tuple(row[2:4]) for row in shown.value["ledger"]]
    assert got == [(grid.scale, grid.zero_point) for grid in qnet.grids.values()]
    assert [row[1] for row in shown.value["ledger"]] == [1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 5, 5, 5, 6]


def test_each_range_is_dragged_by_mouse_and_keys_and_reruns_the_block(browse, tmp_path):
    page = browse(write_page(tmp_path, PixelTracer().html(), widgets=[PixelTracer]))
    page.locator(f"{TAG} .tinyq-widget").wait_for()
    node = page.locator(TAG)
    for grid in GRIDS:
        for end, key in (("lo", "ArrowUp"), ("hi", "ArrowDown")):
            slider = page.get_by_label(f"{grid} {end}", exact=True)
            before = node.evaluate("node => node.value")
            slider.press(key)
            settle(page)
            after = node.evaluate("node => node.value")
            assert after[f"{grid}_{end}"] != before[f"{grid}_{end}"]
            assert after["ledger"] != before["ledger"]
            slider.click(position={"x": slider.bounding_box()["width"] / 5, "y": 12})
            settle(page)
            dragged = node.evaluate("node => node.value")
            assert dragged[f"{grid}_{end}"] != after[f"{grid}_{end}"]
    state = node.evaluate("node => node.state")
    assert node.evaluate("node => node.value") == python_value(PixelTracer, state)


def test_the_list_and_the_plot_are_picked_from(browse, tmp_path):
    page = browse(
        write_page(tmp_path, PixelTracer().html(), widgets=[PixelTracer]),
        fragment="#pixel-tracer?lock=stem_lo",
    )
    options = page.get_by_role("option")
    assert options.count() == 14
    options.nth(3).click()
    page.keyboard.press("ArrowDown")
    settle(page)
    assert page.locator(TAG).evaluate("node => node.state.stage") == 4
    assert options.nth(4).get_attribute("aria-selected") == "true"
    page.keyboard.press("End")
    settle(page)
    assert page.evaluate("document.activeElement.ariaSelected") == "true"
    page.locator("[data-logit='3'] .touch").click(force=True)
    settle(page)
    assert page.locator(TAG).evaluate("node => node.state.logit") == 3
    assert page.get_by_label("stem lo", exact=True).is_disabled()


@pytest.mark.parametrize("width", [390, 722])  # a phone, the book's column
def test_every_code_and_name_fits_its_column(browse, tmp_path, width):
    page = browse(write_page(tmp_path, PixelTracer(image=1, logit=1).html()), width=width)
    row = page.get_by_role("option").first
    assert "\u2212127" in row.inner_text()
    cut = "all => all.filter((one) => one.scrollWidth > one.clientWidth).map(one => one.outerHTML)"
    assert page.locator("[role=option] :is(span, code), .tinyq-heads span").evaluate_all(cut) == []
