"""``python -m tinyq open``: what is understood of a file, and what it makes of an input."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tinyq.commands.models import input_codes, one_sentence
from tinyq.models import (
    load_onnx,
    load_tflite,
    onnx,
    onnx_ledger,
    tflite,
    tflite_ledger,
    understand_onnx,
    understand_tflite,
)
from tinyq.models.onnx_network import ONNXNetwork
from tinyq.models.tflite_ledger import OperatorRow, format_rows
from tinyq.models.tflite_network import TFLiteNetwork

SHOWN = 100  # codes of one sample, in text


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``open`` to a parser's commands."""
    parser = commands.add_parser("open", help="print the ledger of a .tflite or an .onnx")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .tflite or an .onnx")
    parser.add_argument(
        "--input", type=Path, help="an .npy of images or of codes to run; prints the output codes"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=open_file)


@one_sentence(2)
def open_file(args: argparse.Namespace) -> tuple[int, str]:
    """Return 0, or 1 where something is not understood, and the ledger and the output codes."""
    rows, network = (_onnx if args.model.suffix == ".onnx" else _tflite)(args.model)
    refused = network if isinstance(network, list) else []
    told: dict[str, Any] = {"model": str(args.model), "operators": [asdict(row) for row in rows]}
    told["refused"] = refused
    if not isinstance(network, list):
        told |= _tensors(network)
        if args.input:
            told["output"] = network(input_codes(network, args.input)[0]).tolist()
    text = json.dumps(told) if args.json else _text(told, format_rows(rows))
    return (1 if refused else 0), text


def _tflite(path: Path) -> tuple[list[OperatorRow], TFLiteNetwork | list[str]]:
    """Return the ledger, and the network or what is refused, a line each."""
    model = tflite.read(path)
    understood = understand_tflite.understand(model)
    rows = tflite_ledger.operator_rows(model, understood)
    try:
        return rows, load_tflite.to_network(model, understood)
    except ValueError as error:
        return rows, str(error).splitlines()


def _onnx(path: Path) -> tuple[list[OperatorRow], ONNXNetwork | list[str]]:
    """Return the same of an .onnx."""
    model = onnx.fused(onnx.read(path))
    understood = understand_onnx.understand(model)
    rows = onnx_ledger.operator_rows(model, understood)
    try:
        return rows, load_onnx.to_network(model, understood)
    except ValueError as error:
        return rows, str(error).splitlines()


def _tensors(network: TFLiteNetwork | ONNXNetwork) -> dict[str, Any]:
    """Return what a file knows its tensors by, an index or a name, by the node's name."""
    if isinstance(network, ONNXNetwork):
        return {"tensor_names": dict(network.tensor_names)}
    return {"tensor_indices": dict(network.tensor_indices)}


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
