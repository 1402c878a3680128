"""``python -m tinyq run``, ``golden``, ``ledger`` and ``bench``: the seed, byte for byte."""

import argparse

from tinyq.analysis import parity
from tinyq.analysis.bench import HEADER, bench
from tinyq.checks import real
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


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the four commands to a parser's commands."""
    run_parser = commands.add_parser("run", help="print ranges, grids, worst error, PASS or FAIL")
    run_parser.add_argument(
        "--tolerance",
        type=share,
        default=parity.TOLERANCE,
        help="largest error that passes, as a share of the logit range (default %(default)s)",
    )
    run_parser.set_defaults(run=lambda args: run(args.tolerance))
    for name, (text, what) in TEXTS.items():
        commands.add_parser(name, help=what).set_defaults(run=_printed, text=text)


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


def ledger_text() -> str:
    """Return the seed's scale ledger."""
    return format_ledger(seed_networks()[1].ledger())


def bench_text() -> str:
    """Return the seed's bench table as CSV."""
    _, qnet, seed = seed_networks()
    rows = bench(qnet, seed.images[:1])
    return "\n".join([HEADER, *(",".join(map(str, row)) for row in rows)])


TEXTS = {
    "golden": (golden_text, "print the int8 logits of the four test samples"),
    "ledger": (ledger_text, "print the scale bookkeeping, a line a layer"),
    "bench": (bench_text, "print bytes and nanoseconds a layer as CSV"),
}


def _printed(args: argparse.Namespace) -> int:
    print(args.text())
    return 0


def share(text: str) -> float:
    """Return text as a finite number >= 0; raise ArgumentTypeError if it is none."""
    try:
        value = real("share", float(text))
    except ValueError:
        value = -1.0
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be a number >= 0, got {text!r}")
    return value
