"""The chapter frame: each rule is a function from a chapter to the faults that it finds."""

import ast
import re
import statistics
from collections.abc import Callable

from chapter import Chapter, Faults, tags
from exercises import EXERCISE_TAGS, exercises_have_goal_stub_check_solution

VERBS = ["Start", "Put", "Choose", "Accumulate", "Come", "Convolve", "Pass", "Add", "Fold", "Run"]
VERBS += ["Find", "Train", "Prove", "Make"]
LAST_SECTIONS = ["Exercises", "Check yourself", "What we built"]
MAX_CODE_CELLS, MAX_LINES, MEDIAN_LINES, MAX_WORDS, MAX_BYTES = 25, 15, 5, 2000, 200_000
TRUTH_CALLS = {"all", "any", "array_equal", "allclose", "isclose", "isinstance"}


def title_names_a_verb(chapter: Chapter) -> Faults:
    first = chapter.cells[0].source.split("\n")[0]
    match = re.fullmatch(r"# (\d+|A) · (\w+) \w.*", first)
    if not match:
        yield f"cell 0: the title must read '# {chapter.number} · Verb ...', got {first!r}"
        return
    number, verb = match.groups()
    if number != chapter.number:
        yield f"cell 0: the title's number is {number}, the file's {chapter.number}"
    if verb not in VERBS:
        yield f"cell 0: the title must begin with one of {VERBS}, got {verb!r}"


def box_says_do_learn_need_time(chapter: Chapter) -> Faults:
    box = r"^:::\{admonition\} In this chapter\n:class: chapter-box\n(.*?)^:::$"
    match = re.search(box, chapter.cells[0].source, re.M | re.S)
    entries = re.findall(r"^\*\*(\w+):\*\* \S", match[1], re.M) if match else []
    if entries != ["Do", "Learn", "Need", "Time"]:
        yield f"cell 0: the box must have Do, Learn, Need, Time, got {entries}"
    elif not re.search(r"^\*\*Time:\*\* \d+ minutes", match[1], re.M):
        yield "cell 0: the box's Time must be a number of minutes"


def sections_come_in_order(chapter: Chapter) -> Faults:
    titles = [text for _, text in chapter.headings(2)]
    if titles[-3:] != LAST_SECTIONS or len(titles) < 4:
        yield f"the sections must be steps, then {LAST_SECTIONS}, got {titles}"
    if len(chapter.headings(1)) != 1:
        yield f"there must be one title, got {chapter.headings(1)}"


def size_is_within_limits(chapter: Chapter) -> Faults:
    # blank lines do not count: they are there for the eye
    lines = {n: sum(map(bool, cell.source.split("\n"))) for n, cell in chapter.code}
    words = sum(len(cell.source.split()) for _, cell in chapter.prose)
    for n, count in lines.items():
        if not 1 <= count <= MAX_LINES:
            yield f"cell {n}: has {count} lines, the limit is {MAX_LINES}"
    if lines and statistics.median(lines.values()) > MEDIAN_LINES:
        median = statistics.median(lines.values())
        yield f"the median code cell has {median} lines, the limit is {MEDIAN_LINES}"
    for what, count, limit in [
        ("code cells", len(lines), MAX_CODE_CELLS),
        ("words", words, MAX_WORDS),
        ("bytes", chapter.size, MAX_BYTES),
    ]:
        if count > limit:
            yield f"the chapter has {count} {what}, the limit is {limit}"


def a_sentence_stands_around_each_result(chapter: Chapter) -> Faults:
    for n, cell in chapter.code:
        if not cell.outputs or set(EXERCISE_TAGS) & set(tags(cell)):
            continue
        before, after = chapter.cells[n - 1], [*chapter.cells, None][n + 1]
        if before.cell_type == "code" and before.outputs:
            yield f"cell {n}: two results in a row, without a sentence between them"
        if after is not None and (after.cell_type == "code" or after.source.startswith("#")):
            yield f"cell {n}: no sentence after the result"


def is_claim(node: ast.AST) -> bool:
    """Whether an expression is true or false."""
    if isinstance(node, ast.Call):
        function = node.func
        return getattr(function, "attr", getattr(function, "id", None)) in TRUTH_CALLS
    negation = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    return negation or isinstance(node, ast.Compare | ast.BoolOp)


def claims_are_asserted(chapter: Chapter) -> Faults:
    for n, cell in chapter.code:
        statements = ast.parse(cell.source).body
        shown = [s.value for s in statements[-1:] if isinstance(s, ast.Expr)]
        calls = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
        shown += [a for c in calls if getattr(c.func, "id", "") == "print" for a in c.args]
        for claim in filter(is_claim, shown):
            yield f"cell {n}: assert this claim instead of showing it: {ast.unparse(claim)}"
        texts = [o.get("text", o.get("data", {}).get("text/plain", "")) for o in cell.outputs]
        for word in re.findall(r"^(?:np\.)?(?:True|False)_?$", "\n".join(texts), re.M):
            yield f"cell {n}: shows a bare {word}; assert it"


def three_questions_have_folded_answers(chapter: Chapter) -> Faults:
    text = chapter.text("Check yourself")
    questions = re.findall(r"^(\d)\. ", text, re.M)
    answers = re.findall(r"^ *:::+\{dropdown\} Answer\n(.*?)^ *:::+$", text, re.M | re.S)
    if questions != ["1", "2", "3"]:
        yield f"'Check yourself' wants questions 1., 2., 3., got {questions}"
    if len(answers) != 3 or any(len(answer.split()) < 5 for answer in answers):
        yield f"'Check yourself' wants 3 folded answers with a reason, got {len(answers)}"


def no_cell_ends_in_a_semicolon(chapter: Chapter) -> Faults:
    for n, cell in chapter.code:
        if cell.source.rstrip().endswith(";"):
            yield f"cell {n}: nbval shows what the ';' hides; write '_ = ...' or plt.show()"


def the_end_equals_the_package(chapter: Chapter) -> Faults:
    code = [cell.source for _, cell in chapter.section("What we built") if "outputs" in cell]
    if chapter.cells[-1].cell_type != "code" or not any("assert " in source for source in code):
        yield "'What we built' must end in a code cell, with an assert"


def figures_have_alt_text(chapter: Chapter) -> Faults:
    for n, cell in chapter.code:
        images = [o for o in cell.outputs if any("image/" in k for k in o.get("data", {}))]
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if images and len(alt.split()) < 4:
            yield f"cell {n}: the figure's alt text must say what it shows, got {alt!r}"


def equations_are_numbered(chapter: Chapter) -> Faults:
    prose = "\n".join(cell.source for _, cell in chapter.prose)
    tagged = re.findall(r"\\tag\{(.+?)\}", prose)
    wanted = [f"{chapter.number}.{k}" for k in range(1, len(tagged) + 1)]
    if tagged != wanted:
        yield f"the equations must be tagged {wanted}, got {tagged}"


RULES: list[Callable[[Chapter], Faults]] = [
    title_names_a_verb,
    box_says_do_learn_need_time,
    sections_come_in_order,
    size_is_within_limits,
    a_sentence_stands_around_each_result,
    claims_are_asserted,
    exercises_have_goal_stub_check_solution,
    three_questions_have_folded_answers,
    no_cell_ends_in_a_semicolon,
    the_end_equals_the_package,
    figures_have_alt_text,
    equations_are_numbered,
]


def faults(chapter: Chapter) -> list[str]:
    """All faults of a chapter, each with the name of its rule."""
    return [f"{fault} [{rule.__name__}]" for rule in RULES for fault in rule(chapter)]
