"""HTML from Python: the one file that writes a tag, so that no text can become one.

What `element` returns is `Markup`.  A child that is no `Markup` is text, whatever it holds, and
is escaped, so a name from someone's file shows as it is.  kit.js has the same for the page, `h`.
"""

import re
from collections.abc import Iterable, Mapping
from html import escape

NAME = re.compile(r"[A-Za-z][\w:-]*", re.ASCII)


class Markup(str):
    """Text that is HTML already; only this file makes it."""

    __slots__ = ()


def joined(*children: object) -> Markup:
    """Return the children one after the other as HTML: `Markup` as it is, all else as text.

    >>> joined("a < b", element("br", {}))
    'a &lt; b<br/>'
    """
    return Markup("".join(map(_html, children)))


def ready_made(html: str) -> Markup:
    """Return HTML that Sphinx or MathJax has made as it is; never for a text of a reader's.

    >>> joined(ready_made("<br>"))
    '<br>'
    """
    return Markup(html)


def element(name: str, attributes: Mapping[str, object], *children: object) -> Markup:
    """Return an element as HTML.  Without children it ends itself, as SVG and XHTML allow.

    name, attributes: words of the project, with the values as text.  children: as in `joined`.
    Raises ValueError for a name of the element or of an attribute that is none.

    >>> element("p", {"class": "a"}, "1 < 2, ", element("b", {}, "so"))
    '<p class="a">1 &lt; 2, <b>so</b></p>'
    """
    if wrong := [one for one in (name, *attributes) if not NAME.fullmatch(one)]:
        raise ValueError(f"name must be that of an element or an attribute, got {wrong[0]!r}")
    state = "".join(f' {key}="{escape(str(value))}"' for key, value in attributes.items())
    if not children:
        return Markup(f"<{name}{state}/>")
    return Markup(f"<{name}{state}>{joined(*children)}</{name}>")


# "×", as the notebooks have stored it
TIMES = Markup("&times;")


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> Markup:
    """Return a table.  head: its titles, none for no such row; rows: a cell, or text for one, each.

    >>> table(["a"], [[1], [2]])
    '<table><tr><th>a</th></tr><tr><td>1</td></tr><tr><td>2</td></tr></table>'
    """
    titles = [element("th", {}, title) for title in head]
    lines = [map(_cell, row) for row in rows]
    return element("table", {}, *(element("tr", {}, *line) for line in [titles, *lines] if line))


def drawing(words: str, style: Mapping[str, object], height: int, *shapes: Markup) -> Markup:
    """Return an SVG 640 wide, an image for a screen reader.

    words: what it shows; style: more attributes, which its shapes inherit.

    >>> print(drawing("A dot", {"fill": "red"}, 9, element("circle", {"r": 2})))
    <svg viewBox="0 0 640 9" width="640" style="max-width:100%" role="img" aria-label="A dot" \
fill="red"><circle r="2"/></svg>
    """
    size = {"viewBox": f"0 0 640 {height}", "width": 640, "style": "max-width:100%"}
    return element("svg", {**size, "role": "img", "aria-label": words, **style}, *shapes)


def fallback_of(figure: Markup, words: object, note: str) -> Markup:
    """Return what stands in for a widget: figure, then a sentence, then what scripts would add."""
    return joined(figure, element("p", {}, words, " ", element("em", {}, note)))


def data_script(data: str) -> Markup:
    """Return JSON for the page's scripts to read.  No text in it ends the script.

    >>> data_script('"</script>"')
    '<script type="application/json" class="tinyq-data">"\\\\u003c/script>"</script>'
    """
    text = data.replace("<", "\\u003c")
    return Markup(f'<script type="application/json" class="tinyq-data">{text}</script>')


def _cell(entry: object) -> Markup:
    return entry if isinstance(entry, Markup) else element("td", {}, entry)


def _html(child: object) -> str:
    return child if isinstance(child, Markup) else escape(str(child), quote=False)
