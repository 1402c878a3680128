"""The verification ledger: its text, its matrix, and when a run fails."""

import json

import pytest

from tinyq import Rounding
from tools.agreement import __main__ as command
from tools.agreement import adapters, report
from tools.agreement.cases import OPERATORS
from tools.agreement.suite import OWN, Pair, Tally, Whole
from tools.agreement.workers import NETWORKS, Result

SETS = {"pytorch"}, {"conv", NETWORKS}


def result(equal: int = 4, cases: int = 4, own: int = 20, refused: int = 0) -> Result:
    rules = {OWN: Tally(equal, 7 * (equal < cases)), "UP": Tally(0, 9)}
    pair = Pair("pytorch", "conv", "FLOAT32", cases, refused, "no" if refused else None, rules)
    return Result("pytorch", "torch 1", [pair], [Whole("pytorch", "RELU", 20, own, 3, 1)])


def ledger(*results: Result, nodes=None) -> dict:
    return report.ledger(results, {"test_conv": True} if nodes is None else nodes, 4, 1)


def test_the_ledger_is_json_with_a_line_a_pair():
    text = report.as_json(ledger(result(), Result("tflite-micro", stopped="not importable: x")))
    read = json.loads(text)
    assert read["pairs"][0]["exact"] is True and read["pairs"][0]["reason"] is None
    assert read["versions"] == {"pytorch": "torch 1"}
    assert read["stopped"] == {"tflite-micro": "not importable: x"}
    assert len([line for line in text.splitlines() if '"operator"' in line]) == 1


def test_an_inexact_pair_has_its_reason():
    pair = ledger(result(equal=3))["pairs"][0]
    assert pair["exact"] is False
    assert pair["reason"] == "FLOAT32 is not its rule: 1 of 4 cases differ, by at most 7."
    pair = ledger(result(equal=0, cases=0, refused=4))["pairs"][0]
    assert (pair["exact"], pair["reason"]) == (False, "The runtime took no case: no.")


def test_shares_never_round_up_to_all():
    pair = result(equal=99_999, cases=100_000).pairs[0]
    assert report.share(pair, OWN) == "99.99 %"
    assert report.share(pair, "UP") == "0.00 %"
    assert report.share(result(equal=1977, cases=2500).pairs[0], OWN) == "79.08 %"
    assert report.share(result().pairs[0], OWN) == "all"
    assert report.share(result(equal=0, cases=0).pairs[0], OWN) == "-"


def test_the_matrix_has_a_table_a_rule_and_the_networks():
    text = report.matrix([result(equal=3)])
    assert "75.00 %" in text.split("\n\n")[0]
    assert [block.splitlines()[0] for block in text.split("\n\n")] == [
        "Cases with every byte equal under each runtime's own setting",
        "Cases with every byte equal under UP",
        "Networks: of 20 images, logits equal under its own setting and under DOUBLE",
    ]


@pytest.mark.parametrize(
    ("new", "lost"),
    [
        (ledger(result()), []),
        (ledger(result(equal=3)), ["conv on pytorch was exact on 4 cases"]),
        (ledger(result(cases=0)), ["conv on pytorch was exact on 4 cases"]),
        (ledger(result(own=19)), ["networks (RELU) on pytorch were exact on 20"]),
        (ledger(result(), nodes={"test_conv": False}), ["ONNX node test test_conv passed"]),
        (
            ledger(Result("pytorch", stopped="died")),
            ["conv on pytorch was exact on 4 cases", "networks (RELU) on pytorch were exact on 20"],
        ),
    ],
)
def test_what_was_exact_must_stay_so(new, lost):
    asked = {"pytorch", "onnxruntime"}, SETS[1]
    assert sorted(report.regressions(new, ledger(result()), *asked)) == sorted(lost)


def test_only_what_was_asked_for_is_expected():
    nothing = ledger(nodes={})
    committed = ledger(result())
    assert report.regressions(nothing, committed, {"tflite-micro"}, set(OPERATORS)) == []
    assert report.regressions(nothing, committed, {"pytorch"}, {"relu"}) == []
    inexact = ledger(result(equal=3, own=19))
    assert report.regressions(nothing, inexact, *SETS) == []


@pytest.fixture
def committed(tmp_path, monkeypatch):
    """A folder with a committed ledger in which all is exact."""
    monkeypatch.chdir(tmp_path)
    command.LEDGER.parent.mkdir()
    command.LEDGER.write_text(report.as_json(ledger(result())))
    return command.LEDGER


@pytest.mark.parametrize("equal", [4, 3])
def test_a_failed_run_leaves_the_committed_ledger_alone(committed, equal, capsys):
    before = committed.read_text()
    options = command.arguments(["--record"])
    code = command.finish(ledger(result(equal=equal)), options)
    assert code == (0 if equal == 4 else 1)
    if code:
        assert "NO LONGER EXACT: conv on pytorch" in capsys.readouterr().err
        assert committed.read_text() == before
        assert json.loads(command.BUILT.read_text())["pairs"][0]["exact"] is False
    else:
        assert json.loads(committed.read_text())["pairs"][0]["exact"] is True
        assert not command.BUILT.exists()


@pytest.mark.parametrize("argv", [[], ["--runtimes", "pytorch"], ["--count", "200"]])
def test_a_run_that_is_not_told_to_leaves_the_record_alone(committed, argv):
    before = committed.read_text()
    assert command.finish(ledger(result()), command.arguments(argv)) == 0
    assert committed.read_text() == before
    assert json.loads(command.BUILT.read_text())["seed"] == 1


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--count", "0"], "--count must be at least 1"),
        (["--images", "3"], "--images at least 10"),
        (["--operators", "convolution"], "invalid choice: 'convolution'"),
        (["--runtimes", "tensorflow"], "invalid choice: 'tensorflow'"),
        (["--record", "--runtimes", "pytorch"], "--record takes a run of every operator"),
        (["--record", "--operators", "conv"], "--record takes a run of every operator"),
    ],
)
def test_bad_arguments_are_refused(argv, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        command.arguments(argv)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("runtime", ["tflite-micro", "pytorch"])
def test_a_run_without_the_wheel_says_so_and_fails(runtime, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "BUILT", tmp_path / "agreement.json")
    try:
        adapters.load(runtime)
    except ImportError:
        wanted, line = 1, f"{runtime}: not importable"
    else:
        wanted, line = 0, "3 of 3 cases equal under forward"
    argv = ["--runtimes", runtime, "--operators", "relu", "--count", "3"]
    assert command.main(argv) == wanted
    assert line in capsys.readouterr().out


def test_every_runtime_has_its_adapter_and_every_rule_its_name():
    from tinyq.runtimes import RUNTIMES

    assert list(adapters.SOURCES) == list(RUNTIMES)
    assert {rounding.name for rounding in Rounding} >= {r.conv.name for r in RUNTIMES.values()}
