"""The frame's rule for exercises: goal, stub, check, folded solution."""

import ast
import re
from itertools import pairwise

from chapter import Chapter, Faults, tags
from nbformat import NotebookNode

EXERCISE_TAGS = ["stub", "check", "solution"]


def exercises_have_goal_stub_check_solution(chapter: Chapter) -> Faults:
    cells = chapter.section("Exercises")
    starts = [n for n, cell in cells if re.search(r"^### ", cell.source, re.M)]
    if not starts:
        yield "there is no exercise"
    for number, (a, b) in enumerate(pairwise([*starts, cells[-1][0] + 1] if cells else []), 1):
        text, code = chapter.cells[a].source, [c for c in chapter.cells[a:b] if "outputs" in c]
        if not re.search(rf"^### Exercise {number}: \w+ .+\n+\*\*Goal\.\*\* \w", text, re.M):
            yield f"cell {a}: wants '### Exercise {number}: Verb ...' and a line '**Goal.** ...'"
        kinds = [tag for cell in code for tag in tags(cell) if tag in EXERCISE_TAGS]
        if kinds != EXERCISE_TAGS or len(code) != len(EXERCISE_TAGS):
            yield f"exercise {number}: wants cells tagged {EXERCISE_TAGS}, got {kinds}"
            continue
        yield from exercise_faults(number, *code)


def exercise_faults(
    number: int, stub: NotebookNode, check: NotebookNode, solution: NotebookNode
) -> Faults:
    """What is wrong with the three cells of one exercise."""
    functions = [f for f in ast.parse(stub.source).body if isinstance(f, ast.FunctionDef)]
    bodies = [[ast.unparse(line) for line in f.body] for f in functions]
    if not bodies or any(len(b) != 2 or b[1] != "return ..." for b in bodies):
        yield f"exercise {number}: the stub's body must be a docstring and `return ...`"
    if "check(" not in check.source or "Not yet" not in shown_text(check):
        yield f"exercise {number}: the check must call check() and say 'Not yet' to the stub"
    defined = re.findall(r"^def (\w+)", solution.source, re.M)
    if any(f.name not in defined for f in functions) or "assert check(" not in solution.source:
        yield f"exercise {number}: the solution must define the stub's function and assert check()"
    if "hide-cell" not in tags(solution):
        yield f"exercise {number}: the solution must be folded, tag hide-cell"


def shown_text(cell: NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)
