"""Worksheets to solve on paper: other numbers for every seed, and answers that tinyq computes."""

from tinyq.checks import checked, whole
from tinyq.exercise.bug import bug
from tinyq.exercise.check import check as check_answer
from tinyq.exercise.draw import Draw, Problem
from tinyq.exercise.questions import grids, layers, sums

__all__ = ["Problem", "check", "problems", "sheet"]


@checked
def problems(seed: int) -> list[Problem]:
    """Return the nine problems of a seed, an int.  Raises TypeError for another type.

    >>> problems(1)[4].task
    'A ratio is 3/128. Give its multiplier and its shift.'
    >>> problems(1)[4].answer
    (1610612736, 5)
    """
    draw = Draw(seed)
    return [*grids(draw), *sums(draw), *layers(draw), bug(draw)]


@checked
def check(seed: int, number: int, answer: object) -> bool:
    """Print a sentence on whether the answer to a problem is right; return whether it is.

    number: of the problem on the sheet of that seed, from 1.

    >>> check(1, 5, (1610612736, -5))
    Wrong value at place 1: got -5, want 5.
    False
    """
    sheet = problems(seed)
    whole("number", number, 1, len(sheet))
    return check_answer(answer, sheet[number - 1].answer)


@checked
def sheet(seed: int, answers: bool = False) -> str:
    """Return the worksheet of a seed as text, or its answers."""
    lines = [f"Worksheet {seed}{', answers' if answers else ''}", ""]
    for number, problem in enumerate(problems(seed), 1):
        text = _plain(problem.answer) if answers else problem.task
        lines += [f"{number}. {text}", *([] if answers else [""])]
    return "\n".join(lines).rstrip()


def _plain(answer: object) -> str:
    return ", ".join(map(_plain, answer)) if isinstance(answer, tuple) else str(answer)
