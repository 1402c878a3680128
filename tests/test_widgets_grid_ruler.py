"""The grid ruler: its numbers against tinyq, its figure read back, its handles dragged."""

import re

import numpy as np
import pytest
import traitlets
from widget_page import settle, write_page
from widget_v8 import Script, agree, python_value

import tinyq
from tinyq.widgets import GridRuler
from tinyq.widgets.grid_ruler.grid_ruler import grid_of

MINUS = "\u2212"
TAG = "tinyq-grid-ruler"
EDGES = [0.0, 1e-45, 3.6e-43, 1e-50, 1e-38, 1e-30, 0.1, 1.0, 255.0, 1e30, 1.7e38, 3.4028235e38]
# of the figure for a state, in the width of a page
FIGURE = """(state) => { const v = shown.evaluate(state, ctx);
    const { chooseView, draw } = tinyqWidgets.gridRulerFigure;
    const view = chooseView(v.lo, v.hi);
    return [draw(v, view, state.width ?? 700), view.m]; }"""


@pytest.fixture(scope="module")
def script():
    return Script(GridRuler)


@pytest.fixture
def page(browse, tmp_path):
    page = browse(write_page(tmp_path, GridRuler().html()))
    page.locator(f"{TAG} .tinyq-widget").wait_for()
    return page


def test_value_follows_the_traits():
    ruler = GridRuler(lo=-1.0, hi=2.0, bits=4, x=0.75)
    grid = tinyq.Grid.from_range(-1.0, 2.0, qmin=-8, qmax=7)
    assert ruler.grid == grid
    assert ruler.value["code"] == grid.quantize(0.75) == 1
    ruler.bits, ruler.x = 8, 2.6
    value = ruler.value
    assert (value["zero_point"], value["code"], value["clipped"]) == (-43, 127, True)
    assert value["error"] == float(np.float32(value["dequantized"])) - float(np.float32(2.6))


def test_a_number_half_a_step_beyond_the_end_is_not_clipped():
    ruler = GridRuler(lo=0.0, hi=255.0, x=255.25)
    assert (ruler.value["code"], ruler.value["clipped"]) == (127, False)
    ruler.x = 255.5
    assert (ruler.value["code"], ruler.value["clipped"]) == (127, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lo": 2, "hi": 1}, "lo <= hi, got lo=2.0, hi=1.0"),
        ({"bits": 1}, "bits must be an integer in 2..8, got 1"),
        ({"bits": 9}, "bits must be an integer in 2..8, got 9"),
        ({"bits": 2.5}, "bits must be an integer, got 2.5"),
        ({"lo": float("nan")}, "lo must be a finite number"),
        ({"hi": 1e39}, "got lo=-1.0, hi=1e+39"),
        ({"x": 1e39}, "x must be finite float32"),
        ({"x": float("inf")}, "x must be a finite number"),
        ({"lo": -3e38, "hi": 3e38}, "no float32 scale"),
        ({"lo": -3.4028234e38, "hi": 0, "bits": 7}, "float32 cannot hold the ends"),
    ],
    ids=str,
)
def test_what_has_no_grid_is_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        GridRuler(**arguments)


def test_traits_refuse_what_a_page_could_not_take():
    ruler = GridRuler()
    with pytest.raises(ValueError, match="x must be a finite number"):
        ruler.x = float("nan")
    with pytest.raises(traitlets.TraitError, match="bits"):
        ruler.bits = 9
    ruler.lo = 5.0  # on the way to another range
    with pytest.raises(ValueError, match="lo <= hi"):
        _ = ruler.value
    ruler.hi = 6.0
    assert ruler.value["scale"] == tinyq.Grid.from_range(5.0, 6.0).scale


@pytest.mark.parametrize(("bits", "ticks"), [(2, 4), (4, 16), (6, 64), (8, 64)])
def test_the_static_figure_draws_the_codes(bits, ticks):
    html = GridRuler(bits=bits).html()
    assert html.count("v-16") == ticks
    assert ("Every 4th" in html) == (bits > 6)


def random_states() -> list[dict]:
    """Edge against edge, numbers of every size that float32 has, and the everyday ones."""
    rng = np.random.default_rng(20)
    signed = [sign * edge for edge in EDGES for sign in (-1, 1)]
    wild = rng.choice([-1.0, 1.0], 300) * 10.0 ** rng.uniform(-44, 38.4, 300)
    pairs = [signed[i : i + 2] for i in range(23)] + rng.choice(signed, (150, 2)).tolist()
    pairs += np.sort(wild.reshape(-1, 2)).tolist() + np.sort(rng.normal(0, 5, (150, 2))).tolist()
    return [
        {"lo": lo, "hi": hi, "bits": int(rng.integers(2, 9)), "x": float(x)}
        for lo, hi in pairs
        for x in [rng.choice([0.3, lo, hi, (lo + hi) / 2])]
    ]


def test_script_and_tinyq_agree_on_any_range(script):
    states = random_states()
    refused = [state for state in states if python_value(GridRuler, state) is None]
    assert all(isinstance(script.value(state), str) for state in refused)
    assert agree(script, GridRuler, [state for state in states if state not in refused]) == 0
    assert 100 < len(refused) < len(states) / 2


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"lo": 3, "hi": 1}, "lo = 3 is above hi = 1. Lower lo or raise hi."),
        ({"lo": -3e38, "hi": 3e38}, "no float32 scale spans"),
        ({"lo": 0, "hi": 1e-44}, "no float32 scale spans"),
        ({"lo": -3.4028234e38, "hi": 0, "bits": 7}, "float32 cannot hold the ends of a grid"),
    ],
    ids=str,
)
def test_a_refusal_says_why_in_words(script, state, sentence):
    assert script.value(state).startswith(sentence)


@pytest.mark.parametrize("width", [296, 700])
def test_no_figure_holds_anything_but_numbers(script, width):
    states = [state for state in random_states() if isinstance(script.value(state), dict)]
    states += [{"lo": 0, "hi": 0, "bits": bits, "x": 1} for bits in (2, 8)]
    for state in states:
        svg, _ = script.call(FIGURE, {**state, "width": width})
        assert not re.search(r"NaN|Infinity|undefined|null", svg), state
        sizes = re.findall(r'(?:width|height)="([^"]*)"', svg)
        assert all(float(size) >= 0 for size in sizes), state


def test_each_tick_stands_at_its_codes_real_number(script):
    state = {"lo": -1.3, "hi": 2.2, "bits": 4, "x": 0.5}
    svg, m = script.call(FIGURE, state)
    (ticks,) = re.findall(r'<path d="([^"]*)" class="tick"/>', svg.split("Around x")[0])
    pixels = np.array([float(x) for x in re.findall(r"M([\d.]+) ", ticks)])
    reals = grid_of(-1.3, 2.2, 4).dequantize(np.arange(-8, 8))
    assert (pixels - 14) / (700 - 28) * 2 * m - m == pytest.approx(reals, abs=1e-6)


@pytest.mark.parametrize(
    ("lo", "hi", "bits"), [(-1.0, 2.0, 4), (-1.0, 1.0, 2), (0.0, 0.0, 8), (-3.0, -1.0, 3)]
)
def test_the_drawn_error_is_tinyqs(script, lo, hi, bits):
    """The middle of each line of the sawtooth, read back from its pixels."""
    svg, m = script.call(FIGURE, {"lo": lo, "hi": hi, "bits": bits, "x": 0})
    panel = svg.split("Error: ")[1].split("Around x")[0]
    top, height = map(
        float, re.findall(r'y="(\d+)" width="\d+" height="(\d+)" class="frame"', panel)[0]
    )
    (saw,) = re.findall(r'<path d="M([^"]*)" class="curve"/>', panel)
    points = np.array([[float(part) for part in point.split()] for point in saw.split("L")])
    xs = (points[:, 0] - 14) / (700 - 28) * 2 * m - m
    grid = grid_of(lo, hi, bits)
    errors = (top + height / 2 - points[:, 1]) / height * 1.5 * grid.scale
    sloping = np.diff(xs) > 1e-9
    middle = ((xs[1:] + xs[:-1]) / 2)[sloping]
    drawn = ((errors[1:] + errors[:-1]) / 2)[sloping]
    want = grid.dequantize(grid.quantize(middle)) - middle
    assert len(middle) >= 2 and drawn == pytest.approx(want, abs=1e-6 * grid.scale + 1e-6)


def test_thinned_ticks_are_counted_in_the_title(script):
    svg, _ = script.call(FIGURE, {})
    (every,) = re.findall(r"256 codes \(1 in (\d+) drawn\)", svg)
    (ticks,) = re.findall(r'<path d="([^"]*)" class="tick"/>', svg.split("Around x")[0])
    ends_between = 2  # qmin and qmax are drawn though they are no multiple away from zero_point
    drawn = [code for code in range(-128, 128) if (code + 43) % int(every) == 0]
    assert ticks.count("M") == len(drawn) + ends_between - (-128 in drawn) - (127 in drawn)


def test_a_near_tie_is_written_with_enough_digits(script):
    state = {"lo": -1, "hi": 2, "bits": 4, "x": 0.5}  # 0.5 / scale = 2.49999996, not 2.5
    rows = script.call("(s) => shown.formulas(shown.evaluate(s, ctx)).map(String)", state)
    (code,) = [row for row in rows if row.startswith("code")]
    (written,) = re.findall(r"round\(([\d.]+)\)", code)
    assert float(written) < 2.5 and code.endswith(",\u22121")


def value(page) -> dict:
    settle(page)
    return page.locator(TAG).evaluate("node => node.value")


def drag(page, target: str, dx: float) -> None:
    """Drag a part of the figure sideways with the mouse."""
    # not bounding_box(): it gives None where a repaint takes the node away under it
    part = page.locator(f"{TAG} {target}").first
    area = part.evaluate("node => node.getBoundingClientRect().toJSON()")
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] * 0.75
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y)
    page.mouse.move(x + dx, y)
    page.mouse.up()


def test_the_untouched_ruler_teaches(page):
    assert f"zero_point {MINUS}43" in page.locator(f"{TAG} svg").text_content()
    formulas = page.locator(".tinyq-formulas").inner_text()
    assert f"(2 {MINUS} ({MINUS}1)) / (127 {MINUS} ({MINUS}128)) = 0.0117647" in formulas


def test_the_mouse_drags_both_handles_and_x(page):
    for target, field in {".flag >> nth=0": "lo", ".flag >> nth=1": "hi", ".tag": "x"}.items():
        before = value(page)
        drag(page, target, 60)
        after = value(page)
        assert [name for name in GridRuler.fields if after[name] != before[name]] == [field]
        assert after[field] > before[field]


def test_a_finger_drags_a_handle(browse, tmp_path):
    wide = '<div style="width: 900px">so that the page itself could move sideways</div>'
    page = browse(write_page(tmp_path, f"<{TAG}>static</{TAG}>{wide}"), width=360)
    area = page.locator(f"{TAG} .flag").first.bounding_box()
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] * 0.75
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, dx in [("touchStart", 0), ("touchMove", -20), ("touchMove", -50), ("touchEnd", None)]:
        points = [] if dx is None else [{"x": x + dx, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert value(page)["lo"] < -1.3 and page.evaluate("scrollX") == 0


def test_sliders_stop_where_lo_meets_hi(page):
    page.locator("input[type=range]").first.press("End")
    assert value(page)["lo"] == value(page)["hi"] == 2
    drag(page, ".flag >> nth=1", -500)
    assert value(page)["lo"] == value(page)["hi"] == 2


def test_a_phone_shows_every_range_without_sideways_scrolling(browse, tmp_path):
    page = browse(write_page(tmp_path, GridRuler().html()), width=360)
    for lo, hi, bits in [(-1, 2, 2), (-1e-30, 1e-30, 8), (-1e38, 1e38, 8)]:
        for field, number in {"lo": lo, "hi": hi, "bits": bits}.items():
            page.get_by_label(f"{field}, typed").fill(str(number))
        assert value(page)["lo"] == lo and value(page)["bits"] == bits
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, lo
