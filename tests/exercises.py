"""The frame's rule for exercises: goal, stub, check, folded solution."""

import re
from itertools import pairwise

from chapter import Chapter, Faults, tags
from nbformat import NotebookNode

from tools.stubs import stub_of

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
    if not (wanted := stub_of(solution.source)):
        yield f"exercise {number}: the solution's function needs the docstring of the stub"
    elif stub.source != wanted:
        yield f"exercise {number}: the stub is not the solution's: run `make sync`"
    if "check(" not in check.source or "Not yet" not in shown_text(check):
        yield f"exercise {number}: the check must call check() and say 'Not yet' to the stub"
    if "assert check(" not in solution.source:
        yield f"exercise {number}: the solution must assert check()"
    if "hide-cell" not in tags(solution):
        yield f"exercise {number}: the solution must be folded, tag hide-cell"


def shown_text(cell: NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)
