"""What the pages offer beside their text: a chapter's time, its files, a way to run it; a widget.

The time is read from the chapter's own box, so that no other page can contradict it.
"""

import re
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole

from tinyq import widgets
from tinyq.export.files import write_files
from tinyq.widgets.frame.markup import Markup, element, joined, ready_made

CHAPTER = re.compile(r"notebooks/(\d\d|appendix)_")
TITLE_END = ready_made("</h1>\n")
TIME = re.compile(r"\*\*Time:\*\* (\d+) minutes")


def minutes(notebook: Path) -> int:
    """The minutes in a chapter's box. Raises ExtensionError where there are none."""
    found = TIME.search(notebook.read_text(encoding="utf-8")) if notebook.exists() else None
    if not found:
        raise ExtensionError(f"{notebook} must be a chapter that says 'Time: ... minutes'")
    return int(found[1])


class Minutes(SphinxRole):
    """{minutes}`00 05`: how long these chapters take together; {minutes}`all`: the whole book."""

    def run(self) -> tuple[list[nodes.Node], list]:
        folder = Path(self.env.srcdir) / "notebooks"
        numbers = ["[0-9][0-9]", "appendix"] if self.text == "all" else self.text.split()
        chapters = [file for number in numbers for file in folder.glob(f"{number}_*.ipynb")]
        if self.text != "all" and len(chapters) != len(numbers):
            raise ExtensionError(f"minutes: {self.text!r} must be numbers of chapters, or all")
        for chapter in chapters:
            self.env.note_dependency(str(chapter))
        return [nodes.Text(str(sum(map(minutes, chapters))))], []


class WidgetDirective(SphinxDirective):
    """A widget on a page of prose: the name of its class, then its state as `field: value`."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        state = yaml.safe_load("\n".join(self.content)) or {}
        widget = getattr(widgets, self.arguments[0])(**state)
        return [nodes.raw("", widget.html(), format="html")]


def head(minutes: int, files: str) -> Markup:
    """The line under a chapter's title.  files: their address, without the extension."""

    def download(extension: str, words: str) -> Markup:
        return element("a", {"href": f"{files}.{extension}", "download": ""}, words)

    links = download("ipynb", "notebook"), " or ", download("py", "script")
    return element("p", {"class": "chapter-line"}, f"{minutes} minutes · as a file: ", *links)


def foot(page: str) -> Markup:
    """The box at a chapter's end; book/assets/progress.js puts its control in .reader-read."""
    words = "To change this chapter and run it in JupyterLab, type in the project's folder:"
    command = element("pre", {}, f"make lab OPEN={page}.ipynb\n")
    code = element("div", {"class": "highlight"}, command)
    return element(
        "aside",
        {"class": "chapter-end", "aria-label": "This chapter"},
        element("div", {"class": "reader-read"}, ""),
        element("p", {}, words),
        element("div", {"class": "highlight-text notranslate"}, code),
    )


def drop_launch_buttons(app: Sphinx, config: Config) -> None:
    """Without the address of a repository, Binder and Colab would have nothing to open."""
    if not config.html_theme_options.get("repository_url"):
        config.html_theme_options.pop("launch_buttons", None)


def frame_chapter(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Put a line under a chapter's title and a box at its end, and its script into the build."""
    if app.builder.name != "html" or not CHAPTER.match(page):
        return
    notebook = Path(app.srcdir, f"{page}.ipynb")
    files = Path(app.outdir, "_sources", page)
    script = notebook.with_suffix(".py").read_bytes()
    write_files({files.with_suffix(".py"): script}, force=True)
    line = head(minutes(notebook), context["pathto"](f"_sources/{page}", 1))
    title, text = map(ready_made, context["body"].split(TITLE_END, 1))
    context["body"] = joined(title, TITLE_END, line, text, foot(page))


def load_progress(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """The reader's marks, in the book of many pages only."""
    if app.builder.name == "html":
        app.add_js_file("progress.js", defer="defer")


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_role("minutes", Minutes())
    app.add_directive("widget", WidgetDirective)
    app.connect("config-inited", drop_launch_buttons, priority=400)  # before the theme reads them
    app.connect("html-page-context", frame_chapter)
    app.connect("html-page-context", load_progress)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
