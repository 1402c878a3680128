"""A browser without network, and what goes wrong in the pages that it opens."""

from collections.abc import Callable, Mapping
from pathlib import Path

LOCAL = ("file:", "data:", "blob:", "about:")


def new_context(browser, javascript: bool):
    """A window without network, which remembers what its pages store."""
    return browser.new_context(offline=True, java_script_enabled=javascript)


class Browse:
    """Opens local pages; `problems` collects what went wrong in them.

    contexts: where pages open, by whether scripts run there; a new one for each page that finds
    none, which costs as much as a page of the book.
    """

    def __init__(self, browser, contexts: Mapping[bool, object] | None = None) -> None:
        self.browser, self.shared = browser, contexts or {}
        self.problems: list[str] = []
        self.pages: list = []

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
        context = self.shared.get(javascript) or new_context(self.browser, javascript)
        page = context.new_page()
        self.pages.append(page)
        motion = "reduce" if reduced_motion else "no-preference"
        page.emulate_media(color_scheme=theme, reduced_motion=motion)
        page.set_viewport_size({"width": width, "height": 900})
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
        """Close the pages and forget what they stored and were allowed."""
        for page in self.pages:
            page.wait_for_timeout(50)  # an error in a timer or a promise arrives late
            if page.context not in self.shared.values():
                page.context.close()
                continue
            if page.url.startswith("file:"):
                page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
            page.context.clear_permissions()
            page.close()
