"""One look for every figure: white card, dark ink, colours that colour-blind eyes tell apart."""

import inspect
import io
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure

from tinyq.checks import checked
from tinyq.checks.values import shown
from tinyq.export.files import write_files

Params = ParamSpec("Params")

# Okabe and Ito, in the order in which figures use them.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, INK, GREY = "#CC79A7", "#56B4E9", "#222222", "#767676"
COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)

RC: dict[Any, Any] = {
    "figure.facecolor": "white",
    "figure.dpi": 144,
    "savefig.dpi": 144,
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.prop_cycle": cycler(color=COLOURS),
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "axes.unicode_minus": False,  # -128 as the prose and the code write it
    "svg.hashsalt": "tinyq",
}


# What Python, NumPy and matplotlib raise where data do not fit together.
WRONG = (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError, ValueError)


def drawn(draw: Callable[Params, Figure]) -> Callable[Params, Figure]:
    """Return draw behind the gate: what cannot be drawn ends in an error that shows the arguments.

    TypeError or ValueError for what the annotations rule out, ValueError for what only drawing
    finds: nothing to draw, lengths that do not fit, an index or a key that is not there.
    """
    signature = inspect.signature(draw)

    @checked
    @wraps(draw)
    def attempt(*args: Params.args, **kwargs: Params.kwargs) -> Figure:
        given = signature.bind(*args, **kwargs).arguments
        try:
            for name, value in given.items():
                if isinstance(value, Sized) and not len(value):
                    raise ValueError(f"{name} must hold something to draw")
            with np.errstate(divide="raise", invalid="raise"):
                return draw(*args, **kwargs)
        except WRONG as error:
            listed = ", ".join(f"{name} = {shown(value)}" for name, value in given.items())
            raise ValueError(f"{draw.__name__} cannot draw {listed}: {error}") from error

    return attempt


@contextmanager
def figure(
    rows: int = 1,
    columns: int = 1,
    size: tuple[float, float] = (7.0, 3.0),
    dpi: float | None = None,
    **kwargs: Any,
) -> Iterator[tuple[Figure, Any]]:
    """Open a figure in the book's style; draw inside the block, return the figure after it.

    rows, columns: of axes; size: in inches; dpi: dots an inch; and any keyword of
    ``Figure.subplots``.
    Yields (figure, axes), one Axes or an array of them, as ``Figure.subplots`` returns them.
    The figure leaves pyplot's list at the end, so a notebook shows it once, where it is returned.
    """
    with plt.rc_context(RC):
        fig = plt.figure(figsize=size, dpi=dpi, layout="constrained")
        try:
            yield fig, fig.subplots(rows, columns, **kwargs)
            fig.canvas.draw()
        finally:
            plt.close(fig)


@checked
def save(fig: Figure, path: Path, *, force: bool = False) -> None:
    """Write a figure to path, in the format of its suffix, whole or not at all.

    The same figure gives the same bytes: without a date, and with SVG ids from a fixed salt.
    force: whether a file that exists is replaced.  Raises FileExistsError for one, without force;
    OSError where the disk refuses.
    """
    dateless = {"Date": None} if path.suffix == ".svg" else {}
    drawn = io.BytesIO()
    with plt.rc_context(RC):
        fig.savefig(drawn, format=path.suffix[1:], metadata=dateless)
    write_files({path: drawn.getvalue()}, force=force)
