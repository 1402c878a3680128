"""The EPUB: formulas typeset when it is built, pages of strict XHTML, widgets' figures that stand.

Few readers run scripts. So MathJax runs here, in V8 (the wheel mini-racer), and leaves SVG, which
takes the colour of the text around it; and a widget's fallback takes the widget's place.
"""

import atexit
import re
from functools import cache
from html import escape, unescape
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.epub3 import Epub3Builder
from sphinx.errors import ExtensionError
from sphinx.writers.html5 import HTML5Translator

from tinyq.export.files import write_files
from tinyq.widgets.frame.markup import element, ready_made

# MathJax without a page: its parts are put together by hand, with its own stand-in for a document.
TYPESET = r"""
const { mathjax } = MathJax._.mathjax, adaptor = MathJax._.adaptors.liteAdaptor.liteAdaptor();
MathJax._.handlers.html_ts.RegisterHTMLHandler(adaptor);
const typesetter = mathjax.document("", {
  InputJax: new MathJax._.input.tex_ts.TeX({ packages: ["base", "ams"] }),
  OutputJax: new MathJax._.output.svg_ts.SVG({ fontCache: "none" }),
});
globalThis.typeset = (tex, display) => adaptor.innerHTML(typesetter.convert(tex, { display }));
"""
DATA = re.compile(r'<script type="application/json" class="tinyq-data">.*?</script>', re.S)
# What HTML forgives or scripts answer, and what to write in XHTML: elements that stand alone end, a
# drawing names its language, a link that sets a widget leads nowhere.
XHTML = {
    r"<(area|br|col|hr|img|input|source|wbr)\b([^<>]*?)\s*/?>": r"<\1\2/>",
    r"<svg(?![^>]*\sxmlns=)": '<svg xmlns="http://www.w3.org/2000/svg"',
    r'(<a\b[^>]*?) href="[^"#]*#[a-z0-9-]+\?[^"]*"': r"\1",
    r"<(/?)tinyq-[a-z0-9-]+([^>]*)>": r"<\1div>",
    r'<p class="collapsed [^>]*>(.*?)</p>\s*<p class="expanded .*?</p>': r"<span>\1</span>",
}
ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot);)[A-Za-z]\w*;")  # XML knows only those four


@cache
def mathjax():
    """A JavaScript function `typeset(tex, display)` in a V8 that lives as long as the build."""
    from py_mini_racer import MiniRacer

    folder = Path(import_module("sphinx-mathjax-offline").__file__).parent / "static" / "mathjax"
    v8 = MiniRacer()
    atexit.register(v8.close)  # left to its __del__, it hangs the exit of Python 3.13
    v8.eval("globalThis.MathJax = { startup: { ready() {} } };")  # it must not look for a page
    for script in ["tex-svg-full.js", "adaptors/liteDOM.js"]:
        source = (folder / script).read_text(encoding="utf-8")
        # Without a page the combined script ends in an error, after its parts are loaded.
        v8.eval(f"try {{ {source} }} catch (error) {{ globalThis.last = error; }}")
    v8.eval(f"(() => {{ {TYPESET} }})();")
    return v8


@cache
def typeset(tex: str, display: bool) -> str:
    """The formula as SVG, named by its TeX. Raises ExtensionError where MathJax cannot read it."""
    svg = mathjax().call("typeset", tex, display)
    if "data-mjx-error" in svg:
        raise ExtensionError(f"MathJax cannot read {tex!r}: {svg[:300]}")
    return svg.replace('role="img"', f'role="img" aria-label="{escape(tex)}"', 1)


def visit_math(translator: HTML5Translator, node: nodes.math) -> None:
    """A formula in a line of text."""
    formula = ready_made(typeset(node.astext(), False))
    translator.body.append(element("span", {"class": "math"}, formula))
    raise nodes.SkipNode


def visit_math_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """A formula that stands alone; its number comes from \\tag."""
    formula = ready_made(typeset(node.astext(), True))
    translator.body.append(element("div", {"class": "math"}, formula))
    raise nodes.SkipNode


def strict(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Rewrite the page's body as XHTML, a widget as the figure that stands in for it."""
    if app.builder.name != "epub" or "body" not in context:
        return
    body = ENTITY.sub(lambda match: unescape(match[0]), DATA.sub("", context["body"]))
    for html, xhtml in XHTML.items():
        body = re.sub(html, xhtml, body)
    try:
        ElementTree.fromstring(element("body", {}, ready_made(body)))
    except ElementTree.ParseError as error:
        line = body.split("\n")[error.position[0] - 1][: error.position[1] + 40]
        raise ExtensionError(f"{page}: not XHTML: {error}: {unescape(line)[-200:]!r}") from error
    context["body"] = body


class BookEpub(Epub3Builder):
    """Sphinx's builder, and what EPUB 3 wants besides: it passes epubcheck 5."""

    def build_content(self) -> None:
        """Take a property out of the style sheet that only a slider needs and EPUB forbids."""
        sheet = Path(self.outdir, "_static", "pixel_tracer", "pixel_tracer.css")
        text = sheet.read_text(encoding="utf-8")
        sheet_text = re.sub(r"\bdirection: \w+;", "", text)
        write_files({sheet: sheet_text.encode()}, force=True)
        super().build_content()

    def build_navigation_doc(self) -> None:
        """Mark the pages that hold SVG in the list of files that was just written, and go on."""
        package = Path(self.outdir, "content.opf")
        entry = r'(<item id="epub-\d+" href="([^"]+\.xhtml)" [^>]*?)( ?/>)'

        def mark(match: re.Match) -> str:
            drawn = "<svg" in Path(self.outdir, match[2]).read_text(encoding="utf-8")
            return f'{match[1]} properties="svg"{match[3]}' if drawn else match[0]

        text = package.read_text(encoding="utf-8")
        write_files({package: re.sub(entry, mark, text).encode()}, force=True)
        super().build_navigation_doc()


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_builder(BookEpub, override=True)
    app.add_config_value("epub_math_renderer", "svg", "epub")
    app.add_html_math_renderer("svg", (visit_math, None), (visit_math_block, None))
    # after the repairs of book_pages
    app.connect("html-page-context", strict, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
