"""What the frame gives to each widget, on one that has every kind of control."""

import numpy as np
import pytest
import traitlets
from accessibility import violations
from widget_page import settle, write_page

from tinyq.widgets.frame.encode import DTYPES, encode
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import Markup, element

TAG = "tinyq-every-control"


class EveryControl(Widget):
    """The Python side of every_control.js."""

    name = "every-control"
    fields = ("gain", "count", "bits", "signed", "row", "column", "word")
    gain = traitlets.Float(0.01).tag(sync=True)
    count = traitlets.Int(3).tag(sync=True)
    bits = traitlets.Enum((2, 4, 8), 8).tag(sync=True)
    signed = traitlets.Bool(True).tag(sync=True)
    row = traitlets.Int(1).tag(sync=True)
    column = traitlets.Int(1).tag(sync=True)
    word = traitlets.Unicode("a").tag(sync=True)

    def fallback(self) -> Markup:
        return element("p", {}, "still")


DEFAULTS = {field: getattr(EveryControl(), field) for field in EveryControl.fields}


@pytest.fixture
def open_widget(browse, tmp_path):
    """Open a page with the tags `body`; further arguments go to `browse`."""

    def open_page(body: str = EveryControl().html(), **how):
        page = browse(write_page(tmp_path, body, widgets=[EveryControl]), **how)
        page.locator(f"{TAG} .tinyq-widget").first.wait_for()
        return page

    return open_page


def state(page, which: int = 0) -> dict:
    settle(page)
    return page.locator(TAG).nth(which).evaluate("node => node.state")


def words(page) -> str:
    settle(page)
    return page.locator(".tinyq-seen").first.inner_text()


def control(page, field: str, kind: str = "input, select"):
    return page.locator(f'{TAG} [data-field="{field}"]').first.locator(kind).first


def test_each_control_changes_its_field_alone(open_widget):
    page = open_widget()
    assert state(page) == DEFAULTS
    control(page, "count").press("ArrowRight")
    control(page, "bits").select_option("four bits")
    control(page, "signed").press("Space")
    assert state(page) == {**DEFAULTS, "count": 4, "bits": 4, "signed": False}
    assert page.get_by_label("the gain", exact=True).count() == 1  # the label names the slider
    page.wait_for_url(
        "**#every-control?gain=0.01&count=4&bits=4&signed=false&row=1&column=1&word=a"
    )
    before = state(page)
    page.reload()
    page.locator(f"{TAG} .tinyq-widget").wait_for()
    assert state(page) == before


def test_a_log_slider_walks_over_powers_of_ten(open_widget):
    page = open_widget()
    slider, box = control(page, "gain"), control(page, "gain", "input[type=number]")
    slider.press("ArrowRight")
    assert state(page)["gain"] == 0.0102  # 10**-1.99, three digits
    assert slider.get_attribute("aria-valuetext") == "0.0102"
    slider.press("Home")
    assert state(page)["gain"] == 1e-6
    slider.press("End")
    assert state(page)["gain"] == 1000
    box.fill("0.00321")
    assert state(page)["gain"] == 0.00321  # typed numbers are kept to the last digit
    assert slider.evaluate("one => one.valueAsNumber") == pytest.approx(np.log10(0.00321), abs=0.01)


REFUSED = {
    "gain=0": "the gain must be a number from 0.000001 to 1000.",
    "gain=": "the gain is empty or not a number.",
    "gain=1e39": "the gain is too large: float32 ends at 3.40282e+38.",
    "count=2.5": "count must be a whole number from 0 to 9.",
    "count=10": "count must be a whole number from 0 to 9.",
    "bits=3": "bits must be one of 2, 4, 8.",
    "row=3": "row must be a whole number from 0 to 2.",
    "count=7": "count = 7 shows nothing. Take another.",
}


def test_what_cannot_be_shown_gives_a_sentence(open_widget):
    page = open_widget()
    for link, message in REFUSED.items():
        page.evaluate("link => (location.hash = `#every-control?${link}`)", link)
        page.get_by_text(message).first.wait_for()
        assert page.locator(TAG).evaluate("node => node.value") is None, link
        for part in [".tinyq-figure", ".tinyq-formulas", "pre"]:
            assert not page.locator(part).is_visible(), link
        page.get_by_role("button", name="Reset").click()
        assert words(page) == "The gain is 0.01, the count 3."
        assert page.locator(".tinyq-figure").is_visible()
        page.wait_for_url("**/page.html")


def test_a_box_may_be_emptied_and_typed_anew(open_widget):
    page = open_widget()
    box = control(page, "gain", "input[type=number]")
    box.press("ControlOrMeta+a")
    box.press("Delete")
    for key in "1.50":
        box.press(key)
    assert box.input_value() == "1.50"  # not rewritten under the fingers
    assert state(page)["gain"] == 1.5
    box.fill("")
    box.blur()
    assert words(page) == "the gain is empty or not a number."


def test_a_figure_that_is_gone_for_now_keeps_its_place(open_widget):
    page = open_widget()
    count = control(page, "count")
    place = count.bounding_box()
    count.evaluate("one => { one.value = 7; one.dispatchEvent(new Event('input')); }")
    assert words(page) == "count = 7 shows nothing. Take another."
    assert not page.locator(".tinyq-figure").is_visible()
    assert count.bounding_box() == place
    page = open_widget(fragment="#every-control?count=7")  # nothing stood there yet
    assert page.locator(".tinyq-figure").evaluate("one => one.offsetHeight") == 0


def test_controls_stay_inside_a_phone_when_letters_are_large(open_widget):
    page = open_widget(width=390)
    page.add_style_tag(content="html { font-size: 24px }")
    widget = page.locator(".tinyq-widget").bounding_box()
    for part in page.locator(".tinyq-controls input, .tinyq-controls select").all():
        box = part.bounding_box()
        assert box["x"] + box["width"] < widget["x"] + widget["width"]


def test_colours_that_the_system_forces_leave_the_figure_and_the_pressed_preset(open_widget):
    page = open_widget()
    two, figure = page.get_by_role("button", name="Two"), page.locator(".tinyq-figure")
    page.emulate_media(forced_colors="active")
    back = "one => getComputedStyle(one).backgroundColor"
    loose = two.evaluate(back)
    two.click()
    settle(page)
    assert two.evaluate(back) != loose
    cell = figure.get_by_role("gridcell").first
    cell.evaluate("one => { one.style.background = 'rgb(1, 2, 3)'; }")
    assert cell.evaluate(back) == "rgb(1, 2, 3)"
    assert figure.evaluate(back) == "rgb(255, 255, 255)"


def test_presets_are_pressed_when_all_of_them_holds(open_widget):
    page = open_widget()
    two = page.get_by_role("button", name="Two")
    assert two.get_attribute("aria-pressed") == "false"
    two.click()
    assert state(page) == {**DEFAULTS, "bits": 2, "count": 2}
    assert two.get_attribute("aria-pressed") == "true"
    control(page, "count").press("ArrowRight")
    settle(page)
    assert two.get_attribute("aria-pressed") == "false"


def test_arrows_walk_over_the_table_with_one_tab_stop(open_widget):
    page = open_widget()
    table = page.get_by_role("grid", name="Cells")
    assert table.locator('[tabindex="0"]').get_attribute("aria-label") == "row 1, column 1"
    assert table.locator('[tabindex="0"]').count() == 1
    table.locator('[tabindex="0"]').focus()
    for key, at in {
        "ArrowRight": (1, 2),
        "ArrowDown": (2, 2),
        "End": (2, 3),
        "ArrowUp": (1, 3),
        "Home": (1, 0),
        "ArrowLeft": (1, 0),  # no wrap at the edge
    }.items():
        page.keyboard.press(key)
        assert (state(page)["row"], state(page)["column"]) == at, key
        focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert focused == f"row {at[0]}, column {at[1]}"
        assert table.locator('[aria-selected="true"]').inner_text() == f"{at[0]}{at[1]}"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") is None
    table.get_by_role("gridcell", name="row 0, column 2").hover()
    assert (state(page)["row"], state(page)["column"]) == (0, 2)


def test_a_teacher_locks_and_hides(open_widget):
    page = open_widget(fragment="#every-control?count=5&lock=bits,row,column&hide=count,formulas")
    assert control(page, "bits").is_disabled() and control(page, "gain").is_enabled()
    assert not control(page, "count").is_visible()
    assert not page.locator(".tinyq-formulas").is_visible()
    assert page.get_by_role("button", name="Two").is_disabled()
    page.get_by_role("gridcell").first.click()
    page.get_by_role("button", name="Plain").click()
    page.get_by_role("button", name="Reset").click()
    assert state(page) == {**DEFAULTS, "count": 5}  # Reset leaves what is locked or hidden
    page.wait_for_timeout(400)
    assert page.url.endswith("&lock=bits%2Crow%2Ccolumn&hide=count%2Cformulas")


def test_data_from_python_arrives_bit_by_bit(open_widget):
    rng = np.random.default_rng(7)
    arrays = {name: np.frombuffer(rng.bytes(48), name).reshape(2, -1) for name in DTYPES}
    data = encode(arrays)
    page = open_widget(EveryControl(data=data).html())
    read = f"document.querySelector('{TAG}').value.arrays"
    for name, (kind, shape, raw) in page.evaluate(read).items():
        assert kind.lower() == f"{name}array" and tuple(shape) == arrays[name].shape
        assert bytes(raw) == arrays[name].tobytes(), name
    control(page, "count").press("ArrowRight")
    page.wait_for_url("**#every-control?*")
    assert "base64" not in page.url
    fresh = encode({"codes": np.int8([1, -2])})  # as the kernel sends it
    page.evaluate(f"text => document.querySelector('{TAG}').model.set('data', text)", fresh)
    settle(page)
    assert page.evaluate(read) == {"codes": ["Int8Array", [2], [1, 254]]}


def test_one_preparation_a_page_and_one_painting_a_frame(open_widget):
    page = open_widget(EveryControl().html() * 3)
    assert page.evaluate("tinyqWidgets.counted.prepare") == 1
    changes = f"""() => {{ const slider = document.querySelector("{TAG} [data-field=count] input");
        const {{ value, paint }} = tinyqWidgets.counted;
        for (let i = 0; i < 50; i += 1) {{
          slider.value = i % 6;
          slider.dispatchEvent(new Event("input"));
        }}
        return new Promise(requestAnimationFrame).then(() =>
          [tinyqWidgets.counted.value - value, tinyqWidgets.counted.paint - paint]); }}"""
    assert page.evaluate(changes) == [1, 1]
    assert state(page)["count"] == 49 % 6


def test_an_element_may_leave_and_come_back(open_widget):
    page = open_widget()
    control(page, "count").press("ArrowRight")
    settle(page)
    page.evaluate(f"document.body.append(document.querySelector('{TAG}'))")
    assert page.locator(".tinyq-widget").count() == 1
    control(page, "count").press("ArrowRight")
    assert state(page)["count"] in (4, 5)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_widget, theme):
    page = open_widget(EveryControl().html() * 2 + EveryControl(count=7).html(), theme=theme)
    page.get_by_role("button", name="Two").first.click()
    settle(page)
    assert not violations(page, TAG)
