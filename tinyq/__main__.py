"""The command line: ``python -m tinyq COMMAND``.

run, golden, ledger, bench and plot work on the seed, accuracy on the digits; worksheet prints
problems to solve on paper, export writes a network to a file, open says what is in a model,
compare says where two runtimes differ on a network, and requantize brings one accumulator to a code
by each rounding.
"""

import argparse
import sys

from tinyq.commands import (
    accuracy,
    compare,
    export,
    open_file,
    plot,
    requantize,
    seed,
    streams,
    worksheet,
)


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the commands and their options."""
    what = "Int8 inference, byte for byte."
    parser = argparse.ArgumentParser(prog="python -m tinyq", description=what)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (seed, accuracy, worksheet, plot, export, compare, requantize, open_file):
        command.add_parser(commands)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    args = command_line().parse_args(argv)
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(streams.guarded(main))
