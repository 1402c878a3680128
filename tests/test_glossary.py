"""The glossary: every term that the chapters use is defined, and none that nobody uses.

A chapter uses a term where it sets it in bold, or writes a word with two capitals, as SQNR.
"""

import re
from pathlib import Path

import jupytext
import pytest
from chapter import chapter_files

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "book" / "glossary.md").read_text()
CHAPTERS = chapter_files(ROOT / "notebooks", ".py")
COLUMNS = ["term", "TFLite", "ONNX and ONNX Runtime", "PyTorch", "CMSIS-NN"]
# Labels of the chapter frame, and bold words that begin a paragraph, end in one of these.
NO_TERM = (":", ".")


def lists(text: str) -> list[list[tuple[list[str], str]]]:
    """The glossary lists in text; each entry has its names and its definition."""
    blocks = re.findall(r"^```\{glossary\}\n(.*?)^```$", text, re.M | re.S)
    return [[entry(part) for part in re.split(r"\n\s*\n", block.strip())] for block in blocks]


def entry(part: str) -> tuple[list[str], str]:
    lines = part.split("\n")
    names = [line for line in lines if not line.startswith(" ")]
    return names, " ".join(line.strip() for line in lines[len(names) :])


def prose(source: str) -> str:
    """A chapter's running text: no code, no formulas, no addresses of links."""
    cells = jupytext.reads(source, fmt="py:percent").cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for pattern in (r"```.*?```", r"`[^`\n]*`", r"\$\$.*?\$\$", r"\$[^$]*\$", r"\]\([^)]*\)"):
        text = re.sub(pattern, " ", text, flags=re.S)
    return text


def terms_used(text: str) -> set[str]:
    """The terms that a chapter's prose sets in bold or writes with two capitals."""
    bold = {word for word in re.findall(r"\*\*([^*\n]+)\*\*", text) if not word.endswith(NO_TERM)}
    return bold | set(re.findall(r"\b\w*[A-Z]\w*[A-Z]\w*\b", text))


def undefined(text: str, terms: dict[str, str]) -> list[str]:
    """The terms that text uses and that are not, in one of the two numbers, among terms."""
    parts = {part for name in terms for part in name.split("-")}  # NN stands in CMSIS-NN
    known = {*terms, *parts, *(name.lower() for name in terms)}
    return sorted(t for t in terms_used(text) if not {t, t.lower(), t.rstrip("s")} & known)


LISTS = lists(TEXT)
TERMS = {name: meaning for one in LISTS for names, meaning in one for name in names}
TABLE = [
    [cell.strip() for cell in row.strip("|").split("|")]
    for row in re.findall(r"^\|.+\|$", TEXT, re.M)
]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapters_terms_are_defined(chapter):
    assert undefined(prose(chapter.read_text()), TERMS) == []


def test_every_definition_is_used_elsewhere():
    places = [*CHAPTERS, *ROOT.glob("notebooks/*_*.py"), ROOT / "index.md", *ROOT.glob("book/*.md")]
    places += [*ROOT.glob("tinyq/**/*.py"), ROOT / "book" / "bug_threads.json"]
    texts = [path.read_text() for path in places if path.name != "glossary.md"]
    everything = "\n".join(texts)
    unused = [
        term
        for term in TERMS
        if not re.search(rf"(?<!\w){re.escape(term)}", everything, 0 if term.isupper() else re.I)
    ]
    assert unused == []


def test_definitions_are_sentences_in_order():
    for term, meaning in TERMS.items():
        assert meaning.endswith(".") and 4 <= len(meaning.split()) <= 45, term
    for one in LISTS:
        firsts = [names[0] for names, _ in one]
        assert firsts == sorted(firsts, key=str.lower)
    assert len(TERMS) == sum(len(names) for one in LISTS for names, _ in one), "defined twice"


def test_the_table_has_a_name_in_each_row():
    head, rule, *rows = TABLE
    assert head == COLUMNS and set("".join(rule)) == {"-"}
    for term, *names in rows:
        assert term in TERMS, term
        assert len(names) == 4 and all(names) and set(names) != {"-"}, term
    listed = [row[0] for row in rows]
    assert len(listed) == len(set(listed)) >= 40


def operators() -> tuple[set[str], set[str]]:
    """The names that ONNX and ONNX Runtime, and TFLite, really have."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed here")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    litert = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="no LiteRT here")
    state = runtime.capi.onnxruntime_pybind11_state
    schemas = [*onnx.defs.get_all_schemas(), *state.get_all_operator_schema()]
    names = {schema.name for schema in schemas}
    return names, {name for name in dir(litert.BuiltinOperator) if name[0] != "_"}


def test_the_operators_exist():
    onnx_names, tflite_names = operators()
    _, _, *rows = TABLE
    for term, tflite, onnx, *_ in rows:
        named = re.findall(r"`([A-Z]\w+[a-z])`", onnx)
        assert set(named) - onnx_names <= {
            "CalibrationDataReader",
            "CalibraterBase",
            "CalibMovingAverage",
            "WeightSymmetric",
        }, term
        capitals = re.findall(r"`([A-Z0-9_]+)`", tflite)
        assert set(capitals) - tflite_names <= {"SAME", "TFLITE_SINGLE_ROUNDING"}, term


FAULTS = [
    "A **widget** is new.",
    "The PSNR is new.",
    "Said of **two grids** at once.",
    "An eSIM.",
]


@pytest.mark.parametrize("text", FAULTS)
def test_an_undefined_term_is_found(text):
    assert undefined("A **scale**, the SQNR, **Goal.** and CMSIS-NN.", TERMS) == []
    assert undefined(text, TERMS)
