"""Fixtures of the book: `built_book`, its finished pages; `browse`, a browser without network.

`built_book` builds the book with `-W -n --keep-going` unless `_build/html` already comes from the
sources as they are now. `browse(path)` opens a page in the system's Chromium; after the test it
fails on whatever went wrong in the page: a request to a host, a missing file, a console error, an
exception. Without Chromium the test is skipped, or fails when TINYQ_REQUIRE_BROWSER=1 is set.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import book_build
import pytest
from browse import Browse, new_context
from selection import (  # noqa: F401
    pytest_collection_modifyitems,
    pytest_deselected,
    pytest_generate_tests,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)

try:
    from hypothesis import settings
except ImportError:
    pass  # the environment of `make test-torch` has none, and what it runs has no law
else:
    # A loaded machine is slow now and then.  In CI Hypothesis has no deadline by itself.
    settings.register_profile("unhurried", settings(deadline=None))
    settings.load_profile("unhurried")

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
# The book's root needs no sandbox in a container, and the browser shall not call home.
FLAGS = ["--no-sandbox", "--disable-background-networking"]


@pytest.fixture(scope="session")
def built_book() -> Path:
    """The folder of the built pages, up to date; xdist's workers share one build."""
    return book_build.up_to_date()


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


@pytest.fixture(scope="session")
def contexts(chromium) -> dict[bool, object]:
    """Two contexts for the pages of all tests: with scripts off, and on."""
    contexts = {javascript: new_context(chromium, javascript) for javascript in (False, True)}
    for context in contexts.values():
        context.new_page()  # as long as one page stays open, the next ones cost half
    return contexts


@pytest.fixture
def browse(chromium, contexts) -> Iterator[Browse]:
    """`browse(path, theme="light", width=1280, ...)` -> Playwright page; see Browse.__call__."""
    browse = Browse(chromium, contexts)
    yield browse
    browse.close()
    assert not browse.problems, "\n".join(browse.problems)
