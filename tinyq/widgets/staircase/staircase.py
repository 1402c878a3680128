"""The staircase of chapter 12: gradient descent on weights that are rounded, a step at a time."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked
from tinyq.methods.fakequant import fake_quantize, reached
from tinyq.weights import weight_max, weight_scales
from tinyq.widgets.data.networks import network, shown_images, weights_of
from tinyq.widgets.frame.encode import encode
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import Markup, drawing, element, fallback_of
from tinyq.widgets.frame.traits import Enum, Float, Int

SLOPES = ("straight", "true")


class Task(NamedTuple):
    """A neuron without bias: weights float32 (K,), and what it reads, float32 (M, K)."""

    weights: NDArray[np.float32]
    inputs: NDArray[np.float32]


@cache
def neuron(digit: int) -> Task:
    """Return the trained network's neuron for a digit, and what 20 test scans give it."""
    inputs = network("digits").trace(shown_images("digits"))["global_avgpool"]
    return Task(weights_of("digits")["dense"][digit], inputs)


def in_turn(terms: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return sums along an axis, from the first term to the last: the page adds in this order.

    >>> in_turn(np.float64([[1, 2], [3, 4]]), axis=1).tolist()
    [3.0, 7.0]
    """
    return np.moveaxis(np.cumsum(terms, axis=axis), axis, 0)[-1]


class Descent(NamedTuple):
    """weights: float32 (steps + 1, K), before each step and after the last; losses: (steps + 1,);
    slopes: float64 (K,), dL/dw^ at the end."""

    weights: NDArray[np.float32]
    losses: NDArray[np.float64]
    slopes: NDArray[np.float64]


def descend(task: Task, start: NDArray[np.float32], grid: Grid, rate: float, steps: int) -> Descent:
    """Return gradient descent on the rounded weights w^ = fake_quantize(w), equation (12.2).

    L = mean over the inputs x of (w^ x - own x)**2 / 2,   dL/dw^_k = mean of (w^ x - own x) x_k

    task: its weights are the aim; start: float32 (K,); rate: of a step, 0 for one that stands.
    """
    x, own, w = task.inputs.astype(np.float64), task.weights.astype(np.float64), start
    weights, losses = [], []
    for _ in range(steps + 1):
        error = in_turn((fake_quantize(w, grid) - own) * x, axis=1)
        slopes = in_turn(error[:, None] * x, axis=0) / len(x)
        weights.append(w)
        losses.append(in_turn(error * error, axis=0) / (2 * len(x)))
        w = (w - rate * slopes * reached(w, grid)).astype(np.float32)
    return Descent(np.stack(weights), np.array(losses), slopes)


class Staircase(Widget):
    """Eight rounded weights of a trained neuron that shall give its outputs again, by descent.

    weights, inputs: float32 (K,) and (M, K), a neuron of one's own and what it reads, both or none;
    None for the digits network's.
    digit: 0 to 9, the neuron; weight: the one that is magnified, from 0; bits: 2 to 8; rate: 0.0001
    to 1; steps: 0 to 100; slope: "straight" for the straight-through gradient, (12.2), "true" for
    the staircase's own, which is 0; nudge: -10 to 10, added to the magnified weight at the start.
    Raises ValueError for weights and inputs that do not fit together or are not finite.

    >>> shown = Staircase().value                   # three steps, and no code has moved
    >>> shown["codes"] == shown["start_codes"], shown["losses"][0] == shown["losses"][3]
    (True, True)
    """

    name = "staircase"
    fields = ("digit", "weight", "bits", "rate", "steps", "slope", "nudge")
    called = ("codes", "weights")

    digit = Int(9, min=0, max=9).tag(sync=True)
    weight = Int(1, min=0).tag(sync=True)
    bits = Int(3, min=2, max=8).tag(sync=True)
    rate = Float(0.002, min=0.0001, max=1.0).tag(sync=True)
    steps = Int(3, min=0, max=100).tag(sync=True)
    slope = Enum(SLOPES, "straight").tag(sync=True)
    nudge = Float(0.0, min=-10.0, max=10.0).tag(sync=True)

    @checked
    def __init__(
        self,
        weights: NDArray[np.float32] | None = None,
        inputs: NDArray[np.float32] | None = None,
        **state: object,
    ) -> None:
        self._own = None
        if weights is not None or inputs is not None:
            if weights is None or inputs is None:
                raise ValueError("weights and inputs must be given together")
            if weights.ndim != 1 or inputs.ndim != 2 or inputs.shape[1] != len(weights):
                raise ValueError(
                    f"weights must be (K,) and inputs (M, K), got {weights.shape}, {inputs.shape}"
                )
            if not inputs.size:
                raise ValueError(f"inputs must hold at least one number, got {inputs.shape}")
            self._own = Task(weights, inputs)
            state = {"weight": 0, "data": encode(self._own._asdict()), "hide": "digit", **state}
        super().__init__(**state)

    @property
    def task(self) -> Task:
        """The neuron that is shown and what it reads."""
        return self._own or neuron(self.digit)

    @property
    def grid(self) -> Grid:
        """The grid of the neuron's own weights, which stays while they move."""
        scales = weight_scales(self.task.weights[None], per_channel=False, bits=self.bits)
        most = weight_max(self.bits)
        return Grid(float(scales[0]), 0, -most, most)

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the grid; the weights after the steps and their codes, those before; the
        path of the magnified weight and the losses, steps + 1 numbers each; what the loss asks of
        it, dL/dw^, whether its slope passes, and its next step.
        """
        task, grid, k = self.task, self.grid, self.weight
        if k >= len(task.weights):
            raise ValueError(f"weight must be at most {len(task.weights) - 1}, got {k}")
        start = task.weights.copy()
        start[k] = float(start[k]) + self.nudge
        rate = self.rate if self.slope == "straight" else 0.0
        found = descend(task, start, grid, rate, self.steps)
        now = found.weights[-1]
        passes = bool(reached(now, grid)[k]) and self.slope == "straight"
        return {
            **{field: getattr(self, field) for field in self.fields},
            **{"scale": grid.scale, "qmin": grid.qmin, "qmax": grid.qmax},
            **{"own": task.weights.tolist(), "weights": now.tolist()},
            "codes": grid.quantize(now).tolist(),
            "start_codes": grid.quantize(start).tolist(),
            "path": found.weights[:, k].tolist(),
            "losses": found.losses.tolist(),
            "asked": float(found.slopes[k]),
            "passes": passes,
            "next_step": float(-self.rate * found.slopes[k]) if passes else 0.0,
        }

    def fallback(self) -> Markup:
        """The staircase with the weight on it as SVG, and a sentence."""
        shown = self.value
        words = (
            f"After {self.steps} steps weight {self.weight} is "
            f"{shown['weights'][self.weight]:.4g} and has code {shown['codes'][self.weight]}; "
            f"it began with code {shown['start_codes'][self.weight]}. The loss went from "
            f"{shown['losses'][0]:.4g} to {shown['losses'][-1]:.4g}."
        )
        note = "A button for a step of gradient descent appears here where scripts may run."
        return fallback_of(stairs(self.grid, shown["path"]), words, note)


def stairs(grid: Grid, path: list[float]) -> Markup:
    """Return an SVG of the staircase from end to end, and a dot where each weight of path stands.

    path: real numbers; the last one is drawn larger.
    """
    reach = (grid.qmax + 1.5) * grid.scale

    def at(x: float) -> float:
        return 320 + 300 * max(-1.0, min(x / reach, 1.0))

    def y(code: int) -> float:
        return 80 - 60 * code / grid.qmax

    line = f"M20 {y(grid.qmin):.1f}" + "".join(
        f"V{y(code):.1f}H{at((code + 0.5) * grid.scale) if code < grid.qmax else 620:.1f}"
        for code in range(grid.qmin, grid.qmax + 1)
    )
    last = len(path) - 1
    curve = {"d": line, "fill": "none", "stroke": "#0072b2", "stroke-width": 2}
    dots = []
    for i, w in enumerate(path):
        place = {"cx": f"{at(w):.1f}", "cy": f"{y(int(grid.quantize(w))):.1f}"}
        dots.append(element("circle", {**place, "r": 6 if i == last else 2, "fill": "#d55e00"}))
    words = "A weight on the staircase of its grid"
    return drawing(words, {}, 160, element("path", curve), *dots)
