"""The one way to write HTML: text stays text, and the sources have no other way."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
