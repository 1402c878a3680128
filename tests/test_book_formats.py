"""The other builds: one page, EPUB, PDF. Each comes from the same sources without a warning."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from posixpath import dirname, join, normpath
from xml.etree import ElementTree

import pytest
from book_pages import PAGES, ROOT, soup

GOLDEN = "sample 0: -8 102 89 -41"
XHTML, SVG = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}"
FORMULA = re.compile(r'class="math notranslate')

pytestmark = pytest.mark.full


def build(folder: Path, *builder: str) -> Path:
    """Build the book with a builder into folder/_build; a warning fails the test."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "--all"]
    command += ["-W", "-n", "--keep-going", "--path-output", folder, *builder]
    run = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert run.returncode == 0, f"{run.stdout[-2000:]}\n{run.stderr[-4000:]}"
    return folder / "_build"


@pytest.fixture(scope="module")
def onepage(tmp_path_factory) -> Path:
    built = build(tmp_path_factory.mktemp("one"), "--builder", "singlehtml")
    return built / "singlehtml" / "index.html"


@pytest.fixture(scope="module")
def epub(tmp_path_factory) -> dict[str, bytes]:
    """The files in the EPUB by name, in their order."""
    builder = ["--builder", "custom", "--custom-builder", "epub"]
    book = build(tmp_path_factory.mktemp("epub"), *builder) / "epub/tinyq.epub"
    with zipfile.ZipFile(book) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def titles(built_book) -> list[str]:
    """The title of each page, in order."""
    soups = [soup(built_book / f"{page}.html") for page in PAGES]
    return [page.find("h1").find(string=True).strip() for page in soups]


@pytest.fixture(scope="module")
def formulas(built_book) -> int:
    """How many formulas the book has."""
    texts = [(built_book / f"{page}.html").read_text() for page in PAGES]
    return sum(len(FORMULA.findall(text)) for text in texts)


def xhtml(epub: dict[str, bytes]) -> dict[str, ElementTree.Element]:
    """Every page of the EPUB; one that is not well-formed raises ParseError."""
    return {
        name: ElementTree.fromstring(text)
        for name, text in epub.items()
        if name.endswith(".xhtml") and name != "nav.xhtml"
    }


def test_the_epub_lists_every_page_in_order(epub, titles):
    nav = ElementTree.fromstring(epub["nav.xhtml"])
    listed = ["".join(link.itertext()).strip() for link in nav.iter(f"{XHTML}a")]
    assert [title for title in listed if title in titles] == titles
    spine = re.findall(r'<itemref idref="([^"]+)"', epub["content.opf"].decode())
    names = dict(re.findall(r'<item id="([^"]+)" href="([^"]+)"', epub["content.opf"].decode()))
    assert [names[mark] for mark in spine][: len(PAGES)] == [f"{page}.xhtml" for page in PAGES]


def test_the_epub_has_every_figure_and_no_script(epub):
    seen = set()
    for name, page in xhtml(epub).items():
        for image in page.iter(f"{XHTML}img"):
            seen.add(normpath(join(dirname(name), image.get("src"))))
            assert image.get("alt"), f"{name}: {image.get('src')} has no text"
        tags = {element.tag.removeprefix(XHTML) for element in page.iter()}
        assert not {tag for tag in tags if tag == "script" or tag.startswith("tinyq-")}, name
    assert len(seen) > len(PAGES)
    assert seen <= set(epub)


def test_the_epub_typesets_every_formula(epub, formulas):
    pages = xhtml(epub)
    drawn = [
        element
        for page in pages.values()
        for element in page.iter()
        if element.get("class") == "math"
    ]
    assert len(drawn) == formulas > 100
    for element in drawn:
        (svg,) = element
        assert svg.tag == f"{SVG}svg" and svg.get("aria-label")
        assert not "".join(element.itertext()).strip(), "TeX is left beside the formula"
    package = epub["content.opf"].decode()
    for name, page in pages.items():
        tags = [element.tag for element in page.iter()]
        assert f"{XHTML}svg" not in tags, f"{name}: a drawing that no reader draws"
        has = f"{SVG}svg" in tags
        item = re.search(rf'<item id="[^"]+" href="{name}"[^>]*>', package)[0]
        assert ('properties="svg"' in item) == has, name


def test_the_epub_keeps_the_numbers_and_the_widgets_figures(epub, built_book):
    assert GOLDEN in epub["index.xhtml"].decode()
    for page in PAGES:
        live = (built_book / f"{page}.html").read_text()
        text = epub[f"{page}.xhtml"].decode()
        for fallback in re.findall(r"<tinyq-[a-z-]+[^>]*>.*?<svg.*?>(.*?)</svg>", live, re.S):
            labels = re.findall(r"<text[^>]*>([^<]+)</text>", fallback)
            assert all(label in text for label in labels), page


def test_the_one_page_is_the_whole_book_and_works(browse, onepage, titles, formulas):
    page = browse(onepage)
    page.wait_for_function(
        "n => document.querySelectorAll('mjx-container svg').length >= n",
        arg=formulas,
        timeout=240_000,
    )
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    headings = page.locator("article :is(h1, h2)").evaluate_all(
        "all => all.map(e => e.firstChild.textContent)"
    )
    assert [text.strip() for text in headings if text.strip() in titles] == titles
    assert GOLDEN in page.locator("article").inner_text()
    widgets = page.locator("article *:defined").evaluate_all(
        """all => all.filter(e => e.localName.startsWith("tinyq-"))
            .map(e => e.querySelector("button") !== null)"""
    )
    assert len(widgets) > 5 and all(widgets)
    page.keyboard.press("Control+K")  # the theme's search: no error, and no button
    assert not page.locator("button.search-button:visible, button.primary-toggle:visible").count()
    # "#grid-ruler?lo=0" is a widget's state
    anchors = page.locator('a[href^="#"]:not([href="#"], [href*="?"])').evaluate_all(
        "as => as.filter(a => !document.getElementById(decodeURIComponent(a.hash.slice(1))))"
        ".map(a => a.href)"
    )
    assert not anchors


def outline(pdf: bytes) -> list[str]:
    """The titles in a PDF's outline, as Chromium writes them."""
    raw = re.findall(rb"/Title (?:\(((?:\\.|[^\\)])*)\)|<([0-9A-Fa-f]+)>)", pdf)
    texts = [bytes.fromhex(code.decode()) if code else text for text, code in raw]
    return [
        text.decode("utf-16") if text.startswith(b"\xfe\xff") else text.decode("latin-1")
        for text in texts
    ]


def test_the_pdf_holds_every_chapter(chromium, onepage, titles, tmp_path):
    pdf = tmp_path / "tinyq.pdf"
    command = [sys.executable, ROOT / "tools/print_book.py", onepage, pdf]
    run = subprocess.run(command, text=True, capture_output=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == pdf.resolve().as_uri()
    # where a heading wraps, Chromium's outline drops the blank
    held = ["".join(entry.split()) for entry in outline(pdf.read_bytes())]
    wanted = ["".join(title.split()) for title in titles]
    assert not [title for title in wanted if not any(title in entry for entry in held)]
