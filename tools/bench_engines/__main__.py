"""`python -m tools.bench_engines`: time everything, print it as it comes, and write it down."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tinyq.export.files import rewrite
from tools.agreement.report import as_json
from tools.bench_engines import report
from tools.bench_engines.growth import growth
from tools.bench_engines.opened import opened
from tools.bench_engines.roofline import roofline
from tools.bench_engines.runners import versions
from tools.bench_engines.tables import WrongBytes, tables

RECORD, BUILT = Path("book/engines.json"), Path("build/engines.json")
OPENED = Path("build/engines_opened.json")
ROUNDS, SECONDS = 9, 300


def main(argv: Sequence[str] | None = None) -> int:
    """Return 1 where an engine has a wrong byte or a record is not whole, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench_engines", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each runner on each case")
    parser.add_argument("--record", action="store_true", help=f"write {RECORD} and not {BUILT}")
    parser.add_argument("--models", type=Path, help=f"time a folder's .tflite, into {OPENED}")
    options = parser.parse_args(argv)
    if options.record and options.models:
        parser.error("--record is for the project's own networks")
    if options.rounds < (ROUNDS if options.record else 1):
        parser.error(f"--rounds must be at least 1, and {ROUNDS} with --record")
    try:
        record = measured(options.rounds, time.monotonic() + SECONDS, options.models)
    except WrongBytes as wrong:
        print(f"WRONG BYTES: {wrong}", file=sys.stderr)
        return 1
    for what, why in record["missing"].items():
        print(f"not measured to the end: {what}: {why}", file=sys.stderr)
    whole = options.record and not record["missing"]
    out = OPENED if options.models else RECORD if whole else BUILT
    rewrite(out, as_json(record).encode())
    print(f"\nwrote {out}")
    return int(options.record and not whole)


def measured(rounds: int, end: float, models: Path | None = None) -> dict:
    """Return the record of a run that ends at a moment of the monotonic clock, done or not.

    Each part may take half of the time that is left, so that there is always some for the next.
    models: a folder whose models are timed, and nothing else.
    """
    timed = opened(models, rounds, end) if models else tables(rounds, end)
    found = report.about(rounds) | timed
    found["versions"] = versions(dict.fromkeys(run["runner"] for run in found["runs"]))
    if models:
        return found
    found["growth"], more = growth(rounds, end)
    found["roofline"], last = roofline(found["networks"], rounds, end)
    found["missing"] |= more | last
    return found


if __name__ == "__main__":
    sys.exit(main())
