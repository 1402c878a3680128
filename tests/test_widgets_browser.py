"""The page and the notebook as hosts, on the grid ruler: its address, its words, its colours.

From file:// with the network refused: `browse` (conftest.py) fails a test on any request, missing
file, console error or exception.
"""

import re
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from widget_page import settle, write_page

from tinyq.widgets import WIDGETS, GridRuler
from tinyq.widgets.frame.host import scripts_of
from tinyq.widgets.frame.scripts import FOLDER, styles_for

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


def shown(page) -> dict:
    """What the first ruler shows."""
    return page.locator(TAG).first.evaluate("ruler => ruler.value")


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


def test_a_script_that_breaks_leaves_the_fallback(browse, tmp_path):
    path = write_page(tmp_path, f"<{TAG}><p>A still picture.</p></{TAG}>")
    path.write_text(path.read_text().replace("int8.js", "missing.js"))
    page = browse(path)
    page.wait_for_load_state()
    assert page.locator(f"{TAG} p").is_visible()
    assert len(browse.problems) >= 1  # the missing file, told
    browse.problems.clear()


def test_the_notebooks_module_talks_with_a_kernels_model(browse, tmp_path):
    """The text that anywidget hands to JupyterLab, as an ES module, on a model that records."""
    path = tmp_path / "lab.html"
    style = f"<style>{GridRuler()._css}</style>"
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
    ours = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.[jc]s*")}
    shows = {}
    for path in built_book.rglob("*.html"):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        tags = soup.find_all([f"tinyq-{widget.name}" for widget in WIDGETS])
        addresses = [tag["src"] for tag in soup.find_all("script", src=True, defer=True)]
        addresses += [tag["href"] for tag in soup.find_all("link", rel="stylesheet")]
        files = [urlsplit(address).path.rpartition("_static/")[2] for address in addresses]
        want = scripts_of("".join(f"<{tag.name}>" for tag in tags), WIDGETS)
        want += styles_for(want)
        wanted = [file.relative_to(FOLDER).as_posix() for file in want]
        assert [name for name in files if name in ours] == wanted, path
        shows[str(path.relative_to(built_book))] = bool(tags)
    assert shows[CHAPTER] and shows["index.html"] and not shows["book/notation.html"]
