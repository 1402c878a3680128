"""The teacher guide: its examples run, its minutes add up, its links lock what they say."""

import doctest
import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from conftest import Browse
from widget_page import settle, write_page

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "book" / "teacher_guide.md"
TEXT = PAGE.read_text()
LINKS = [unescape(link) for link in re.findall(r'<a href="(#[^"]+)">', TEXT)]
TAGS = re.findall(r"^<tinyq-.+>$", TEXT, re.M)
GALLERY = (ROOT / "notebooks" / "bug_gallery.ipynb").read_text()
BOXES = {
    int(path.stem[:2]): int(re.search(r"\*\*Time:\*\* (\d+) minutes", path.read_text())[1])
    for path in (ROOT / "notebooks").glob("[0-9]*.py")
}


def section(title: str) -> str:
    return re.split(r"^## ", TEXT.split(f"\n## {title}", 1)[1], flags=re.M)[0]


def minutes(title: str) -> list[int]:
    return [int(n) for n in re.findall(r"^\| (\d+) \|", section(title), re.M)]


def test_every_example_gives_its_lines():
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted >= 8 and not result.failed


def test_the_routes_last_as_long_as_they_say():
    assert sum(minutes("50 minutes")) == 50
    assert sum(minutes("Half a day")) == 4 * 60
    rows = re.findall(r"^\| (?:\[(\d+)\]\(\S+/(\d+)_\w+\.ipynb\)|(\d+)) \| (\d+) \|", TEXT, re.M)
    listed = {int(linked or plain): int(time) for linked, _, plain, time in rows}
    assert all(int(linked) == int(file) for linked, file, _, _ in rows if linked)
    assert listed == BOXES
    assert f"Fourteen chapters, {sum(BOXES.values())} minutes" in TEXT and len(BOXES) == 14
    (appendix,) = (ROOT / "notebooks").glob("appendix_*.py")
    more = re.search(r"\*\*Time:\*\* (\d+) minutes", appendix.read_text())[1]
    assert f"[appendix](../notebooks/{appendix.stem}.ipynb) takes {more} minutes more" in TEXT


def test_half_a_day_gives_each_chapter_the_time_it_takes():
    rows = re.findall(r"^\| (\d+) \| \[Chapter (\d+)\]", section("Half a day"), re.M)
    assert {int(chapter): int(time) for time, chapter in rows} == {
        chapter: BOXES[chapter] for chapter in (0, 1, 4, 5, 7)
    }


def test_the_accuracy_that_bugs_leave_is_the_gallerys():
    assert "34 of 55 bugs leave at least 490 scans right" in GALLERY
    assert "34 of 55 bugs leave at least 490 of 500 digits right" in TEXT


def test_the_guide_has_links_and_their_widgets():
    names = {link[1:].split("?")[0] for link in LINKS}
    assert len(LINKS) == 5 and {re.match(r"<tinyq-([\w-]+)", tag)[1] for tag in TAGS} == names


@pytest.fixture(scope="module")
def guide(chromium, tmp_path_factory):
    """A page with the guide's links and widgets, loaded once, as the book loads them."""
    links = "".join(re.findall(r'<ul class="locked-links">.+?</ul>', TEXT, re.S))
    browse = Browse(chromium)
    page = browse(write_page(tmp_path_factory.mktemp("guide"), links + "".join(TAGS)))
    page.locator(".tinyq-widget").nth(len(TAGS) - 1).wait_for()
    yield page
    browse.close()
    assert not browse.problems, "\n".join(browse.problems)


@pytest.mark.parametrize("link", LINKS)
def test_a_link_sets_locks_and_hides(guide, link):
    name, query = link[1:].split("?")
    asked = {field: value for field, (value,) in parse_qs(query).items()}
    lock, hide = (asked.pop(word, "").split(",") for word in ("lock", "hide"))
    widget = guide.locator(f"tinyq-{name}")
    guide.locator(f'a[href="{link}"]').click()
    guide.wait_for_function(
        "([tag, field, x]) => String(document.querySelector(tag).state[field]) === x",
        arg=[f"tinyq-{name}", *list(asked.items())[-1 if name == "grid-ruler" else 0]],
    )
    settle(guide)
    state = widget.evaluate("node => node.state")
    assert {field: str(value).lower() for field, value in state.items()} == {
        field: value.lower() for field, value in asked.items()
    }
    fields = widget.locator("[data-field]").evaluate_all("all => all.map(o => o.dataset.field)")
    assert set(lock) <= set(fields) <= set(state)  # the museum's rounding is chosen in its figure
    for field in fields:
        control = widget.locator(f'[data-field="{field}"]').locator("input, select").first
        assert control.is_disabled() == (field in lock), field
    assert widget.locator(".tinyq-formulas").is_visible() == ("formulas" not in hide)
    assert widget.locator(".tinyq-seen").inner_text()
