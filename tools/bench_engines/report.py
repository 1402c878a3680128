"""The head of the record, and its rows in print."""

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tools.agreement.report import FEATURES, table, today
from tools.bench_engines.cases import Case
from tools.bench_engines.measure import SLOW_ROUNDS, SLOW_US
from tools.bench_engines.runners import ENGINES
from tools.bench_engines.worker import ROUND_MS

CPU = Path("/proc/cpuinfo")
CALL = (
    "A call takes a batch that is quantized already, in the runner's own dtype and layout, and "
    "ends with the logits in NumPy's hands, on one thread. A round is as many calls as fill "
    f"{ROUND_MS} ms, one at least, and its result their median; the rounds of all runners are "
    f"interleaved. Calls of more than {SLOW_US / 1e6:g} s get {SLOW_ROUNDS} rounds."
)


def say(text: str) -> None:
    """Print a line at once, above the bar of progress where there is one."""
    tqdm.write(text)
    sys.stdout.flush()


def about(rounds: int) -> dict:
    """Return the head of the record."""
    return {
        "date": today(),
        "machine": machine(),
        "python": f"Python {platform.python_version()}, NumPy {np.__version__}",
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


def where(one: Case) -> str:
    """Return network and batch in words."""
    return f"{one.network}, batch {one.batch}"


def time(us: float) -> str:
    """Return microseconds in as many digits as mean anything."""
    return f"{us:.1f}" if us < 100 else f"{us:,.0f}"


def run_line(row: dict) -> str:
    """Return a run as a line: median and quartiles, rate, memory, and whether its bytes agree."""
    taken = f"{time(row['us'])} us ({time(row['q1'])} to {time(row['q3'])})"
    memory = "" if row["peak_bytes"] is None else f"{row['peak_bytes'] / 1e6:.1f} MB"
    equal = row["equal_logits"]
    share = "float" if equal is None else f"{equal / row['logits']:.2%} of the logits"
    return f"  {row['runner']:20} {taken:36} {row['gmac_per_s']:>8.3g} GMAC/s {memory:>9}  {share}"


def ratios(rows: Sequence[dict]) -> str:
    """Return a table of a case: each runner's time as a multiple of each engine's."""
    us = {row["runner"]: row["us"] for row in rows}
    cells = {
        (f"  {runner}", f"times {engine}"): f"{us[runner] / us[engine]:.3g}"
        for runner in us
        for engine in ENGINES
        if engine in us
    }
    return table(cells) if cells else "  nothing to compare"


def growth_line(row: dict) -> str:
    """Return a point of growth as a line: time, and the plan of an engine."""
    plan = f"plan {row['plan_bytes'] / 1e6:.2f} MB" if row["plan_bytes"] else ""
    point = f"{row['axis']} {row['value']}"
    return f"  {point:14} {row['runner']:16} {time(row['us']):>12} us  {plan}".rstrip()
