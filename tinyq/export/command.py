"""``python -m tinyq export``: write a network in one of the formats."""

import argparse
import sys
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tinyq.export import FORMATS, load
from tinyq.models import digits, resnet
from tinyq.network import QNetwork

IMAGES = 4


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
        help="the network: the seed, the digits, or a file of --format npz (default %(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


def export(kind: str, out: Path, net: str, force: bool) -> int:
    """Write a network and print its path, or what went wrong; return the exit status."""
    try:
        qnet, images = network(net)
        extra = {"images": images} if kind == "c" else {}
        FORMATS[kind](qnet, out, force=force, **extra)
    except (ImportError, OSError, TypeError, ValueError) as error:
        print(f"python -m tinyq export: error: {error}", file=sys.stderr)
        return 1
    print(out)
    return 0


def network(name: str) -> tuple[QNetwork, NDArray[Any] | None]:
    """Return a calibrated network, and a few images for it or None where it is from a file."""
    if name == "seed":
        weights, biases, images = resnet.seed()
        return resnet.stem_block(weights, biases).quantize(images), images[:IMAGES]
    if name == "digits":
        data = digits.load()
        qnet = data.net.quantize(data.images[data.calibration])
        return qnet, data.images[data.test[:IMAGES]]
    return load(name), None
