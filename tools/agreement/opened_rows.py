"""The record's row of each model that other people made, and what is wrong in such rows."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from tinyq.models.tflite import parse
from tools.agreement.found import Found
from tools.agreement.held import opened
from tools.agreement.hold import hold


def described(model: Found) -> dict:
    """Return the facts of a file, with every refusal where tinyq does not open it."""
    row = {"name": model.name, "sha256": model.sha256, "size": len(model.content)}
    row |= {"origins": model.origins, "licence": model.licence, "operators": {}, "refusals": []}
    try:
        names = [operator.name for operator in parse(model.content).operators]
        row["operators"] = dict(Counter(names))
        opened(model.content)
    except ValueError as error:
        row["refusals"] = str(error).splitlines()
    return row


def measured(model: Found, count: int, seed: int) -> dict:
    """Return the row of a model, with what came of each runtime if it is opened."""
    row = described(model)
    if row["refusals"]:
        print(
            f"{model.name}: refused, {len(row['refusals'])} lines: {row['refusals'][0]}", flush=True
        )
        return row
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            row["runtimes"] = process.submit(hold, model.content, count, seed).result()
        except BrokenProcessPool:
            row["stopped"] = "its process died"
        except (RuntimeError, ValueError) as error:
            row["stopped"] = str(error)
    lines = [row["stopped"]] if "stopped" in row else map(line, row["runtimes"].items())
    print("\n  ".join([model.name, *lines]), flush=True)
    return row


def line(item: tuple[str, dict]) -> str:
    """Return what came of one runtime, in a line."""
    name, held = item
    if held["refused"]:
        return f"{name:17} refuses the file: {held['refused']}"
    total = sum((Counter(counts) for counts in held["counts"].values()), Counter())
    wrong = f", {total['differing']} bytes differ: {held['wrong']}" if held["wrong"] else ""
    apart = f"{100 * total['from_micro'] / total['bytes']:.3f} % of the bytes not TFLite Micro's"
    return f"{name:17} {total['equal']} of {total['tensors']} tensors equal{wrong}; {apart}"


def faults(rows: Sequence[dict], committed: Sequence[dict], whole: bool) -> list[str]:
    """Return a line for each byte that differs, and each model that was opened and is no more.

    whole: whether a model of the committed record must be here at all.
    """
    lines = [
        f"{row['name']} on {name}: {held['wrong']}"
        for row in rows
        for name, held in row.get("runtimes", {}).items()
        if held["wrong"]
    ]
    lines += [f"{row['name']}: {row['stopped']}" for row in rows if "stopped" in row]
    here = {row["sha256"]: row for row in rows}
    for row in committed:
        if row["refusals"]:
            continue
        if row["sha256"] not in here:
            lines += [f"{row['name']} is not here"] if whole else []
        elif here[row["sha256"]]["refusals"]:
            lines.append(f"{row['name']} was opened, and is refused")
    return lines
