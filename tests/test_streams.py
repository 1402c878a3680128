"""Every command with a standard stream that is closed, full, or has no reader."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinyq import export, resnet
from tinyq.__main__ import command_line
from tinyq.export import FORMATS

ROOT = Path(__file__).resolve().parents[1]
ERROR = "python -m tinyq: error: "
(COMMANDS,) = (list(a.choices) for a in command_line()._actions if a.dest == "command")
MODEL = "a model.tflite"
# What a command must be told; the accuracy takes minutes, so `run` below asks for less of it.
ARGUMENTS = {"worksheet": [["--seed", "1"]], "plot": [["--out", "figure.png"]]} | {
    "export": [["--format", kind, "--out", f"net.{kind}"] for kind in FORMATS],
    "open": [[MODEL]],
    "compare": [["seed", "--between", "tflite-micro", "litert-reference"]],
    "requantize": [["--acc", "5523", "--scales", "0.02", "0.003", "0.05"]],
}
CALLS = [[name, *rest] for name in COMMANDS for rest in ARGUMENTS.get(name, [[]])]
WRITING = [["plot", "--out", "figure.png"], ["export", "--format", "npz", "--out", "net.npz"]]
QUICK = (
    "import sys, runpy; from tinyq.analysis import accuracy_table as table;"
    "whole = table.table;"
    "table.table = lambda progress: whole([8], table.METHODS[:1], progress);"
    "runpy.run_module('tinyq', run_name='__main__', alter_sys=True)"
)
calls = pytest.mark.parametrize("call", CALLS, ids=" ".join, indirect=True)
buffering = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """The path of a .tflite, outside the folders that the commands run in."""
    weights, biases, images = resnet.seed()
    path = tmp_path_factory.mktemp("models") / "seed.tflite"
    export.tflite(resnet.stem_block(weights, biases).quantize(images), path)
    return str(path)


@pytest.fixture
def call(request, model) -> list[str]:
    """One of CALLS, with the path of a model."""
    return [model if word == MODEL else word for word in request.param]


def run(call: list[str], streams: str, folder: Path, unbuffered: str = "") -> tuple[int, str, str]:
    """Return exit status, standard output and standard error of a command under a shell's streams.

    streams: what the shell adds to the command, "" for both into pipes.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered}
    shell = ["sh", "-c", f'"$0" -c "$CODE" "$@" {streams}', sys.executable, *call]
    done = subprocess.run(
        shell,
        cwd=folder,
        env=environment | {"CODE": QUICK},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def own(error: str) -> list[str]:
    """Return the lines of standard error without those that count steps."""
    return [line for line in error.splitlines() if not line.startswith("[")]


@calls
def test_a_closed_output_is_one_sentence_and_nothing_is_done(call, tmp_path):
    said = ERROR + "standard output is closed\n"
    assert run(call, ">&-", tmp_path) == (1, "", said)
    assert list(tmp_path.iterdir()) == []


@calls
@buffering
def test_a_full_output_is_one_sentence(call, unbuffered, tmp_path):
    status, out, error = run(call, ">/dev/full", tmp_path, unbuffered)
    assert (status, out) == (1, "")
    assert own(error) == [ERROR + "the output cannot be written: No space left on device"]


@calls
def test_a_reader_that_is_gone_is_no_error_to_read_about(call, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", QUICK, *call],
        cwd=tmp_path,
        env=environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(writing)
    assert (done.returncode, own(done.stderr)) == (1, [])


@pytest.mark.parametrize("streams", ["2>&-", "<&-", "<&- 2>&-"])
@pytest.mark.parametrize("call", [["ledger"], ["accuracy"], *WRITING], ids=" ".join)
def test_other_streams_that_are_closed_change_nothing(call, streams, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir(), other.mkdir()
    want, got = run(call, "", one), run(call, streams, other)
    assert got[:2] == want[:2] and want[0] == 0
    assert contents(other) == contents(one)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("streams", ["2>/dev/full", ">/dev/full 2>/dev/full", ">&- 2>&-"])
@pytest.mark.parametrize(
    "call", [["ledger"], ["accuracy"], ["bench"], ["no command"]], ids=" ".join
)
def test_an_error_that_nobody_can_read_is_still_an_exit_status(call, streams, tmp_path):
    status, _, error = run(call, streams, tmp_path)
    silent = streams == "2>/dev/full" and call == ["ledger"]
    assert (status, error) == (0 if silent else 1, "")
