"""How far runtimes are from one of them: the share of bytes that differ, model by model."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from tinyq.plots.rows import name_rows
from tinyq.plots.style import BLUE, GREEN, GREY, PURPLE, SKY, VERMILION, drawn, figure

MARKS = ((VERMILION, "D"), (BLUE, "o"), (GREEN, "v"), (PURPLE, "^"), (SKY, "s"))
LONGEST = 22  # letters of a name on one line
LEAST, UNDER = 0.01, 0.004  # percentages below the first stand together at the second


@drawn
def apart(shares: Mapping[str, Mapping[str, float]]) -> Figure:
    """Return a row a model with a mark for each runtime, on a logarithmic axis of percentages.

    shares: by model and by runtime, the percentage of bytes that differ, 0..100; five runtimes at
    most.  All below 0.01 % stand together at the left end.
    """
    names = list(shares)
    runtimes = list(dict.fromkeys(name for found in shares.values() for name in found))
    with figure(size=(4.7, 0.29 * len(names) + 1.2), dpi=130) as (fig, axes):
        for runtime, (colour, mark) in zip(runtimes, MARKS, strict=False):
            rows = [(y, shares[n][runtime]) for y, n in enumerate(names) if runtime in shares[n]]
            x = [share if share >= LEAST else UNDER for _, share in rows]
            y = [row for row, _ in rows]
            # what hides behind another mark is seen around it
            size = 9 - 2 * runtimes.index(runtime)
            axes.plot(x, y, mark, color=colour, ms=size, mec="white", mew=0.5, label=runtime)
        name_rows(axes, [_folded(name) for name in names])
        axes.tick_params(axis="y", labelsize=6.5)
        axes.set(xscale="log", xlim=(UNDER / 2, 100), xlabel="% of the bytes")
        axes.set_xticks([UNDER, 0.1, 1, 10, 100], [f"under {LEAST}", "0.1", "1", "10", "100"])
        axes.set_xticks([], minor=True)
        axes.tick_params(axis="x", labelsize=8)
        axes.grid(axis="x", lw=0.4, color=GREY, alpha=0.5)
        fig.legend(loc="outside lower center", ncols=3, fontsize=7, handletextpad=0.1)
    return fig


def _folded(name: str) -> str:
    """Return a name, on two lines where it is long.

    >>> _folded("spotting_with_transfer_learning")
    'spotting_with_transfer\\n_learning'
    """
    if len(name) <= LONGEST:
        return name
    cut = name.rfind("_", 0, LONGEST + 1)
    return f"{name[:cut]}\n{name[cut:]}" if cut > 0 else name
