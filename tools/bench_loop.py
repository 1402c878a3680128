"""Time the loop that people feel: imports, the widgets' Python side, commands: `make bench-loop`.

Prints a table a question, medians of RUNS; fresh processes take turns, so that a busy machine is as
busy for each.  --chapters runs every notebook too, which takes a minute.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import traitlets

from tinyq.widgets import WIDGETS
from tinyq.widgets.frame.host import Widget
from tools.bench_widgets import table
from tools.times import measure, notebooks

RUNS = 11
# Each in a fresh Python that has NumPy already: what tinyq adds.
MODULES = ["tinyq", "tinyq.models.resnet", "tinyq.export", "tinyq.plots", "tinyq.widgets"]
ADDED = "import numpy, time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
COMMANDS = ["golden", "run", "ledger", "worksheet --seed 1"]


def progress(text: str) -> None:
    """Say on stderr what is measured now."""
    print(text, file=sys.stderr, flush=True)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def python(*arguments: str) -> str:
    """Return what a fresh Python prints."""
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True
    ).stdout


def added(module: str) -> float:
    """Return the seconds that a module's import takes in a fresh Python that has NumPy."""
    return float(python("-c", ADDED.format(module)))


def fresh() -> list[list[str]]:
    """Return a row for each import and each command: name, ms, times `import numpy`."""
    bare = "import numpy, from the shell"
    runs = {bare: partial(timed, partial(python, "-c", "import numpy"))}
    runs |= {f"import {name}, beside numpy": partial(added, name) for name in MODULES}
    for words in COMMANDS:
        run = partial(python, "-m", "tinyq", *words.split())
        runs[f"python -m tinyq {words}"] = partial(timed, run)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(RUNS):
        progress(f"[{number + 1}/{RUNS}] imports and commands")
        for name, run in runs.items():
            times[name].append(run())
    medians = {name: statistics.median(took) for name, took in times.items()}
    return [
        [name, f"{1000 * took:.1f}", f"{took / medians[bare]:.2f}"]
        for name, took in medians.items()
    ]


def moves(widget: Widget) -> Iterator[tuple[str, object]]:
    """Yield (field, another value) for each control: one step of it, or its next choice."""
    for field in widget.fields:
        now, trait = getattr(widget, field), widget.traits()[field]
        if isinstance(trait, traitlets.Enum):
            yield field, next(choice for choice in trait.values if choice != now)
        elif isinstance(trait, traitlets.Bool):
            yield field, not now
        else:
            yield field, now * 0.9 if isinstance(trait, traitlets.Float) else max(now - 1, 0)


def after_a_change(kind: type[Widget], field: str, state: object) -> list[float]:
    """Return the times from a change of one control to the value; none if it is refused."""
    times = []
    for _ in range(RUNS):
        widget = kind()
        widget.value  # noqa: B018
        try:
            times.append(timed(lambda one=widget: (setattr(one, field, state), one.value)))
        except (ValueError, traitlets.TraitError):
            return []
    return times


def widget_row(kind: type[Widget]) -> list[str]:
    """Return name, slowest change, its control, first value, construction, html and repr, in ms."""
    progress(f"widget {kind.name}")
    first = timed(lambda: kind().value)
    changes = {field: after_a_change(kind, field, state) for field, state in moves(kind())}
    medians = {field: statistics.median(times) for field, times in changes.items() if times}
    slowest = max(medians, key=medians.__getitem__)
    shown = kind()
    rest = [statistics.median(timed(work) for _ in range(RUNS)) for work in (kind, shown.html)]
    texts = [f"{1000 * took:.1f}" for took in (medians[slowest], first, *rest)]
    return [kind.name, slowest, *texts]


def chapters() -> list[list[str]]:
    """Return name and seconds of each notebook in a fresh kernel, the slowest first."""
    times = {}
    for source in notebooks():
        progress(f"notebook {source.stem}")
        times[source.stem] = measure(source)
    return [[name, f"{times[name]:.1f}"] for name in sorted(times, key=times.__getitem__)[::-1]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chapters", action="store_true", help="run each notebook too")
    options = parser.parse_args()
    title = f"Fresh processes, median of {RUNS} (aim: import tinyq under 30 ms)"
    table(title, ["", "ms", "of import numpy"], fresh())
    rows = sorted(map(widget_row, WIDGETS), key=lambda row: -float(row[2]))
    head = ["widget", "slowest control", "to value", "first of all", "construct", "html"]
    table("Widgets in Python, ms (aim: from a control to the value in a frame, 16)", head, rows)
    if options.chapters:
        table("Notebooks, seconds, kernel included (aim: under 20)", ["", "s"], chapters())


if __name__ == "__main__":
    main()
