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

CHAPTER = re.compile(r"notebooks/(\d\d|appendix)_")
TIME = re.compile(r"\*\*Time:\*\* (\d+) minutes")
# The script book/assets/progress.js puts its controls in the elements named reader-...
HEAD = """</h1>
<p class="chapter-line">{minutes} minutes · as a file: <a href="{files}.ipynb" download>notebook</a>
or <a href="{files}.py" download>script</a></p>
"""
FOOT = """<aside class="chapter-end" aria-label="This chapter">
<div class="reader-read"></div>
<p>To change this chapter and run it in JupyterLab, type in the project's folder:</p>
<div class="highlight-text notranslate"><div class="highlight"><pre>
make lab OPEN={page}.ipynb
</pre></div></div>
</aside>
"""


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
    head = HEAD.format(minutes=minutes(notebook), files=context["pathto"](f"_sources/{page}", 1))
    context["body"] = context["body"].replace("</h1>\n", head, 1) + FOOT.format(page=page)


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
