"""``python -m tinyq compare``: where two runtimes differ, or a device and a runtime's rules."""

import argparse
import json
from pathlib import Path
from typing import Any

from tinyq import runtimes
from tinyq.commands.models import dumped, input_codes, one_sentence, open_model


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``compare`` to a parser's commands."""
    parser = commands.add_parser("compare", help="say where and why two runtimes differ")
    parser.add_argument(
        "model", metavar="MODEL", help="seed, digits, or a file: .npz, .tflite, .onnx"
    )
    sides = parser.add_mutually_exclusive_group(required=True)
    sides.add_argument(
        "--between",
        nargs=2,
        choices=runtimes.RUNTIMES,
        metavar=("A", "B"),
        help="two runtimes, of " + ", ".join(runtimes.RUNTIMES),
    )
    sides.add_argument(
        "--dump",
        type=Path,
        help="an .npz of the tensors that a device has, by the index or the name in the file",
    )
    parser.add_argument(
        "--input", type=Path, help="an .npy of images or of codes; random codes without it"
    )
    parser.add_argument(
        "--runtime",
        choices=runtimes.RUNTIMES,
        default="tflite-micro",
        metavar="A",
        help="whose rules are right for a --dump (default %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=compare)


@one_sentence(2)
def compare(args: argparse.Namespace) -> tuple[int, str]:
    """Return the exit status, 1 or 0, and the first difference, or that there is none."""
    if args.dump and not args.input:
        raise ValueError("--dump needs --input, what the device had")
    model = open_model(args.model)
    images, what = input_codes(model, args.input)
    told: dict[str, Any] = {"model": args.model, "input": what}
    if args.dump:
        said = runtimes.compare(model, images, dumped(args.dump), args.runtime)
        found, text = said.found, str(said)
        told |= {"runtime": args.runtime, "dump": str(args.dump), **said.to_dict()}
    else:
        found = runtimes.first_difference(model, images, *args.between)
        first, second = args.between
        text = str(found) if found else f"every tensor is equal under {first} and {second}"
        told |= {"between": args.between, "found": found.to_dict() if found else None}
    return bool(found), json.dumps(told) if args.json else f"input: {what}\n{text}"
