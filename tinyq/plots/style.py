"""One look for every figure: white card, dark ink, colours that colour-blind eyes tell apart."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.figure import Figure

from tinyq.export.files import write_files

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


@contextmanager
def figure(
    rows: int = 1, columns: int = 1, size: tuple[float, float] = (7.0, 3.0), **kwargs: Any
) -> Iterator[tuple[Figure, Any]]:
    """Open a figure in the book's style; draw inside the block, return the figure after it.

    rows, columns: of axes; size: in inches; and any keyword of ``plt.subplots``.
    Yields (figure, axes), one Axes or an array of them, as ``plt.subplots`` returns them.
    The figure leaves pyplot's list at the end, so a notebook shows it once, where it is returned.
    """
    with plt.rc_context(RC):
        fig, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", **kwargs)
        try:
            yield fig, axes
            fig.canvas.draw()
        finally:
            plt.close(fig)


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
