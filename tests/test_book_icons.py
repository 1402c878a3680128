"""book/book_icons.py: the pages' script of icons is small, and each icon of a page is in it."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book"))

from book_icons import SCRIPT, THEME, only  # noqa: E402

ICONS = (
    'var a={bars:[448,512,["navicon",9776],"f0c9","M0 96"],"arrow-up":[384,512,[8593],"f062",'
    '"M214 9"],"0":[320,512,[],"30",["M0 1","M2 3"]]},b={file:[384,512,[128196],"f15b","M0 64"]};'
)


@pytest.mark.parametrize(
    ("used", "left"),
    [
        ({"bars"}, ["bars"]),
        ({"navicon", "0"}, ["bars", "0"]),
        ({"arrow-up", "file", "solid"}, ["arrow-up", "file"]),
        (set(), []),
    ],
)
def test_the_icons_that_are_named_stay(used, left):
    small = only(ICONS, used)
    assert re.findall(r'"?([a-z0-9-]+)"?:\[\d+,', small) == left
    for name in left:
        assert re.search(rf'"?{name}"?:\[.*?\]', small)[0] in ICONS
    assert small.startswith("var a={") and small.endswith("};")


def test_the_script_of_the_book_is_small(built_book):
    small = (built_book / "_static" / SCRIPT).stat().st_size
    assert small < (THEME / SCRIPT).stat().st_size / 15


@pytest.mark.full
@pytest.mark.parametrize("name", ["index", "notebooks/01_put_numbers_on_a_grid", "search"])
def test_a_page_draws_all_its_icons(browse, built_book, name):
    path = built_book / f"{name}.html"
    page = browse(path)
    classes = " ".join(re.findall(r'class="([^"]*)"', path.read_text()))
    asked = set(re.findall(r"\bfa-([a-z-]+)", classes)) - {"solid", "lg"}
    drawn = "all => [...new Set(all.map((one) => one.dataset.icon))]"
    page.wait_for_selector("svg[data-icon]", state="attached")
    assert {"bars", "moon"} <= asked
    assert asked <= set(page.locator("svg[data-icon]:has(> path[d])").evaluate_all(drawn))
    assert page.locator("i[class*=fa-]").count() == 0
