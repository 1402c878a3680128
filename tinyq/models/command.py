"""``python -m tinyq open``: what is understood of a .tflite, and what it makes of an input."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.models import foreign
from tinyq.models.load_tflite import to_network
from tinyq.models.tflite import Model, read
from tinyq.models.tflite_ledger import format_rows, operator_rows
from tinyq.models.tflite_network import TFLiteNetwork
from tinyq.models.understand import Understood, understand

MOST_INPUT = 1 << 30  # bytes of an .npy
SHOWN = 100  # codes of one sample, in text


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``open`` to a parser's commands."""
    parser = commands.add_parser("open", help="print the ledger of a .tflite, per operator")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .tflite")
    parser.add_argument(
        "--input", type=Path, help="an .npy of images or of codes to run; prints the output codes"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def open_model(path: Path, inputs: Path | None, as_json: bool) -> int:
    """Print the ledger and the output codes; return the exit status.

    It is 0, 1 where something is not understood, 2 where a file is none that can be read.
    """
    try:
        model = read(path)
        understood = understand(model)
        told: dict[str, Any] = {"model": str(path)}
        rows = operator_rows(model, understood)
        told["operators"] = [asdict(row) for row in rows]
        refused, network = _network(model, understood)
        told["refused"] = refused
        if network:
            told["tensor_indices"] = dict(network.tensor_indices)
        if network and inputs:
            told["output"] = network(_array(inputs)).tolist()
    except (OSError, TypeError, ValueError) as error:
        print(f"python -m tinyq open: error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(told) if as_json else _text(told, format_rows(rows)))
    return 1 if refused else 0


def _network(model: Model, understood: Understood) -> tuple[list[str], TFLiteNetwork | None]:
    """Return what is refused, a line each, or else the network."""
    try:
        return [], to_network(model, understood)
    except ValueError as error:
        return str(error).splitlines(), None


def _text(told: dict[str, Any], table: str) -> str:
    """Return what is told as lines for people."""
    lines = [told["model"], table]
    if told["refused"]:
        lines += ["", f"refused: {len(told['refused'])}", *told["refused"]]
    for number, codes in enumerate(told.get("output", [])):
        flat = np.ravel(codes)
        more = f" and {flat.size - SHOWN} more" if flat.size > SHOWN else ""
        lines.append(f"output {number}: {' '.join(map(str, flat[:SHOWN]))}{more}")
    return "\n".join(lines)


def _array(path: Path) -> NDArray[Any]:
    """Return the array of an .npy; raise OSError or ValueError for a file that is none."""
    content = foreign.read(path, MOST_INPUT)
    try:
        return foreign.array(content)
    except Exception as error:  # NumPy raises its own
        raise ValueError(f"{path} is no .npy that can be read: {error}") from error
