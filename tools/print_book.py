"""Print the book's single page to a PDF: `python tools/print_book.py PAGE.html BOOK.pdf`.

Needs Chromium or Chrome: on the PATH, or named by the variable CHROMIUM. Widgets stand as their
static figures, since paper has no sliders, and what is folded on the page is open.
"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tinyq.export.files import rewrite

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
# Paper has no sliders: without custom elements the static figures stay.
NO_WIDGETS = "customElements.define = () => {};"
OPEN = """() => {
    document.documentElement.dataset.theme = "light";
    document.querySelectorAll("details").forEach((fold) => { fold.open = true; });
    document.querySelectorAll("summary .expanded").forEach((words) => {
        words.textContent = words.textContent.replace("Hide the s", "S");
    });
    document.querySelectorAll("img").forEach((image) => { image.loading = "eager"; });
}"""
TYPESET = """async () => {
    await MathJax.startup.promise;
    await Promise.all([...document.images].map((image) => image.decode()));
}"""
FOOT = """<div style="font-size: 8px; width: 100%; text-align: center">
    <span class="pageNumber"></span></div>"""


def find_browser() -> str | None:
    """The browser's path, or None where there is none."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS)]
    return next((path for path in found if path), None)


def print_book(browser: str, page: Path) -> bytes:
    """Return the file `page` as a PDF in A4, with page numbers and an outline, without network."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        tab = chromium.new_context(offline=True, color_scheme="light").new_page()
        tab.set_default_timeout(300_000)
        tab.add_init_script(NO_WIDGETS)
        tab.goto(page.resolve().as_uri())
        tab.evaluate(OPEN)
        tab.evaluate(TYPESET)
        pdf = tab.pdf(
            format="A4",
            scale=0.75,  # the screen's 16 pixels become 9 points
            margin={"top": "18mm", "bottom": "18mm", "left": "18mm", "right": "18mm"},
            print_background=True,
            outline=True,
            tagged=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOT,
        )
        chromium.close()
    return pdf


def main(page: str, pdf: str) -> int:
    """Print, or say what is missing; return the exit status."""
    browser = find_browser()
    if not browser:
        names = ", ".join(BROWSERS)
        print(
            f"make pdf needs a browser: none of {names} is on the PATH, and CHROMIUM names none.\n"
            f"Install Chromium, or open {page} in any browser and print it to a file.",
            file=sys.stderr,
        )
        return 1
    rewrite(Path(pdf), print_book(browser, Path(page)))
    print(Path(pdf).resolve().as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
