"""`python -m tools.agreement`: measure every operator of every runtime and write the ledger."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tinyq.export.files import rewrite
from tools.agreement import adapters, report, suite, vectors
from tools.agreement.cases import OPERATORS
from tools.agreement.workers import NETWORKS, measure_runtime

LEDGER = Path("book/agreement.json")
VECTORS = Path("tests/data/agreement_vectors.npz")
BUILT = Path("build/agreement.json")


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.agreement", description=__doc__)
    add = parser.add_argument
    add("--count", type=int, default=2500, help="cases for each operator and runtime")
    add("--images", type=int, default=2000, help="images through the networks")
    add("--seed", type=int, default=1, help="of the cases, networks and images")
    everything = [*OPERATORS, NETWORKS]
    add("--operators", nargs="+", choices=everything, default=everything, metavar="OPERATOR")
    add("--runtimes", nargs="+", choices=[*adapters.SOURCES], default=[*adapters.SOURCES])
    add("--jobs", type=int, default=os.cpu_count(), help="runtimes measured at a time")
    add("--record", action="store_true", help=f"write {LEDGER} and not {BUILT}")
    add("--vectors", action="store_true", help=f"write {VECTORS} instead, from every runtime")
    options = parser.parse_args(argv)
    if options.count < 1 or options.images < suite.NETWORKS:
        parser.error(f"--count must be at least 1, --images at least {suite.NETWORKS}")
    if options.record and not is_full(options):
        parser.error("--record takes a run of every operator and every runtime")
    return options


def is_full(options: argparse.Namespace) -> bool:
    """Return whether a run measures every operator of every runtime."""
    everything = set(adapters.SOURCES), {*OPERATORS, NETWORKS}
    return (set(options.runtimes), set(options.operators)) == everything


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite; return 0, or 1 where something that was exact is not."""
    options = arguments(argv)
    if options.vectors:
        return write_vectors(options.seed)
    print(f"seed {options.seed}, {options.count} cases an operator and runtime", flush=True)
    with ThreadPoolExecutor(options.jobs) as threads:
        results = list(threads.map(lambda name: measure_runtime(name, options), options.runtimes))
    for result in results:
        if result.stopped:
            print(f"{result.runtime}: {result.stopped}")
    if not any(result.pairs or result.wholes for result in results):
        print(
            "nothing was measured: it needs the extra, pip install '.[agreement]'", file=sys.stderr
        )
        return 1
    nodes = node_tests() if "onnxruntime" in options.runtimes else {}
    print(f"\n{report.matrix(results)}")
    return finish(report.ledger(results, nodes, options.count, options.seed), options)


def node_tests() -> dict[str, bool]:
    """Return whether each ONNX node test passed; none, and a printed line, without onnx."""
    try:
        from tools.agreement import nodes
    except ImportError as error:
        print(f"ONNX node tests: not importable: {error}")
        return {}
    results = dict(nodes.run())
    failed = [name for name, passed in results.items() if not passed]
    print(f"ONNX node tests: {len(results) - len(failed)} of {len(results)} passed", *failed)
    return results


def write_vectors(seed: int) -> int:
    """Write the stored vectors from the runtimes themselves.  Raises ImportError without one."""
    loaded = {name: adapters.load(name) for name in adapters.SOURCES}
    about = {
        "made_by": "python -m tools.agreement --vectors",
        "seed": seed,
        "machine": report.machine(),
        "date": report.today(),
        "versions": {name: adapter.version for name, adapter in loaded.items()},
    }
    nets = [vectors.seed_network(mean) for mean in (False, True)]
    logits = {
        name: [adapter.pipeline(*net).tolist() for net in nets] for name, adapter in loaded.items()
    }
    vectors.save(VECTORS, about, vectors.collect(loaded, seed), logits)
    print(f"wrote {VECTORS}: {VECTORS.stat().st_size} bytes")
    return 0


def finish(new: dict, options: argparse.Namespace) -> int:
    """Write the ledger; return 1, the record left as it is, where that expected more."""
    committed = {"pairs": [], "networks": [], "onnx_node_tests": {}}
    if LEDGER.exists():
        committed |= json.loads(LEDGER.read_text())
    runtimes, operators = set(options.runtimes), set(options.operators)
    lost = report.regressions(new, committed, runtimes, operators)
    out = LEDGER if options.record and not lost else BUILT
    rewrite(out, report.as_json(new).encode())
    print(f"\nwrote {out}")
    for line in lost:
        print(f"NO LONGER EXACT: {line}", file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
