"""``python -m tinyq export``: write a network in one of the formats."""

import argparse
from pathlib import Path

from tinyq.commands.models import network, one_sentence
from tinyq.export import FORMATS


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``export`` to a parser's commands."""
    parser = commands.add_parser("export", help="write a network as " + ", ".join(FORMATS))
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument(
        "--out", type=Path, required=True, help="the file to write; for c the folder"
    )
    parser.add_argument(
        "--net",
        default="seed",
        metavar="seed|digits|FILE",
        help="the seed, the digits, or a file: .npz, .tflite, .onnx (default %(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    parser.set_defaults(run=export)


@one_sentence(1)
def export(args: argparse.Namespace) -> tuple[int, str]:
    """Write a network; return 0 and its path."""
    qnet, images = network(args.net)
    extra = {"images": images} if args.format == "c" else {}
    FORMATS[args.format](qnet, args.out, force=args.force, **extra)
    return 0, str(args.out)
