"""``python -m tinyq plot``: the parity figure of the seed."""

import argparse
from pathlib import Path

from tinyq.analysis import parity
from tinyq.commands.models import one_sentence
from tinyq.commands.seed import TEST_IMAGES, seed_networks


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``plot`` to a parser's commands."""
    parser = commands.add_parser("plot", help="write the two-panel parity figure")
    parser.add_argument("--out", type=figure_path, default=Path("parity.png"))
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    parser.set_defaults(run=plot)


@one_sentence(1)
def plot(args: argparse.Namespace) -> tuple[int, str]:
    """Write the figure; return 0 and its path."""
    from tinyq.plots import parity as draw_parity  # matplotlib is needed here alone
    from tinyq.plots.style import save

    net, qnet, seed = seed_networks()
    figure = draw_parity(parity.compare(net, qnet, seed.images[:TEST_IMAGES]))
    save(figure, args.out, force=args.force)
    return 0, str(args.out)


def figure_path(text: str) -> Path:
    """Return text as a path; raise ArgumentTypeError unless it ends in .png or .svg."""
    path = Path(text)
    if path.suffix not in (".png", ".svg"):
        raise argparse.ArgumentTypeError(f"must end in .png or .svg, got {text!r}")
    return path
