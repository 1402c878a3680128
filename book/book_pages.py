"""The book's own Sphinx extension: MathJax from its wheel, the widgets' scripts, small repairs.

MathJax comes from the wheel sphinx-mathjax-offline. Loaded as an extension, that one would copy
24 MB; the single script below holds all of TeX, needs no font and works from file:// everywhere.
"""

from importlib import import_module
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.fileutil import copy_asset_file

from tinyq.export.files import write_files
from tinyq.widgets import WIDGETS
from tinyq.widgets.frame.host import scripts_of
from tinyq.widgets.frame.markup import element, joined, ready_made
from tinyq.widgets.frame.scripts import FOLDER, styles_for

MATHJAX = "tex-svg-full.js"

# Texts in a page's body, and what to write instead.
REPAIRS = {
    # A list item must say so; docutils' role for a reference was withdrawn from DPUB-ARIA 1.1.
    'role="doc-biblioentry"': 'role="listitem"',
    # In this book a cell that is folded away (tag hide-cell) is an exercise's solution.
    "Show code cell content": "Show the solution",
    "Hide code cell content": "Hide the solution",
}


def copy_mathjax(app: Sphinx) -> None:
    """Put the script where `mathjax_path` in _config.yml finds it."""
    if app.builder.name in ("html", "singlehtml"):
        wheel = Path(import_module("sphinx-mathjax-offline").__file__).parent
        folder = Path(app.outdir) / "_static" / "mathjax"
        folder.mkdir(parents=True, exist_ok=True)
        copy_asset_file(str(wheel / "static" / "mathjax" / MATHJAX), str(folder / MATHJAX))


def drop_search(app: Sphinx) -> None:
    """One page has no index to search; the theme loads one all the same."""
    if app.builder.name == "singlehtml":
        app.config.html_theme_options["disable_search"] = True
        write_files({Path(app.outdir, "searchindex.js"): b""}, force=True)


def repair(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Apply REPAIRS to the page's body; give the root of the one page the anchor of its links."""
    if app.builder.name == "singlehtml":
        root = app.config.root_doc
        anchor = element("span", {"id": f"document-{root}"}, "")
        context["body"] = joined(anchor, ready_made(context["body"]))
    for text, better in REPAIRS.items():
        context["body"] = context.get("body", "").replace(text, better)


def load_widgets(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Load what the widgets of this page need, on this page alone.

    Classic scripts, deferred: an ES module does not load from file://. Deferred scripts run in
    order, so these stand before MathJax (priority 500), which takes longer than all of them.
    """
    try:
        scripts = scripts_of(context.get("body", ""), WIDGETS)
    except ValueError as error:
        raise ExtensionError(f"{page}: {error}") from error
    for style in styles_for(scripts):
        app.add_css_file(style.relative_to(FOLDER).as_posix())
    for script in scripts:
        app.add_js_file(script.relative_to(FOLDER).as_posix(), priority=400, defer="defer")


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("builder-inited", copy_mathjax)
    app.connect("builder-inited", drop_search)
    app.connect("html-page-context", repair)
    app.connect("html-page-context", load_widgets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
