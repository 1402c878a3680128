"""Which tests a run takes, in which order, and one line on those that it leaves out.

`full` marks what is slow by nature or far from what a reader changes: `make test-all` runs it,
`make test` does not. `slow` marks what takes more than a few seconds, needs the built book or a
browser: `make check` leaves it out, and all that is `full`.
"""

from collections import Counter
from collections.abc import Set

import pytest

LEFT_OUT: Counter = Counter()  # slow tests that were deselected, by file


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Refuse a parametrize over a set: each worker would collect it in an order of its own."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        if isinstance(mark.args[1], Set):
            pytest.fail(f"{metafunc.definition.nodeid}: parametrize over a list, not over a set")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what is full, needs the built book or a browser; then put long files first.

    A worker takes a file at a time, and a long one that starts last would leave the others idle.
    The first file builds the book. Until it is built, the others run what does without it.
    """
    files: dict = {}
    for item in items:
        needs = {"built_book", "chromium"} & set(getattr(item, "fixturenames", ()))
        if needs or item.get_closest_marker("full"):
            item.add_marker("slow")
        asks = files.setdefault(item.path, set())
        asks |= needs
        if item.get_closest_marker("slow"):
            asks.add("slow")
    builder = next((path for path, asks in files.items() if "built_book" in asks), None)

    def turn(item: pytest.Item) -> int:
        if item.path == builder:
            return 0
        if "slow" in files[item.path]:
            return 2 if "built_book" in files[item.path] else 1
        return 3 if item.path.suffix == ".ipynb" else 4

    items.sort(key=turn)


def pytest_deselected(items: list[pytest.Item]) -> None:
    LEFT_OUT.update(item.path.name for item in items if item.get_closest_marker("slow"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell xdist's controller, which collects nothing itself, what this worker left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = dict(LEFT_OUT)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """Hear it from a worker; each of them left out the same."""
    for name, count in getattr(node, "workeroutput", {}).get("left_out", {}).items():
        LEFT_OUT[name] = count


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if LEFT_OUT and config.option.markexpr:
        files = ", ".join(sorted(LEFT_OUT)) if len(LEFT_OUT) < 12 else f"{len(LEFT_OUT)} files"
        terminalreporter.write_line(
            f"Left out: {LEFT_OUT.total()} slow tests, in {files}. `make test-all` runs them."
        )
