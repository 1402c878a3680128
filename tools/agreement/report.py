"""The verification ledger: what was measured as JSON, as a printed matrix, and against the last."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tinyq import Rounding
from tools.agreement.suite import OWN, Pair
from tools.agreement.workers import NETWORKS, Result

FEATURES = ("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni")


def ledger(results: Sequence[Result], nodes: dict[str, bool], count: int, seed: int) -> dict:
    """Return the ledger as JSON holds it.

    nodes: whether each ONNX node test passed; count: cases an operator and runtime.
    """
    pairs = [pair for result in results for pair in result.pairs]
    return {
        "date": today(),
        "seed": seed,
        "count": count,
        "machine": machine(),
        "python": f"Python {platform.python_version()}, NumPy {np.__version__}",
        "versions": {result.runtime: result.version for result in results if result.version},
        "stopped": {result.runtime: result.stopped for result in results if result.stopped},
        "pairs": [{**asdict(pair), "exact": pair.exact, "reason": reason(pair)} for pair in pairs],
        "networks": [asdict(whole) for result in results for whole in result.wholes],
        "onnx_node_tests": nodes,
    }


def today() -> str:
    """Return the date, year first."""
    return datetime.now(UTC).date().isoformat()


def machine() -> str:
    """Return the kind of processor and those of its features that choose a runtime's kernels."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    return " ".join([platform.machine(), *(name for name in FEATURES if name in flags)])


def reason(pair: Pair) -> str | None:
    """Return why a pair is not exact, in a sentence; None for one that is."""
    if pair.exact:
        return None
    if not pair.cases:
        return f"The runtime took no case: {pair.refusal}."
    own = pair.rules[OWN]
    return (
        f"{pair.setting} is not its rule: {pair.cases - own.equal} of {pair.cases} cases differ, "
        f"by at most {own.largest}."
    )


def matrix(results: Sequence[Result]) -> str:
    """Return one table a rule, operators down and runtimes across, and one of whole networks."""
    pairs = [pair for result in results for pair in result.pairs]
    tables = []
    for name in (OWN, *(rounding.name for rounding in Rounding)):
        cells = {(p.operator, p.runtime): share(p, name) for p in pairs if name in p.rules}
        title = "each runtime's own setting" if name == OWN else name
        tables += [f"Cases with every byte equal under {title}\n{table(cells)}"] if cells else []
    wholes = [whole for result in results for whole in result.wholes]
    if wholes:
        images = wholes[0].images
        cells = {(whole.variant, whole.runtime): f"{whole.own} {whole.double}" for whole in wholes}
        title = f"Networks: of {images} images, logits equal under its own setting and under DOUBLE"
        tables.append(f"{title}\n{table(cells)}")
    return "\n\n".join(tables)


def share(pair: Pair, name: str) -> str:
    """Return "all", a percentage that never rounds up to 100, or "-" without a case."""
    if not pair.cases:
        return "-"
    equal = pair.rules[name].equal
    return "all" if equal == pair.cases else f"{equal * 10_000 // pair.cases / 100:.2f} %"


def table(cells: dict[tuple[str, str], str]) -> str:
    """Return the cells by (row, column) as aligned text."""
    rows, columns = (list(dict.fromkeys(keys)) for keys in zip(*cells, strict=True))
    lines = [["", *columns]]
    lines += [[row, *(cells.get((row, column), "") for column in columns)] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns) + 1)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def regressions(new: dict, committed: dict, runtimes: set[str], operators: set[str]) -> list[str]:
    """Return a line for each pair that the committed ledger calls exact and the new one does not.

    runtimes, operators: what this run was asked for; only they are expected.  A whole network and
    an ONNX node test count as a pair does.
    """
    exact = {(pair["runtime"], pair["operator"]) for pair in new["pairs"] if pair["exact"]}
    networks = {
        (whole["runtime"], whole["variant"])
        for whole in new["networks"]
        if whole["own"] == whole["images"]
    }
    lines = [
        f"{pair['operator']} on {pair['runtime']} was exact on {pair['cases']} cases"
        for pair in committed["pairs"]
        if pair["exact"]
        and pair["runtime"] in runtimes
        and pair["operator"] in operators
        and (pair["runtime"], pair["operator"]) not in exact
    ]
    lines += [
        f"ONNX node test {name} passed"
        for name, passed in committed["onnx_node_tests"].items()
        if passed and "onnxruntime" in runtimes and not new["onnx_node_tests"].get(name)
    ]
    return lines + [
        f"networks ({whole['variant']}) on {whole['runtime']} were exact on {whole['images']}"
        for whole in committed["networks"]
        if whole["own"] == whole["images"]
        and whole["runtime"] in runtimes
        and NETWORKS in operators
        and (whole["runtime"], whole["variant"]) not in networks
    ]


def as_json(new: dict) -> str:
    """Return the ledger's text: one pair or network a line, so that a diff can be read."""
    lines = []
    for key, value in new.items():
        text = json.dumps(value)
        if isinstance(value, list):
            text = "[\n" + ",\n".join(json.dumps(item) for item in value) + "\n]"
        lines.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
