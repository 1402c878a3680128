"""``python -m tinyq accuracy``: what each method does to the digits."""

import argparse
import sys


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``accuracy`` to a parser's commands."""
    what = "print what each method does to the digits' accuracy"
    commands.add_parser("accuracy", help=what).set_defaults(run=accuracy)


def accuracy(args: argparse.Namespace) -> int:
    """Print the accuracy of each method on the digit networks; count the steps on stderr."""
    from tinyq.analysis import accuracy_table  # the digits and their methods are needed here alone

    def progress(done: int, total: int, what: str) -> None:
        print(f"[{done}/{total}] {what}", file=sys.stderr, flush=True)

    rows = accuracy_table.table(progress=progress)
    print("Percent of 500 test scans that get the right answer.  The bits are those of weights and")
    print("activations, and each + adds to the line before it.\n")
    print(accuracy_table.format_table(rows))
    return 0
