"""Worksheets: solved here from their text alone, with fractions; checked; the same on every run."""

import re
import subprocess
import sys
from fractions import Fraction
from math import floor

import pytest

from tinyq.__main__ import main
from tinyq.exercise import worksheet

SEEDS = [*range(60), -3, 2**40]


def nearest(x: Fraction) -> int:
    """The nearest integer, a half away from zero."""
    return floor(abs(x) + Fraction(1, 2)) * (1 if x >= 0 else -1)


def clamp(code: int) -> int:
    return min(max(code, -128), 127)


def numbers(text: str) -> list[Fraction]:
    return [Fraction(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?:/\d+)?", text)]


def solved(sheet: list[worksheet.Problem]) -> list:
    """The answers that a reader finds who has nothing but the tasks."""
    lo, hi = (numbers(sheet[0].task))[:2]
    scale = (hi - lo) / 255
    zero = nearest(-128 - lo / scale)
    yield scale, zero
    yield tuple(clamp(nearest(x / scale) + zero) for x in numbers(sheet[1].task))
    yield scale * (numbers(sheet[2].task)[0] - zero)
    *rest, bias = numbers(sheet[3].task)
    codes, z, weights = rest[:3], rest[3], rest[4:]
    yield bias + sum(w * (q - z) for w, q in zip(weights, codes, strict=True))
    (ratio,) = numbers(sheet[4].task)
    shift = next(n for n in range(40) if ratio * 2 ** (n + 1) >= 1)
    yield ratio * 2 ** (31 + shift), shift
    acc, ratio, zero = numbers(sheet[5].task)
    assert (acc * ratio).denominator == 2, "this task must be a tie"
    yield clamp(nearest(acc * ratio) + zero)
    _, _, *codes, zero = numbers(sheet[6].task)
    assert sum(codes) % 4 == 2, "this mean must be a tie"
    yield tuple(max(q, zero) for q in codes), max(codes), nearest(Fraction(sum(codes), 4))
    a, a_scale, a_zero, b, b_scale, b_zero, scale, zero = numbers(sheet[7].task)
    total = a_scale * (a - a_zero) + b_scale * (b - b_zero)
    yield clamp(nearest(total / scale) + zero)
    yield odd_one(sheet[8].task)


def odd_one(task: str) -> str:
    """The letter of the wrong answer."""
    zero, *_ = numbers(task)
    wrong = []
    for letter, what, given in re.findall(r"([A-D]): (.+?) gives ([-\d, ]+)[;.]", task):
        asked, given = numbers(what), [int(n) for n in given.split(", ")]
        right = {
            "A": [zero, *asked],
            "B": [max(asked)],
            "C": [nearest(Fraction(sum(asked), 4))],
            "D": [clamp(nearest(asked[0] * asked[-1]) + zero)],
        }[letter]
        wrong += [] if given == right else [letter]
    (one,) = wrong
    return one


@pytest.mark.parametrize("seed", SEEDS)
def test_the_answers_follow_from_the_tasks(seed):
    sheet = worksheet.problems(seed)
    task = sheet[8].task.replace(", with", "")
    assert list(solved(sheet)) == [problem.answer for problem in sheet], task


def test_students_get_different_sheets_with_every_bug():
    sheets = [worksheet.sheet(seed) for seed in SEEDS]
    assert len(set(sheets)) == len(SEEDS)
    assert {worksheet.problems(seed)[8].answer for seed in SEEDS} == set("ABCD")


def test_check_says_what_is_wrong(capsys):
    answer = worksheet.problems(7)[1].answer
    assert worksheet.check(7, 2, answer)
    assert not worksheet.check(7, 2, (*answer[:2], 126))
    assert not worksheet.check(7, 2, ...)
    assert capsys.readouterr().out.splitlines() == [
        "Right.",
        "Wrong value at place 2: got 126, want 127.",
        "Not yet: replace the dots with your answer, then run this cell again.",
    ]


@pytest.mark.parametrize("number", [0, 10])
def test_check_refuses_a_problem_that_is_not_there(number):
    with pytest.raises(ValueError, match=r"number must be an integer in 1\.\.9, got"):
        worksheet.check(7, number, 1)


@pytest.mark.parametrize("seed", [1.0, "1", None, True])
def test_a_seed_is_an_int(seed):
    with pytest.raises(TypeError, match="seed must be an integer, got"):
        worksheet.problems(seed)


def test_the_command_line_prints_sheet_and_answers(capsys):
    assert main(["worksheet", "--seed", "7"]) == 0
    assert main(["worksheet", "--seed", "7", "--answers"]) == 0
    tasks, answers = capsys.readouterr().out.split("Worksheet 7, answers\n")
    assert tasks == worksheet.sheet(7) + "\n" and tasks.startswith("Worksheet 7\n\n1. A tensor was")
    assert [line[:3] for line in answers.split("\n")[1:-1]] == [f"{n}. " for n in range(1, 10)]
    assert answers.rstrip().endswith(worksheet.problems(7)[8].answer)


def test_another_process_draws_the_same():
    code = "from tinyq import worksheet; print(hash(worksheet.sheet(5)) and worksheet.sheet(5))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == worksheet.sheet(5) + "\n"
