"""The grid ruler in a real browser, from file:// with the network refused.

`browse` (conftest.py) fails a test on any request, missing file, console error or exception.
"""

import random
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from accessibility import violations
from bs4 import BeautifulSoup
from widget_page import settle, write_page

from tinyq.widgets import WIDGETS, GridRuler, host

MINUS = "\u2212"
TAG = "tinyq-grid-ruler"
FIELDS = list(GridRuler.fields)
CHAPTER = "notebooks/01_put_numbers_on_a_grid.html"


@pytest.fixture
def open_ruler(browse, tmp_path):
    """Open a page with the tags `body`; further arguments go to `browse`."""

    def open_page(body: str = f"<{TAG}>static</{TAG}>", theme: str = "light", **how):
        page = browse(write_page(tmp_path, body, theme), theme=theme, **how)
        page.locator(f"{TAG} .tinyq-widget").first.wait_for()
        return page

    return open_page


def slider(page, field: str):
    return page.locator(f"{TAG} input[type=range]").nth(FIELDS.index(field))


def box(page, field: str):
    return page.locator(f"{TAG} input[type=number]").nth(FIELDS.index(field))


def type_in(page, **numbers: object) -> None:
    for field, number in numbers.items():
        box(page, field).fill(str(number))
        box(page, field).blur()
    settle(page)


def look(page) -> dict:
    """The first ruler as it stands: its numbers, its boxes, its sentence, its call."""
    return page.locator(TAG).first.evaluate(
        """ruler => ({
        value: ruler.value,
        boxes: [...ruler.querySelectorAll("input[type=number]")].map((box) => box.value),
        words: ruler.querySelector(".tinyq-seen").textContent,
        call: ruler.querySelector("pre").textContent })"""
    )


def shown(page) -> dict:
    return look(page)["value"]


def words(page) -> str:
    return look(page)["words"]


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
    settle(page)


def agree(page) -> None:
    """What the page shows equals what tinyq says of the numbers in its boxes."""
    page_says = look(page)
    lo, hi, bits, x = map(float, page_says["boxes"])
    want = GridRuler(lo, hi, int(bits), x).value
    assert page_says["value"] == want
    parts = [want["x"], want["code"], want["dequantized"], want["error"], 2, want["scale"] / 2]
    assert numbers_in(page_says["words"]) == [float(f"{part:.6g}") for part in parts]
    *lines, last = page_says["call"].splitlines()
    names: dict = {}
    exec("\n".join(lines), names)
    printed = tuple(want[name] for name in ("scale", "zero_point", "code", "dequantized"))
    assert eval(last, names) == printed


def numbers_in(sentence: str) -> list[float]:
    plain = sentence.replace(MINUS, "-").removesuffix(".").replace(". ", " ")
    return [float(text) for text in re.findall(r"-?\d[\d.e+-]*", plain)]


def test_the_untouched_ruler_teaches(open_ruler):
    page = open_ruler()
    agree(page)
    assert f"zero_point {MINUS}43" in page.locator(f"{TAG} svg").text_content()
    formulas = page.locator(".tinyq-formulas").inner_text()
    assert f"(2 {MINUS} ({MINUS}1)) / (127 {MINUS} ({MINUS}128)) = 0.0117647" in formulas
    assert page.url.endswith("page.html")  # nothing in the address before the first touch


def test_arrow_keys_move_each_control(open_ruler):
    page = open_ruler()
    for field, step in {"lo": 0.01, "hi": -0.01, "bits": -1, "x": 0.01}.items():
        before = shown(page)[field]
        slider(page, field).focus()
        page.keyboard.press("ArrowRight" if step > 0 else "ArrowLeft")
        settle(page)
        assert shown(page)[field] == pytest.approx(before + step, abs=1e-12)
        agree(page)


def test_the_mouse_drags_both_handles_and_x(open_ruler):
    page = open_ruler()
    for target, field in {".flag >> nth=0": "lo", ".flag >> nth=1": "hi", ".tag": "x"}.items():
        before = shown(page)
        drag(page, target, 60)
        after = shown(page)
        assert [name for name in FIELDS if after[name] != before[name]] == [field]
        assert after[field] > before[field]
        agree(page)


def test_a_finger_drags_a_handle(open_ruler):
    wide = '<div style="width: 900px">so that the page itself could move sideways</div>'
    page = open_ruler(f"<{TAG}>static</{TAG}>{wide}", width=360)
    area = page.locator(f"{TAG} .flag").first.bounding_box()
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] * 0.75
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, dx in [("touchStart", 0), ("touchMove", -20), ("touchMove", -50), ("touchEnd", None)]:
        points = [] if dx is None else [{"x": x + dx, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    settle(page)
    assert shown(page)["lo"] < -1.3 and page.evaluate("scrollX") == 0
    agree(page)


def test_sliders_stop_where_lo_meets_hi(open_ruler):
    page = open_ruler()
    slider(page, "lo").focus()
    page.keyboard.press("End")
    settle(page)
    assert shown(page)["lo"] == shown(page)["hi"] == 2
    drag(page, ".flag >> nth=1", -500)
    assert shown(page)["lo"] == shown(page)["hi"] == 2
    agree(page)


def test_a_seeded_random_walk_agrees_with_tinyq(open_ruler):
    page = open_ruler()
    rng = random.Random(5)
    for _ in range(40):
        field = rng.choice(FIELDS)
        kind = rng.choices(["key", "type", "drag", "reset"], [5, 5, 3, 1])[0]
        if kind == "key":
            slider(page, field).focus()
            keys = ["ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"]
            page.keyboard.press(rng.choice(keys))
        elif kind == "type" and field != "bits":
            number = rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 3)
            number = min(number, shown(page)["hi"]) if field == "lo" else number
            number = max(number, shown(page)["lo"]) if field == "hi" else number
            type_in(page, **{field: number})
        elif kind == "drag":
            target = rng.choice([".flag >> nth=0", ".flag >> nth=1", ".tag"])
            drag(page, target, rng.uniform(-90, 90))
        elif kind == "reset":
            page.get_by_role("button", name="Reset").click()
        settle(page)
        agree(page)


def test_extreme_ranges_give_their_grid(open_ruler):
    page = open_ruler()
    for state in [
        {"lo": 0, "hi": 0},
        {"lo": 3, "hi": 3},
        {"lo": -1e-30, "hi": 1e-30, "x": 7e-31},
        {"lo": -1e38, "hi": 1e38, "bits": 2, "x": 3.4e38},
        {"lo": -1e-43, "hi": 3e-43, "x": 1e-44},
        {"lo": -1e-50, "hi": 0},
        {"lo": -100, "hi": 0.001},
    ]:
        type_in(page, **state)
        agree(page)
        html = page.locator(TAG).inner_html()
        assert not re.search(r"NaN|Infinity|undefined", html), state
        low, high = slider(page, "x").evaluate("range => [Number(range.min), Number(range.max)]")
        assert low < 0 < high, state
        drag(page, ".flag >> nth=1", -30)
        agree(page)


REFUSED = {
    'lo="3" hi="1"': "lo = 3 is above hi = 1. Lower lo or raise hi.",
    'lo="one"': "lo is empty or not a number.",
    'x=""': "x is empty or not a number.",
    'hi="1e39"': "hi is too large: float32 ends at 3.40282e+38.",
    'lo="-3e38" hi="3e38"': "no float32 scale spans",
    'lo="0" hi="1e-44"': "no float32 scale spans",
    'lo="-3.4028234e38" hi="0" bits="7"': "float32 cannot hold the ends of a grid of scale",
    'bits="9"': "bits must be a whole number from 2 to 8.",
    'bits="2.5"': "bits must be a whole number from 2 to 8.",
}


def test_what_no_grid_can_show_gives_a_sentence_and_a_way_back(open_ruler):
    page = open_ruler("".join(f"<{TAG} {attributes}>static</{TAG}>" for attributes in REFUSED))
    for ruler, message in zip(page.locator(TAG).all(), REFUSED.values(), strict=True):
        assert ruler.locator(".tinyq-seen").inner_text().startswith(message)
        for part in ["svg", "pre", ".tinyq-formulas"]:
            assert not ruler.locator(part).is_visible()
    type_in(page, lo=-1, hi=2, bits=4, x=0.5)
    agree(page)
    assert page.locator(f"{TAG} svg").first.is_visible()


def test_a_box_may_be_emptied_and_typed_anew(open_ruler):
    page = open_ruler()
    box(page, "x").press("ControlOrMeta+a")
    box(page, "x").press("Delete")
    for key in "-1.50":
        box(page, "x").press(key)
    assert box(page, "x").input_value() == "-1.50"  # not rewritten under the fingers
    settle(page)
    agree(page)
    type_in(page, x="")
    assert words(page) == "x is empty or not a number."


def test_the_state_goes_through_the_address(open_ruler):
    page = open_ruler()
    type_in(page, lo=-0.3, hi=1e-5, bits=5, x=0.1)
    page.wait_for_url("**#grid-ruler?lo=-0.3&hi=0.00001&bits=5&x=0.1")
    before = shown(page)
    page.reload()
    page.locator(f"{TAG} .tinyq-widget").wait_for()
    assert shown(page) == before
    page.get_by_role("button", name="Reset").click()
    page.wait_for_url("**/page.html")
    assert shown(page) == GridRuler().value


def test_a_link_sets_the_state_and_headings_stay_reachable(open_ruler):
    tall = '<div style="height: 3000px"></div>'
    body = f'{tall}<a href="#grid-ruler?bits=3">three bits</a>{tall}<{TAG} lo="-2">static</{TAG}>'
    page = open_ruler(body, fragment="#end")
    page.get_by_text("three bits").click()
    page.wait_for_function(f"document.querySelector('{TAG}').value.bits === 3")
    assert shown(page)["lo"] == -2
    at = "document.querySelector('%s').getBoundingClientRect().top"
    assert 0 <= page.evaluate(at % TAG) < 300
    page.evaluate("location.hash = 'top'")
    page.wait_for_function("scrollY < 100")
    assert shown(page)["bits"] == 3 and page.url.endswith("#top")
    page.get_by_role("button", name="Reset").click()
    page.wait_for_timeout(400)  # longer than the address waits
    assert shown(page)["bits"] == 8 and page.url.endswith("#top")


def test_back_from_a_link_gives_the_page_its_own_state_again(open_ruler):
    page = open_ruler(f'<a href="#grid-ruler?bits=3&lock=bits">three</a><{TAG}>static</{TAG}>')
    page.get_by_text("three").click()
    page.wait_for_function(f"document.querySelector('{TAG}').value.bits === 3")
    for go, bits, locked in ((page.go_back, 8, False), (page.go_forward, 3, True)):
        go()
        page.wait_for_function(f"document.querySelector('{TAG}').value.bits === {bits}")
        settle(page)
        assert slider(page, "bits").is_disabled() == locked


def test_several_rulers_share_a_page_and_its_address(open_ruler):
    body = f'<{TAG}>static</{TAG}><{TAG} bits="4">static</{TAG}><{TAG} id="mine">static</{TAG}>'
    page = open_ruler(body, fragment="#grid-ruler?x=1;mine?x=3")
    values = [ruler.evaluate("ruler => ruler.value.x") for ruler in page.locator(TAG).all()]
    assert values == [1, 0.75, 3]
    type_second = page.locator(TAG).nth(1).locator("input[type=number]").nth(3)
    type_second.fill("2")
    page.wait_for_url("**#grid-ruler?x=1;mine?x=3;grid-ruler-2?lo=-1&hi=2&bits=4&x=2")


def test_a_teachers_link_locks_controls(open_ruler):
    page = open_ruler(fragment="#grid-ruler?bits=3&lo=-2&lock=bits,lo")
    for field in FIELDS:
        locked = field in ("bits", "lo")
        assert slider(page, field).is_disabled() == box(page, field).is_disabled() == locked
    drag(page, ".flag >> nth=0", 60)
    assert shown(page)["lo"] == -2
    drag(page, ".flag >> nth=1", 60)
    assert shown(page)["hi"] > 2
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert {**shown(page), "lo": -2, "bits": 3} == shown(page) and shown(page)["hi"] == 2
    page.wait_for_timeout(400)
    assert page.url.endswith("#grid-ruler?lo=-2&hi=2&bits=3&x=0.75&lock=bits%2Clo")


def test_the_read_out_speaks_once_the_value_rests(open_ruler):
    page = open_ruler()
    page.evaluate(
        """() => { globalThis.spoken = [];
        const live = document.querySelector("[aria-live=polite]");
        const observer = new MutationObserver(() => spoken.push(live.textContent));
        observer.observe(live, { childList: true }); }"""
    )
    slider(page, "x").focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("spoken.length > 0")
    page.wait_for_timeout(600)
    assert page.evaluate("spoken") == [page.locator(".tinyq-seen").text_content()]


def test_the_call_is_copied_or_selected(open_ruler):
    page = open_ruler()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy = page.get_by_role("button", name="Copy")
    copy.click()
    page.get_by_text("Copied.").wait_for()
    text = page.locator(f"{TAG} pre").inner_text()
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.evaluate(
        """() => { Object.defineProperty(navigator, "clipboard", { value: undefined });
        document.execCommand = () => false; }"""
    )
    slider(page, "x").press("ArrowRight")
    copy.click()
    page.get_by_text("Selected: copy it with the keyboard.").wait_for()
    assert page.evaluate("getSelection().toString()") == page.locator(f"{TAG} pre").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_ruler, theme):
    page = open_ruler(f'<{TAG}>s</{TAG}><{TAG} lo="3" hi="1">s</{TAG}>', theme, width=800)
    assert not violations(page, TAG)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colours_follow_the_page(open_ruler, theme):
    page = open_ruler(theme=theme)
    back = page.locator(".tinyq-widget").evaluate("el => getComputedStyle(el).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", back))) < 64) == (theme == "dark")


def test_focus_is_seen_and_nothing_moves_by_itself(open_ruler):
    page = open_ruler(reduced_motion=True)
    for _ in range(10):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "() => { const s = getComputedStyle(document.activeElement);"
            "return [s.outlineStyle, parseFloat(s.outlineWidth)]; }"
        )
        assert style[0] == "solid" and style[1] >= 2
    slider(page, "x").press("ArrowRight")
    assert page.evaluate("document.getAnimations().length") == 0


def test_a_phone_shows_all_without_sideways_scrolling(open_ruler):
    page = open_ruler(width=360)
    for state in [{}, {"bits": 2}, {"lo": -1e-30, "hi": 1e-30}, {"lo": -1e38, "hi": 1e38}]:
        type_in(page, **state)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, state


@pytest.mark.parametrize("tag", [f"<{TAG}><p>A still picture.</p></{TAG}>", GridRuler().html()])
def test_without_scripts_the_fallback_stands(browse, tmp_path, tag):
    page = browse(write_page(tmp_path, tag), javascript=False)
    assert page.locator(f"{TAG} p").is_visible()
    assert page.locator(f"{TAG} input").count() == 0


def test_a_script_that_breaks_leaves_the_fallback(browse, tmp_path):
    path = write_page(tmp_path, f"<{TAG}><p>A still picture.</p></{TAG}>")
    path.write_text(path.read_text().replace(GridRuler.scripts[0], "missing.js"))
    page = browse(path)
    page.wait_for_load_state()
    assert page.locator(f"{TAG} p").is_visible()
    assert len(browse.problems) >= 1  # the missing file, told
    browse.problems.clear()


def test_the_notebooks_module_talks_with_a_kernels_model(browse, tmp_path):
    """The text that anywidget hands to JupyterLab, as an ES module, on a model that records."""
    path = tmp_path / "lab.html"
    style = f"<style>{host.CSS}</style>"
    path.write_text(f'<!doctype html><html lang="en"><title>Lab</title>{style}<div id="out"></div>')
    page = browse(path)
    page.evaluate(
        """async (esm) => {
        const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
        const { default: widget } = await import(url);
        const state = { lo: -1, hi: 2, bits: 4, x: 0.75 }, heard = {};
        globalThis.sent = [];
        globalThis.model = {
          get: (name) => state[name],
          set(name, value) {
            if (state[name] === value) return;
            state[name] = value;
            (heard[`change:${name}`] ?? []).forEach((listen) => listen());
          },
          save_changes: () => sent.push({ ...state }),
          on: (event, listen) => (heard[event] ??= []).push(listen),
          off: (event, listen) => (heard[event] = heard[event].filter((one) => one !== listen)),
        };
        globalThis.heard = heard;
        globalThis.stop = widget.render({ model, el: document.querySelector("#out") });
    }""",
        GridRuler()._esm,
    )
    x = page.locator("input[type=range]").nth(3)
    x.press("ArrowRight")
    settle(page)
    assert page.evaluate("sent") == [{"lo": -1, "hi": 2, "bits": 4, "x": 0.76}]
    box = page.locator("input[type=number]").first
    box.fill("5")  # above hi: shown as wrong, not sent
    settle(page)
    assert "lo = 5 is above hi" in page.locator(".tinyq-seen").inner_text()
    assert page.evaluate("[sent.length, model.get('lo')]") == [1, -1]
    page.evaluate("model.set('bits', 2); model.set('lo', 0)")  # as the kernel does
    settle(page)
    seen = page.locator(".tinyq-seen").inner_text()
    want = GridRuler(lo=0.0, hi=2.0, bits=2, x=0.76).value
    assert f"code {want['code']}".replace("-", MINUS) in seen
    assert page.locator("input[type=number]").nth(2).input_value() == "2"
    assert page.url.endswith("lab.html")  # the address belongs to the page, not to a notebook
    page.evaluate("stop()")
    assert page.evaluate("Object.values(heard).flat().length") == 0


def test_a_page_loads_the_files_of_its_own_widgets_alone(built_book):
    ours = {path.name for path in host.FOLDER.iterdir()}
    shows = {}
    for path in built_book.rglob("*.html"):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        tags = soup.find_all([f"tinyq-{widget.name}" for widget in WIDGETS])
        addresses = [tag["src"] for tag in soup.find_all("script", src=True, defer=True)]
        files = [Path(urlsplit(address).path).name for address in addresses]
        want = host.scripts_of("".join(f"<{tag.name}>" for tag in tags), WIDGETS)
        assert [name for name in files if name in ours] == want, path
        assert ("widgets.css" in str(soup.head)) == bool(tags), path
        shows[str(path.relative_to(built_book))] = bool(tags)
    assert shows[CHAPTER] and shows["index.html"] and not shows["book/notation.html"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_chapter_1_has_a_live_ruler(built_book, browse, theme):
    page = browse(built_book / CHAPTER, theme=theme, fragment="#grid-ruler?bits=3")
    page.locator(f"{TAG} .tinyq-widget").first.wait_for()
    agree(page)
    assert shown(page)["bits"] == 3
    slider(page, "x").press("ArrowRight")
    settle(page)
    agree(page)
    assert not violations(page, TAG)
