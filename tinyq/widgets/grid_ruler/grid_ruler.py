"""The grid ruler of chapter 1: lo, hi and bits make a grid, x shows what it does to a number."""

from typing import Any

import numpy as np

from tinyq.affine import Grid, round_half_away
from tinyq.checks import checked, whole
from tinyq.widgets.frame.host import Widget
from tinyq.widgets.frame.markup import Markup, drawing, element, fallback_of
from tinyq.widgets.frame.traits import Float, Int


@checked
def grid_of(lo: float, hi: float, bits: int) -> Grid:
    """Return the asymmetric grid of 2**bits codes around zero, -2**(bits - 1) the first.

    Raises ValueError for bits outside 2..8, and as Grid.from_range does.

    >>> grid_of(-1.0, 2.0, 4)
    Grid(scale=0.20000000298023224, zero_point=-3, qmin=-8, qmax=7)
    """
    qmin = -(2 ** (whole("bits", bits, 2, 8) - 1))
    return Grid.from_range(lo, hi, qmin=qmin, qmax=-qmin - 1)


class GridRuler(Widget):
    """A ruler with draggable ends: the codes, zero_point, clipping, the staircase and its error.

    lo, hi: the range to cover, float32 numbers, lo <= hi.  bits: 2 to 8.  x: a float32 number to
    quantize.  All four follow the sliders, and the sliders follow them.  Raises ValueError for a
    range that no grid covers.

    >>> ruler = GridRuler(lo=-1.0, hi=2.0, bits=4, x=0.75)
    >>> ruler.value["code"], ruler.value["zero_point"], ruler.value["clipped"]
    (1, -3, False)
    """

    name = "grid-ruler"
    fields = ("lo", "hi", "bits", "x")
    called = ("scale", "zero_point", "code", "dequantized")

    lo = Float(-1.0).tag(sync=True)
    hi = Float(2.0).tag(sync=True)
    bits = Int(8, min=2, max=8).tag(sync=True)
    x = Float(0.75).tag(sync=True)

    @checked
    def __init__(
        self, lo: float = -1.0, hi: float = 2.0, bits: int = 8, x: float = 0.75, **kwargs: object
    ) -> None:
        grid_of(lo, hi, bits)  # refused here, before a front end sees anything
        super().__init__(lo=lo, hi=hi, bits=bits, x=x, **kwargs)

    @property
    def grid(self) -> Grid:
        """The grid that is shown.  Raises ValueError while lo lies above hi."""
        return grid_of(self.lo, self.hi, self.bits)

    @property
    def value(self) -> dict[str, Any]:
        """What is shown: the traits, the grid's scale, zero_point, qmin and qmax, the code of x.

        Also the number that the code stands for (dequantized), error = dequantized - x, and
        whether x was clipped.  Raises ValueError while lo lies above hi.
        """
        grid = self.grid
        code, x = int(grid.quantize(self.x)), float(np.float32(self.x))
        dequantized = float(grid.dequantize(code))
        return {
            **{field: getattr(self, field) for field in self.fields},
            **{"scale": grid.scale, "zero_point": grid.zero_point},
            **{"qmin": grid.qmin, "qmax": grid.qmax, "code": code, "dequantized": dequantized},
            "error": dequantized - x,
            "clipped": int(round_half_away(x / grid.scale)) + grid.zero_point != code,
        }

    def fallback(self) -> Markup:
        """A number line with its codes as SVG, and a sentence with the numbers."""
        shown = self.value
        words = (
            "lo = {lo:.6g}, hi = {hi:.6g} and bits = {bits} give scale = {scale:.6g} and "
            "zero_point = {zero_point}. x = {x:.6g}, the triangle, becomes code {code}, "
            "which stands for {dequantized:.6g}."
        ).format_map(shown)
        every = 4 if self.bits > 6 else 1
        thinned = f" Every {every}th code is drawn." if every > 1 else ""
        note = "Sliders for lo, hi, bits and x appear here where scripts may run."
        figure = number_line(self.grid, self.x, every)
        return fallback_of(figure, words + thinned, note)


def number_line(grid: Grid, x: float, every: int) -> Markup:
    """Return an SVG number line: a tick at each `every`-th code, labels, a triangle at x."""
    reach = 1.25 * max(abs(grid.lo), abs(grid.hi))

    def at(number: float) -> float:
        return 320 + 300 * max(-1.0, min(number / reach, 1.0))

    def tick(code: int) -> str:
        return f"M{at(grid.scale * (code - grid.zero_point)):.2f} 44v-16"

    ticks = "".join(tick(code) for code in range(grid.qmin, grid.qmax + 1, every))
    labelled = {grid.qmin: grid.lo, grid.zero_point: 0.0, grid.qmax: grid.hi}
    apart = {code: r for code, r in labelled.items() if r == 0 or abs(at(r) - at(0)) > 40}
    labels = [
        element("text", {"x": f"{at(number):.2f}", "y": y}, words)
        for code, number in apart.items()
        for y, words in ((20, code), (62, f"{number:.4g}"))
    ]
    return drawing(
        "Number line with the codes of the grid",
        {"fill": "currentColor", "font-size": 14, "text-anchor": "middle"},
        70,
        element("path", {"d": f"M20 44H620{ticks}", "stroke": "currentColor", "fill": "none"}),
        *labels,
        element("path", {"d": f"M{at(x):.2f} 44l6 -8h-12z", "fill": "#d55e00"}),
    )
