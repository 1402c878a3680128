"""``python -m tinyq requantize``: one accumulator brought to a code, by each of the roundings."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction

from tinyq.affine import Grid
from tinyq.checks import whole
from tinyq.commands.models import one_sentence
from tinyq.fixedpoint import INT32
from tinyq.requantize import Requantizer, Rounding
from tinyq.runtimes.difference_text import facts_text, steps_text
from tinyq.runtimes.explain import Step, decimal, pair_of, rounding_steps


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``requantize`` to a parser's commands."""
    parser = commands.add_parser("requantize", help="bring an accumulator to a code, step by step")
    parser.add_argument("--acc", type=int, required=True, help="the accumulator, bias and all")
    ratio = parser.add_mutually_exclusive_group(required=True)
    ratio.add_argument(
        "--scales",
        nargs=3,
        type=float,
        metavar=("IN", "WEIGHT", "OUT"),
        help="the three scales, taken as float32, as files have them",
    )
    ratio.add_argument("--multiplier", type=int, help="a multiplier that a runtime has")
    parser.add_argument("--shift", type=int, help="the shift that goes with --multiplier")
    parser.add_argument(
        "--sign",
        choices=("tinyq", "tflite"),
        help="whose sign --shift has: tinyq's is positive to the right (default), TFLite's is not",
    )
    parser.add_argument("--zero_point", "--zero-point", type=int, default=0, help="of the output")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=requantize)


@one_sentence(2)
def requantize(args: argparse.Namespace) -> tuple[int, str]:
    """Return 0, and multiplier, shift, the exact number and what each rounding makes of it."""
    acc, grid = whole("--acc", args.acc, *INT32), Grid(1.0, args.zero_point)
    requantizers, ratio = _from_pair(args) if args.scales is None else _from_scales(args)
    multiplier, shift = pair_of(requantizers[0], 0)
    facts = {
        "accumulator": acc,
        "multiplier": multiplier,
        "shift": shift,
        "shift (TFLite)": -shift,
        "ratio": f"{multiplier} * 2**{-31 - shift}",
        "exact": decimal(acc * ratio),
        "zero_point": grid.zero_point,
    }
    steps = rounding_steps(acc, requantizers, grid)
    told = [asdict(step) for step in steps]
    if args.json:
        agree = len({step.code for step in steps}) == 1
        return 0, json.dumps({**facts, "steps": told, "agree": agree})
    return 0, "\n".join([*facts_text(facts), "", *steps_text(told), "", _sentence(steps)])


def _from_scales(args: argparse.Namespace) -> tuple[list[Requantizer], Fraction]:
    """Return a requantizer for each rounding, and the exact ratio."""
    if args.shift is not None or args.sign is not None:
        raise ValueError("--shift and --sign go with --multiplier")
    s_in, s_w, s_out = (Grid(scale, 0).scale for scale in args.scales)
    requantizers = [Requantizer.from_scales(s_in, s_w, s_out, rounding) for rounding in Rounding]
    return requantizers, Fraction(s_in) * Fraction(s_w) / Fraction(s_out)


def _from_pair(args: argparse.Namespace) -> tuple[list[Requantizer], Fraction]:
    """Return a requantizer for each rounding, and the exact ratio."""
    if args.shift is None:
        raise ValueError("--multiplier needs --shift")
    pair = args.multiplier, args.shift, args.sign or "tinyq"
    requantizers = [Requantizer.from_pair(*pair, rounding) for rounding in Rounding]
    return requantizers, Fraction(float(requantizers[0].ratio[0]))


def _sentence(steps: Sequence[Step]) -> str:
    """Return whether the roundings give one code, or who gives which."""
    codes: dict[int, list[str]] = {}
    for step in steps:
        codes.setdefault(step.code, []).append(step.rule)
    if len(codes) == 1:
        return f"the five agree: {steps[0].code}"
    return "they disagree: " + "; ".join(
        f"{code} by {', '.join(rules)}" for code, rules in codes.items()
    )
