"""The rounding museum: every rule against exact fractions, the disputes, the bits on screen."""

import random
from fractions import Fraction

import pytest
from widget_page import settle, write_page
from widget_v8 import Script, agree

from tinyq import Rounding, loops
from tinyq.widgets import RoundingMuseum

TAG = "tinyq-rounding-museum"
DISPUTES = {
    "Issue 25087: 12 or 11?": [12, 12, 11, 11, 11],
    "Issue 102943: \u2212119 or \u2212120?": [-119, -119, -119, -120, -119],
    "A tie, 2.5": [3, 3, 3, 2, 3],
    "A tie, \u22122.5": [-3, -2, -2, -2, -3],
    "A mean, 7/16": [1, 1, 0, 0, 0],
    "The seed\u2019s first sum": [12, 12, 12, 12, 12],
}


def states(count: int) -> list[dict]:
    """Random states: everyday accumulators, and the ends of what the controls allow."""
    rng = random.Random(5)
    ends = [-(2**31), -(2**31) + 1, -1, 0, 1, 2**24 + 1, 2**31 - 1]
    return [
        {
            "acc": rng.choice([rng.randint(-400_000, 400_000), rng.choice(ends)]),
            "multiplier": rng.choice([rng.randint(2**30, 2**31 - 1), 2**30, 2**31 - 1]),
            "shift": rng.choice([rng.randint(-8, 31), rng.randint(0, 14)]),
            "zero_point": rng.randint(-128, 127),
            "ulp": rng.randint(-2, 2),
            "rounding": rng.choice(["DOUBLE", "UP", "SINGLE", "FLOAT32", "FLOAT64"]),
        }
        for _ in range(count)
    ]


def test_javascript_equals_python_on_random_states():
    assert agree(Script(RoundingMuseum), RoundingMuseum, states(1500)) == 0


def test_integer_rules_are_the_fractions_nearest():
    for state in states(400):
        shown = RoundingMuseum(**state).value
        exact = Fraction(state["acc"] * state["multiplier"], 2 ** (31 + state["shift"]))
        assert shown["exact"] == float(exact)
        assert shown["results"]["SINGLE"] == (exact + Fraction(1, 2)).__floor__()
        pair = state["multiplier"], state["shift"]
        double = loops.multiply_by_quantized_multiplier(state["acc"], *pair)
        assert shown["results"]["DOUBLE"] == double
        assert shown["codes"]["DOUBLE"] == min(max(double + state["zero_point"], -128), 127)


def test_a_state_beyond_the_limits_is_refused():
    for state in [{"acc": 2**31}, {"multiplier": 2**30 - 1}, {"shift": -9}, {"rounding": "ODD"}]:
        with pytest.raises(Exception, match=next(iter(state))):
            RoundingMuseum(**state)


def test_the_disputes_are_buttons(browse, tmp_path):
    page = browse(write_page(tmp_path, RoundingMuseum().html()))
    for name, codes in DISPUTES.items():
        page.get_by_role("button", name=name, exact=True).click()
        settle(page)
        shown = page.locator(".tinyq-rules b").all_inner_texts()
        assert [int(code.replace("\u2212", "-")) for code in shown] == codes, name


def test_the_bits_on_screen_are_the_numbers(browse, tmp_path):
    """Each row's filled cells, read back by their places, give the row's number."""
    page = browse(write_page(tmp_path, RoundingMuseum().html()))
    read = """node => [...node.querySelectorAll("[role=img] svg:last-child .bit:not(.zero)")].map(
        (path) => [...path.getAttribute("d").matchAll(/M([\\d.]+) (\\d+)/g)].map((m) =>
        [Number(m[1]), Number(m[2])]))"""
    width = page.locator(".tinyq-figure").evaluate("node => node.clientWidth")
    rows: dict[float, int] = {}
    for x, y in sum(page.locator(TAG).evaluate(read), []):
        rows[y] = rows.get(y, 0) + 2 ** (63 - round(x / (width / 64)))
    product = 7984 * 1583594044
    high = (product + 2**30) >> 31
    assert [rows[y] for y in sorted(rows)] == [7984, 1583594044, product, high << 31, 12 << 40]


def test_the_sliders_stay_where_they_are_while_rows_of_bits_come_and_go(browse, tmp_path):
    page = browse(write_page(tmp_path, RoundingMuseum().html()))
    places = set()
    for shift in (9, -8):
        page.get_by_label("shift, typed").fill(str(shift))
        for rule in Rounding:
            page.get_by_role("button", name=rule.name, exact=False).click()
            settle(page)
            places.add(page.get_by_label("shift", exact=True).bounding_box()["y"])
    assert len(places) == 1
    assert page.get_by_label("zero_point", exact=True).count() == 1


def test_a_rule_is_chosen_by_its_button_unless_locked(browse, tmp_path):
    path = write_page(tmp_path, RoundingMuseum().html())
    page = browse(path)
    page.get_by_role("button", name="FLOAT32: code 11").press("Enter")
    settle(page)
    assert page.locator(TAG).evaluate("node => node.state.rounding") == "FLOAT32"
    assert page.get_by_text("FLOAT32, bit by bit").is_visible()
    page = browse(path, fragment="#rounding-museum?rounding=UP&lock=rounding")
    settle(page)
    assert page.get_by_role("button", name="FLOAT32: code 11").is_disabled()
