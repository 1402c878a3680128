"""`python -m tools.agreement.opened`: hold models that other people made against the runtimes.

The models are those of ../shared/models, of each folder that --models names, and of two wheels,
which are downloaded into build/ and not installed.  What is not there is said, and left out.
"""

import argparse
import json
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from tinyq.export.files import rewrite
from tools.agreement import adapters, report
from tools.agreement.every_tensor import RUNTIMES
from tools.agreement.found import SHARED, Found, everything
from tools.agreement.hold import worked
from tools.agreement.opened_rows import faults, measured
from tools.agreement.wheels import PINNED

RECORD, BUILT = Path("book/models_opened.json"), Path("build/models_opened.json")
MOST = 200  # inputs of each kind
# The example that the book works: a model of SHARED, and an input that stands beside it.
EXAMPLE = "mlc_resnet8", "resnet8_smooth.npy"


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.agreement.opened", description=__doc__)
    add = parser.add_argument
    add("--count", type=int, default=MOST, help=f"random and smooth inputs a model, {MOST} at most")
    add("--seed", type=int, default=1, help="of the inputs")
    add("--models", type=Path, nargs="+", default=[], metavar="FOLDER", help="more models")
    add("--no-wheels", action="store_true", help="download nothing")
    add("--jobs", type=int, default=os.cpu_count(), help="models held at a time")
    add("--record", action="store_true", help=f"write {RECORD} and not {BUILT}")
    options = parser.parse_args(argv)
    if options.count < 1:
        parser.error("--count must be at least 1")
    options.count = min(options.count, MOST)
    return options


def versions() -> dict[str, str]:
    """Return the version of each runtime that is there."""
    found = {}
    for name in RUNTIMES:
        try:
            found[name] = adapters.load(name).version
        except ImportError as error:
            print(f"{name}: not importable: {error}")
    return found


def example(models: Sequence[Found], folder: Path) -> list[dict]:
    """Return where the runtimes part on the example; nothing, and a line, where it is absent."""
    contents = [m.content for m in models if any(f"{EXAMPLE[0]}.tflite" in o for o in m.origins)]
    path = folder / EXAMPLE[1]
    if not contents or not path.exists():
        print(f"the worked example needs {EXAMPLE[0]}.tflite and {path}")
        return []
    return worked(contents[0], np.load(path))


def main(argv: Sequence[str] | None = None) -> int:
    """Print what came of each model and write the record; return 1 where a byte differs."""
    options = arguments(argv)
    wheels = [] if options.no_wheels else PINNED
    models, absent = everything([SHARED, *options.models], wheels)
    for why in absent:
        print(f"left out: {why}")
    if not models:
        print("no model was found", file=sys.stderr)
        return 1
    print(f"{len(models)} models, seed {options.seed}, {options.count} inputs of each kind")
    one = partial(measured, count=options.count, seed=options.seed)
    with ThreadPoolExecutor(options.jobs) as threads:
        rows = list(threads.map(one, models))
    command = shlex.join(["python", "-m", "tools.agreement.opened", *(argv or sys.argv[1:])])
    record = {
        **{"date": report.today(), "command": command},
        **{"seed": options.seed, "count": options.count},
        "machine": report.machine(),
        "python": f"Python {platform.python_version()}, NumPy {np.__version__}",
        "versions": versions(),
        "wheels": [{"name": w.name, "version": w.version, "sha256": w.sha256} for w in wheels],
        **{"models": rows, "example": example(models, SHARED)},
    }
    return finish(record, options.record)


def finish(record: dict, asked: bool) -> int:
    """Write the record; return 1, what is committed left as it is, where there is a fault."""
    committed = json.loads(RECORD.read_text())["models"] if RECORD.exists() else []
    found = faults(record["models"], committed, asked)
    if missing := {*RUNTIMES} - {*record["versions"]}:
        found += [f"no record without {', '.join(sorted(missing))}"] if asked else []
    out = RECORD if asked and not found else BUILT
    rewrite(out, report.as_json(record).encode())
    print(f"wrote {out}")
    for fault in found:
        print(f"FAULT: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
