"""The clip lab: its observers choose what tinyq's choose, its errors add up, what it refuses."""

from fractions import Fraction

import numpy as np
import pytest
from traitlets import TraitError
from widget_page import settle, write_page
from widget_v8 import Script

from tinyq import Grid
from tinyq.widgets import ClipLab
from tinyq.widgets.clip_lab.clip_lab import OBSERVERS, TENSORS, chosen
from tinyq.widgets.data.networks import NETWORKS


@pytest.fixture(scope="module")
def v8():
    return Script(ClipLab)


def samples(rng: np.random.Generator) -> list[np.ndarray]:
    """Numbers of many shapes: tails, one side, few, equal, denormal, exact powers of two."""
    some = [rng.standard_t(2, 900), np.abs(rng.normal(size=400)), -rng.exponential(size=300)]
    some += [np.maximum(rng.normal(0, 3, 500), 0), rng.choice([-4.0, -2.0, 0.0, 2.0, 8.0], 200)]
    some += [rng.normal(size=300) * 10.0 ** rng.integers(-30, 30) for _ in range(3)]
    some += [[0.0, 0.0], [3.0], [-0.125], [1e-42, -3e-43, 2e-43], np.append(np.zeros(50), 7.5)]
    some += [rng.normal(size=3999), np.append(rng.uniform(-0.01, 0.01, 4100), -8.0)]
    return [np.float32(one) for one in some]


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_the_rules_choose_what_the_observers_choose(v8, bits):
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    for x in samples(np.random.default_rng(bits)):
        got = v8.call(
            """([x, qmin, qmax]) => { const { histogram, RULES } = tinyqWidgets.observers;
            const seen = histogram(Float32Array.from(x));
            return Object.fromEntries(Object.entries(RULES).map(([name, rule]) =>
              [name, rule(seen, qmin, qmax)])); }""",
            [x.tolist(), qmin, qmax],
        )
        assert got == {rule: list(chosen(rule, x, bits)) for rule in OBSERVERS}, x[:5]


def test_the_divergence_is_that_of_the_slides(v8):
    counts = "Float64Array.of(1, 0, 2, 3, 5, 3, 1, 7)"
    divergence = v8.call(f"() => tinyqWidgets.observers.divergence({counts}, 0, 8, 2)")
    assert divergence == pytest.approx(0.1503, abs=5e-5)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_tensor_agrees_in_some_state(v8, network):
    rng = np.random.default_rng([2, *network.encode()])
    for tensor in TENSORS:
        rule = str(rng.choice(["own", *OBSERVERS]))
        lo, hi = (round(float(end), 2) for end in (-rng.exponential(4), rng.exponential(4)))
        lab = ClipLab(network=network, tensor=tensor, bits=int(rng.integers(2, 9)), rule=rule)
        if rule == "own":
            lab.lo, lab.hi = lo, hi
        v8.show(lab)


def test_errors_are_those_of_exact_fractions(v8):
    x = np.float32([-3, -1.1, -0.26, 0.0, 0.3, 0.74, 1.6, 5])
    lab = ClipLab(x, bits=3, rule="own", lo=-1.0, hi=0.75)
    value, grid = v8.show(lab), Grid(0.25, 0, -4, 3)
    parts = {True: Fraction(0), False: Fraction(0)}
    for one in x.tolist():
        steps = Fraction(one) / Fraction(0.25)
        code = int(abs(steps) + Fraction(1, 2)) * (1 if steps > 0 else -1)
        kept = min(max(code, grid.qmin), grid.qmax)
        parts[code != kept] += (Fraction(one) - kept * Fraction(0.25)) ** 2
    assert (value["scale"], value["zero_point"], value["clipped"]) == (0.25, 0, 3)
    assert value["clipping"] == pytest.approx(float(parts[True]), rel=1e-6)
    assert value["rounding"] == pytest.approx(float(parts[False]), rel=1e-6)


def test_a_tensor_of_ones_own(v8):
    x = np.float32(np.random.default_rng(2).standard_t(3, (30, 20)))
    lab = ClipLab(x, bits=4, rule="mse")
    assert lab.hide == "network,tensor" and (lab.lo, lab.hi) == chosen("mse", x, 4)
    v8.show(lab)
    v8.call_agrees(lab, x=x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lo": 2.0, "hi": 1.0}, "lo <= hi, got lo=2.0, hi=1.0"),
        ({"x": np.float32([])}, "x must hold at least one number"),
        ({"x": np.float32([1, np.inf])}, "x must be finite"),
        ({"lo": float("nan")}, "lo must be a finite number"),
        ({"rule": "best"}, "rule"),
    ],
    ids=str,
)
def test_what_is_refused(arguments, message):
    with pytest.raises((ValueError, TraitError), match=message):
        _ = ClipLab(**arguments).value


def test_the_sliders_of_a_phone_stay_where_they_are_while_the_rules_choose(browse, tmp_path):
    page = browse(write_page(tmp_path, ClipLab().html()), width=390)
    places = set()
    for bits in range(2, 9):
        page.get_by_label("bits, typed").fill(str(bits))
        settle(page)
        places.add(page.get_by_label("bits", exact=True).bounding_box()["y"])
    assert len(places) == 1


def test_a_rule_moves_the_ends_and_a_drag_leaves_it(browse, tmp_path):
    page = browse(write_page(tmp_path, ClipLab().html()))
    node = page.locator("tinyq-clip-lab")
    node.get_by_role("button", name="MSE").click()
    settle(page)
    state = node.evaluate("node => node.state")
    assert (state["rule"], state["lo"], state["hi"]) == ("mse", -4, 4)
    node.locator('[data-field="bits"] input[type=number]').fill("8")
    settle(page)
    state = node.evaluate("node => node.state")
    assert state["hi"] == chosen("mse", ClipLab().x, 8)[1] > 4  # finer steps: less is clipped
    box = node.locator("svg").bounding_box()
    page.mouse.move(box["x"] + 0.95 * box["width"], box["y"] + 160)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 160)
    page.mouse.up()
    settle(page)
    dragged = node.evaluate("node => node.state")
    assert dragged["rule"] == "own" and 1 < dragged["hi"] < 4
    assert node.locator("button[aria-pressed=true]").count() == 0
