"""Run every notebook once and write book/execution.md: its time, and the versions used.

`python tools/times.py`: the times are of this machine, so nothing compares them.
"""

import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import jupytext
import yaml

from tinyq.export.files import rewrite
from tools.sync import execute

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "book" / "execution.md"
PACKAGES = ["numpy", "matplotlib", "anywidget", "ipykernel", "nbclient", "jupytext"]
PACKAGES += ["jupyter-book", "sphinx", "onnx", "onnxruntime", "ai-edge-litert", "tflite-micro"]
HEAD = """# Execution times and versions

Every notebook was run from top to bottom in a fresh kernel, one after the other. The times hold for
one machine and one day, whatever else it was doing, and no test compares them.

Measured {date} under Python {python} on {machine}, {cores} cores.

## Times

| notebook | seconds |
|---|---|
"""
VERSIONS = """
## Versions

The outputs in this book were made with these packages. All the others are pinned in
`requirements.lock`.

| package | version |
|---|---|
"""
TAIL = """
`python tools/times.py` writes this page anew.
"""


def cpu() -> str:
    """Return the processor's name, or what Python knows of it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def notebooks() -> list[Path]:
    """Return the sources of the notebooks in the table of contents, in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return [ROOT / f"{file}.py" for file in files if file.startswith("notebooks/")]


def measure(source: Path) -> float:
    """Return the seconds that a notebook's run takes, kernel included."""
    notebook = jupytext.read(source)
    start = time.perf_counter()
    execute(notebook, source.parent, [])
    return time.perf_counter() - start


def main() -> None:
    """Measure all notebooks, with a line of progress each, and write the page."""
    sources, times = notebooks(), {}
    for number, source in enumerate(sources, 1):
        print(f"[{number}/{len(sources)}] {source.stem:32}", end=" ", flush=True, file=sys.stderr)
        times[source.stem] = measure(source)
        print(f"{times[source.stem]:5.1f} s", file=sys.stderr)
    date, python = time.strftime("%Y-%m-%d"), platform.python_version()
    head = HEAD.format(date=date, python=python, machine=cpu(), cores=os.cpu_count())
    rows = [f"| [](../notebooks/{name}.ipynb) | {took:.1f} |" for name, took in times.items()]
    rows += [f"| all | {sum(times.values()):.1f} |"]
    pins = [f"| {name} | {version(name)} |" for name in PACKAGES]
    lines = [head.rstrip("\n"), *rows, VERSIONS.rstrip("\n"), *pins, TAIL]
    rewrite(PAGE, "\n".join(lines).encode())


if __name__ == "__main__":
    main()
