"""Which kernels agree with which runtime: the share of cases in which all bytes are equal."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tinyq.checks import checked
from tinyq.plots.style import BLUE, GREY, ORANGE, drawn, figure


@drawn
def agreement(pairs: Sequence[Mapping[str, Any]], rule: str) -> Figure:
    """Return the matrix of one rule, with operators down and runtimes across.

    "all" stands in blue, a percentage in orange, and grey says that there was no case.
    pairs: of the verification ledger; those without a tally for the rule are left out; rule: "own"
    for each runtime's own setting, or the name of a Rounding.
    """
    pairs = [pair for pair in pairs if rule in pair["rules"]]
    operators = list(dict.fromkeys(pair["operator"] for pair in pairs))
    runtimes = list(dict.fromkeys(pair["runtime"] for pair in pairs))
    # narrow, with names in two lines: on a phone the type is still 9 px high
    with figure(size=(4.8, 0.36 * len(operators) + 0.8), dpi=130) as (fig, axes):
        for pair in pairs:
            place = runtimes.index(pair["runtime"]), operators.index(pair["operator"])
            _draw_cell(axes, *place, pair["cases"], pair["rules"][rule]["equal"])
        names = [name.replace("-", "-\n").replace("xr", "x\nr") for name in runtimes]
        axes.set_xticks(range(len(runtimes)), names, size=8.5, linespacing=1.0)
        names = [operator.replace("_average", "_\naverage") for operator in operators]
        axes.set_yticks(range(len(operators)), names, size=9)
        axes.set(xlim=(-0.5, len(runtimes) - 0.5), ylim=(len(operators) - 0.5, -0.5))
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return fig


def _draw_cell(axes: Axes, x: int, y: int, cases: int, equal: int) -> None:
    colour = (GREY, 0.15) if not cases else (BLUE, 0.3) if equal == cases else (ORANGE, 0.35)
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=colour))
    axes.text(x, y, share(cases, equal), ha="center", va="center", size=9)


@checked
def share(cases: int, equal: int) -> str:
    """Return "all", a percentage cut down so that it never reads 100, or "none" without a case.

    >>> share(2500, 2500), share(2500, 2499), share(0, 0)
    ('all', '99.9 %', 'none')
    """
    if not cases:
        return "none"
    return "all" if equal == cases else f"{equal * 1000 // cases / 10:.1f} %"
