"""The built book: all pages are there, ask no other host, name their figures, have no dead link."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from book_pages import PAGES, soup
from bs4 import BeautifulSoup

import tinyq

REMOTE = re.compile(r"^(?:https?:)?//", re.I)
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
GRIDS = {"input": "input", "stem": "stem_conv7x7_s2", "block, first": "block_conv3x3_a"}
GRIDS |= {"block, second": "block_conv3x3_b", "sum": "block_add", "logits": "dense_8x4"}


@pytest.fixture(scope="module")
def soups(built_book) -> dict[str, BeautifulSoup]:
    """Every page of the book, parsed, by its name without the suffix."""
    return {page: soup(built_book / f"{page}.html") for page in PAGES}


def remote_loads(soup: BeautifulSoup) -> list[str]:
    """Addresses on other hosts that a browser would load with the page."""
    loads = [tag.get(key, "") for name, key in LOADS.items() for tag in soup.find_all(name)]
    styles = " ".join([tag.get_text() for tag in soup.find_all("style")])
    styles += " ".join(tag["style"] for tag in soup.find_all(style=True))
    return [address for address in loads if REMOTE.match(address)] + remote_styles(styles)


def remote_styles(css: str) -> list[str]:
    """Addresses on other hosts that a style sheet would load."""
    found = re.findall(r"""(?:url\(|@import)\s*["']?([^"')\s;]+)""", css)
    return [address for address in found if REMOTE.match(address)]


def bad_alts(soup: BeautifulSoup) -> list[str]:
    """Images without a text, or with their file's name for one."""
    images = [(img.get("src", ""), img.get("alt", "").strip()) for img in soup.find_all("img")]
    return [src for src, alt in images if not alt or Path(src).stem in alt]


def dead_links(tags: BeautifulSoup, page: Path) -> list[str]:
    """Links within the book to a file or an anchor that does not exist."""
    dead = []
    for link in tags.find_all("a", href=True):
        parts = urlsplit(link["href"])
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not target.is_file():
            dead.append(link["href"])
        elif parts.fragment and target.suffix == ".html":
            there = tags if target == page else soup(target)
            name, _, state = unquote(parts.fragment).partition("?")  # "#grid-ruler?lo=-1"
            if not there.find(f"tinyq-{name}" if state else True, id=None if state else name):
                dead.append(link["href"])
    return dead


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_nothing_from_another_host(soups, page):
    found = remote_loads(soups[page])
    assert not found


def test_no_style_sheet_loads_from_another_host(built_book):
    sheets = {str(sheet): sheet.read_text() for sheet in built_book.rglob("*.css")}
    assert sheets
    assert not {sheet: found for sheet, css in sheets.items() if (found := remote_styles(css))}


@pytest.mark.parametrize("page", PAGES)
def test_every_image_has_a_text(soups, page):
    found = bad_alts(soups[page])
    assert not found


@pytest.mark.parametrize("page", PAGES)
def test_every_internal_link_leads_somewhere(soups, page, built_book):
    found = dead_links(soups[page], built_book / f"{page}.html")
    assert not found


def test_the_search_finds_every_page(built_book):
    index = (built_book / "searchindex.js").read_text()
    assert index.startswith("Search.setIndex(")
    assert not [page for page in PAGES if f'"{page}"' not in index]


def test_a_static_folder_holds_no_python(built_book):
    assert not list((built_book / "_static").rglob("*.py*"))


def test_the_front_page_shows_the_golden_bytes(soups):
    command = [sys.executable, "-m", "tinyq", "golden"]
    golden = subprocess.run(command, text=True, capture_output=True, check=True).stdout
    shown = soups["index"].find("pre").get_text().strip()
    assert shown.splitlines() == [line for line in golden.splitlines() if line[0] != "#"]


def test_the_front_page_shows_the_six_grids(soups):
    weights, biases, images = tinyq.resnet.seed()
    qnet = tinyq.resnet.stem_block(weights, biases).quantize(images)
    items = soups["index"].find(class_="grid-map").find_all("li")
    shown = {item.b.get_text(): item.small.get_text("\n") for item in items}
    grids = {name: qnet.grids[layer] for name, layer in GRIDS.items()}
    assert shown == {
        name: f"scale {grid.scale:.5f}\nzero_point {grid.zero_point}"
        for name, grid in grids.items()
    }
    assert len({id(grid) for grid in qnet.grids.values()}) == len(items)
    assert sum(len(item.div.find_all("span")) for item in items) == len(qnet.grids)


FAULTS = {
    '<script src="https://cdn.example/x.js"></script>': remote_loads,
    '<script src="//cdn.example/x.js"></script>': remote_loads,
    '<link rel="stylesheet" href="https://cdn.example/x.css">': remote_loads,
    '<img src="http://cdn.example/x.png" alt="a">': remote_loads,
    "<style>@import 'https://cdn.example/x.css';</style>": remote_loads,
    '<p style="background: url(https://cdn.example/x.png)">': remote_loads,
    '<img src="a/fig1.png">': bad_alts,
    '<img src="a/fig1.png" alt=" ">': bad_alts,
    '<img src="a/fig1.png" alt="_images/fig1.png">': bad_alts,
    '<a href="nowhere.html">a</a>': dead_links,
    '<a href="#nowhere">a</a>': dead_links,
    '<a href="index.html#nowhere">a</a>': dead_links,
    '<a href="#no-widget?lo=-1">a</a>': dead_links,
}


@pytest.mark.parametrize("html", FAULTS)
def test_a_planted_fault_is_found(html, tmp_path):
    check, page = FAULTS[html], tmp_path / "index.html"
    page.write_text('<p id="here"><a href="#here">a</a><a href="https://example.org">b</a>')
    where = [page] if check is dead_links else []
    assert not check(BeautifulSoup(page.read_text(), "html.parser"), *where)
    assert check(BeautifulSoup(html, "html.parser"), *where)
