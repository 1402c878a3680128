"""`python -m tools.bench_engines`: measure everything, print it, write the record."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.agreement.report import as_json, write_atomically
from tools.bench_engines import report
from tools.bench_engines.cases import CASES
from tools.bench_engines.growth import growth
from tools.bench_engines.progress import Progress
from tools.bench_engines.roofline import roofline
from tools.bench_engines.tables import tables
from tools.bench_engines.targets import ratios

RECORD, ROUNDS = Path("book/engines.json"), 9


def main(argv: Sequence[str] | None = None) -> int:
    """Return 1 where an engine gave a wrong byte, and write nothing then; else 0."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench_engines", description=__doc__)
    about = f"of each runner on each case, {ROUNDS} if not said; fewer are not recorded"
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=about)
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    record = measured(options.rounds)
    print(report.printed(record))
    if report.complain([*record["runs"], *record["growth"]]):
        return 1
    if options.rounds < ROUNDS or record["missing"]:
        print(f"\nnot the whole run: {RECORD} stays as it is")
        return 0
    write_atomically(RECORD, as_json(record))
    print(f"\nwrote {RECORD}")
    return 0


def measured(rounds: int) -> dict:
    """Return the record of a whole run."""
    progress = Progress(len(CASES) + 2)
    found = tables(rounds, progress)
    found["ratios"] = ratios(found["runs"], found["networks"])
    found["growth"] = growth(progress)
    found["roofline"] = roofline(found["networks"], progress)
    progress.end()
    return {**report.about(rounds, [*found["missing"]]), **found}


if __name__ == "__main__":
    sys.exit(main())
