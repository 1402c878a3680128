"""The one way to write HTML: text stays text, and the sources have no other way."""

import ast
import re
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from widget_v8 import V8

from tinyq.widgets import WIDGETS
from tinyq.widgets.frame.markup import Markup, data_script, element, joined, table

ROOT = Path(__file__).resolve().parents[1]
HELPER = ROOT / "tinyq" / "widgets" / "frame" / "markup.py"
SOURCES = sorted(
    path for room in ("tinyq", "book", "tools") for path in (ROOT / room).rglob("*.py")
)
TAG = re.compile(r"</?[A-Za-z]|<!")
BOLD = element("b", {}, "")
HOLE = re.compile(r"\{[\w.\[\]]*[}:!]|%[srd(]")


class Read(HTMLParser):
    """What a browser makes of HTML: its tags with their attributes, its texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1) | st.lists(
    st.sampled_from(["<", ">", "&", '"', "'", "/", "script", "lt;", "]]>", "<!--", "\u2028", "a"]),
    min_size=1,
).map("".join)


@given(texts, texts)
def test_a_text_and_an_attribute_read_back_as_they_are(text, value):
    read = Read(element("p", {"title": value}, text))
    assert read.tags == [("p", {"title": value})] and "".join(read.texts) == text


@given(st.lists(texts, min_size=1, max_size=3), st.lists(texts, min_size=1, max_size=3))
def test_a_table_reads_back_cell_by_cell(head, row):
    read = Read(table(head, [row]))
    assert {tag for tag, _ in read.tags} == {"table", "tr", "th", "td"}
    assert "".join(read.texts) == "".join(head + row)


@given(texts)
def test_data_reads_back_and_no_text_of_it_ends_the_script(text):
    read = Read(data_script(text))
    assert [tag for tag, _ in read.tags] == ["script"]
    assert "".join(read.texts).replace("\\u003c", "<") == text.replace("\\u003c", "<")


@pytest.mark.parametrize(
    "child", ["<b>", Markup("<b>").upper(), Markup("<b>") + "", f"{Markup('<b>')}"]
)
def test_what_was_changed_after_it_was_made_is_text_again(child):
    assert Read(joined(child)).tags == []


@pytest.mark.parametrize("name", ["", "p onclick", "p>", "1p", "a=b", "\u00e9", "p\n"])
def test_a_name_that_is_none_is_refused(name):
    for make in (lambda: element(name, {}), lambda: element("p", {name: 1})):
        with pytest.raises(ValueError, match="name must be that of an element"):
            make()


def test_only_the_book_takes_over_html_and_only_that_of_its_tools():
    """Sphinx and MathJax hand over pages and formulas that are HTML already."""
    users = [path for path in SOURCES if "ready_made(" in path.read_text(encoding="utf-8")]
    assert {path.parent.name for path in users} == {"book", HELPER.parent.name}


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.name)
def test_every_widget_stands_as_markup(widget):
    """So that a fallback that is put together by hand would show as text, tags and all."""
    assert type(widget().fallback()) is Markup and type(widget().html()) is Markup


def documented(tree: ast.AST) -> set[ast.AST]:
    """The strings that are statements: docstrings."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def hand_made(source: str) -> Iterator[str]:
    """Where a source fills a text into a tag, or calls a text HTML, without the helper."""
    tree = ast.parse(source)
    skipped = documented(tree)
    for node in ast.walk(tree):
        strings = [
            one.value
            for one in ast.iter_child_nodes(node)
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and one not in skipped
        ]
        tags = [one for one in strings if TAG.search(one)]
        filled = isinstance(node, ast.JoinedStr | ast.BinOp | ast.Attribute)
        yield from (f"{node.lineno}: {one!r}" for one in tags if filled or HOLE.search(one))
        if isinstance(node, ast.Call) and re.search(r"\bMarkup$", ast.unparse(node.func)):
            yield f"{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_but_the_helper_puts_a_text_into_a_tag(path):
    found = list(hand_made(path.read_text(encoding="utf-8")))
    if path == HELPER:
        assert found, "the test must find what the helper does"
    else:
        assert not found, f"{path}: use tinyq.widgets.frame.markup: {found}"


@pytest.mark.parametrize(
    "source",
    [
        'f"<td>{name}</td>"',
        '"<td>" + name',
        '"<td>%s</td>" % name',
        '"<td>{}</td>".format(name)',
        'HEAD = "<td>{name}</td>"',
        '"<td>".join(names)',
        "Markup(name)",
        "markup.Markup(name)",
    ],
)
def test_each_other_way_is_found(source):
    assert list(hand_made(source))


@pytest.mark.parametrize("source", ['"""<td>{name}</td>"""', 're.findall(r"<td", html)', "a < b"])
def test_what_fills_nothing_is_let_be(source):
    assert not list(hand_made(source))


FOLDER = ROOT / "tinyq" / "widgets"
SCRIPTS = sorted([*FOLDER.rglob("*.js"), *(ROOT / "book" / "assets").rglob("*.js")])
COMMENT = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.S)
# What makes elements or code out of text, and the one place that may.
SINK = re.compile(
    r"\b(innerHTML|outerHTML|srcdoc|insertAdjacentHTML|createContextualFragment|parseFromString"
    r"|setHTMLUnsafe|document\.write(ln)?|eval|Function|javascript:)(?!\w)"
)
WRITTEN = re.compile(r"</?([A-Za-z!]|\$\{)")
ALLOWED = {SINK: FOLDER / "frame" / "kit.js", WRITTEN: FOLDER / "parts" / "figure.js"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
@pytest.mark.parametrize("way", ALLOWED, ids=["sink", "tag"])
def test_no_script_but_one_makes_elements_out_of_text(path, way):
    """figure.js writes tags and escapes what stands in them, kit.put shows what it has written."""
    text = COMMENT.sub("", path.read_text(encoding="utf-8"))
    found = [text[m.start() - 40 : m.end() + 20] for m in way.finditer(text)]
    if path == ALLOWED[way]:
        assert found, "the test must find what this script does"
    else:
        assert not found, f"{path}: use {ALLOWED[way].name}: {found}"


@pytest.fixture(scope="module")
def figure() -> Iterator[V8]:
    v8 = V8([FOLDER / "parts" / "figure.js"])
    with closing(v8.racer):
        yield v8


@given(text=texts)
def test_a_figure_escapes_texts_and_attributes(figure, text):
    """tag, path, rect, circle, svg: what they have in attributes; text, title: their words too."""
    drawn = figure.call(
        """(one) => { const { tag, text, path, rect, circle, title } = tinyqWidgets.figure;
        return [tag("g", { id: one }, ""), path(one, one), rect(0, 0, 1, 1, one),
        circle(one, 0, 1, one), text(one, 0, one, one, one), title(0, one)]; }""",
        text,
    )
    for svg in drawn:
        ((_, attributes),) = (read := Read(svg)).tags
        assert text in attributes.values() or attributes["class"] == "title", svg
        assert "".join(read.texts) in ("", text), svg
