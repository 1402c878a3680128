"""Sliders from ipywidgets for any function that draws a figure: for readers who change the Python.

A kernel draws each frame, so this lives in JupyterLab; a static page shows the first frame and
says where it moves.
"""

import inspect
import io
from collections.abc import Callable
from typing import Any

import ipywidgets
import numpy as np
from IPython.display import display

from tinyq.checks import real, whole

Draw = Callable[..., object]  # png refuses what is no Figure
Limits = tuple[float, ...] | list[Any]


def explore(f: Draw, **sliders: Limits) -> "Explorer":
    """Return f's figure with a slider for each named argument.

    f: returns a matplotlib Figure.  sliders: an argument of f each, as (lo, hi) or (lo, hi, step)
    for a slider, over whole numbers where all are int, or a list for a menu.  It starts at the
    argument's default in f, else at lo or the list's first entry.
    Raises TypeError for a name that f does not take, a slider of another form, or an f that is no
    function or returns no Figure; ValueError for an empty list, lo >= hi, a step <= 0, or a default
    outside.

    >>> from tinyq.plots.style import figure
    >>> def draw(bits=4):
    ...     with figure() as (fig, axes):
    ...         axes.stem(range(2**bits))
    ...     return fig
    >>> explore(draw, bits=(2, 8))
    explore(draw, bits=4)
    """
    if not callable(f):
        raise TypeError(f"f must be a function that draws a figure, got {f!r}")
    return Explorer(f, sliders)


class Explorer:
    """What `explore` returns.

    controls: the ipywidgets by argument name.  image: the current frame, PNG.
    """

    def __init__(self, f: Draw, sliders: dict[str, Limits]) -> None:
        parameters = inspect.signature(f).parameters
        if strange := [name for name in sliders if name not in parameters]:
            raise TypeError(f"{strange[0]} must be an argument of {called(f)}{tuple(parameters)}")
        self.f = f
        self.controls = {
            name: control(name, limits, parameters[name].default)
            for name, limits in sliders.items()
        }
        self.image = ipywidgets.Image(value=png(f, self.state), format="png")
        self.image.layout.max_width = "100%"
        self.message = ipywidgets.Label()
        for one in self.controls.values():
            one.observe(self._redraw, "value")
        self.box = ipywidgets.VBox([*self.controls.values(), self.image, self.message])

    @property
    def state(self) -> dict[str, Any]:
        """The arguments as the sliders stand."""
        return {name: one.value for name, one in self.controls.items()}

    def _redraw(self, change: dict[str, Any]) -> None:
        try:
            self.image.value = png(self.f, self.state)
            self.message.value = ""
        except (ValueError, TypeError) as error:  # the last good frame stays
            self.message.value = str(error)

    def __repr__(self) -> str:
        state = "".join(f", {name}={value!r}" for name, value in self.state.items())
        return f"explore({called(self.f)}{state})"

    def _ipython_display_(self) -> None:
        live = self.box._repr_mimebundle_()["application/vnd.jupyter.widget-view+json"]
        still = {"image/png": bytes(self.image.value), "text/plain": repr(self)}
        view = {"application/vnd.jupyter.widget-view+json": live}
        display({**still, **view}, raw=True)
        names = ", ".join(f"`{name}`" for name in self.controls)
        words = f"Run this page in JupyterLab (`make lab`) to move {names}."
        display({"text/markdown": f"*{words}*", "text/plain": words}, raw=True)


def control(name: str, limits: Limits, default: Any) -> ipywidgets.ValueWidget:
    """Return the slider or menu for one argument; default: inspect's empty where it has none."""
    given = default is not inspect.Parameter.empty
    if isinstance(limits, list):
        if not limits or (given and default not in limits):
            raise ValueError(f"{name} must be a list that holds its default, got {limits}")
        value = default if given else limits[0]
        return ipywidgets.Dropdown(options=limits, value=value, description=name)
    if not (isinstance(limits, tuple) and len(limits) in (2, 3)):
        raise TypeError(f"{name} must be (lo, hi), (lo, hi, step) or a list, got {limits!r}")
    value = default if given else limits[0]
    numbers = (*limits, value)
    ints = not any(isinstance(one, float | np.floating) for one in numbers)
    *limits, value = [whole(name, one) if ints else real(name, one) for one in numbers]
    lo, hi = limits[:2]
    if not lo <= value <= hi or lo == hi or min(limits[2:], default=1) <= 0:
        raise ValueError(
            f"{name} must have lo < hi around its default and a step > 0, got {limits}, {value}"
        )
    step = {"step": limits[2]} if len(limits) == 3 else {} if ints else {"step": (hi - lo) / 100}
    slider = ipywidgets.IntSlider if ints else ipywidgets.FloatSlider
    return slider(min=lo, max=hi, value=value, description=name, **step)


def called(f: Draw) -> str:
    """Return the name of a function; a partial has none."""
    return getattr(f, "__name__", None) or repr(f)


def png(f: Draw, state: dict[str, Any]) -> bytes:
    """Return the figure f(**state) as a PNG file's bytes."""
    import matplotlib.pyplot as plt
    from matplotlib.figure import Figure

    fig = f(**state)
    if not isinstance(fig, Figure):
        raise TypeError(f"{called(f)} must return a matplotlib Figure, got {type(fig).__name__}")
    file = io.BytesIO()
    fig.savefig(file, format="png")
    plt.close(fig)  # else a notebook shows it a second time
    return file.getvalue()
