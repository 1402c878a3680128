"""Texts that want to be more than texts, in every place of a widget that takes one, in a browser.

No script of theirs runs, no element of theirs appears, no attribute ends early; each shows as it
is.  The addresses that a page reads are numbers in their ranges or give a sentence.
"""

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import anywidget
import pytest
import traitlets
from test_widgets_all import BROKEN
from widget_page import write_page
from widget_v8 import Script

from tinyq.layers.nodes import INPUT
from tinyq.widgets import WIDGETS, AgreementMatrix
from tinyq.widgets.data.networks import quantized
from tinyq.widgets.frame.markup import element, joined
from tinyq.widgets.parts.stages import stage_table

HOSTILE = {
    "script": "<script>globalThis.ran = 1</script>",
    "image": '"><img src="x" onerror="globalThis.ran = 1">',
    "handler": "' onfocus='globalThis.ran = 1' autofocus tabindex='0",
    "entities": "&amp;&lt;b&gt;&#60;&quot;",
    "cdata": "<![CDATA[ ]]> ]]>",
    "comment": "<!-- --!> -->",
    "an end": '</script></style></td></table><svg onload="globalThis.ran = 1">',
    "separators": "a\u2028b\u2029c\u0085d",
    "bidi": "\u202egnp.exe\u202c \u2066x\u2069 \u200f",
    "JavaScript": "${globalThis.ran = 1}`; globalThis.ran = 1 //",
    "Python": '"]]; raise SystemExit(1)  # \\',
    "style": "red;background:url(x)}*{display:none}</style>",
    "inner": "<svg><foreignObject><iframe srcdoc='<script>parent.ran = 1</script>'>",
    "beyond": "\U0001f600 \ufdd0 \ue000",
}
PLAIN = "plain"
# The elements of each section with the names of their attributes, and whether a script has run.
LOOK = """() => ({ ran: globalThis.ran ?? null,
    outside: [...document.querySelectorAll("body > *, main > *")].map((one) => one.localName),
    sections: [...document.querySelectorAll("section")].map((one) =>
        [...one.querySelectorAll("*")].map((el) =>
            [el.localName, ...el.getAttributeNames().sort()].join(" "))),
    texts: [...document.querySelectorAll("section")].map((one) => one.textContent) })"""


def own_traits(widget: type, kind: type) -> list[str]:
    """The widget's traits of exactly this kind, without those that Jupyter gives it."""
    known = set(anywidget.AnyWidget.class_traits())
    traits = widget.class_traits(sync=True).items()
    return [name for name, trait in traits if type(trait) is kind and name not in known]


def table_of(text: str):
    """The table of layers of a network whose layers have this text in their names."""
    qnet = quantized("seed")
    named = {name: name if name == INPUT else text + name for name in qnet.grids}
    nodes = tuple(
        replace(
            node,
            name=named[node.name],
            inputs=tuple(named[name] for name in node.inputs),
            observe=node.observe and named[node.observe],
        )
        for node in qnet.nodes
    )
    grids, ranges = (
        {named[name]: one for name, one in ours.items()} for ours in (qnet.grids, qnet.ranges)
    )
    qnet = replace(qnet, nodes=nodes, grids=grids, ranges=ranges)
    return stage_table(qnet, {text: [text] * len(grids)})


def ledger_of(text: str) -> dict:
    """A ledger with the text wherever it has one."""
    first = {"kind": text, "index": 1, "runtime": 5, "acc": 7, "in_scale": 0.5, "weight_scale": 0.5}
    tally = {"equal": 2, "largest": 1, "first": {**first, "out_grid": [1.0, 0]}}
    rules = {"own": tally, "DOUBLE": tally, text: tally}
    pairs = [
        {"runtime": runtime, "operator": operator, "setting": setting, "refusal": text,
         "cases": 3, "refused": 1, "rules": rules}
        for runtime, setting in ((text, text), (f"{text} ", "UP"))
        for operator in (text, "dense")
    ]  # fmt: skip
    return {"pairs": pairs, "date": text, "versions": {text: text}, text: text}


def matrix_of(text: str, row: int = 0, **state: object) -> AgreementMatrix:
    return AgreementMatrix(ledger_of(text), row=row, column=0, **state)


def with_trait(widget: type, name: str) -> Callable:
    """A function from a text to the widget's tag with it as the value of this trait."""
    shown = widget()

    def tag(text: str):
        setattr(shown, name, json.dumps({"words": text}) if name == "data" else text)
        return shown.html()

    return tag


PLACES = {
    **{
        f"{widget.name} {name}": with_trait(widget, name)
        for widget in WIDGETS
        for name in own_traits(widget, traitlets.Unicode)
    },
    "agreement-matrix ledger": lambda text: matrix_of(text).html(),
    "layers": table_of,
}


def sections(html: list) -> str:
    return joined(*(element("section", {}, one) for one in html))


def unharmed(page, texts: list[str]) -> dict:
    """The page's look, asserted to have run no script and to be alike whatever the text."""
    look = page.evaluate(LOOK)
    assert look["ran"] is None, "a script of a text has run"
    assert look["outside"] == ["main", "h1", *["section"] * len(texts), "h2"]
    first = look["sections"][0]
    for text, section in zip(texts, look["sections"], strict=True):
        assert section == first, text
    return look


@pytest.mark.parametrize("place", PLACES)
def test_a_text_in_what_stands_without_the_scripts_is_text(browse, tmp_path, place):
    texts = [PLAIN, *HOSTILE.values()]
    body = sections([PLACES[place](text) for text in texts])
    path = write_page(tmp_path, "")
    path.write_text(path.read_text().replace('<h2 id="end">', body + '<h2 id="end">'), "utf-8")
    page = browse(path)
    look = unharmed(page, texts)
    name = place.split()[-1]
    if name in ("lock", "hide"):
        got = page.locator("section > *").evaluate_all(
            f"all => all.map(o => o.getAttribute('{name}'))"
        )
        assert got == texts
    elif name == "data":
        read = "all => all.map((one) => JSON.parse(one.textContent).words)"
        assert page.locator("script.tinyq-data").evaluate_all(read) == texts
    else:
        assert all(text in shown for text, shown in zip(texts, look["texts"], strict=True))


@pytest.mark.parametrize("rule", ["own", "DOUBLE"])
def test_a_text_in_a_ledger_is_text_in_the_live_widget(browse, tmp_path, rule):
    texts = [PLAIN, *HOSTILE.values()]
    shown = [matrix_of(text, rule=rule).html() for text in texts]
    page = browse(write_page(tmp_path, sections(shown)))
    page.locator(".tinyq-widget").nth(len(texts) - 1).wait_for()
    look = unharmed(page, texts)
    labels = page.locator("section").evaluate_all(
        """all => all.map((one) => one.querySelector("[role=gridcell]").ariaLabel)"""
    )
    for text, words, label in zip(texts, look["texts"], labels, strict=True):
        assert words.count(text) > 3 and text in label, text


@pytest.mark.parametrize("name", ["lock", "hide"])
@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.name)
def test_a_text_in_place_of_a_controls_name_changes_no_live_widget(browse, tmp_path, widget, name):
    texts = [PLAIN, " ".join(HOSTILE.values())]
    shown = [widget(**{name: text}).html() for text in texts]
    page = browse(write_page(tmp_path, sections(shown)))
    page.locator(".tinyq-widget").nth(1).wait_for()
    unharmed(page, texts)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("rule", ["own", "DOUBLE"])
def test_a_name_stays_a_string_in_the_copied_call(text, rule):
    """The reader copies this and runs it; nothing of it but what is written there may run."""
    calls = []
    for given in (text, PLAIN):
        shown = matrix_of(given, row=1, rule=rule)
        call = Script(AgreementMatrix, shown.data).copied(shown)
        strings = [one for one in ast.walk(ast.parse(call)) if isinstance(one, ast.Constant)]
        assert not any(one in call for one in "\u2028\u2029\u0085\u202e\u2066"), call
        calls.append([PLAIN if one.value == given else one.value for one in strings])
        names = [one.value for one in strings if isinstance(one.value, str)]
        assert given in names
    assert calls[0] == calls[1]


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.name)
def test_a_choice_takes_its_own_words_alone(widget):
    for name in own_traits(widget, traitlets.Enum):
        for text in HOSTILE.values():
            with pytest.raises(traitlets.TraitError, match=name):
                widget(**{name: text})


SPOILED = {
    "a number as a name": (("runtime",), 5),
    "no operator": (("operator",), None),
    "text as a count": (("cases",), "3"),
    "a negative count": (("refused",), -1),
    "a truth as a count": (("cases",), True),
    "a list as a reason": (("refusal",), ["<b>"]),
    "no rules": (("rules",), None),
    "a list as a tally": (("rules", "own"), [1]),
    "text as equal": (("rules", "own", "equal"), "<b>"),
    "a fraction as largest": (("rules", "own", "largest"), 0.5),
    "text as a case": (("rules", "own", "first"), "<b>"),
    "Python as a sum": (("rules", "own", "first", "acc"), "0]); raise SystemExit(1) #"),
    "text in a grid": (("rules", "own", "first", "out_grid"), [1.0, "0"]),
    "a scale that is none": (("rules", "own", "first", "in_scale"), float("nan")),
    "no answer": (("rules", "own", "first", "runtime"), None),
    "text beside it": (("rules", "own", "first", "seed"), "<b>"),
}


@pytest.mark.parametrize(("path", "value"), SPOILED.values(), ids=SPOILED)
def test_a_ledger_of_another_form_is_refused(path, value):
    ledger = ledger_of("dense")
    *way, last = path
    entries = ledger["pairs"][3]
    for key in way:
        entries = entries[key]
    entries[last] = value
    with pytest.raises(ValueError, match=rf"ledger must have .* as .*{last}.* of pairs\[\d\]"):
        AgreementMatrix(ledger)


def test_a_ledger_that_changes_later_changes_no_widget():
    ledger = ledger_of(PLAIN)
    shown = AgreementMatrix(ledger, row=0, column=0)
    before = shown.html(), shown.value
    ledger["pairs"][0]["rules"]["DOUBLE"]["equal"] = 1
    assert (shown.html(), shown.value) == before


# ---- Addresses ----

NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "-0", "", " ", "0x7fffffff", "0b1"]
NUMBERS += ["1e308", "9007199254740993", "4294967296", "-1", "-2147483649", "256", "1.5", "1e-320"]
NUMBERS += ["1_000", "1,5", "١", "null", "undefined", "[]", "true", "()=>1", "8n", "constructor"]
UNKNOWN = ["__proto__", "constructor", "toString", "hasOwnProperty", "data", "onclick", "<b>"]
# Open one address after the other; what the widget then has, and what it shows.
ADDRESSES = """async (node, addresses) => {
    const out = [];
    const start = JSON.stringify(node.state);
    for (const address of addresses) {
        history.replaceState(null, "", "#");
        const heard = new Promise((f) => addEventListener("hashchange", f, { once: true }));
        location.hash = address;
        await heard;
        await new Promise(requestAnimationFrame);
        const foreign = node.querySelectorAll(
            "script, iframe, img, object, embed, style, link, [onerror], [onload], [onfocus]");
        out.push({ address, state: node.state, shown: node.value !== null,
            words: node.querySelector(".tinyq-seen").textContent, foreign: foreign.length,
            known: Object.keys(node.state).join() === Object.keys(JSON.parse(start)).join()
                && node.model.get("toString") === Object.prototype.toString });
    }
    return out; }"""


def addresses(widget: type) -> Iterator[dict[str, str]]:
    """States that no honest link has: each field with each text, and names that are no fields."""
    for field in widget.fields:
        yield from ({field: text} for text in [*NUMBERS, *HOSTILE.values()])
    for name in UNKNOWN:
        yield {name: "1"}
    for name in ("lock", "hide"):
        yield from ({name: text} for text in HOSTILE.values())


@pytest.mark.full
@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.name)
def test_an_address_gives_a_state_in_range_or_a_sentence(browse, tmp_path, widget):
    page = browse(write_page(tmp_path, widget().html()))
    node = page.locator(f"tinyq-{widget.name}")
    encode = "all => all.map((one) => new URLSearchParams(one).toString())"
    links = [f"#{widget.name}?{one}" for one in page.evaluate(encode, list(addresses(widget)))]
    links += [f"#{widget.name}?{raw}" for raw in ("%", "%E0%A4%A", "?" * 99, "&&==&", "lo=1;x?y")]
    found = node.evaluate(ADDRESSES, links)
    shown, traits = widget(), widget.class_traits()
    for one in found:
        assert one["known"] and not one["foreign"], one
        assert one["words"].endswith((".", ".)")) and not BROKEN.search(one["words"]), one
        if one["shown"]:
            for field, value in one["state"].items():
                traits[field]._validate(shown, value)
    assert page.evaluate("globalThis.ran ?? null") is None
    assert sum(one["shown"] for one in found) >= len(UNKNOWN)
    assert not all(one["shown"] for one in found)
