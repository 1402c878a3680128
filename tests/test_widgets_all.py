"""Every widget of `WIDGETS` in a real browser: one page that shows them all, loaded once.

From file:// with the network refused; any request, missing file, console error or exception
fails the test during which it came.  Screenshots for a person to look at go to build/screens/.
"""

import itertools
import json
import random
import re
from pathlib import Path

import pytest
from accessibility import violations
from conftest import Browse
from widget_page import settle, write_page
from widget_v8 import python_value, run_call

from tinyq.widgets import WIDGETS

SCREENS = Path(__file__).resolve().parents[1] / "build" / "screens"
KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"]
EXTREMES = [0.0, 1e-30, -1e-30, 1.0, 2.0, 8.0, 1e30, -3.4e38, 3.4e38]
BROKEN = re.compile(r"NaN|Infinity|undefined|\bnull\b|\[object")
WALK = ["ArrowRight", "ArrowDown", "ArrowRight", "ArrowDown", "ArrowDown"]
# Walk over a figure's n-th list, table or group of one tab stop, from a click on its first item.
WALKED = """async (node, [n, keys, paced]) => {
    const frame = () => new Promise(requestAnimationFrame);
    const roots = [...node.querySelectorAll("[role=listbox], [role=grid], [role=group]")]
        .filter((one) => one.closest(".tinyq-figure") && one.querySelector('[tabindex="-1"]'));
    if (n >= roots.length) return null;
    const items = [...roots[n].querySelectorAll("[tabindex]")];
    items[0].click();
    items[0].focus();
    for (const key of keys) {
        if (paced) await frame();
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    }
    await frame();
    return { at: items.indexOf(document.activeElement), state: node.state };
}"""
STEPS = 16
SINGLES = 10


@pytest.fixture(scope="module")
def gallery(chromium, tmp_path_factory):
    """The page with each widget in its default state, and what goes wrong in it."""
    body = "".join(f"<section>{widget().html()}</section>" for widget in WIDGETS)
    browse = Browse(chromium)
    page = browse(write_page(tmp_path_factory.mktemp("gallery"), body))
    page.wait_for_load_state()
    yield page, browse.problems
    browse.close()


@pytest.fixture
def page(gallery):
    page, problems = gallery
    yield page
    page.wait_for_timeout(20)  # an error in a timer or a promise arrives late
    found = problems[:]
    problems.clear()
    assert not found, "\n".join(found)


class Shown:
    """One widget of the page."""

    def __init__(self, page, widget) -> None:
        self.page, self.widget = page, widget
        self.node = page.locator(f"tinyq-{widget.name}")
        self.kinds = self.node.evaluate(
            """node => Object.fromEntries([...node.querySelectorAll("[data-field]")].map((one) =>
            [one.dataset.field, one.querySelector("input, select").type]))"""
        )

    def control(self, field: str):
        return self.node.locator(f'[data-field="{field}"]').locator("input, select").first

    def look(self) -> dict:
        """The widget after its next frame."""
        return self.node.evaluate(
            """async (node) => { await new Promise(requestAnimationFrame);
            return { state: node.state, value: node.value, html: node.innerHTML,
            words: node.querySelector(".tinyq-seen").textContent,
            call: node.querySelector("pre").textContent }; }"""
        )

    def put(self, state: dict) -> None:
        """Give a state by the address, as a link does."""
        self.page.evaluate(
            """([name, state]) => { history.replaceState(null, "", "#");
            location.hash = `#${name}?${new URLSearchParams(state)}`;
            return new Promise((f) => addEventListener("hashchange", f, { once: true })); }""",
            [self.widget.name, {field: text(one) for field, one in state.items()}],
        )

    def reset(self) -> None:
        self.node.get_by_role("button", name="Reset", exact=True).click()

    def agree(self) -> dict:
        """What the page shows equals what tinyq says of its state, or both refuse it."""
        seen = self.look()
        state = seen["state"]
        want = python_value(self.widget, state)
        assert seen["value"] == want, state
        assert seen["words"], state
        assert not (found := BROKEN.search(seen["html"])), (state, found)
        return seen

    def call_agrees(self) -> None:
        """Running the copied call in Python gives the numbers on the screen."""
        seen = self.look()
        called = self.widget.called
        want = [seen["value"][name] for name in called]
        got = plain(run_call(seen["call"]))
        assert called and got == (want[0] if len(called) == 1 else want), seen["call"]


def text(state: object) -> str:
    return str(state).lower() if isinstance(state, bool) else str(state)


def plain(found: object) -> object:
    """Arrays, NumPy's numbers and tuples as the JSON that a page has."""
    return json.loads(json.dumps(found, default=lambda item: item.tolist(), allow_nan=False))


@pytest.fixture(params=WIDGETS, ids=lambda widget: widget.name)
def shown(request, page):
    one = Shown(page, request.param)
    one.reset()
    return one


def test_it_appears_with_the_state_of_the_python_widget(shown):
    seen = shown.agree()
    widget = shown.widget()
    assert seen["state"] == {field: getattr(widget, field) for field in widget.fields}
    assert seen["value"] is not None and shown.node.locator(".tinyq-figure > *").count()
    shown.call_agrees()


def press(shown: Shown, field: str, rng: random.Random) -> None:
    control, kind = shown.control(field), shown.kinds[field]
    control.focus()
    shown.page.keyboard.press("Space" if kind == "checkbox" else rng.choice(KEYS))


def test_keys_change_each_control(shown):
    for field, kind in shown.kinds.items():
        shown.reset()
        before = shown.look()["state"][field]
        control = shown.control(field)
        control.focus()
        for key in {"checkbox": ["Space"]}.get(kind, ["ArrowDown", "ArrowUp", "ArrowUp"]):
            shown.page.keyboard.press(key)
            if shown.agree()["state"][field] != before:
                break
        else:
            pytest.fail(f"no key changes {field}")


@pytest.mark.full
def test_keys_faster_than_the_frames_walk_as_far_as_slow_ones(page):
    walks = 0
    for widget in WIDGETS:
        one = Shown(page, widget)
        for n in itertools.count():
            one.reset()
            slow = one.node.evaluate(WALKED, [n, WALK, True])
            if slow is None:
                break
            one.reset()
            assert one.node.evaluate(WALKED, [n, WALK, False]) == slow, (widget.name, n)
            assert slow["at"] > 1, (widget.name, n)
            walks += 1
        one.reset()
    assert walks >= 7  # lists of tensors, tables of cells, the scans


def test_the_mouse_changes_each_slider(shown):
    for field in [field for field, kind in shown.kinds.items() if kind == "range"]:
        shown.reset()
        before = shown.look()["state"][field]
        control = shown.control(field)
        control.scroll_into_view_if_needed()
        area = control.bounding_box()
        for part in (0.3, 0.7):
            shown.page.mouse.click(area["x"] + part * area["width"], area["y"] + area["height"] / 2)
            if shown.agree()["state"][field] != before:
                break
        else:
            pytest.fail(f"the mouse does not move {field}")


def poke(shown: Shown, rng: random.Random) -> None:
    """Press somewhere in the figure, drag, let go; sometimes walk on with the arrow keys."""
    figure = shown.node.locator(".tinyq-figure")
    figure.scroll_into_view_if_needed()
    area = figure.bounding_box()
    x, y = area["x"] + rng.random() * area["width"], area["y"] + rng.random() * area["height"]
    shown.page.mouse.move(x, y)
    shown.page.mouse.down()
    shown.page.mouse.move(x + rng.uniform(-80, 80), y + rng.uniform(-20, 20))
    shown.page.mouse.up()
    if shown.page.evaluate("document.activeElement.getAttribute('role') === 'gridcell'"):
        shown.page.keyboard.press(rng.choice(KEYS))


def type_in(shown: Shown, field: str, rng: random.Random) -> None:
    box = shown.node.locator(f'[data-field="{field}"] input[type=number]')
    low, high = (shown.control(field).get_attribute(end) or "0" for end in ("min", "max"))
    number = rng.uniform(float(low) - 0.1, float(high) + 0.1)
    whole = rng.random() < 0.8
    box.fill(str(round(number) if whole else float(f"{number:.4g}")))


@pytest.mark.full
def test_a_seeded_random_walk_agrees_with_tinyq(shown):
    rng = random.Random(shown.widget.name)
    buttons = shown.node.locator(".tinyq-presets button")
    values = []
    for step in range(STEPS):
        field = rng.choice(list(shown.kinds))
        way = rng.choices(["key", "type", "figure", "preset", "reset"], [8, 4, 6, 3, 1])[0]
        if way == "type" and shown.kinds[field] == "range":
            type_in(shown, field, rng)
        elif way == "figure":
            poke(shown, rng)
        elif way == "preset" and buttons.count():
            buttons.nth(rng.randrange(buttons.count())).click()
        elif way == "reset":
            shown.reset()
        else:
            press(shown, field, rng)
        seen = shown.agree()
        values.append(seen["value"])
        if seen["value"] is None:
            shown.reset()
        elif step % 6 == 5:
            shown.call_agrees()
    assert len({json.dumps(value) for value in values if value}) > STEPS / 4  # it did walk


@pytest.mark.full
def test_extremes_give_their_numbers_or_a_message(shown):
    start = shown.look()["state"]
    numbers = [field for field in start if type(start[field]) in (int, float)]
    limits = {
        field: [shown.control(field).get_attribute(end) for end in ("min", "max")]
        for field, kind in shown.kinds.items()
        if kind == "range"
    }
    ends = [{field: limit[i] for field, limit in limits.items() if limit[i]} for i in (0, 1)]
    met = [dict.fromkeys(pair, 0.0) for pair in itertools.pairwise(numbers)]  # min = max
    single = [{field: extreme} for field in numbers for extreme in [*EXTREMES, ""]]
    rng = random.Random(6)
    for state in [
        *ends,
        *rng.sample(met, min(len(met), 6)),
        *rng.sample(single, min(len(single), SINGLES)),
    ]:
        shown.put(state)
        seen = shown.agree()
        if seen["value"] is None:
            assert seen["words"].endswith(".") and " " in seen["words"], state
            assert not shown.node.locator("pre").is_visible(), state
    shown.reset()
    assert shown.look()["value"] is not None


@pytest.mark.full
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_screens_are_kept(page, theme):
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
    for widget in WIDGETS:
        Shown(page, widget).reset()
    settle(page)
    picture = SCREENS / f"widgets-{theme}.png"
    page.screenshot(path=picture, full_page=True, animations="disabled")
    assert not violations(page, "main")


def test_a_phone_shows_all_without_sideways_scrolling(page):
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.evaluate("() => (document.documentElement.dataset.theme = 'light')")
    page.set_viewport_size({"width": 360, "height": 800})
    try:
        settle(page)
        picture = SCREENS / "widgets-phone.png"
        page.screenshot(path=picture, full_page=True, animations="disabled")
        for widget in WIDGETS:
            wide = page.locator(f"tinyq-{widget.name}").evaluate(
                """node => [...node.querySelectorAll("*")].filter((one) =>
                one.getBoundingClientRect().right > 360 && !one.closest(".tinyq-scroll"))
                .map((one) => one.outerHTML.slice(0, 90))"""
            )
            assert not wide, f"{widget.name} is wider than a phone: {wide}"
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})


def test_without_scripts_a_figure_and_a_sentence_stand_in(browse, tmp_path):
    body = "".join(widget().html() for widget in WIDGETS)
    page = browse(write_page(tmp_path, body), javascript=False)
    for widget in WIDGETS:
        node = page.locator(f"tinyq-{widget.name}")
        assert node.locator("p").first.is_visible(), widget.name
        assert node.locator("svg, table, img, pre").first.is_visible(), widget.name
        assert node.locator("input, select, button").count() == 0, widget.name
