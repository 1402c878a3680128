"""The Python side of the widgets: their state, what they refuse, what a page and a notebook get."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import traitlets

import tinyq
from tinyq.widgets import WIDGETS, GridRuler, host


def test_value_follows_the_traits():
    ruler = GridRuler(lo=-1.0, hi=2.0, bits=4, x=0.75)
    grid = tinyq.Grid.from_range(-1.0, 2.0, qmin=-8, qmax=7)
    assert ruler.grid == grid
    assert ruler.value["code"] == grid.quantize(0.75) == 1
    ruler.bits, ruler.x = 8, 2.6
    value = ruler.value
    assert (value["zero_point"], value["code"], value["clipped"]) == (-43, 127, True)
    assert value["error"] == float(np.float32(value["dequantized"])) - float(np.float32(2.6))


def test_a_number_half_a_step_beyond_the_end_is_not_clipped():
    ruler = GridRuler(lo=0.0, hi=255.0, x=255.25)
    assert (ruler.value["code"], ruler.value["clipped"]) == (127, False)
    ruler.x = 255.5
    assert (ruler.value["code"], ruler.value["clipped"]) == (127, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lo": 2, "hi": 1}, "lo <= hi, got lo=2, hi=1"),
        ({"bits": 1}, "bits must be a whole number from 2 to 8, got 1"),
        ({"bits": 9}, "bits must be a whole number from 2 to 8, got 9"),
        ({"bits": 2.5}, "bits must be a whole number from 2 to 8, got 2.5"),
        ({"lo": float("nan")}, "lo must be finite float32"),
        ({"hi": 1e39}, "hi must be finite float32"),
        ({"x": float("inf")}, "x must be finite float32"),
        ({"lo": -3e38, "hi": 3e38}, "no float32 scale"),
        ({"lo": -3.4028234e38, "hi": 0, "bits": 7}, "float32 cannot hold the ends"),
    ],
    ids=str,
)
def test_what_has_no_grid_is_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        GridRuler(**arguments)


def test_traits_refuse_what_a_page_could_not_take():
    ruler = GridRuler()
    with pytest.raises(ValueError, match="x must be finite"):
        ruler.x = float("nan")
    with pytest.raises(traitlets.TraitError, match="bits"):
        ruler.bits = 9
    ruler.lo = 5.0  # on the way to another range
    with pytest.raises(ValueError, match="lo <= hi"):
        _ = ruler.value
    ruler.hi = 6.0
    assert ruler.value["scale"] == tinyq.Grid.from_range(5.0, 6.0).scale


class Tags(HTMLParser):
    """The tags of a text, and whether each was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened, self.open, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.opened.append((tag, dict(attributes)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_notebook_output_is_stable_and_complete():
    bundles = [GridRuler(lo=-1, hi=2, bits=4)._repr_mimebundle_()[0] for _ in range(2)]
    first, second = bundles
    assert (
        first["text/plain"] == second["text/plain"] == "GridRuler(lo=-1.0, hi=2.0, bits=4, x=0.75)"
    )
    assert first["text/html"] == second["text/html"]
    assert first["application/vnd.jupyter.widget-view+json"]["model_id"]
    tags = Tags(first["text/html"])
    state = {"lo": "-1.0", "hi": "2.0", "bits": "4", "x": "0.75"}
    assert tags.opened[0] == ("tinyq-grid-ruler", state) and not tags.open
    names = [tag for tag, _ in tags.opened]
    assert "svg" in names and "script" not in names
    assert "scale = 0.2 and zero_point = -3" in "".join(tags.words)


@pytest.mark.parametrize(("bits", "ticks"), [(2, 4), (4, 16), (6, 64), (8, 64)])
def test_the_static_figure_draws_the_codes(bits, ticks):
    html = GridRuler(bits=bits).html()
    assert html.count("v-16") == ticks
    assert ("Every 4th" in html) == (bits > 6)


def test_importing_tinyq_leaves_the_extra_alone():
    code = "import sys, tinyq; print([m for m in ('anywidget', 'matplotlib') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_without_the_extra_the_import_says_what_to_install():
    code = "import sys; sys.modules['anywidget'] = None\nimport tinyq.widgets"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode and "pip install '.[widgets]'" in run.stderr.splitlines()[-1]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast_is_enough(theme):
    """WCAG 2: 4.5 for text, 3 for what a figure needs. axe cannot see text inside an SVG."""
    block = re.findall(r"\{([^}]*--tq-back[^}]*)\}", host.CSS)[theme]
    colours = dict(re.findall(r"--tq-(\w+): (#\w{6});", block))
    text = ["text back", "text clip", "faint back", "faint clip", "on grid", "on probe"]
    marks = ["grid back", "grid clip", "probe back", "probe clip", "line back"]
    for pair in text + marks:
        dark, light = sorted(luminance(colours[name]) for name in pair.split())
        ratio = (light + 0.05) / (dark + 0.05)
        assert ratio >= (4.5 if pair in text else 3), f"{pair}: {ratio:.2f}"


def test_a_page_loads_what_its_tags_need_once_and_in_order():
    body = f"<p>{GridRuler().html()}</p>" * 2
    assert host.scripts_of(body, WIDGETS) == [*host.SHARED, *GridRuler.scripts]
    assert host.scripts_of("<p>&lt;tinyq-grid-ruler&gt; as text</p>", WIDGETS) == []
    everything = host.scripts_of("".join(widget().html() for widget in WIDGETS), WIDGETS)
    assert everything[: len(host.SHARED)] == list(host.SHARED)
    assert len(everything) == len(set(everything))
    with pytest.raises(ValueError, match=r"tags of .*grid-ruler.*, got tinyq-grid-rule$"):
        host.scripts_of("<tinyq-grid-rule>", WIDGETS)


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.name)
def test_every_widget_says_what_the_frame_needs(widget):
    shown = widget()
    assert all(re.fullmatch("[a-z][a-z0-9_]*", field) for field in widget.fields)
    assert all(shown.trait_metadata(field, "sync") for field in widget.fields)
    assert all((host.FOLDER / script).is_file() for script in widget.scripts)
    assert set(widget.called) <= set(shown.value) and widget.called
    assert repr(shown) == repr(widget()) and "0x" not in repr(shown)
    assert shown.html() == widget().html()
    assert len([one for one in WIDGETS if one.name == widget.name]) == 1
    tags = Tags(shown.html())
    assert not tags.open and " ".join(tags.words).strip()


def test_the_module_exports_what_anywidget_calls():
    esm = GridRuler()._esm
    assert esm.rstrip().endswith(
        'export default { render: globalThis.tinyqWidgets["grid-ruler"].render };'
    )
    assert len(re.findall(r"^export", esm, re.M)) == 1
    json.dumps(GridRuler().get_state())  # all that goes to a front end is JSON


class Noted(GridRuler):
    """A ruler with a tick box, for what the traits of one kind alone do not show."""

    fields = (*GridRuler.fields, "bold")
    bold = traitlets.Bool(True).tag(sync=True)


def test_data_and_switches_go_into_the_tag():
    shown = Noted(data=host.encode({"words": "</script><b>", "xs": np.float32([1.5])}))
    tags = Tags(shown.html())
    assert tags.opened[0][1]["bold"] == "true"
    assert tags.opened[1] == ("script", {"type": "application/json", "class": "tinyq-data"})
    assert json.loads(tags.words[0])["words"] == "</script><b>"
    assert "tinyq-data" not in Noted().html()


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ({"a": np.int64([1])}, TypeError, r"got an array of int64$"),
        ({"a": np.array([None])}, TypeError, r"got an array of object$"),
        ({"a": {1, 2}}, TypeError, r"must be numbers, text or arrays .*, got \{1, 2\}$"),
        ({"a": float("nan")}, ValueError, "not JSON compliant"),
        ({"a": np.float32("inf")}, ValueError, "not JSON compliant"),
    ],
    ids=str,
)
def test_what_a_page_cannot_read_is_refused(data, error, message):
    with pytest.raises(error, match=message):
        host.encode(data)
