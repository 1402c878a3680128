"""``python -m tinyq worksheet``: problems to solve on paper, and their answers."""

import argparse


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``worksheet`` to a parser's commands."""
    parser = commands.add_parser("worksheet", help="print problems to solve on paper")
    parser.add_argument("--seed", type=int, required=True, help="which sheet, any integer")
    parser.add_argument("--answers", action="store_true", help="print the answers instead")
    parser.set_defaults(run=worksheet)


def worksheet(args: argparse.Namespace) -> int:
    """Print a sheet."""
    from tinyq.exercise.worksheet import sheet  # its problems are needed here alone

    print(sheet(args.seed, args.answers))
    return 0
