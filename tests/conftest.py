"""Fixtures of the book: `built_book`, its finished pages; `browse`, a browser without network;
`turn_to`, one window of it for many pages.

`built_book` builds the book with `-W -n --keep-going` unless `_build/html` already comes from the
sources as they are now. `browse(path)` opens a page in the system's Chromium; after the test it
fails on whatever went wrong in the page: a request to a host, a missing file, a console error, an
exception. Without Chromium the test is skipped, or fails when TINYQ_REQUIRE_BROWSER=1 is set.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Set
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
STAMP = ROOT / "_build" / "html.sha256"
SOURCES = ["_config.yml", "_toc.yml", "index.md", "book/**/*", "notebooks/*"]
SOURCES += ["tinyq/widgets/**/*", "requirements.lock"]
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
LOCAL = ("file:", "data:", "blob:", "about:")
# The book's root needs no sandbox in a container, and the browser shall not call home.
FLAGS = ["--no-sandbox", "--disable-background-networking"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Refuse a parametrize over a set: each worker would collect it in an order of its own."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        if isinstance(mark.args[1], Set):
            pytest.fail(f"{metafunc.definition.nodeid}: parametrize over a list, not over a set")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the built book or a browser as slow, so that `make check` leaves it out.

    Files with slow tests run first and then the notebooks: a long one that starts last would leave
    the other workers idle.
    """
    for item in items:
        if {"built_book", "chromium"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.path.suffix != ".ipynb"))


def digest() -> str:
    """SHA-256 of the book's sources and of the built pages: a change in either asks for a build."""
    globs = [(ROOT, pattern) for pattern in SOURCES] + [(HTML, "**/*.html")]
    files = sorted({file for folder, glob in globs for file in folder.glob(glob) if file.is_file()})
    sha = hashlib.sha256()
    for file in files:
        if "__pycache__" not in file.parts:
            sha.update(f"{file.relative_to(ROOT)} {file.stat().st_size}\n".encode())
            sha.update(file.read_bytes())
    return sha.hexdigest()


def build() -> None:
    """Build all pages; a warning is an error. Fails the calling test with the builder's output."""
    STAMP.unlink(missing_ok=True)
    # --all: an incremental build does not copy a changed script or style sheet
    jupyter_book = str(Path(sys.executable).with_name("jupyter-book"))
    command = [jupyter_book, "build", str(ROOT), "--all", "-W", "-n", "--keep-going"]
    run = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    if run.returncode:
        pytest.fail(f"the book does not build:\n{run.stdout[-3000:]}\n{run.stderr[-6000:]}")
    STAMP.write_text(digest())


@pytest.fixture(scope="session")
def built_book() -> Path:
    """The folder of the built pages, up to date; xdist's workers share one build."""
    STAMP.parent.mkdir(exist_ok=True)
    with FileLock(STAMP.with_suffix(".lock")):
        if not STAMP.exists() or STAMP.read_text() != digest():
            build()
    return HTML


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    """The system's Chromium, started once a worker."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS)]
    executable = next((path for path in found if path), None)
    if not executable:
        reason = f"no browser: none of {', '.join(BROWSERS)} on PATH, CHROMIUM is not set"
        if os.environ.get("TINYQ_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


class Browse:
    """Opens local pages; `problems` collects what went wrong in them."""

    def __init__(self, browser) -> None:
        self.browser = browser
        self.problems: list[str] = []
        self.contexts: list = []

    def __call__(
        self,
        path: Path,
        *,
        theme: str = "light",
        width: int = 1280,
        fragment: str = "",
        reduced_motion: bool = False,
        javascript: bool = True,
    ):
        """Open `path` from file:// with the network refused and return the Playwright page.

        theme: "light" or "dark", what the system prefers. width: of the viewport, in CSS pixels.
        fragment: what follows the path in the address, "#..." or "?...".
        """
        context = self.browser.new_context(
            offline=True,
            color_scheme=theme,
            viewport={"width": width, "height": 900},
            reduced_motion="reduce" if reduced_motion else "no-preference",
            java_script_enabled=javascript,
        )
        self.contexts.append(context)
        page = context.new_page()
        page.on("request", self._watch(page, "request", lambda r: r.url, self._is_remote))
        page.on("websocket", self._watch(page, "request", lambda w: w.url))
        # with scripts off, the browser refuses the scripts that a page asks for; leaving a page
        # aborts what it still loads
        missing = self._watch(page, "missing file", lambda r: r.url, self._is_wanted(javascript))
        page.on("requestfailed", missing)
        page.on("console", self._watch(page, "console", lambda m: m.text, self._is_error))
        page.on("pageerror", self._watch(page, "exception", str))
        page.goto(path.resolve().as_uri() + fragment)
        return page

    @staticmethod
    def _is_remote(request) -> bool:
        return not request.url.startswith(LOCAL)

    @staticmethod
    def _is_error(message) -> bool:
        return message.type == "error"

    @staticmethod
    def _is_wanted(javascript: bool) -> Callable:
        return lambda request: (
            (javascript or request.resource_type != "script")
            and request.failure != "net::ERR_ABORTED"
        )

    def _watch(self, page, kind: str, text: Callable, counts: Callable = lambda _: True):
        def listen(event) -> None:
            if counts(event):
                self.problems.append(f"{Path(page.url).name}: {kind}: {text(event)}")

        return listen

    def close(self) -> None:
        for context in self.contexts:
            for page in context.pages:
                page.wait_for_timeout(50)  # an error in a timer or a promise arrives late
            context.close()


@pytest.fixture
def browse(chromium) -> Iterator[Browse]:
    """`browse(path, theme="light", width=1280, ...)` -> Playwright page; see Browse.__call__."""
    browse = Browse(chromium)
    yield browse
    browse.close()
    assert not browse.problems, "\n".join(browse.problems)


@pytest.fixture(scope="module")
def window(chromium, built_book):
    """One window for many pages, and what goes wrong in it."""
    browse = Browse(chromium)
    yield browse(built_book / "index.html"), browse.problems
    browse.close()


@pytest.fixture
def turn_to(window) -> Iterator[Callable]:
    """`turn_to(path)` -> the page, light, in a window that the module's tests share.

    As `browse`, but theme and MathJax are started once; what a test stored is gone after it.
    """
    page, problems = window

    def turn_to(path: Path):
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(path.as_uri())
        return page

    yield turn_to
    page.wait_for_timeout(50)  # an error in a timer or a promise arrives late
    page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    found = problems[:]
    problems.clear()
    assert not found, "\n".join(found)
