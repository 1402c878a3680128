"""A page that shows widgets as the book does, for the browser tests."""

from pathlib import Path

from tinyq.widgets import WIDGETS
from tinyq.widgets.frame.host import scripts_of
from tinyq.widgets.frame.scripts import styles_for


def write_page(folder: Path, body: str, theme: str = "light", widgets=WIDGETS) -> Path:
    """Write a page around body that loads what its tags need, in the book's order."""
    files = scripts_of(body, widgets)
    links = [f'<link rel="stylesheet" href="{file.as_uri()}">' for file in styles_for(files)]
    links += [f'<script defer src="{file.as_uri()}"></script>' for file in files]
    path = folder / "page.html"
    path.write_text(
        f'<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Widgets</title>'
        f"{''.join(links)}</head>"
        f'<body><main><h1 id="top">Page</h1>{body}<h2 id="end">End</h2></main></body></html>'
    )
    return path


def settle(page) -> None:
    """Wait for the frame that paints what was changed before."""
    page.evaluate("() => new Promise(requestAnimationFrame)")
