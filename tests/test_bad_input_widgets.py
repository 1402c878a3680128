"""What a careless caller hands to a widget is refused by the name of the argument or trait."""

import inspect

import numpy as np
import pytest
import traitlets
from bad_input import WRONG, arguments_of, refuses_all
from bad_input_networks import IMAGES, LABELS, NET, QNET

from tinyq import widgets
from tinyq.plots.style import figure
from tinyq.widgets import WIDGETS
from tinyq.widgets.frame.traits import Bool, Enum, Float, Int, Unicode
from tinyq.widgets.grid_ruler.grid_ruler import grid_of

DENSE = QNET.nodes[-1].layer
WEIGHTS = np.float32([[1, -2], [3, 4]])
SUBJECT = {"net": NET, "images": IMAGES, "calibration": IMAGES}
CALLS = {
    widgets.BlockMap: SUBJECT,
    widgets.GridRuler: {"lo": -1.0, "hi": 2.0, "bits": 8, "x": 0.75},
    widgets.ConvMicroscope: {"qnet": QNET, "images": IMAGES},
    widgets.PixelTracer: SUBJECT,
    widgets.ChannelBars: {"weights": WEIGHTS},
    widgets.RoundingMuseum: {},
    widgets.AccumulatorMeter: {"layer": DENSE, "codes": np.zeros((1, 8), np.int8)},
    widgets.AddBalancer: {"qnet": QNET, "images": IMAGES},
    widgets.ErrorLedger: {**SUBJECT, "labels": LABELS},
    widgets.ClipLab: {"x": WEIGHTS},
    widgets.GridPassport: SUBJECT,
    widgets.AgreementMatrix: {"ledger": {"pairs": []}},
    widgets.Seesaw: {"first": WEIGHTS, "second": WEIGHTS},
    widgets.Staircase: {"weights": WEIGHTS[0], "inputs": WEIGHTS},
}
# Images in batches are an iterable, which the annotation leaves open: tried below.
OPEN = {"calibration"}
REFUSED = (TypeError, ValueError, traitlets.TraitError)
KINDS = {Int: int, Float: float, Enum: str, Bool: bool, Unicode: str}
STATES = [
    (widget, name, kind)
    for widget in WIDGETS
    for name in (*widget.fields, "lock", "hide", "data")
    for kind in [KINDS[type(widget.class_traits()[name])]]
]


def test_no_widget_and_no_argument_is_left_out():
    assert {*CALLS} == {*WIDGETS}
    for widget, arguments in CALLS.items():
        parameters = inspect.signature(widget).parameters
        assert {*arguments} == {name for name in parameters if name not in ("state", "kwargs")}


@pytest.mark.parametrize(
    ("widget", "arguments", "name"), [p for p in arguments_of(CALLS) if p.values[2] not in OPEN]
)
def test_each_wrong_argument_is_refused_by_name(widget, arguments, name):
    refuses_all(widget, arguments, name)


@pytest.mark.parametrize("wrong", [1, "images", object(), IMAGES[0], IMAGES[:0], iter([]), [None]])
@pytest.mark.parametrize("widget", [one for one in WIDGETS if "calibration" in CALLS[one]])
def test_wrong_calibration_is_refused_by_name(widget, wrong):
    with pytest.raises((TypeError, ValueError), match="calibration"):
        widget(**{**CALLS[widget], "calibration": wrong})


@pytest.mark.parametrize("widget", WIDGETS)
def test_arguments_that_belong_together_come_together(widget):
    for name in CALLS[widget]:
        if len(CALLS[widget]) > 1 and widget is not widgets.GridRuler:
            with pytest.raises((TypeError, ValueError), match="together"):
                widget(**{name: CALLS[widget][name]})


@pytest.fixture(scope="module")
def shown():
    return {widget: widget() for widget in WIDGETS}


@pytest.mark.parametrize(("widget", "name", "kind"), STATES)
def test_each_wrong_state_is_refused_by_name(shown, widget, name, kind):
    one, before = shown[widget], getattr(shown[widget], name)
    one_of = isinstance(widget.class_traits()[name], Enum)
    wrong = [*WRONG[kind], np.array(["a", "b"]), *(["no such word"] if one_of else [])]
    for value in wrong:
        with pytest.raises(REFUSED, match=name):
            setattr(one, name, value)
        assert getattr(one, name) == before
    with pytest.raises(REFUSED, match=name):
        widget(**{name: wrong[0]})


NUMBERS = [one for one in STATES if one[2] in (int, float)]


@pytest.mark.parametrize(("widget", "name", "kind"), NUMBERS)
def test_a_number_beyond_its_limits_is_refused(shown, widget, name, kind):
    trait, one = widget.class_traits()[name], shown[widget]
    for limit, step in ((trait.min, -1), (trait.max, 1)):
        for value in [] if limit is None else [limit + step, limit + step * 10**30]:
            with pytest.raises(REFUSED, match=name):
                setattr(one, name, kind(value))
    if kind is float:
        with pytest.raises(REFUSED, match=name):
            setattr(one, name, 3.5e38)


@pytest.mark.parametrize("widget", WIDGETS)
def test_numpys_numbers_are_numbers(shown, widget):
    for name in widget.fields:
        value = getattr(shown[widget], name)
        if type(value) in (int, float):
            setattr(shown[widget], name, np.array(value)[()])
            assert type(getattr(shown[widget], name)) is type(value)


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_name_that_is_no_trait_is_refused(widget):
    with pytest.raises(TypeError, match="got 'bit'"):
        widget(bit=8)


def draw(bits=4):
    with figure() as (fig, _):
        return fig


@pytest.mark.parametrize(
    "limits",
    [None, 8, "28", (2,), (2, 8, 1, 1), (2, "8"), (2, None), (True, 8), (2, np.nan), (2.0, np.inf)]
    + [(8, 2), (5, 8), (4, 4), (2, 8, 0), (2, 8, -1), [], [2, 8], {2: 8}, (2, 10**400, 0.5)],
    ids=repr,
)
def test_a_slider_that_cannot_move_is_refused_by_name(limits):
    with pytest.raises((TypeError, ValueError), match="bits"):
        widgets.explore(draw, bits=limits)


@pytest.mark.parametrize("f", [None, "draw", 1, [draw]])
def test_only_a_function_can_be_explored(f):
    with pytest.raises(TypeError, match="f must be a function"):
        widgets.explore(f, bits=(2, 8))


@pytest.mark.parametrize("name", ["lo", "hi", "bits"])
def test_a_grid_of_wrong_numbers_is_refused(name):
    refuses_all(grid_of, {"lo": -1.0, "hi": 2.0, "bits": 8}, name)
