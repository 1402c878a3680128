"""The staircase: its descent against plain Python, slopes cut off, no step on the true slope."""

import numpy as np
import pytest
from traitlets import TraitError
from widget_page import settle, write_page
from widget_v8 import Script, run_call

from tinyq.widgets import Staircase


@pytest.fixture(scope="module")
def v8():
    return Script(Staircase)


def by_hand(shown: Staircase) -> tuple[list[float], list[float]]:
    """The weights after the steps and the losses, one number at a time."""
    f32 = np.float32
    own, x, grid = shown.task.weights.tolist(), shown.task.inputs.tolist(), shown.grid
    lo, hi = (
        f32(f32(grid.scale * end) + side * grid.scale / 2)
        for end, side in ((grid.qmin, -1), (grid.qmax, 1))
    )
    w, losses = list(own), []
    w[shown.weight] = float(f32(w[shown.weight] + shown.nudge))
    for step in range(shown.steps + 1):
        rounded = [float(f32(grid.scale * int(grid.quantize(one)))) for one in w]
        errors = []
        for row in x:
            error = 0.0
            for k, one in enumerate(row):
                error += (rounded[k] - own[k]) * one
            errors.append(error)
        loss = 0.0
        for error in errors:
            loss += error * error
        losses.append(loss / (2 * len(x)))
        if step == shown.steps or shown.slope == "true":
            continue
        for k in range(len(w)):
            slope = 0.0
            for error, row in zip(errors, x, strict=True):
                slope += error * row[k]
            if lo <= f32(w[k]) <= hi:
                w[k] = float(f32(w[k] - shown.rate * (slope / len(x))))
    return w, losses


STATES = [
    {},
    {"steps": 12, "rate": 0.004, "digit": 5, "weight": 3},
    {"steps": 8, "rate": 0.05, "digit": 6, "bits": 2},
    {"steps": 20, "nudge": -1.25, "bits": 5, "weight": 7, "rate": 0.01},
    {"steps": 6, "slope": "true", "nudge": 0.4},
    {"steps": 5, "nudge": 10.0, "weight": 2},
]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_descent_is_that_of_a_loop(v8, state):
    shown = Staircase(**state)
    value, (weights, losses) = v8.show(shown), by_hand(shown)
    assert (value["weights"], value["losses"]) == (weights, losses)
    assert value["path"][-1] == weights[shown.weight] and len(value["path"]) == shown.steps + 1


def test_one_more_step_flips_a_code_and_the_loss_falls():
    before, after = Staircase().value, Staircase(steps=4).value
    assert before["codes"] == before["start_codes"]
    flipped = [k for k in range(8) if after["codes"][k] != after["start_codes"][k]]
    assert flipped == [1] and after["losses"][3] == after["losses"][0]
    assert after["losses"][4] < 0.3 * after["losses"][0]


def test_the_asked_slope_is_that_of_the_loss_in_the_rounded_weight():
    """A central difference of L, which is a square in w^: exact but for float64."""
    shown = Staircase(steps=7, weight=4, nudge=0.3)
    x, own = shown.task.inputs.astype(float), shown.task.weights.astype(float)
    rounded = shown.grid.dequantize(np.int8(shown.value["codes"])).astype(float)

    def loss(step: float) -> float:
        moved = rounded.copy()
        moved[4] += step
        return float(np.square((moved - own) @ x.T).mean() / 2)

    assert shown.value["asked"] == pytest.approx((loss(0.5) - loss(-0.5)) / 1.0, rel=1e-9)


def test_beyond_the_end_no_slope_passes():
    for nudge, passes in ((0.0, True), (5.0, False), (-5.0, False)):
        value = Staircase(steps=0, nudge=nudge).value
        assert (value["passes"], value["next_step"] != 0) == (passes, passes)
    stuck = Staircase(steps=30, nudge=5.0).value
    assert stuck["path"] == [stuck["path"][0]] * 31  # the others go on
    still = Staircase(steps=30, slope="true").value
    assert still["weights"] == still["own"] and len(set(still["losses"])) == 1


def test_the_slope_passes_up_to_half_a_step_beyond_the_end(v8):
    weights, inputs = np.float32([3, 1.4]), np.float32([[1, 1], [1, 2]])  # 3 bits: the scale is 1
    for nudge, passes in ((0.5, True), (0.501, False), (-6.5, True), (-6.501, False)):
        shown = Staircase(weights, inputs, bits=3, steps=1, nudge=nudge)
        v8.show(shown)
        assert (shown.value["path"][0] != shown.value["path"][1]) == passes, nudge


def test_a_neuron_of_ones_own(v8):
    rng = np.random.default_rng(12)
    weights, inputs = np.float32(rng.normal(size=5)), np.float32(rng.normal(size=(7, 5)))
    shown = Staircase(weights, inputs, steps=9, rate=0.05, bits=4, nudge=0.2)
    assert shown.weight == 0 and shown.hide == "digit"
    v8.show(shown)
    codes, moved = run_call(v8.copied(shown), weights=weights, inputs=inputs)
    assert (codes.tolist(), moved.tolist()) == (shown.value["codes"], shown.value["weights"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": np.float32([1])}, "weights and inputs must be given together"),
        ({"weights": np.float32([1]), "inputs": np.float32([[1, 2]])}, r"\(1,\), \(1, 2\)"),
        ({"weights": np.float32([1]), "inputs": np.zeros((0, 1), np.float32)}, "at least one"),
        ({"weights": np.float32([np.nan]), "inputs": np.float32([[1]])}, "weights must be finite"),
        ({"weight": 8}, "weight must be at most 7, got 8"),
        ({"steps": 101}, "steps"),
        ({"rate": 0.0}, "rate"),
    ],
    ids=str,
)
def test_what_is_refused(arguments, message):
    with pytest.raises((ValueError, TraitError), match=message):
        _ = Staircase(**arguments).value


def test_the_button_steps_and_a_drag_starts_anew(browse, tmp_path):
    page = browse(write_page(tmp_path, Staircase().html()))
    node = page.locator("tinyq-staircase")
    node.get_by_role("button", name="Step", exact=True).click()
    settle(page)
    assert node.evaluate("node => node.value.losses.length") == 5
    assert node.locator(".tinyq-seen").inner_text().startswith("Step 4: weight 1")
    grip = node.locator("circle.grab").bounding_box()
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 150, y)
    page.mouse.up()
    settle(page)
    state = node.evaluate("node => node.state")
    assert state["steps"] == 0 and 0.3 < state["nudge"] < 1.5
    area = node.locator("svg").bounding_box()
    page.mouse.click(area["x"] + 0.9 * area["width"] / 2, area["y"] + area["height"] - 20)
    settle(page)
    assert node.evaluate("node => [node.state.weight, node.state.nudge]") == [3, 0]
