"""What the scripts say of themselves: who needs whom, in which order, and what a page loads."""

import re
from pathlib import Path

import pytest

from tinyq.widgets import WIDGETS, GridRuler
from tinyq.widgets.frame.host import scripts_of
from tinyq.widgets.frame.scripts import FOLDER, in_order, packaged, scripts_for, styles_for, text_of

A, B, C = (Path(f"{name}.js") for name in "abc")
USED = scripts_for([widget.script() for widget in WIDGETS])


def test_each_script_stands_behind_what_it_takes():
    texts = {
        C: "const { a: alias, b: { inner } } =\n    globalThis.tinyqWidgets;",
        B: "ui.b = { f: () => ui.a.g() }; ui.b.f();",
        A: "(ui.a ??= {}).g = () => globalThis.tinyqWidgets.a === ui.a;",
    }
    assert in_order([C], texts) == [A, B, C]
    assert in_order([A], texts) == [A]
    assert in_order([A, B], texts) == [A, B]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({A: "const { kitt } = ui;"}, r"^a\.js takes ui\.kitt, which no script defines$"),
        ({A: "ui.a = 1;", B: "ui.a = 2;"}, r"^ui\.a is defined by a\.js and by b\.js$"),
        (
            {A: "ui.a = ui.b;", B: "ui.b = ui.a;"},
            r"in a circle: ([ab])\.js needs [ab]\.js needs \1",
        ),
    ],
    ids=["lost", "twice", "circle"],
)
def test_what_cannot_be_ordered_is_refused(texts, message):
    with pytest.raises(ValueError, match=message):
        in_order([A], texts)


def test_a_page_loads_what_its_tags_need_once_and_in_order():
    body = f"<p>{GridRuler().html()}</p>" * 2
    names = [script.name for script in scripts_of(body, WIDGETS)]
    assert set(names) == {
        *("kit.js", "controls.js", "host.js", "panel.js", "frame.js", "figure.js", "int8.js"),
        *("grid_ruler_figure.js", "grid_ruler.js"),
    }
    assert names.index("kit.js") < names.index("panel.js") < names.index("frame.js")
    assert names[-1] == "grid_ruler.js" and len(names) == 9
    assert scripts_of("<p>&lt;tinyq-grid-ruler&gt; as text</p>", WIDGETS) == []
    with pytest.raises(ValueError, match=r"tags of .*grid-ruler.*, got tinyq-grid-rule$"):
        scripts_of("<tinyq-grid-rule>", WIDGETS)


def test_a_page_loads_the_styles_beside_its_scripts():
    names = [sheet.name for sheet in styles_for(scripts_for([GridRuler.script()]))]
    assert set(names) == {"figure.css", "controls.css", "panel.css", "kit.css", "grid_ruler.css"}
    assert names[-1] == "grid_ruler.css"
    assert set(styles_for(USED)) == set(FOLDER.rglob("*.css"))


def test_a_subclass_shows_with_the_script_of_its_widget():
    class Mine(GridRuler):
        pass

    assert Mine.script() == GridRuler.script()


@pytest.mark.parametrize("script", packaged(), ids=lambda path: path.name)
def test_scripts_are_classic_small_and_in_use(script):
    text = text_of(script)
    # a statement ends in ";": the Python of a copied call, in a template string, does not
    statement = r"^\s*(import|export)\b.*[;{]\s*$"
    assert not re.search(statement, text, re.M), "a module fails on file://"
    assert len(text.encode()) < 60_000
    assert max(len(line) for line in text.splitlines()) <= 100
    assert script in USED
