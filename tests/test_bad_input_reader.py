"""What a reader types wrong: exercises, worksheets, mutants, the command line."""

import sys

import numpy as np
import pytest
from bad_input import ARRAYS, OBJECTS, arguments_of, public, refuses_all

from tinyq.__main__ import main
from tinyq.affine import Grid
from tinyq.exercise import check, worksheet
from tinyq.mutants import MUTANTS, mutant

BUG = {name: getattr(MUTANTS[0], name) for name in mutant.Mutant.__dataclass_fields__}
CALLS = {
    mutant.Mutant: BUG,
    worksheet.problems: {"seed": 1},
    worksheet.check: {"seed": 1, "number": 1, "answer": 0},
    worksheet.sheet: {"seed": 1, "answers": False},
    check: {"got": 1, "want": 2, "hint": ""},
}
ANY = {"answer", "got", "want"}


@pytest.mark.parametrize(
    ("function", "arguments", "name"), [p for p in arguments_of(CALLS) if p.values[2] not in ANY]
)
def test_each_wrong_value_is_refused_by_name(function, arguments, name):
    refuses_all(function, arguments, name)


def test_no_public_function_is_left_out():
    names = {*public(mutant), *public(worksheet)} - {"breaks"}  # which makes a Mutant
    assert names == {function.__name__ for function in CALLS}


@pytest.mark.parametrize("number", [0, -1, 10, 10**400])
def test_a_problem_that_is_not_there_is_refused(number):
    with pytest.raises(ValueError, match=r"number must be an integer in 1\.\.9"):
        worksheet.check(1, number, 0)


@pytest.mark.parametrize("seed", [0, -1, 10**400, np.int64(7)])
def test_every_integer_is_a_seed(seed):
    assert len(worksheet.problems(seed)) == 9


@pytest.mark.parametrize("attribute", ["", "no_such_function", "__name"])
def test_a_bug_needs_a_place(attribute):
    with pytest.raises(ValueError, match="attribute must be one of .*Grid"):
        mutant.breaks(Grid, attribute, notice="", caught_by=())(lambda: None)


WANTED = [1, 0.5, True, "word", (1, 2.5), ((1,), "a"), np.int8([1, 2]), np.float32([[0.5]]), [1, 2]]


@pytest.mark.parametrize("want", WANTED, ids=repr)
def test_no_answer_is_too_odd_for_a_sentence(want, capsys):
    odd = [*OBJECTS, *ARRAYS, ..., np.array(3), np.array([]), np.zeros((2, 2)), (), (1,), (1, None)]
    for got in odd:
        right = check(got, want)
        sentence = capsys.readouterr().out
        assert sentence.startswith(("Right.",) if right else ("Wrong", "Not yet")), got


COMMANDS = [
    *(["run", f"--tolerance={bad}"] for bad in ("", "x", "nan", "inf", "-inf", "1e999", "-0.1")),
    *(["worksheet", f"--seed={bad}"] for bad in ("", "x", "1.0", "nan", "9" * 5000)),
    *(["plot", f"--out={bad}"] for bad in ("", "parity", "parity.pdf", ".png", "folder/")),
    *(["export", f"--format={bad}", "--out=x"] for bad in ("", "x", "NPZ")),
    *([], ["walk"], ["worksheet"], ["export"], ["export", "--format=npz"], ["run", "more"]),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(words)[:40])
def test_a_wrong_command_line_ends_in_a_sentence_and_status_2(
    command, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage:") and "error:" in said and "Traceback" not in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("net", ["", "no/such/file", ".", "a\0b", "/dev/null", sys.executable])
@pytest.mark.parametrize("kind", ["npz", "c"])
def test_a_network_that_is_none_ends_in_a_sentence_and_status_1(kind, net, capsys, tmp_path):
    assert main(["export", "--format", kind, "--out", str(tmp_path / "out"), "--net", net]) == 1
    assert capsys.readouterr().err.startswith("python -m tinyq export: error: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("out", ["", "a\0b", "."])
def test_a_path_that_is_none_ends_in_a_sentence_and_status_1(out, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "--format", "npz", "--out", out]) == 1
    assert capsys.readouterr().err.startswith("python -m tinyq export: error: ")
    assert not list(tmp_path.iterdir())
