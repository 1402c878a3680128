"""Time the live widgets in Chromium, from file:// with the network refused: `make bench-widgets`.

Prints a table a question: time to a live slider, slider event to repaint, bytes of a page, size
of each module.  Needs the built book (`make book`) and Chromium.
"""

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from tinyq.widgets import WIDGETS
from tinyq.widgets.frame.host import Widget, scripts_of
from tinyq.widgets.frame.markup import element, joined
from tinyq.widgets.frame.scripts import FOLDER, styles_for

BOOK = Path(__file__).resolve().parents[1] / "_build" / "html"
LOADS = 7
EVENTS = 200
# What the theme brings; the rest of a page's own bytes are its text, figures and widgets.
THEME = ("fontawesome", "bootstrap", "pydata", "sphinx", "fa-", "webpack", "basic.css", "pygments")
THEME += ("doctools", "togglebutton", "copybutton", "searchtools", "language_data", "design-tabs")
THEME += ("documentation_options", "mystnb", "proof", "theme", "thebe", "tabs", "logo")

WEIGHTS = ["page", "text", "widgets", "theme", "math", "text + widgets", "without math", "all"]


def executable() -> str:
    """The browser's path, as tests/conftest.py looks for it."""
    names = ["chromium", "chromium-browser", "google-chrome"]
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, names)]
    return next((path for path in found if path), "") or sys.exit(f"no browser: none of {names}")


def pages() -> dict[str, tuple[Path, list[str]]]:
    """The pages of the book with a widget, by name: the file, the widgets' tags."""
    found = {}
    for path in sorted(BOOK.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        tags = [f"tinyq-{one.name}" for one in WIDGETS if f"tinyq-{one.name}" in text]
        if tags:
            found[path.stem] = (path, tags)
    return found or sys.exit("no page of _build/html shows a widget: run make book")


def live(page: Page, path: Path, tag: str) -> float:
    """Milliseconds from the start of the load until a slider stands in the widget."""
    page.add_init_script(
        f"""new MutationObserver((_, observer) => {{
        if (!document.querySelector("{tag} .tinyq-widget")) return;
        observer.disconnect();
        globalThis.live = performance.now(); }})
        .observe(document, {{ subtree: true, childList: true }});"""
    )
    page.goto(path.as_uri())
    page.wait_for_function("globalThis.live")
    return page.evaluate("live")


def repaint(page: Page, tag: str) -> list[float]:
    """Milliseconds that each of many slider events costs: its handler, the painting, the layout."""
    return page.evaluate(
        """async ([tag, events]) => {
        const widget = document.querySelector(tag), times = [];
        const slider = widget.querySelector("input[type=range]");
        const [low, high] = [Number(slider.min), Number(slider.max)];
        for (let i = 0; i < events; i += 1) {
          await new Promise(requestAnimationFrame);
          slider.value = low + (0.3 + 0.004 * ((i * 37) % 100)) * (high - low);
          let start;
          requestAnimationFrame(() => (start = performance.now())); // before the widget's own
          const before = performance.now();
          slider.dispatchEvent(new Event("input", { bubbles: true }));
          const handler = performance.now() - before;
          await new Promise(requestAnimationFrame);                 // after it
          widget.getBoundingClientRect(); // style and layout too
          times.push(handler + performance.now() - start);
        }
        return times; }""",
        [tag, EVENTS],
    )


def repaints(page: Page, widget: type[Widget]) -> list[list[str]]:
    """A row with the percentiles of `repaint` on a page of its own; none without a slider."""
    tag, html = f"tinyq-{widget.name}", widget().html()
    files = scripts_of(html, WIDGETS)
    styles = [{"rel": "stylesheet", "href": file.as_uri()} for file in styles_for(files)]
    scripts = [{"defer": "", "src": file.as_uri()} for file in files]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(
            joined(
                element("meta", {"charset": "utf-8"}),
                *(element("link", style) for style in styles),
                *(element("script", script, "") for script in scripts),
                html,
            )
        )
        start = live(page, path, tag)
    if not page.locator(f"{tag} input[type=range]").count():
        return []
    cuts = np.percentile(repaint(page, tag), [50, 95, 100])
    return [[tag, f"{start:.0f}", *(f"{one:.1f}" for one in cuts)]]


def bytes_of(page: Page, path: Path) -> dict[str, int]:
    """Bytes of the files that a page loads: theme, MathJax, widgets, the rest."""
    files: set[Path] = {path}
    page.on("request", lambda one: files.add(Path(one.url.removeprefix("file://").split("?")[0])))
    page.goto(path.as_uri(), wait_until="load")
    page.wait_for_timeout(500)
    own = {one.name for one in FOLDER.rglob("*.[jc]s*")}
    sizes = {"text": 0, "widgets": 0, "theme": 0, "math": 0}
    for file in filter(Path.is_file, files):
        kind = "math" if "mathjax" in str(file) else "widgets" if file.name in own else "text"
        if kind == "text" and any(word in str(file) for word in THEME) and file != path:
            kind = "theme"
        sizes[kind] += file.stat().st_size
    return sizes


def table(title: str, head: list[str], rows: list[list[object]]) -> None:
    """Print rows under a title, each column as wide as it needs."""
    texts = [head, *([str(one) for one in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    print(f"\n{title}")
    for row in texts:
        first, *rest = (
            one.ljust(widths[0]) if i == 0 else one.rjust(widths[i]) for i, one in enumerate(row)
        )
        print("  ".join([first, *rest]))


def alone(browser: Browser, measure: Callable, *arguments: object) -> Any:
    """Measure on a page of its own: one left open would work on, and cost the next."""
    with closing(browser.new_context(offline=True)) as context:
        return measure(context.new_page(), *arguments)


def load(browser: Browser) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of the milliseconds to a live slider and of the kilobytes, a page of the book each."""
    starts, weights = [], []
    for name, (path, tags) in pages().items():
        print(f"loading {name}", file=sys.stderr)
        times = [alone(browser, live, path, tags[0]) for _ in range(LOADS)]
        starts.append([name, *(f"{f(times):.0f}" for f in (min, np.median, max))])
        sizes = alone(browser, bytes_of, path)
        light = sum(sizes.values()) - sizes["math"]
        columns = [*sizes.values(), light - sizes["theme"], light, sum(sizes.values())]
        weights.append([name, *(f"{one / 1000:.0f}" for one in columns)])
    return starts, weights


def main() -> None:
    """Measure and print."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        starts, weights = load(browser)
        paints = []
        for widget in WIDGETS:
            print(f"moving {widget.name}", file=sys.stderr)
            paints += alone(browser, repaints, widget)
        browser.close()
    title = f"Time to a live slider, ms, {LOADS} loads (aim: under 400)"
    table(title, ["page", "min", "median", "max"], starts)
    title = f"Work from slider event to repaint, ms, {EVENTS} events (aim: p95 within a frame, 16)"
    table(title, ["widget on a page of its own", "page live", "p50", "p95", "max"], paints)
    table("Bytes that a page loads, kB (aim: under 1000 without math)", WEIGHTS, weights)
    sizes = [
        [one.name, f"{one.stat().st_size / 1000:.1f}"] for one in sorted(FOLDER.rglob("*.[jc]s*"))
    ]
    table("Size of each module, kB (aim: under 60)", ["module", "kB"], sizes)


if __name__ == "__main__":
    main()
