"""How exact a residual add is under each left_shift, and where its shifted steps leave int32."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from tinyq.layers.add import LEFT_SHIFT
from tinyq.plots.style import BLUE, GREY, VERMILION, drawn, figure

DPI = 100


@drawn
def left_shifts(wrong: Mapping[int, int], most: int) -> Figure:
    """Return the number of wrong sums over the left_shift, with a line at 20, which runtimes use.

    wrong: how many sums are not the nearest code, by left_shift; most: the largest left_shift whose
    steps fit int32; those beyond it are shaded.
    """
    with figure(size=(6.8, 3.0), dpi=DPI) as (fig, axes):
        for shift, count in wrong.items():
            fits = shift <= most
            mark, colour = ("o", BLUE) if fits else ("X", VERMILION)
            axes.plot(shift, count, mark, ms=6, color=colour, mfc=colour if count else "white")
            label = {"textcoords": "offset points", "ha": "center", "size": 7}
            above = 7 if shift > min(wrong) else -13  # the first two would overlap
            axes.annotate(f"{count:,}", (shift, count), (0, above), **label)
        last = max(wrong) + 0.7
        axes.axvspan(most + 0.5, last, color=VERMILION, alpha=0.12, lw=0)
        axes.text(most + 0.4, 3000, "leaves int32 ", color=VERMILION, ha="right", size=8)
        axes.axvline(LEFT_SHIFT, color=GREY, lw=1, ls=":", zorder=0)
        axes.set_yscale("symlog", linthresh=1)
        axes.set(xlim=(min(wrong) - 0.7, last), ylim=(-0.3, 200_000))
        axes.set_yticks([0, 1, 10, 100, 1000, 10_000], ["0", "1", "10", "100", "1,000", "10,000"])
        axes.set_xticks(list(wrong))
        axes.minorticks_off()
        axes.set(xlabel="left_shift", ylabel="sums that miss the nearest code")
    return fig
