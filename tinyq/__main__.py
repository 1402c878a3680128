"""The command line: ``python -m tinyq COMMAND``.

run, golden, ledger, bench and plot work on the seed, accuracy on the digits; worksheet prints
problems to solve on paper, export writes a network to a file, open says what is in a .tflite,
compare says where two runtimes differ on a network, and requantize brings one accumulator to a code
by each rounding.
"""

import argparse
import os
import sys
from pathlib import Path

from tinyq.analysis import parity
from tinyq.analysis.bench import HEADER, bench
from tinyq.checks import real
from tinyq.commands import compare, export, open_file, requantize
from tinyq.models import resnet
from tinyq.network import Network, QNetwork
from tinyq.network.ledger import format_ledger

TEST_IMAGES = 4

# The tensors that the seed reports: the name in its output, and the layer that makes them.
RANGES = {
    "input": "input",
    "stem": "stem_conv7x7_s2",
    "pool": "stem_maxpool2x2",
    "block conv1": "block_conv3x3_a",
    "block conv2": "block_conv3x3_b",
    "add": "block_relu_b",
    "logits": "dense_8x4",
}


def seed_networks() -> tuple[Network, QNetwork, resnet.Seed]:
    """Return the seed's float network, its int8 network, and its weights, biases and images."""
    seed = resnet.seed()
    net = resnet.stem_block(seed.weights, seed.biases)
    return net, net.quantize(seed.images), seed


def run(tolerance: float) -> int:
    """Print ranges, grids, the worst error and PASS or FAIL; return the exit status."""
    net, qnet, seed = seed_networks()
    result = parity.compare(net, qnet, seed.images[:TEST_IMAGES], tolerance)
    print(f"{'tensor':<12}{'float range':>20}{'scale':>10}{'zero_point':>12}")
    for label, name in RANGES.items():
        seen, grid = qnet.ranges[name], qnet.grids[name]
        span = f"{seen.lo:.3f}..{seen.hi:.3f}"
        print(f"{label:<12}{span:>20}{grid.scale:>10.5f}{grid.zero_point:>12}")
    share = result.worst / result.logit_range
    print(
        f"worst |int8 - float| over {TEST_IMAGES} samples: {result.worst:.5f}, "
        f"{share:.1%} of the logit range (tolerance {tolerance:.0%})"
    )
    print("PASS" if result.passed else "FAIL")
    return 0 if result.passed else 1


def golden_text() -> str:
    """Return the golden file's text: two header lines, then the int8 logits of each sample."""
    _, qnet, seed = seed_networks()
    logits = qnet(seed.images[:TEST_IMAGES])
    lines = [
        "# resnet18_block_int8 golden output",
        f"# samples={len(logits)} classes={logits.shape[1]}",
    ]
    lines += [f"sample {i}: {' '.join(map(str, row))}" for i, row in enumerate(logits.tolist())]
    return "\n".join(lines)


def print_bench() -> None:
    """Print the seed's bench table as CSV."""
    _, qnet, seed = seed_networks()
    rows = bench(qnet, seed.images[:1])
    print(HEADER)
    for row in rows:
        print(*row, sep=",")


def plot(path: Path, force: bool) -> int:
    """Write the parity figure and print its path, or what went wrong; return the exit status."""
    from tinyq.plots import parity as draw_parity  # matplotlib is needed here alone
    from tinyq.plots.style import save

    net, qnet, seed = seed_networks()
    figure = draw_parity(parity.compare(net, qnet, seed.images[:TEST_IMAGES]))
    try:
        save(figure, path, force=force)
    except OSError as error:
        print(f"python -m tinyq plot: error: {error}", file=sys.stderr)
        return 1
    print(path)
    return 0


def print_accuracy() -> None:
    """Print the accuracy of each method on the digit networks; count the steps on stderr."""
    from tinyq.analysis import accuracy_table  # the digits and their methods are needed here alone

    def progress(done: int, total: int, what: str) -> None:
        print(f"[{done}/{total}] {what}", file=sys.stderr, flush=True)

    rows = accuracy_table.table(progress=progress)
    print("Percent of 500 test scans that get the right answer.  The bits are those of weights and")
    print("activations, and each + adds to the line before it.\n")
    print(accuracy_table.format_table(rows))


def figure_path(text: str) -> Path:
    """Return text as a path; raise ArgumentTypeError unless it ends in .png or .svg."""
    path = Path(text)
    if path.suffix not in (".png", ".svg"):
        raise argparse.ArgumentTypeError(f"must end in .png or .svg, got {text!r}")
    return path


def share(text: str) -> float:
    """Return text as a finite number >= 0; raise ArgumentTypeError if it is none."""
    try:
        value = real("share", float(text))
    except ValueError:
        value = -1.0
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be a number >= 0, got {text!r}")
    return value


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the commands and their options."""
    parser = argparse.ArgumentParser(prog="python -m tinyq", description="The seed, byte for byte.")
    commands = parser.add_subparsers(dest="command", required=True)
    run_parser = commands.add_parser("run", help="print ranges, grids, worst error, PASS or FAIL")
    run_parser.add_argument(
        "--tolerance",
        type=share,
        default=parity.TOLERANCE,
        help="largest error that passes, as a share of the logit range (default %(default)s)",
    )
    commands.add_parser("golden", help="print the int8 logits of the four test samples")
    commands.add_parser("ledger", help="print the scale bookkeeping, a line a layer")
    commands.add_parser("bench", help="print bytes and nanoseconds a layer as CSV")
    commands.add_parser("accuracy", help="print what each method does to the digits' accuracy")
    sheet_parser = commands.add_parser("worksheet", help="print problems to solve on paper")
    sheet_parser.add_argument("--seed", type=int, required=True, help="which sheet, any integer")
    sheet_parser.add_argument("--answers", action="store_true", help="print the answers instead")
    plot_parser = commands.add_parser("plot", help="write the two-panel parity figure")
    plot_parser.add_argument("--out", type=figure_path, default=Path("parity.png"))
    plot_parser.add_argument("--force", action="store_true", help="replace a file that exists")
    for command in (export, compare, requantize, open_file):
        command.add_parser(commands)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    args = command_line().parse_args(argv)
    match args.command:
        case "run":
            return run(args.tolerance)
        case "golden":
            print(golden_text())
        case "ledger":
            print(format_ledger(seed_networks()[1].ledger()))
        case "bench":
            print_bench()
        case "accuracy":
            print_accuracy()
        case "plot":
            return plot(args.out, args.force)
        case "worksheet":
            from tinyq.exercise import worksheet  # its problems are needed here alone

            print(worksheet.sheet(args.seed, args.answers))
        case _:
            return int(args.run(args))
    return 0


def guarded() -> int | str | None:
    """Run main; return the exit status, 1 where standard output is closed or takes no more."""
    open_standard_streams()
    if sys.stdout is None:
        print("python -m tinyq: error: standard output is closed", file=sys.stderr)
        return 1
    why = ""
    try:
        try:
            status: int | str | None = main()
        except SystemExit as stop:  # the parser's, which may have printed its help
            status = stop.code
        sys.stdout.flush()
        sys.stderr.flush()
        return status
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        pass
    except OSError as error:
        named = error.filename or not error.errno
        why = str(error) if named else f"the output cannot be written: {error.strerror}"
    # what is still unwritten would fail once more when Python ends
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        if why:
            print(f"python -m tinyq: error: {why}", file=sys.stderr)
    except OSError:
        os.dup2(1, 2)
    return 1


def open_standard_streams() -> None:
    """Open the null device where the caller closed a standard stream.

    A file would take its number, and what a C library writes to standard error would end in it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    if sys.stderr is None:  # print would take None for standard output
        sys.stderr = os.fdopen(2, "w")


if __name__ == "__main__":
    sys.exit(guarded())
