"""The Python side of the widgets: what a page and a notebook get of each."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import traitlets
from widget_v8 import Script, state_of

from tinyq.widgets import WIDGETS, GridRuler
from tinyq.widgets.frame.encode import encode
from tinyq.widgets.frame.scripts import FOLDER, text_of


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
    block = re.findall(r"\{([^}]*--tq-back[^}]*)\}", text_of(FOLDER / "frame" / "kit.css"))[theme]
    colours = dict(re.findall(r"--tq-(\w+): (#\w{6});", block))
    text = ["text back", "text clip", "faint back", "faint clip", "on grid", "on probe"]
    marks = ["grid back", "grid clip", "probe back", "probe clip", "line back"]
    for pair in text + marks:
        dark, light = sorted(luminance(colours[name]) for name in pair.split())
        ratio = (light + 0.05) / (dark + 0.05)
        assert ratio >= (4.5 if pair in text else 3), f"{pair}: {ratio:.2f}"


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.name)
def test_every_widget_says_what_the_frame_needs(widget):
    shown = widget()
    assert all(re.fullmatch("[a-z][a-z0-9_]*", field) for field in widget.fields)
    assert all(shown.trait_metadata(field, "sync") for field in widget.fields)
    assert set(widget.called) <= set(shown.value) and widget.called
    assert repr(shown) == repr(widget()) and "0x" not in repr(shown)
    assert shown.html() == widget().html()
    assert len([one for one in WIDGETS if one.name == widget.name]) == 1
    tags = Tags(shown.html())
    assert not tags.open and " ".join(tags.words).strip()


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.name)
def test_the_script_starts_where_the_class_starts(widget):
    assert Script(widget).call("() => shown.defaults") == state_of(widget())


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
    shown = Noted(data=encode({"words": "</script><b>", "xs": np.float32([1.5])}))
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
        encode(data)
