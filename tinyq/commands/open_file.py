"""``python -m tinyq open``: what is understood of a .tflite, and what it makes of an input."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tinyq.commands.models import input_codes, one_sentence
from tinyq.models.load_tflite import to_network
from tinyq.models.tflite import Model, read
from tinyq.models.tflite_ledger import format_rows, operator_rows
from tinyq.models.tflite_network import TFLiteNetwork
from tinyq.models.understand import Understood, understand

SHOWN = 100  # codes of one sample, in text


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``open`` to a parser's commands."""
    parser = commands.add_parser("open", help="print the ledger of a .tflite, per operator")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .tflite")
    parser.add_argument(
        "--input", type=Path, help="an .npy of images or of codes to run; prints the output codes"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=open_file)


@one_sentence(2)
def open_file(args: argparse.Namespace) -> tuple[int, str]:
    """Return 0, or 1 where something is not understood, and the ledger and the output codes."""
    model = read(args.model)
    understood = understand(model)
    rows = operator_rows(model, understood)
    refused, network = _network(model, understood)
    told: dict[str, Any] = {"model": str(args.model), "operators": [asdict(row) for row in rows]}
    told["refused"] = refused
    if network:
        told["tensor_indices"] = dict(network.tensor_indices)
        if args.input:
            told["output"] = network(input_codes(network, args.input)[0]).tolist()
    text = json.dumps(told) if args.json else _text(told, format_rows(rows))
    return (1 if refused else 0), text


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
