"""explore: sliders on a function that draws, a still frame where no kernel is."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib import pyplot as plt

from tinyq.plots.style import figure
from tinyq.widgets import explore

PNG = b"\x89PNG\r\n"


def draw(bits=4, scale=0.5, colour="C0", label="a"):
    if bits == 7:
        raise ValueError("seven is out of order")
    with figure() as (fig, axes):
        axes.plot([0, 2**bits], [0, scale], colour)
    return fig


def frame(shown) -> bytes:
    return bytes(shown.image.value)


def test_each_form_of_limits_gives_its_control():
    shown = explore(draw, bits=(2, 8), scale=(0.1, 2.1), colour=["C0", "C1"])
    bits, scale, colour = shown.controls.values()
    assert [type(one).__name__ for one in (bits, scale, colour)] == [
        "IntSlider",
        "FloatSlider",
        "Dropdown",
    ]
    assert (bits.min, bits.max, bits.value, bits.step) == (2, 8, 4, 1)
    assert (scale.min, scale.max, scale.value, scale.step) == (0.1, 2.1, 0.5, 0.02)
    assert colour.options == ("C0", "C1") and colour.value == "C0"
    assert explore(draw, scale=(0, 2, 0.25)).controls["scale"].step == 0.25
    assert repr(shown) == "explore(draw, bits=4, scale=0.5, colour='C0')"


def test_without_a_default_it_starts_at_the_first():
    def plain(bits, colour):
        return draw(bits, colour=colour)

    assert explore(plain, bits=(3, 5), colour=["C2", "C1"]).state == {"bits": 3, "colour": "C2"}


def test_moving_a_slider_draws_the_figure_of_its_value():
    shown = explore(draw, bits=(2, 8), scale=(0.1, 2.1))
    first = frame(shown)
    shown.controls["bits"].value = 6
    moved = frame(shown)
    assert moved.startswith(PNG) and moved != first
    assert moved == frame(explore(lambda bits=6, scale=0.5: draw(bits, scale), bits=(2, 8)))
    shown.controls["bits"].value = 4
    assert frame(shown) == first
    assert not plt.get_fignums()


def test_a_frame_that_fails_keeps_the_last_one_and_says_why():
    shown = explore(draw, bits=(2, 8))
    before = frame(shown)
    shown.controls["bits"].value = 7
    assert (frame(shown), shown.message.value) == (before, "seven is out of order")
    shown.controls["bits"].value = 8
    assert frame(shown) != before and shown.message.value == ""


@pytest.mark.parametrize(
    ("sliders", "error", "message"),
    [
        ({"bit": (2, 8)}, TypeError, r"bit must be an argument of draw\('bits', 'scale'"),
        ({"bits": 8}, TypeError, r"bits must be \(lo, hi\), \(lo, hi, step\) or a list, got 8"),
        ({"bits": (2, 8, 1, 1)}, TypeError, "bits must be"),
        ({"bits": (8, 2)}, ValueError, "bits must have lo < hi around its default"),
        ({"bits": (5, 8)}, ValueError, "bits must have lo < hi around its default"),
        ({"bits": (4, 4)}, ValueError, "bits must have lo < hi"),
        ({"colour": []}, ValueError, "colour must be a list that holds its default"),
        ({"colour": ["C1"]}, ValueError, "colour must be a list that holds its default"),
    ],
    ids=str,
)
def test_what_gives_no_control_is_refused(sliders, error, message):
    with pytest.raises(error, match=message):
        explore(draw, **sliders)


def test_a_function_without_a_figure_is_refused():
    def none(bits=4):
        return None

    with pytest.raises(TypeError, match="none must return a matplotlib Figure, got NoneType"):
        explore(none, bits=(2, 8))


def test_a_notebook_keeps_a_still_frame_and_no_dead_slider():
    """What a cell stores: view for a live kernel, PNG for a page, then how to run it."""
    InteractiveShell.instance()
    shown = explore(draw, bits=(2, 8), scale=(0.1, 2.1))
    with capture_output() as captured:
        shown._ipython_display_()
    still, words = (output.data for output in captured.outputs)
    assert still["image/png"] == frame(shown)
    assert still["text/plain"] == "explore(draw, bits=4, scale=0.5)"
    assert "application/vnd.jupyter.widget-view+json" in still and "text/html" not in still
    sentence = "Run this page in JupyterLab (`make lab`) to move `bits`, `scale`."
    assert words == {"text/markdown": f"*{sentence}*", "text/plain": sentence}
