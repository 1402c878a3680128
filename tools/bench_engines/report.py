"""The record of a run, and its tables in print."""

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tools.agreement.report import FEATURES, today
from tools.agreement.report import table as grid
from tools.bench_engines.jobs import WARM_MS
from tools.bench_engines.runners import ENGINES, RUNNERS, versions
from tools.bench_engines.schedule import ROUND_MS, SLOW_ROUNDS, SLOW_US

CPU, WIDE = Path("/proc/cpuinfo"), 1.25
CALL = (
    "A call takes a batch that is quantized already, in the runner's own dtype and layout, and "
    "ends with the logits in NumPy's hands. A round is as many calls as fill "
    f"{ROUND_MS} ms, one at least, and its result their median; the rounds of all runners are "
    "interleaved, and a round in which other processes were at work is run again. With two "
    f"threads {WARM_MS} ms of calls go before each round and do not count. Calls of more than "
    f"{SLOW_US / 1e6:g} s get {SLOW_ROUNDS} rounds."
)


def about(rounds: int, missing: Sequence[str]) -> dict:
    """Return the head of the record."""
    there = [runner for runner in RUNNERS if runner not in missing]
    return {
        "date": today(),
        "machine": machine(),
        "python": f"Python {platform.python_version()}, NumPy {np.__version__}",
        "versions": versions(there),
        "rounds": rounds,
        "call": CALL,
    }


def machine() -> dict:
    """Return the processor's name, those of its features that choose kernels, and the cores."""
    lines = CPU.read_text().splitlines() if CPU.exists() else []
    told = {name.strip(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    flags = told.get("flags", "").split()
    return {
        "architecture": platform.machine(),
        "processor": told.get("model name", "unknown"),
        "features": [name for name in (*FEATURES, "amx_int8") if name in flags],
        "cores": os.cpu_count(),
    }


def printed(record: dict) -> str:
    """Return all tables of a record as text."""
    parts = [runs_table(record["runs"]), ratios_table(record["ratios"])]
    parts += [growth_table(record["growth"]), roofline_table(record)]
    lines = [f"{runner} was not measured: {why}" for runner, why in record["missing"].items()]
    return "\n\n".join([*parts, *lines, *restless(record["runs"])])


def restless(runs: Sequence[dict]) -> list[str]:
    """Return a line where times spread as they do on a machine that has other work."""
    wide = [row for row in runs if row["q3"] > WIDE * row["q1"]]
    share = f"{len(wide)} of {len(runs)} times"
    return [f"{share} have quartiles {WIDE:g} times apart: was the machine busy?"] if wide else []


def runs_table(runs: Sequence[dict]) -> str:
    """Return a table of times and one of memory and bytes, runners down and cases across."""
    times, others = {}, {}
    for row in runs:
        down, across = f"{row['runner']} x{row['threads']}", place(row)
        times[down, across] = f"{time(row['us'])} ({time(row['q1'])}-{time(row['q3'])})"
        equal = row["equal_logits"]
        share = "float" if equal is None else f"{equal / row['logits']:.2%}"
        others[down, across] = f"{row['peak_bytes'] / 1e6:.1f} MB, {share}"
    return (
        f"Microseconds a call, x threads: median (quartiles)\n{grid(times)}\n\n"
        f"Rise of the process's peak memory; share of logits that are the layers'\n{grid(others)}"
    )


def time(us: float) -> str:
    """Return microseconds in as many digits as mean anything."""
    return f"{us:.1f}" if us < 100 else f"{us:,.0f}"


def ratios_table(ratios: Sequence[dict]) -> str:
    """Return a line a target: what was asked, what came, and MISSED where it was not reached."""
    cells = {}
    for number, row in enumerate(ratios):
        asked = f"{row['bound']} {row['target']:g}{' (aim)' * row['aim']}"
        where = f"{place(row)}, x{row['threads']}"
        words = (f"{row['slow']} / {row['fast']}", where, asked, f"{row['ratio']:g}")
        words += ("met" if row["met"] else "MISSED",)
        names = ("ratio", "case", "target", "got", "")
        cells |= {(str(number + 1), name): word for name, word in zip(names, words, strict=True)}
    return f"Targets\n{grid(cells)}" if cells else "Targets: nothing to compare"


def growth_table(rows: Sequence[dict]) -> str:
    """Return a table of times and plans, points down and runners across."""
    cells = {}
    for row in rows:
        plan = f", plan {row['plan_bytes'] / 1e6:.2f} MB" if row["plan_bytes"] else ""
        cells[f"{row['axis']} {row['value']}", row["runner"]] = f"{time(row['us'])}{plan}"
    return f"How cost grows: microseconds a call, one thread\n{grid(cells)}"


def roofline_table(record: dict) -> str:
    """Return the machine's limits, what the networks ask of memory and what the runners reach."""
    limits = record["roofline"]
    lines = [
        f"{r['kernel']} {r['product']}, x{r['threads']}: {r['gmac_per_s']:g} GMAC/s"
        for r in limits["rates"]
    ]
    lines += [f"copy, x{r['threads']}: {r['gb_per_s']:g} GB/s" for r in limits["copy"]]
    cells = {(place(r), "MAC a byte"): f"{r['mac_per_byte']:g}" for r in limits["networks"]}
    for row in record["runs"]:
        if row["threads"] == 1:
            cells[place(row), row["runner"]] = f"{row['gmac_per_s']:.3g}"
    reached = f"GMAC/s that one thread reaches\n{grid(cells)}"
    return "\n".join(["What the machine can do", *lines, "", reached])


def place(row: dict) -> str:
    """Return network and batch in words."""
    return f"{row['network']}, batch {row['batch']}"


def complain(rows: Sequence[dict]) -> int:
    """Print a line for each row where an engine has a byte of its own; return 1 for any, else 0."""
    wrong = [
        row for row in rows if row["runner"] in ENGINES and row["equal_logits"] != row["logits"]
    ]
    for row in wrong:
        share = f"{row['equal_logits']} of {row['logits']} logits"
        where = f"{place(row)}, x{row['threads']}"
        print(f"WRONG BYTES: {row['runner']}: {where}: {share} are the layers'", file=sys.stderr)
    return int(bool(wrong))
